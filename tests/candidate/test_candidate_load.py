import sys

import pytest

from parity.candidate.load import load_candidate, split_name
from parity.errors import InputError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    return tmp_path


def test_file(folder):
    (folder / "helper_of_steps.py").write_text("value = 3\n")
    path = folder / "steps.py"
    path.write_text(
        "from helper_of_steps import value\nclass A:\n    b = value\n"
        "from dataclasses import dataclass\n@dataclass\nclass C:\n    x: int = 1\n"
    )
    assert load_candidate(f"{path}:A.b") == 3
    assert load_candidate(f"{path}:C").x == 1
    assert load_candidate(str(path)).value == 3


def test_two_files_of_the_same_name(folder):
    for name in ("one", "two"):
        (folder / name).mkdir()
        (folder / name / "steps.py").write_text(f"me = {name!r}\n")
    assert load_candidate(f"{folder}/one/steps.py:me") == "one"
    assert load_candidate(f"{folder}/two/steps.py:me") == "two"


def test_module(folder):
    (folder / "module_of_steps.py").write_text("crop = len\n")
    assert load_candidate("module_of_steps:crop") is len
    assert load_candidate("parity.steps.crop").__name__ == "parity.steps.crop"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a.b:c.d", ("a.b", ":", "c.d")),
        ("a.py", ("a.py", "", "")),
        ("C:\\a.py", ("C:\\a.py", "", "")),
        ("C:\\a.py:b", ("C:\\a.py", ":", "b")),
    ],
)
def test_split(text, parts):
    assert split_name(text) == parts


@pytest.mark.parametrize(
    ("text", "content", "message"),
    [
        ("nowhere.py:a", None, "no such file"),
        ("steps.py:b", "a = 1\n", "has no 'b'; it has a"),
        ("steps.py:b", "_a = 1\n", "no public names"),
        ("steps.py:a", "1 / 0\n", "cannot be imported: ZeroDivisionError.*line 1"),
        ("steps.py:a", "\n\nimport not_there\n", "ModuleNotFoundError.*line 3"),
        ("steps.py:a", "def broken(:\n", "SyntaxError"),
        ("steps.py:a", "raise SystemExit(2)\n", "SystemExit"),
        ("module_nowhere:a", None, "no such module"),
        ("module_nowhere.inner:a", None, "no such module"),
        (":a", None, "give module:object"),
    ],
)
def test_refused(folder, text, content, message):
    if content is not None:
        (folder / "steps.py").write_text(content)
    with pytest.raises(InputError, match=message):
        load_candidate(text)


def test_missing_import_of_a_module_is_not_called_missing_itself(folder):
    (folder / "module_with_gap.py").write_text("import not_there\n")
    with pytest.raises(InputError, match=r"module_with_gap: cannot be imported.*not_there"):
        load_candidate("module_with_gap:a")
