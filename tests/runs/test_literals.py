"""Python configs as data: what is understood, what is refused, and what must not exhaust us."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity.errors import RunFormatError
from parity.runs.config import parse_config
from parity.runs.facts import Unknown
from tests.runs.builders import memory


def values(text):
    return parse_config(text, file="c.py").values


UNDERSTOOD = {
    "a = dict(b=1, **{'c': 2})": {"b": 1, "c": 2},
    "a = [int(512 * x * 0.1) for x in range(5, 8)]": [256, 307, 358],
    "a = [1.0] * 3 + [0.1]": [1.0, 1.0, 1.0, 0.1],
    "d = [2, 6]\na = {f'{i}.{j}': n for i, n in enumerate(d) for j in range(2)}": {
        "0.0": 2,
        "0.1": 2,
        "1.0": 6,
        "1.1": 6,
    },
    "a = dict(x=1)\na.update({'y': 2}, z=3)": {"x": 1, "y": 2, "z": 3},
    "b = dict(x=dict(y=[1]))\nb['x']['y'][0] = 5\na = b['x']": {"y": [5]},
    "b = [1]\na = b\nb += [2]": [1, 2],
    "b = dict(x=1)\na = b\ndel b['x']": {},
    "a, b = 1, 2": 1,
    "a = -1 if len('ab') > 1 else None": -1,
    "a = (1, *[2, 3])[1:]": (2, 3),
    "a = 'x' in ['x'] and not 0": True,
    "a: int = max(1, 2) + sum([1, 2]) - abs(-1) // 1 % 2": 4,
    "import os.path\na = 1": 1,
    "a = 1e-4 ** 2": 1e-8,
    "a = inf": float("inf"),
    "a = [x for x in range(6) if x % 2]": [1, 3, 5],
}


@pytest.mark.parametrize("text", UNDERSTOOD)
def test_literals_are_worth_what_python_says(text):
    assert values(text)["a"] == UNDERSTOOD[text]


literal = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(literal)
def test_any_literal_is_what_it_prints(value):
    assert repr(values(f"a = {value!r}")["a"]) == repr(value)


UNKNOWN = {
    "import os\n\na = os.environ['X']": (3, "os"),
    "from os import system\na = system('true')": (2, "system"),
    "import torch\na = torch.ones(3)": (2, "ones"),
    "a = __import__('os').system('true')": (1, "call"),
    "a = open('/etc/passwd').read()": (1, "call"),
    "a = eval('1')": (1, "eval"),
    "a = ().__class__": (1, "__class__"),
    "a = '{0.__class__}'.format(1)": (1, "format"),
    "a = '%s' % 1": (1, "Mod"),
    "a = f'{1:>9999999999}'": (1, "format specification"),
    "a = lambda: 1": (1, "Lambda"),
    "a = unknown": (1, "unknown"),
    "max = 1\na = max(1, 2)": (2, "max"),
    "a = tensor([1.0, 2.0], device='cuda:0')": (1, "tensor"),
    "a = array([1, 2])": (1, "array"),
    "a = <function f at 0x7f3e>": (1, "______"),
    "a = <mmseg.models.Head object at 0x7F>": (1, "______"),
    "a = <class 'torch.nn.ReLU'>": (1, "______"),
    "a = <bound method A.f of <x.A object at 0x1>>": (1, "______"),
    # Whatever is computed from what is not known.
    "b = f()\na = b + 1": (1, "`f`"),
    "b = f()\na = [x for x in b]": (1, "`f`"),
    "b = f()\na = -b if b else 2": (1, "`f`"),
    "b = f()\na = b or 2": (1, "`f`"),
    "b = f()\na = max(1, b)": (1, "`f`"),
    "b = f()\na = max([1, b])": (1, "`f`"),
    "b = f()\na = list(b)": (1, "`f`"),
    "b = f()\na = f'{b}'": (1, "`f`"),
    "b = f()\na = b[0].c": (1, "`f`"),
    "b = f()\na = 1 in [2, b]": (1, "`f`"),
    "b = f()\na = dict(**b)": (1, "`f`"),
    "b = f()\na = {b: 1}": (1, "`f`"),
    "b = f()\na = 1\na += b": (1, "`f`"),
    "b = f()\na = b\na += 1": (1, "`f`"),
}


@pytest.mark.parametrize("text", UNKNOWN)
def test_a_value_that_only_running_could_tell_is_unknown_by_itself(text):
    line, word = UNKNOWN[text]
    config = parse_config(f"{text}\nc = dict(d=1)\n", file="c.py")
    assert isinstance(config.get("a"), Unknown)
    assert config.get("c") == {"d": 1}
    assert any(f"c.py:{line}: needs execution" in note and word in note for note in config.notes)
    fact = config.fact("a")
    assert (fact.known, "needs execution" in fact.note) == (False, True)


def test_what_holds_an_unknown_value_is_known_but_for_it():
    text = "a = dict(x=[1, f()], y=g.h)\na.update(z=lambda: 1)\nb = [f()]\nb.append(2)\nc = len(b)"
    config = parse_config(text, file="c.py")
    assert config.get("a", "x", 0) == 1
    assert [type(config.get("a", *path)) for path in [("x", 1), ("y",), ("z",)]] == [Unknown] * 3
    assert (config.get("b", 1), config.get("c")) == (2, 2)
    unknown = config.get("a", "x", 1)
    assert (unknown.text, unknown.source.line) == ("f()", 1)
    assert unknown not in [parse_config(text, file="c.py").get("a", "x", 1), 1]
    assert unknown != unknown  # noqa: PLR0124 - equal to nothing


def test_a_text_that_only_looks_like_an_object_stays_a_text():
    text = "a = '<function f at 0x7f>'\nb = <function g at 0x7f>  # <class 'x'>\nc = 2"
    config = parse_config(text, file="c.py")
    assert config.get("a") == "<function f at 0x7f>"
    assert config.get("b").text == "<function g at 0x7f>"
    assert config.get("c") == 2


REFUSED = {
    "from os import *": (1, "import"),
    "from .x import y": (1, "relative import"),
    "if True:\n    a = 1": (1, "If"),
    "a = 1\nfor x in [1]:\n    a = x": (2, "For"),
    "def f():\n    return 1\na = f()": (1, "FunctionDef"),
    "with read_base():\n    from .x import *": (1, "With"),
    "import os\nos.system('true')": (2, "os"),
    "a = f()\na.b = 1": (2, "`f`"),
    "a = f()\nb, c = a": (2, "`f`"),
    "a = [1]\na += f()": (2, "`f`"),
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_only_running_could_tell_says_so_with_the_line(text):
    line, word = REFUSED[text]
    with pytest.raises(RunFormatError, match="needs execution") as caught:
        values(text)
    assert f"c.py:{line}:" in str(caught.value)
    assert word in str(caught.value)


WRONG = ["a = [1][5]", "a = {}['x']", "a = 1 / 0", "a = 1 + 'x'", "a = {[]: 1}", "a = (", "a = 1 2"]


@pytest.mark.parametrize("text", WRONG)
def test_what_python_refuses_too_is_no_config(text):
    with pytest.raises(RunFormatError, match=r"not a valid config|not a Python config"):
        values(text)


BOMBS = [
    "a = 10 ** 10 ** 10",
    "a = 2 ** 100000",
    "a = 'x' * 10 ** 9",
    "a = [0] * 10 ** 9",
    "a = range(10 ** 12)",
    "a = [[0] * 100000 for x in range(100000)]",
    "a = [list(range(100000)) for x in range(100000)]",
    "a = [0 for x in range(1000) for y in range(1000) for z in range(1000) for w in range(1000)]",
    "\n".join(["a = [0]", *["a = a + a"] * 60]),
    "\n".join(["a = [0]", *["a += a"] * 60]),
    "\n".join(["a = [0]", *["a.extend(a)"] * 60]),
    # Shared references: 10 ** 20 values in 200 objects.
    "\n".join(["a = [0]", *["a = [a] * 10"] * 20]),
    "\n".join(["a = [0]", *["a = [a] * 10"] * 20, "b = str(a)"]),
    "\n".join(["a = [0]", *["a = [a] * 10"] * 20, "b = f'{a}'"]),
    "\n".join(["a = (0,)", *["a = (a,) * 10"] * 20, "b = {a: 1}"]),
    "\n".join(["a = (0,)", *["a = (a,) * 10"] * 20, "b = dict()", "c = b.get(a)"]),
    "\n".join(["a = [0]", "b = [0]", *["a = [a] * 9\nb = [b] * 9"] * 20, "c = a == b"]),
    "\n".join(["a = [0]", "b = [0]", *["a = [a] * 9\nb = [b] * 9"] * 20, "c = max([a, b])"]),
    "a = " + "[" * 5000 + "]" * 5000,
    "a = " + "-" * 50000 + "1",
    "a = 1" + " + 1" * 20000,
    "x" * (1 << 17) + " = " + "{{$a:" * (1 << 15),
    "x = {{$A:" + " " * 200_000,
    "a = round(5, -10**9)",
    "L = list(range(200000))\na = [x for x in range(200000) if x in L]",
    "L = list(range(200000))\na = [0.5 in range(200000) for x in L]",
    "a = list(zip(*[range(200000)] * 1000))",
    "a = [len(zip(*[range(200000)] * 100)) for x in range(1000)]",
    "a = 0x" + "f" * 20_000,
    "a = " + "9" * 20_000,
    "a = int('f' * 20000, 16)",
    "a = {i * (2 ** 61 - 1): 0 for i in range(1, 100000)}",
    "a = {complex: 1}\n" + "\n".join(["a = dict(a=a)"] * 300),
    "\n".join(["a = (0,)", *["a = (a,) * 10"] * 20, "b = dict([(a, 1)])"]),
    "a = dict(x=[0] * 3000)\n" + "a.merge(a)\n" * 20_000,
    "a = [0] * 190000\n" + "\n".join(["del a[0]"] * 20_000),
    # A path of 90 keys to each of 200,000 others.
    "a = {i: 1 for i in range(90000)}\n" + "a = dict(a=a)\n" * 90,
    # One line, whose text must not be kept once per key.
    "a = dict(" + ", ".join(f"k{i}=f()" for i in range(60_000)) + ")\nb = [a] * 20\nc = [b] * 20",
]


@pytest.mark.parametrize("text", BOMBS, ids=range(len(BOMBS)))
def test_a_bomb_is_refused_at_once(text):
    start = time.process_time()
    with memory(1 << 30), pytest.raises(RunFormatError) as caught:
        values(text)
    # Python's parser calls it so when a text is nested too deeply.
    assert not isinstance(caught.value.__cause__, MemoryError) or text[4] in "[-"
    assert time.process_time() - start < 10


def test_the_text_of_a_long_line_is_not_kept_for_each_of_its_keys():
    with memory(1 << 30):
        config = parse_config(
            f"a = dict({', '.join(f'k{i}=f()' for i in range(40_000))})", file="c"
        )
    assert len(config.source("a", "k7").text) <= 300
    assert config.get("a", "k7").text == "f()"


def test_every_key_has_the_place_it_was_written_at():
    config = parse_config("a = dict(\n    b=1,\n    c=[dict(d=2)])\ne = a\n", file="x.py")
    assert config.source("a", "b").line == 2
    assert config.source("a", "c", 0, "d").text == "c=[dict(d=2)])"
    assert config.source("e", "b").line == 2
    assert config.source("a", "nothing", "there").line == 1
    assert config.fact("a", "b").value == 1
    assert config.get("a", "c", 0, "d") == 2
    assert config.get("a", "b", "c") is None
    assert config.get("a", "c", 7) is None


def test_a_printed_config_keeps_the_line_numbers_of_its_log():
    text = "\na = dict(\n    b=1)\nerror in ms_deformable_im2col_cuda: no kernel image\nc = 2"
    config = parse_config(text, file="x.log", line=100)
    assert config.source("a", "b").line == 102
    assert config.source("c").line == 104
