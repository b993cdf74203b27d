"""Inheritance, and equality with mmengine on every config that mmseg ships."""

import json
import math
import time

import pytest
import yaml

from parity.errors import RunFormatError
from parity.runs.config import installed_configs, read_config
from parity.runs.facts import Unknown
from tests.runs.builders import live, memory, write


def test_a_child_overrides_its_bases(tmp_path):
    write(tmp_path / "configs/_base_/a.py", "model = dict(x=dict(p=1, q=2), y=1)\nn = [1]")
    child = "_base_ = ['../_base_/a.py']\nmodel = dict(x=dict(q=3), z=4)\nn = [2]"
    config = read_config(write(tmp_path / "configs/m/b.py", child))
    assert config.values == {"model": {"x": {"p": 1, "q": 3}, "y": 1, "z": 4}, "n": [2]}
    assert config.source("model", "x", "p").file == "_base_/a.py"
    assert config.source("model", "x", "q").line == 2


def test_delete_drops_what_the_base_had_and_its_places(tmp_path):
    write(tmp_path / "m/a.py", "o = dict(t='SGD', lr=1)")
    text = "_base_ = './a.py'\nx = dict(t='Adam')\no = dict(_delete_=True, opt=x)"
    config = read_config(write(tmp_path / "m/b.py", text))
    assert config.values == {"x": {"t": "Adam"}, "o": {"opt": {"t": "Adam"}}}
    assert config.source("o", "opt", "t").line == 2
    assert config.source("o", "lr").line == 3


def test_delete_stays_where_there_is_nothing_to_delete(tmp_path):
    # As mmengine leaves it.
    config = read_config(write(tmp_path / "a.py", "o = dict(_delete_=True, t=1)"))
    assert config.values == {"o": {"_delete_": True, "t": 1}}


def test_base_variables_in_both_spellings(tmp_path):
    write(tmp_path / "m/a.py", "s = (4, 5)\nmodel = dict(w=3, k=[dict(a=1)])")
    text = (
        "_base_ = ['./a.py']\nt = {{ _base_.s }}\nu = [{{_base_.model.w}}]\n"
        "v = _base_.model.w + 1\n_base_.model.k[0].a = 9\nw = {'x': {{_base_.model}}}"
    )
    config = read_config(write(tmp_path / "m/b.py", text))
    assert (config.values["t"], config.values["u"], config.values["v"]) == ((4, 5), [3], 4)
    assert config.values["model"] == {"w": 3, "k": [{"a": 9}]}
    assert config.values["w"]["x"]["w"] == 3


def test_names_of_the_file_itself_are_filled_in(tmp_path):
    text = "work_dir = 'work/{{ fileBasenameNoExtension }}{{ fileExtname }}'"
    assert read_config(write(tmp_path / "cfg.py", text)).values == {"work_dir": "work/cfg.py"}


def test_what_only_the_run_knew_is_noted(tmp_path):
    text = "a = '{{ fileDirname }}'\nb = '{{$ROOT:/data}}/x'"
    config = read_config(write(tmp_path / "cfg.py", text))
    assert config.values["b"] == "/data/x"
    assert "not resolvable" in config.notes[0]
    assert "default" in config.notes[1]
    with pytest.raises(RunFormatError, match=r"cfg.py:2: needs execution.*ROOT"):
        read_config(write(tmp_path / "cfg.py", "\nb = '{{$ROOT:}}'"))


def test_a_base_is_found_in_the_run_first_and_in_the_configs_root_second(tmp_path):
    root = tmp_path / "configs"
    write(root / "_base_/x.py", "where = 'root'")
    write(root / "m/parent.py", "_base_ = '../_base_/x.py'\nparent = 1")
    copied = write(tmp_path / "run/copied.py", "_base_ = ['./parent.py']")
    assert read_config(copied, tree=tmp_path / "run", configs_root=root).values["where"] == "root"
    write(tmp_path / "run/parent.py", "where = 'run'")
    assert read_config(copied, tree=tmp_path / "run", configs_root=root).values["where"] == "run"


@pytest.mark.parametrize("base", ["../../secret.py", "/etc/hostname", "{}/secret.py", "none.py"])
def test_a_base_outside_is_not_read(tmp_path, base):
    write(tmp_path / "secret.py", "password = 1")
    text = f"_base_ = {base.format(tmp_path)!r}"
    path = write(tmp_path / "run/a/cfg.py", text)
    with pytest.raises(RunFormatError, match="neither in the run nor"):
        read_config(path, tree=tmp_path / "run", configs_root=tmp_path / "empty")


def test_a_link_out_of_the_run_is_no_base(tmp_path):
    write(tmp_path / "secret.py", "password = 1")
    path = write(tmp_path / "run/cfg.py", "_base_ = 'link.py'")
    (tmp_path / "run/link.py").symlink_to(tmp_path / "secret.py")
    with pytest.raises(RunFormatError, match="neither in the run nor"):
        read_config(path, tree=tmp_path / "run", configs_root=tmp_path / "empty")


BROKEN = {
    "itself": ("_base_ = './cfg.py'", "inherits from itself"),
    "twice": ("_base_ = ['a.py', 'b.py']", "two bases both define x"),
    "types": ("_base_ = 'a.py'\n\nx = dict(y=1)", r"cfg.py:3: 'x' is a dict here and a int"),
    "unknown variable": ("_base_ = 'a.py'\ny = {{ _base_.z }}", "define no 'z'"),
    "no path": ("_base_ = [1]", "`1`, not a path"),
    "what only running it could tell": ("_base_ = [a()]", r"`a\(\)`, not a path"),
    "nulls": ("a = 1\0", "not a"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_inheritance_says_what_is_wrong(tmp_path, name):
    text, reason = BROKEN[name]
    write(tmp_path / "a.py", "x = 1")
    write(tmp_path / "b.py", "x = 2")
    with pytest.raises(RunFormatError, match=reason):
        read_config(write(tmp_path / "cfg.py", text), configs_root=tmp_path / "empty")


def test_other_formats(tmp_path):
    write(tmp_path / "a.json", json.dumps({"m": {"x": 1, "y": 2}}))
    config = read_config(write(tmp_path / "b.yaml", yaml.dump({"_base_": "a.json", "m": {"x": 3}})))
    assert config.values == {"m": {"x": 3, "y": 2}}
    bomb = "a: &a [0,0,0,0,0,0,0,0,0]\n" + "".join(
        f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n"
        for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    for text in (bomb, "!!python/object/apply:os.system ['true']", "- 1"):
        with pytest.raises(RunFormatError):
            read_config(write(tmp_path / "c.yaml", text))


def same(left, right):
    """Equal in value and type, NaN to NaN."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    both_nan = isinstance(left, float) and math.isnan(left) and math.isnan(right)
    return left == right or both_nan


def test_same_tells_types_apart():
    assert same({"a": [1, (2.0,)]}, {"a": [1, (2.0,)]})
    for other in ({"a": [1, [2.0]]}, {"a": [True, (2.0,)]}, {"a": [1, (2,)]}, {"a": [1]}, {}):
        assert not same({"a": [1, (2.0,)]}, other)


def shipped(*, ade20k):
    root = installed_configs()
    files = sorted(root.rglob("*.py")) if root else []
    runnable = [path for path in files if "_base_" not in path.parts]
    return [path for path in runnable if ("ade20k" in path.name) is ade20k]


@pytest.mark.live
@pytest.mark.parametrize("ade20k", [True, False], ids=["ade20k", "others"])
def test_every_shipped_config_reads_as_mmengine_executes_it(ade20k):
    mmengine = live("mmengine.config")
    files = shipped(ade20k=ade20k)
    # The others are over 500; every eighth of them is enough for each kind of file.
    files = files if ade20k else files[::8]
    assert files
    different = []
    for path in files:
        executed = mmengine.Config.fromfile(path, import_custom_modules=False)._cfg_dict.to_dict()
        if not same(dict(read_config(path).values), executed):
            different.append(path.name)
    assert different == []


@pytest.mark.live
@pytest.mark.parametrize(
    "text",
    [
        "_base_ = './base.py'\nm = dict(x=dict(_delete_=True, q=1, r=dict(_delete_=True, s=1)))",
        "_base_ = './base.py'\nm = dict(new=dict(_delete_=True, q=1))",
        "_base_ = './base.py'\na = {{_base_.m}}\nb = {{_base_.m.x}}\nb2 = [{{_base_.n}}]",
        "_base_ = ['./base.py']\nk = dict(a=1)\nm = dict(x=k, z=k)\nk.update(b=2)",
        "_base_ = './base.py'\n_base_.m.x.p = 9\nn = _base_.n + [5]",
        "_base_ = 'mmseg::_base_/schedules/schedule_20k.py'\noptimizer = dict(lr=0.02)",
        "_base_ = 'mmdet::_base_/default_runtime.py'\nm = _base_.default_hooks",
        "a = 'x/{{ fileBasenameNoExtension }}'\nb = {{'$NOT_SET:80'}}\nc = '{{$NOT_SET:/d}}/e'",
        "_base_ = './base.py'\nd = dict(p=7)\n_base_.m.update(x=dict(p=5), w=d)\nd.update(p=8)",
        "_base_ = './base.py'\nd = dict(p=7)\n_base_.m.x = d\nd['p'] = 8\n_base_.m.x.update(q=d)",
        "_deprecation_ = dict(expected='x.py')\na = 1\n__b = 2\n_c = 3",
    ],
)
def test_the_rules_of_inheritance_are_those_of_mmengine(tmp_path, text, monkeypatch, recwarn):
    mmengine = live("mmengine.config")
    monkeypatch.delenv("NOT_SET", raising=False)
    write(tmp_path / "m/base.py", "m = dict(x=dict(p=1, r=dict(s=0, t=1)), y=1)\nn = [1, 2]")
    path = write(tmp_path / "m/cfg.py", text)
    executed = mmengine.Config.fromfile(path)._cfg_dict.to_dict()
    assert same(dict(read_config(path).values), executed)


LAZY = {
    "names": "with read_base():\n    from .._base_.models.m import *\n"
    "    from ..other import x as z, n\n",
    "update": "with read_base():\n    from .._base_.models.m import *\n"
    "model.update(dict(head=dict(type=FCNHead, n=3)))\nmodel['backbone']['depth'] = 101\n",
    "merge": "with read_base():\n    from .._base_.models.m import model\n"
    "model.merge(dict(backbone=dict(depth=7), head=dict(_delete_=True, a=1), new=[FCNHead]))\n",
    "types": "import torch.nn as nn\nimport mmseg.models\nfrom torch.optim import SGD as Opt\n"
    "a = dict(type=nn.ReLU)\nb = [mmseg.models.decode_heads.FCNHead, Opt]\nc = (FCNHead,)\n",
    "attributes": "with read_base():\n    from .._base_.models.m import *\n"
    "model.backbone.depth = 5\nlr = model.backbone.depth * 2\n",
    "nested": "with read_base():\n    from ..middle import *\nmodel.head.n = 9\n",
}


@pytest.mark.live
@pytest.mark.parametrize("name", LAZY)
def test_pure_python_configs_read_as_mmengine_executes_them(tmp_path, name):
    mmengine = live("mmengine.config")
    write(
        tmp_path / "c/_base_/models/m.py",
        "from mmseg.models import EncoderDecoder\nfrom mmseg.models.backbones import ResNet\n"
        "norm_cfg = dict(type='BN')\n_hidden = 1\n"
        "model = dict(type=EncoderDecoder, backbone=dict(type=ResNet, depth=50, norm_cfg=norm_cfg),"
        " head=dict(n=1, norm_cfg=norm_cfg))\n",
    )
    write(tmp_path / "c/other.py", "x = [1, (2, 3)]\nn = None\nmore = 1\n")
    middle = "from mmengine.config import read_base\nwith read_base():\n"
    middle += "    from ._base_.models.m import *\n"
    write(tmp_path / "c/middle.py", f"{middle}model.merge(dict(backbone=dict(depth=18)))\ny = 1\n")
    text = "from mmengine.config import read_base\nfrom mmseg.models import FCNHead\n" + LAZY[name]
    path = write(tmp_path / "c/fcn/cfg.py", text)
    executed = mmengine.Config.fromfile(path, lazy_import=True).to_dict()
    executed.pop("read_base", None)
    config = read_config(path)
    assert config.notes == ()
    assert same(dict(config.values), executed)


@pytest.mark.parametrize("module", ["...secret", "._base_.none", "mmseg.no.such", "os.path"])
def test_an_import_of_what_is_no_config_of_the_run_is_refused(tmp_path, module):
    write(tmp_path / "secret.py", "password = 1")
    text = f"with read_base():\n    from {module} import *"
    path = write(tmp_path / "run/a/cfg.py", text)
    with pytest.raises(RunFormatError, match=r"neither in the run nor|no config of a known"):
        read_config(path, tree=tmp_path / "run", configs_root=tmp_path / "empty")


@pytest.mark.parametrize(
    "base",
    [
        "../../mmsegmentation/configs/_base_/models/fcn.py",
        "./configs/_base_/models/fcn.py",
        "../configs/_base_/models/fcn.py",
        "/home/somebody/mmsegmentation/configs/_base_/models/fcn.py",
    ],
)
def test_a_base_in_a_checkout_that_is_not_there_is_found_by_its_end(tmp_path, base):
    write(tmp_path / "configs/_base_/models/fcn.py", "model = 1")
    path = write(tmp_path / "run/cfg.py", f"_base_ = [{base!r}]")
    config = read_config(path, tree=tmp_path / "run", configs_root=tmp_path / "configs")
    assert config.values == {"model": 1}


def test_what_is_unknown_in_a_base_stays_so_and_the_rest_is_merged(tmp_path):
    write(tmp_path / "m/a.py", "m = dict(x=f(), y=g(), z=1)\nn = h()")
    text = "_base_ = './a.py'\nm = dict(x=2, y=dict(p=1), z=3)\nk = {{_base_.n}}"
    config = read_config(write(tmp_path / "m/b.py", text))
    assert (config.get("m", "x"), config.get("m", "z")) == (2, 3)
    assert {type(config.get(*path)) for path in [("m", "y"), ("n",), ("k",)]} == {Unknown}
    assert [note.partition("value ")[2][:5] for note in config.notes] == ["`g()`", "`h()`"]


HOSTILE_YAML = {
    "bool": "a: !!bool maybe",
    "int": 'a: !!int ""',
    "timestamp": "a: !!timestamp foo",
    "float": "a: !!float x",
    "digits": f"a: {'9' * 20_000}",
    "colons": f"a: 1{':59' * 20_000}",
    "hexadecimal": f"a: 0x{'f' * 20_000}",
    "merge": "k0: &k0 {x: 1}\n"
    + "".join(f"k{i}: &k{i} {{<<: [*k{i - 1}, *k{i - 1}], y{i}: 1}}\n" for i in range(1, 29)),
    "long": "[" + "0," * 500_000 + "0]",
    "deep": "[" * 100_000,
    "key": "? [1, 2]\n: 3\n? {a: 1}\n: 2",
}


@pytest.mark.parametrize("name", HOSTILE_YAML)
def test_hostile_yaml_is_refused_at_once(tmp_path, name):
    path, start = write(tmp_path / "a.yaml", HOSTILE_YAML[name]), time.process_time()
    with memory(1 << 30), pytest.raises(RunFormatError) as caught:
        read_config(path)
    assert not isinstance(caught.value.__cause__, MemoryError)
    assert time.process_time() - start < 10


@pytest.mark.parametrize("digits", ["9" * 20_000, "9" * 3_000])
def test_an_integer_of_thousands_of_digits_is_no_setting(tmp_path, digits):
    for name in ("a.py", "a.json", "a.yaml"):
        text = f"a = {digits}" if name == "a.py" else f'{{"a": {digits}}}'
        with pytest.raises(RunFormatError):
            read_config(write(tmp_path / name, text))


@pytest.mark.parametrize("base", ["x" * 300 + ".py", "x/" * 3000 + "y.py", "a\0b.py"])
def test_a_base_that_no_file_can_be_called_is_not_found(tmp_path, base):
    path = write(tmp_path / "a.json", json.dumps({"_base_": base}))
    with pytest.raises(RunFormatError, match="neither in the run nor"):
        read_config(path)


def test_the_work_of_all_bases_counts_together(tmp_path):
    for index in range(40):
        write(tmp_path / f"m/b{index}.py", f"x{index} = [0] * 190000")
    bases = [f"b{index}.py" for index in range(40)]
    path, start = write(tmp_path / "m/cfg.py", f"_base_ = {bases}"), time.process_time()
    with memory(1 << 30), pytest.raises(RunFormatError):
        read_config(path)
    assert time.process_time() - start < 10


def test_a_config_of_a_checkout_reaches_the_bases_above_its_folder(tmp_path):
    write(tmp_path / "configs/_base_/models/x.py", "model = dict(p=1)")
    path = write(tmp_path / "configs/x/b0/x_b0.py", "_base_ = '../../_base_/models/x.py'")
    assert read_config(path).get("model", "p") == 1
