"""Find the object a user names as ``module:object`` or ``file.py:object``.

This imports the user's code, as the user asks for; nothing else that is read
from a user's files is ever executed.
"""

import hashlib
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from parity.errors import InputError


def load_candidate(text: str) -> Any:
    """The object that `text` names; without ``:object``, the module itself.

    The current folder can be imported from, and so can the folder of a file.
    Raises InputError when there is no such module, file or object, and when
    the code raises while it is imported.
    """
    where, _, name = split_name(text)
    if not where:
        raise InputError(f"--candidate {text}: give module:object or file.py:object")
    module = _import_file(Path(where)) if where.endswith(".py") else _import_module(where)
    found: Any = module
    for part in name.split(".") if name else []:
        if not hasattr(found, part):
            public = ", ".join(key for key in vars(module) if not key.startswith("_"))
            raise InputError(f"{where}: has no {name!r}; it has {public or 'no public names'}")
        found = getattr(found, part)
    return found


def split_name(text: str) -> tuple[str, str, str]:
    """``C:\\steps.py`` holds a colon that separates no object."""
    where, colon, name = text.rpartition(":")
    if not colon or "/" in name or "\\" in name or name.endswith(".py"):
        return text, "", ""
    return where, colon, name


def _import_module(name: str) -> ModuleType:
    _import_from(Path.cwd())
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise InputError(
                f"{name}: no such module; install it, run parity in its folder, or give file.py"
            ) from error
        raise InputError(f"{name}: {_reason(error)}") from error
    except (Exception, SystemExit) as error:  # a user's code may raise anything at import
        raise InputError(f"{name}: {_reason(error)}") from error


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise InputError(f"{path}: no such file; give the path of a Python file, then :object")
    _import_from(path.resolve().parent)
    name = f"{path.stem}_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # every .py file has one
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look their module up
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise InputError(f"{path}: {_reason(error)}") from error
    return module


def _import_from(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _reason(error: BaseException) -> str:
    trace = error.__traceback__
    line = 0
    while trace is not None:
        line, trace = trace.tb_lineno, trace.tb_next
    text = f"cannot be imported: {type(error).__name__}: {error} (line {line})"
    if isinstance(error, ImportError) and (error.name or "").partition(".")[0] == "parity":
        return f"{text}; this version has no such name: parity steps lists every step and its file"
    return f"{text}; make it import on its own first"
