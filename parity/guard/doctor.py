"""Whether this environment can train with mmsegmentation; one file, nothing but Python needed.

    python doctor.py [--data ROOT] [--gpu X.Y] [--json]

Runs on Python 3.8 and torch 1.10 upwards. Packages are read, never imported: an mmcv that crashes
when it is imported is what this looks for. Only torch is imported, and the compiled ops loaded,
each in a process of its own with a time limit. Exit codes: 0 no error, 1 an error, 2 wrong usage.
"""

# One file, so that it can be copied into any environment, and Python 3.8: no `match`, no `X | Y`
# outside annotations, no import of this package.

from __future__ import annotations

import argparse
import ast
import importlib.machinery
import importlib.metadata
import json
import os
import re
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

FORMAT = 1
OK, WARNING, ERROR = "ok", "warning", "error"
WIDTH, HEIGHT = 80, 30
TIME_LIMIT = 120.0  # seconds; a first import of torch from a network disk takes more than one
GITHUB = "https://github.com/open-mmlab"
MMCV_TOO_NEW = GITHUB + "/mmsegmentation/issues/3729"
NO_KERNEL = GITHUB + "/mmsegmentation/issues/3548"
NO_OPS = GITHUB + "/mmcv/issues/2059"
NO_PKG_RESOURCES = GITHUB + "/mmcv/issues/3325"
NO_FTFY = GITHUB + "/mmsegmentation/issues/3704"
WEIGHTS_ONLY = GITHUB + "/mmengine/issues/1655"
TWO_OPENCV = "https://github.com/opencv/opencv-python/issues/467"
OLD_TORCH_NUMPY_2 = "https://github.com/TorchIO-project/torchio/pull/1183"
DRIVERS = "https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/"

ADE20K = {"training": 20210, "validation": 2000}
DEFAULT_ROOT = Path("data/ade/ADEChallengeData2016")  # where mmsegmentation's configs look
OPENCV = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)
MMCV = ("mmcv", "mmcv-full", "mmcv-lite")


@dataclass(frozen=True)
class Window:
    """Versions that are accepted: from `low` up to `high`, which is let in where `closed`."""

    low: str
    high: str = ""
    closed: bool = False

    def holds(self, version: str) -> bool:
        """Whether a version is inside."""
        below = not self.high or key(version) < key(self.high)
        at_end = self.closed and key(version) == key(self.high)
        return at_least(version, self.low) and (below or at_end)

    def __str__(self) -> str:
        if not self.high:
            return f"{self.low} or later"
        return f"{self.low} <= v {'<=' if self.closed else '<'} {self.high}"


# What imports and works, where the packages do not say it themselves.
WINDOWS = {
    "mmsegmentation": Window("1.0.0", "2"),
    "mmdet": Window("3.0.0rc0", "4"),  # mmseg 1.x has no Mask2Former of its own
    "mmengine": Window("0.5.0", "1"),
    "mmcv": Window("2.0.0rc4", "2.2"),
    "torch": Window("1.10"),
    "numpy": Window("1.19"),
    "opencv": Window("3"),  # mmcv's own requirement
    "pillow": Window("6"),  # ImageOps.exif_transpose, used by mmcv's pillow backend
}
# Oldest driver by CUDA major (Linux; minor versions of a major run on the same driver).
OLDEST_DRIVER = {10: "440.33", 11: "450.80.02", 12: "525.60.13", 13: "580.65.06"}


@dataclass(frozen=True)
class Line:
    """One thing that was looked at. fix: a command; link: where the reason is discussed."""

    name: str
    status: str
    text: str
    fix: str = ""
    link: str = ""


@dataclass(frozen=True)
class Gpu:
    """capability: as two digits, 86 for 8.6, or None when nothing tells it."""

    name: str
    capability: int | None


@dataclass(frozen=True)
class Extension:
    """A compiled extension: machine code for `sm`, portable code for `ptx`, the CUDA it links."""

    path: str
    sm: tuple[int, ...]
    ptx: tuple[int, ...]
    cuda: int | None

    def runs_on(self, capability: int) -> bool:
        """Whether a GPU of this capability finds code: same major and no newer, or PTX."""
        return self.exactly(capability) or any(c <= capability for c in self.ptx)

    def exactly(self, capability: int) -> bool:
        """Whether the code needs no compiling when it is loaded."""
        return any(c // 10 == capability // 10 and c <= capability for c in self.sm)

    def __str__(self) -> str:
        names = [f"sm_{c}" for c in self.sm] + [f"compute_{c}" for c in self.ptx]
        return ", ".join(names) or "none"


@dataclass(frozen=True)
class Environment:
    """What was found; every detector reads it and nothing else.

    packages: version by normalised name. broken: distributions that cannot be read, and folders.
    torch: what torch says of itself (version, cuda, cudnn, archs, gpus), or {"error": ...}.
    loads: why the extension cannot be loaded; empty when it can, None when that was not tried.
    loads_objects: whether mmengine's checkpoints, which hold more than tensors, are read.
    """

    python: str = ""
    packages: dict[str, str] = field(default_factory=dict)
    pins: tuple[tuple[str, str], ...] = ()
    broken: tuple[str, ...] = ()
    sources: dict[str, str] = field(default_factory=dict)
    pkg_resources: bool = False
    torch: dict[str, Any] = field(default_factory=dict)
    gpus: tuple[Gpu, ...] = ()
    seen: tuple[Gpu, ...] = ()
    driver: str = ""
    smi: str = ""
    extension: Extension | None = None
    unfit: tuple[str, ...] = ()
    unread: str = ""
    loads: str | None = None
    loads_objects: bool = True
    data: Path | None = None

    def mmcv(self) -> tuple[str, str]:
        """Name and version of the mmcv that is installed; empty when none is."""
        return next(
            ((name, self.packages[name]) for name in MMCV if name in self.packages), ("", "")
        )

    def cuda_major(self) -> int | None:
        """The CUDA major that torch was built for, or None."""
        found = re.match(r"\d+", str(self.torch.get("cuda") or ""))
        return int(found.group()) if found else None


# Reading -----------------------------------------------------------------------------------------


def key(version: str) -> tuple[tuple[int, ...], int, int]:
    """A version as something that sorts: release, then a < b < rc < final < post."""
    found = re.match(
        r"v?(\d+(?:\.\d+)*)(?:[-_.]?(dev|a|alpha|b|beta|rc|c|post)[-_.]?(\d*))?", version.strip()
    )
    if not found:
        return (), 0, 0
    release = [int(part) for part in found.group(1).split(".")]
    while release and release[-1] == 0:
        release.pop()
    ranks = {"dev": -4, "a": -3, "alpha": -3, "b": -2, "beta": -2, "rc": -1, "c": -1, "post": 1}
    return tuple(release), ranks.get(found.group(2) or "", 0), int(found.group(3) or 0)


def at_least(version: str, bound: str) -> bool:
    """Whether a version is the bound or newer; what comes after a + does not count."""
    return key(version) >= key(bound)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _read_packages(
    paths: Sequence[Path],
) -> tuple[dict[str, str], dict[str, list[str]], list[str], list[Path]]:
    """Versions, requirements, what cannot be read, and folders of editable installations."""
    versions: dict[str, str] = {}
    requires: dict[str, list[str]] = {}
    broken: list[str] = []
    editable: list[Path] = []
    for folder in paths:
        try:
            names = sorted(folder.iterdir())
        except (FileNotFoundError, NotADirectoryError):  # zip files and folders that are no more
            continue
        except OSError as error:
            broken.append(f"{folder}: {error.strerror}")
            continue
        for path in names:
            if path.suffix in (".dist-info", ".egg-info"):
                try:
                    _read_distribution(path, versions, requires, editable)
                except Exception as error:  # whatever one broken package raises costs it alone
                    broken.append(f"{path}: {error}")
    return versions, requires, broken, editable


def _read_distribution(
    path: Path,
    versions: dict[str, str],
    requires: dict[str, list[str]],
    editable: list[Path],
) -> None:
    found = importlib.metadata.PathDistribution(path)
    metadata = found.metadata
    if metadata is None or not metadata["Name"] or not metadata["Version"]:
        raise ValueError("names no package and version")
    name = _normal(str(metadata["Name"]))
    if name in versions:
        if path.suffix == ".dist-info" and versions[name] != metadata["Version"]:
            raise ValueError(f"a second {name}, beside {versions[name]}")
        return
    versions[name] = str(metadata["Version"])
    requires[name] = list(found.requires or [])
    url = json.loads(found.read_text("direct_url.json") or "{}")
    if url.get("dir_info", {}).get("editable"):
        editable.append(Path(unquote(urlparse(url["url"]).path)))


def _pins(requires: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """The libraries of NVIDIA that torch's wheel asks for, each in one version."""
    found = [re.match(r"(nvidia-[\w-]+)\s*\(?==\s*([\w.]+)", text) for text in requires]
    return tuple((_normal(one.group(1)), one.group(2)) for one in found if one)


def _source(paths: Sequence[Path], file: str) -> str:
    """The text of a package's file, e.g. mmseg/__init__.py; empty when there is none to read."""
    for folder in paths:
        try:
            return (folder / file).read_text("utf-8", "replace")
        except OSError:
            continue
    return ""


def window_in(source: str, package: str) -> Window | None:
    """The window a package asserts for another when it is imported, or None.

    As in mmseg/__init__.py (MMCV_MIN) and mmdet/__init__.py (mmcv_minimum_version).
    """
    bounds = {}
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            value = getattr(node.value, "value", None)
            if isinstance(value, str):
                bounds[node.targets[0].id.lower()] = value
    low = bounds.get(package + "_min", bounds.get(package + "_minimum_version", ""))
    high = bounds.get(package + "_max", bounds.get(package + "_maximum_version", ""))
    closed = re.search(rf"<=\s*(digit_version\()?{package}_max", source) is not None
    return Window(low, high, closed) if low and high else None


_FATBIN = struct.pack("<I", 0xBA55ED50)
_CONTAINER = struct.Struct("<IHHQ")  # magic, version, header size, size of all entries
_ENTRY = struct.Struct("<HHIQIIHHI")  # kind, _, header size, size, _, _, minor, major, arch
_PTX, _CUBIN = 1, 2
_LIMIT = 2 << 30  # bytes; mmcv's extension for nine architectures has 300 million
_RUNTIME = re.compile(rb"libcudart(?:[-.][0-9a-f]{8})?\.so\.(\d+)")


def read_extension(path: Path) -> Extension:
    """What is compiled into a shared object, from its bytes. Raises OSError, ValueError.

    An ELF embeds "fat binaries": a header and entries, each machine code (sm) or PTX (compute).
    """
    if not path.is_file():
        raise ValueError("no regular file")
    with path.open("rb") as stream:
        data = stream.read(_LIMIT)
    if not data:
        raise ValueError("empty")
    found: dict[int, set[int]] = {_PTX: set(), _CUBIN: set()}
    at = data.find(_FATBIN)
    while at >= 0:
        at = data.find(_FATBIN, _read_fat_binary(data, at, found))
    runtime = _RUNTIME.search(data)
    cuda = int(runtime.group(1)) if runtime else None
    sm, ptx = tuple(sorted(found[_CUBIN])), tuple(sorted(found[_PTX]))
    return Extension(str(path), sm, ptx, cuda)


def _read_fat_binary(data: bytes, start: int, found: dict[int, set[int]]) -> int:
    """Add the entries of one fat binary; return where it ends, or where it is malformed."""
    if len(data) < start + _CONTAINER.size:
        return start + len(_FATBIN)
    _, version, header, length = _CONTAINER.unpack_from(data, start)
    position: int = start + header
    end: int = min(start + header + length, len(data))
    while version == 1 and position + _ENTRY.size <= end:
        kind, _, header, length, _, _, _, _, arch = _ENTRY.unpack_from(data, position)
        if kind not in found or not 20 <= arch < 1000 or header < _ENTRY.size:
            break
        found[kind].add(arch)
        position += header + length
    return max(start + len(_FATBIN), min(position, end))


def _find_extension(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """mmcv's compiled extensions: those this Python can import, and the others."""
    fit: list[Path] = []
    unfit: list[Path] = []
    suffixes = ["_ext" + suffix for suffix in importlib.machinery.EXTENSION_SUFFIXES]
    for folder in paths:
        try:
            found = sorted((folder / "mmcv").glob("_ext.*"))
        except OSError:
            continue
        for path in found:
            if path.suffix in (".so", ".pyd"):
                (fit if path.name in suffixes else unfit).append(path)
    return fit, unfit


# Asking ------------------------------------------------------------------------------------------


def ask(command: Sequence[str], limit: float) -> tuple[str, str]:
    """What a command prints, and why it failed (empty when it did not); it outlives no limit.

    Its output goes to files, since a pipe that a grandchild holds open has no end.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            child = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        except OSError as error:
            return "", str(error)
        try:
            code = child.wait(limit)
            reason = "" if code == 0 else f"exit code {code}"
            if code < 0:
                reason = f"killed by signal {-code}"
        except subprocess.TimeoutExpired:
            reason = f"no answer within {limit:g} seconds"
        finally:  # also when this program is interrupted
            if child.returncode is None:
                _kill(child)
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read(1 << 20).decode("utf-8", "replace"))
    said = [line.strip() for line in texts[1].splitlines() if line.strip()]
    if reason and said:
        reason = f"{said[-1][:200]} ({reason})"
    return texts[0], reason


def _kill(child: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (AttributeError, OSError):  # no process groups on Windows
        child.kill()
    child.wait()


_ASK_TORCH = """
import json, sys
sys.path[:0] = json.loads(sys.argv[1])
import torch
def say(**values):
    print("\\nDOCTOR " + json.dumps(values), flush=True)
try:
    archs = torch._C._cuda_getArchFlags().split()
except Exception:
    archs = []
say(version=str(torch.__version__), cuda=torch.version.cuda, archs=archs)
try:
    say(cudnn=torch.backends.cudnn.version())
except Exception as error:
    say(cudnn_error=str(error))
say(available=torch.cuda.is_available(), gpus=[
    [torch.cuda.get_device_name(i), 10 * torch.cuda.get_device_capability(i)[0]
     + torch.cuda.get_device_capability(i)[1]] for i in range(torch.cuda.device_count())
])
"""
_ASK_EXTENSION = """
import ctypes, json, os, sys
sys.path[:0] = json.loads(sys.argv[1])
import torch
ctypes.CDLL(sys.argv[2], os.RTLD_NOW)
"""


def ask_torch(paths: Sequence[str], limit: float) -> dict[str, Any]:
    """What torch says of itself; as far as it came, with "error" when it did not end well."""
    text, reason = ask([sys.executable, "-c", _ASK_TORCH, json.dumps(list(paths))], limit)
    answer: dict[str, Any] = {"error": reason} if reason else {}
    for line in text.splitlines():
        if line.startswith("DOCTOR "):
            try:
                answer.update(json.loads(line[len("DOCTOR ") :]))
            except ValueError:
                answer["error"] = "an answer that is not JSON"
    if not answer:
        answer["error"] = "no answer"
    return answer


def ask_nvidia_smi(limit: float) -> tuple[tuple[Gpu, ...], str, str]:
    """GPUs, driver version, and why nothing was said."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return (), "", ""
    for fields in ("name,driver_version,compute_cap", "name,driver_version"):  # old ones lack it
        text, reason = ask([command, "--query-gpu=" + fields, "--format=csv,noheader"], limit)
        rows = [[cell.strip() for cell in line.split(",")] for line in text.splitlines() if line]
        rows = [row for row in rows if len(row) == fields.count(",") + 1]
        if rows and not reason:
            gpus = tuple(Gpu(row[0], capability(row[2]) if row[2:] else None) for row in rows)
            return gpus, rows[0][1], ""
        if "no answer within" in reason:
            break
    return (), "", reason or "nothing to read"


def capability(text: str) -> int | None:
    """ "8.6" as 86; None when it is no compute capability."""
    found = re.match(r"^(\d{1,2})\.(\d)$", text.strip())
    return 10 * int(found.group(1)) + int(found.group(2)) if found else None


def examine(
    *,
    paths: Sequence[str] | None = None,
    data: Path | None = None,
    gpus: Sequence[int] = (),
    limit: float = TIME_LIMIT,
) -> Environment:
    """Look at an environment: the folders of `paths`, by default those of this Python.

    gpus: compute capabilities, as 86, to check for in the place of this machine's GPUs.
    """
    names = [path for path in (sys.path if paths is None else paths) if path]
    if paths is None and sys.path and __name__ == "__main__":
        names = [path for path in names if path != sys.path[0]]  # where this file lies
    # What setuptools carries for itself is there once something has imported it.
    names = [path for path in names if not path.endswith(os.path.join("setuptools", "_vendor"))]
    folders = [Path(name) for name in names]
    packages, requires, broken, editable = _read_packages(folders)
    folders += editable
    for package, name in (
        ("mmseg", "mmsegmentation"),
        ("mmdet", "mmdet"),
        ("mmengine", "mmengine"),
    ):
        version = re.search(
            r"__version__ = ['\"](.+?)['\"]", _source(folders, f"{package}/version.py")
        )
        if version:  # a checkout on PYTHONPATH is none of the installed packages
            packages.setdefault(name, version.group(1))
    seen, driver, smi = ask_nvidia_smi(limit)
    torch = ask_torch(names, limit) if "torch" in packages else {}
    own = tuple(Gpu(str(name), int(value)) for name, value in torch.get("gpus", ()))
    given = tuple(Gpu(f"--gpu {dotted(c)}", c) for c in gpus)
    found = Environment(
        python=".".join(str(part) for part in sys.version_info[:3]),
        packages=packages,
        pins=_pins(requires.get("torch", ())),
        broken=tuple(broken),
        sources={name: _source(folders, f"{name}/__init__.py") for name in ("mmseg", "mmdet")},
        pkg_resources=any((folder / "pkg_resources/__init__.py").is_file() for folder in folders),
        torch=torch,
        gpus=given or own or seen,
        seen=seen,
        driver=driver,
        smi=smi,
        loads_objects=bool(os.environ.get("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"))
        or "weights_only" in _source(folders, "mmengine/runner/checkpoint.py"),
        data=data if data is not None else DEFAULT_ROOT if DEFAULT_ROOT.is_dir() else None,
    )
    return _with_extension(found, folders, names, limit)


def _with_extension(
    found: Environment, folders: Sequence[Path], names: Sequence[str], limit: float
) -> Environment:
    fit, unfit = _find_extension(folders)
    found = replace(found, unfit=tuple(path.name for path in unfit))
    if not fit:
        return found
    try:
        found = replace(found, extension=read_extension(fit[0]))
    except (OSError, ValueError) as error:
        return replace(found, unread=f"{fit[0]}: {error}")
    if "error" in found.torch or not found.torch or not hasattr(os, "RTLD_NOW"):
        return found
    _, reason = ask(
        [sys.executable, "-c", _ASK_EXTENSION, json.dumps(list(names)), str(fit[0])], limit
    )
    return replace(found, loads=reason)


# Judging: each takes what was found and gives its lines ------------------------------------------


def _asserted(found: Environment) -> list[tuple[str, Window]]:
    """The windows for mmcv, and the package that asserts each."""
    windows = [(one, window_in(found.sources.get(one, ""), "mmcv")) for one in ("mmseg", "mmdet")]
    return [(one, window) for one, window in windows if window] or [("mmseg", WINDOWS["mmcv"])]


def rebuild_command(found: Environment) -> str:
    """The command that builds an accepted mmcv's ops for the GPUs of this environment."""
    name, version = found.mmcv()
    asserted = _asserted(found)
    if not all(window.holds(version) for _, window in asserted):
        version = "2.1.0" if at_least(asserted[0][1].low, "2.0.0rc0") else "1.7.2"
    target = "mmcv" if at_least(version, "2.0.0rc0") else "mmcv-full"
    architectures = ";".join(sorted({dotted(g.capability) for g in found.gpus if g.capability}))
    remove = f"pip uninstall -y {name} && " if name not in ("", target) else ""
    return (
        f"{remove}TORCH_CUDA_ARCH_LIST='{architectures or 'X.Y'}' MMCV_WITH_OPS=1 FORCE_CUDA=1 "
        f"pip install --no-build-isolation --no-cache-dir --force-reinstall --no-deps "
        f"--no-binary {target} {target}=={version}"
    )


def dotted(value: int | None) -> str:
    """86 as "8.6"."""
    return "?" if value is None else f"{value // 10}.{value % 10}"


def judge_python(found: Environment) -> Iterator[Line]:
    """mmcv and mmengine look for the ops with pkgutil.find_loader, which Python 3.14 removed."""
    old, new = not at_least(found.python, "3.8"), at_least(found.python, "3.14")
    text = f"{found.python} (3.8 <= v < 3.14)"
    if new:
        text += ": no pkgutil.find_loader, by which mmcv and mmengine look for the ops"
    fix = "conda create -n openmmlab python=3.10" if old or new else ""
    yield Line("Python", ERROR if new else WARNING if old else OK, text, fix)


def judge_torch(found: Environment) -> Iterator[Line]:
    """Version, and whether it imports and sees the GPUs that are there."""
    version = found.packages.get("torch", "")
    if not version:
        yield Line("torch", ERROR, "not installed", "pip install torch torchvision")
        return
    text, plain = f"{version} ({WINDOWS['torch']})", version.partition("+")[0]
    again = f"pip install --force-reinstall torch=={plain}"
    if "version" not in found.torch:
        yield Line("torch", ERROR, f"{version} does not import: {found.torch.get('error')}", again)
    elif found.gpus and not found.torch.get("cuda"):
        text = f"{version} is built without CUDA, which {found.gpus[0].name} needs"
        yield Line("torch", ERROR, text, again)
    elif found.seen and found.torch.get("available") is False:
        text = f"{version} sees no GPU, and nvidia-smi does: {found.seen[0].name}"
        yield Line("torch", ERROR, text, "unset CUDA_VISIBLE_DEVICES; nvidia-smi", DRIVERS)
    elif "error" in found.torch:
        text = f"{version} imports; asked for its GPUs: {found.torch['error']}"
        yield Line("torch", ERROR, text, "nvidia-smi")
    else:
        fit = WINDOWS["torch"].holds(version)
        yield Line("torch", OK if fit else WARNING, text, "" if fit else "pip install -U torch")


def judge_checkpoints(found: Environment) -> Iterator[Line]:
    """torch 2.6 reads tensors alone by default; mmengine keeps objects in its checkpoints."""
    version = found.packages.get("torch", "")
    if at_least(version, "2.6") and "mmengine" in found.packages and not found.loads_objects:
        text = f"torch {version} refuses mmengine's own checkpoints (load_from, resume)"
        fix = "export TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1  # if you trust them"
        yield Line("checkpoints", WARNING, text, fix, WEIGHTS_ONLY)


def judge_cuda(found: Environment) -> Iterator[Line]:
    """torch's CUDA, and the driver it needs."""
    version, major = found.torch.get("cuda"), found.cuda_major()
    if "version" in found.torch:
        yield Line("CUDA", OK, f"{version} in torch" if version else "torch is built without it")
    needs = OLDEST_DRIVER.get(major or 0, "")
    if found.smi:
        yield Line("driver", WARNING, f"nvidia-smi: {found.smi}", "nvidia-smi")
    elif found.driver and needs and not at_least(found.driver, needs):
        text = f"{found.driver} is too old for CUDA {version} ({needs} or later)"
        fix = f"sudo apt-get install nvidia-driver-{needs.partition('.')[0]}  # or newer"
        yield Line("driver", ERROR, text, fix, DRIVERS)
    elif found.driver:
        yield Line("driver", OK, found.driver + (f" ({needs} or later)" if needs else ""))


def judge_cudnn(found: Environment) -> Iterator[Line]:
    """cuDNN as torch finds it, and NVIDIA's wheels against the versions that torch's asks for."""
    number = found.torch.get("cudnn")
    pinned = dict(found.pins)
    wanted = next((v for name, v in pinned.items() if name.startswith("nvidia-cudnn")), "")
    if isinstance(number, int):
        scale = 10000 if number >= 10000 else 1000  # 8902 is 8.9.2, 90100 is 9.1.0
        text = f"{number // scale}.{number % scale // 100}.{number % 100}"
        yield Line("cuDNN", OK, text + (f" (torch asks for {wanted})" if wanted else ""))
    elif "cudnn_error" in found.torch:
        yield Line("cuDNN", ERROR, str(found.torch["cudnn_error"]), "pip check")
    wrong = [
        f"{name}=={version}"
        for name, version in found.pins
        if name in found.packages and key(found.packages[name]) != key(version)
    ]
    if wrong:
        text = f"torch's wheel asks for {', '.join(wrong)}; other versions are installed"
        yield Line("CUDA wheels", WARNING, text, "pip install " + " ".join(wrong))


def judge_gpus(found: Environment) -> Iterator[Line]:
    """The GPUs, and whether torch itself has code for them."""
    if not found.gpus:
        text = "none found; --gpu X.Y checks for one of that compute capability"
        yield Line("GPU", WARNING, text, "python doctor.py --gpu 8.6")
        return
    for gpu, count in Counter(found.gpus).items():
        name = gpu.name + ("" if count == 1 else f" x{count}")
        yield Line("GPU", OK, f"{name} (compute capability {dotted(gpu.capability)})")
    codes = [re.match(r"(sm|compute)_(\d+)", str(one)) for one in found.torch.get("archs", ())]
    kinds = [(one.group(1), int(one.group(2))) for one in codes if one]
    own = Extension(
        "torch",
        tuple(c for kind, c in kinds if kind == "sm"),
        tuple(c for kind, c in kinds if kind == "compute"),
        None,
    )
    for gpu in sorted(set(found.gpus), key=str):
        if kinds and gpu.capability is not None and not own.runs_on(gpu.capability):
            text = f"no code for {gpu.name}: needs sm_{gpu.capability}, has {own}"
            yield Line("torch kernels", ERROR, text, "pip install --upgrade torch torchvision")


def judge_mmcv(found: Environment) -> Iterator[Line]:
    """One mmcv, full, inside the windows that mmseg and mmdet assert when they are imported."""
    name, version = found.mmcv()
    several = [one for one in MMCV if one in found.packages]
    if not name:
        yield Line("mmcv", ERROR, "not installed", rebuild_command(found))
        return
    asserted = _asserted(found)
    refused = [(one, window) for one, window in asserted if not window.holds(version)]
    package, window = (refused or asserted)[0]
    # Before 2.0 the package with ops was mmcv-full, and mmcv the one without.
    lite = name == "mmcv-lite" or (name == "mmcv" and not at_least(version, "2.0.0rc0"))
    kind = "lite" if lite else "full"
    if len(several) > 1:
        text = f"{', '.join(several)} share one folder; the last one installed wins"
        fix = f"pip uninstall -y {' '.join(several)} && {rebuild_command(found)}"
        yield Line("mmcv", ERROR, text, fix)
    elif refused:
        names = " and ".join(one for one, _ in refused)
        text = f"{version} {kind} is refused by {names} at import ({window})"
        yield Line("mmcv", ERROR, text, rebuild_command(found), MMCV_TOO_NEW)
    else:
        yield Line("mmcv", OK, f"{version} {kind} ({package}: {window})")


def judge_ops(found: Environment) -> Iterator[Line]:
    """mmcv's compiled ops: there, for this Python, this CUDA, these GPUs, and loadable."""
    name, _version = found.mmcv()
    compiled = found.extension
    if not name:
        return
    if found.unread:
        yield Line("mmcv ops", ERROR, f"cannot be read: {found.unread}", rebuild_command(found))
    elif compiled is None:
        text = "no compiled ops, which mmseg imports and Mask2Former needs on a GPU"
        if found.unfit:
            text = f"{found.unfit[0]} is for another Python than {found.python}"
        status = ERROR if "mmsegmentation" in found.packages or found.gpus else WARNING
        yield Line("mmcv ops", status, text, rebuild_command(found), NO_OPS)
    else:
        yield from _judge_architectures(found, compiled)
        major = found.cuda_major()
        if compiled.cuda and major and compiled.cuda != major:
            text = f"built for CUDA {compiled.cuda}, torch for CUDA {found.torch['cuda']}"
            yield Line("mmcv's CUDA", ERROR, text, rebuild_command(found))
        if found.loads:
            text = f"cannot be loaded with this torch: {found.loads}"
            yield Line("mmcv loads", ERROR, text, rebuild_command(found))
        elif found.loads == "":
            yield Line("mmcv loads", OK, "the ops load beside this torch")


def _judge_architectures(found: Environment, compiled: Extension) -> Iterator[Line]:
    known = sorted({gpu for gpu in found.gpus if gpu.capability is not None}, key=str)
    dead = [gpu for gpu in known if not compiled.runs_on(gpu.capability or 0)]
    through = [gpu for gpu in known if not compiled.exactly(gpu.capability or 0)]
    for gpu in dead:
        text = f"no code for {gpu.name}: needs sm_{gpu.capability}, has {compiled}"
        if not compiled.sm and not compiled.ptx:
            text = f"compiled for the CPU alone; {gpu.name} needs sm_{gpu.capability}"
        yield Line("mmcv ops", ERROR, text, rebuild_command(found), NO_KERNEL)
    unknown = [gpu.name for gpu in found.gpus if gpu.capability is None]
    if unknown:
        text = f"{compiled}; the compute capability of {unknown[0]} is not known"
        yield Line("mmcv ops", WARNING, text, "python doctor.py --gpu X.Y")
    elif through and not dead:
        text = f"{compiled}: PTX, compiled for {through[0].name} when first loaded"
        yield Line("mmcv ops", OK, text)
    elif not dead:
        cpu_only = not compiled.sm and not compiled.ptx and bool(found.torch.get("cuda"))
        text = "compiled for the CPU alone" if cpu_only else f"compiled for {compiled}"
        fix = rebuild_command(found) if cpu_only else ""
        yield Line("mmcv ops", WARNING if cpu_only else OK, text, fix, NO_KERNEL if fix else "")


def judge_openmmlab(found: Environment) -> Iterator[Line]:
    """mmsegmentation, mmengine and mmdet in their windows; ftfy and regex, which mmseg imports."""
    for name, version in (("mmsegmentation", "1.2.2"), ("mmengine", "0.10.7"), ("mmdet", "3.3.0")):
        installed, fix = found.packages.get(name, ""), f"pip install {name}=={version}"
        windows = [WINDOWS[name]]
        if name == "mmengine":
            asserted = [window_in(found.sources.get(p, ""), name) for p in ("mmseg", "mmdet")]
            windows = [window for window in asserted if window] or windows
        refused = [window for window in windows if not window.holds(installed)]
        if not installed:
            text = "not installed" + ("; Mask2Former needs it" if name == "mmdet" else "")
            yield Line(name, WARNING if name == "mmdet" else ERROR, text, fix)
        elif refused:
            text = f"{installed} is outside of {refused[0]}"
            yield Line(name, ERROR if name == "mmengine" else WARNING, text, fix)
        else:
            yield Line(name, OK, f"{installed} ({windows[-1]})")
    missing = [name for name in ("ftfy", "regex") if name not in found.packages]
    if missing and at_least(found.packages.get("mmsegmentation", ""), "1.1"):
        text = f"{' and '.join(missing)} not installed; mmseg imports them"
        yield Line("ftfy, regex", ERROR, text, f"pip install {' '.join(missing)}", NO_FTFY)
    elif not missing:
        yield Line("ftfy, regex", OK, ", ".join(found.packages[one] for one in ("ftfy", "regex")))


def judge_images(found: Environment) -> Iterator[Line]:
    """One OpenCV, Pillow, and a NumPy that torch and OpenCV were built for."""
    wheels = {name: found.packages[name] for name in OPENCV if name in found.packages}
    newest = max(wheels.values(), key=key, default="")
    if not wheels:
        yield Line("OpenCV", ERROR, "not installed", "pip install 'opencv-python-headless<4.12'")
    elif len(wheels) > 1:
        listed = " and ".join(f"{name} {version}" for name, version in wheels.items())
        text = f"{listed} overwrite each other's files"
        kept = f"{list(wheels)[-1]}=={newest}"
        if not at_least(found.packages.get("torch", ""), "2.3"):  # OpenCV 4.12 brings NumPy 2
            kept = f"'{list(wheels)[-1]}<4.12'"
        fix = f"pip uninstall -y {' '.join(wheels)} && pip install {kept}"
        status = ERROR if len(set(wheels.values())) > 1 else WARNING
        yield Line("OpenCV", status, text, fix, TWO_OPENCV)
    else:
        yield _simple("OpenCV", newest, "opencv", f"pip install -U {next(iter(wheels))}")
    yield _simple("Pillow", found.packages.get("pillow", ""), "pillow", "pip install -U pillow")
    yield _judge_numpy(found, wheels)


def _simple(title: str, version: str, name: str, fix: str) -> Line:
    if not version:
        return Line(title, ERROR, "not installed", fix)
    if not WINDOWS[name].holds(version):
        return Line(title, WARNING, f"{version} is outside of {WINDOWS[name]}", fix)
    return Line(title, OK, f"{version} ({WINDOWS[name]})")


def _judge_numpy(found: Environment, wheels: dict[str, str]) -> Line:
    version = found.packages.get("numpy", "")
    torch, mmcv = found.packages.get("torch", ""), found.mmcv()[1]
    # OpenCV 4.12 asks for NumPy 2 or later, and pip would bring it back.
    fix = "pip install 'numpy<2' " + " ".join(f"'{name}<4.12'" for name in wheels)
    if at_least(version, "2") and torch and not at_least(torch, "2.3"):
        text = f"{version}: torch {torch} is built for NumPy 1 (2.3 or later is not)"
        return Line("NumPy", ERROR, text, fix, OLD_TORCH_NUMPY_2)
    old = [f"{name} {v}" for name, v in wheels.items() if not at_least(v, "4.10")]
    if at_least(version, "2") and old:
        return Line("NumPy", ERROR, f"{version}: {old[0]} is built for NumPy 1", fix)
    if at_least(version, "2") and mmcv and not at_least(mmcv, "2.0.0rc0"):
        return Line("NumPy", WARNING, f"{version}: mmcv {mmcv} is older, and not tried", fix)
    return _simple("NumPy", version, "numpy", "pip install -U numpy")


def judge_setuptools(found: Environment) -> Iterator[Line]:
    """setuptools 82 removed pkg_resources; mmcv's setup.py and mmengine's configs import it."""
    version = found.packages.get("setuptools", "")
    if found.pkg_resources:
        yield Line("setuptools", OK, f"{version} (v < 82: has pkg_resources)")
        return
    text = (
        f"{version or 'not installed'}: no pkg_resources, which building mmcv needs, and mmengine"
    )
    yield Line("setuptools", WARNING, text, "pip install 'setuptools<81'", NO_PKG_RESOURCES)


def judge_broken(found: Environment) -> Iterator[Line]:
    """Packages whose metadata cannot be read, and folders."""
    if not found.broken:
        return
    more = "" if len(found.broken) == 1 else f" (and {len(found.broken) - 1} more)"
    name = re.search(r"([\w.]+)-[^/\\]*\.(?:dist|egg)-info", found.broken[0])
    fix = f"pip install --force-reinstall --no-deps {name.group(1)}" if name else "pip check"
    yield Line("broken", WARNING, found.broken[0] + more, fix)


def judge_data(found: Environment) -> Iterator[Line]:
    """The data set's images and label maps: counted, paired by name."""
    for split, expected in ADE20K.items() if found.data is not None else ():
        yield _judge_split(found.data or DEFAULT_ROOT, split, expected)


def _judge_split(root: Path, split: str, expected: int) -> Line:
    url = "http://data.csail.mit.edu/places/ADEchallenge/ADEChallengeData2016.zip"
    fix = f"wget {url} && unzip ADEChallengeData2016.zip -d {shlex.quote(str(root.parent))}"
    images, image_errors = _stems(root / "images" / split, ".jpg")
    labels, label_errors = _stems(root / "annotations" / split, ".png")
    pairs, errors = len(images & labels), image_errors + label_errors
    lonely = [
        (images - labels, "images have no label map"),
        (labels - images, "label maps no image"),
    ]
    odd = [f"{len(those):,} {what} ({min(those)})" for those, what in lonely if those]
    text = f"{pairs:,} pairs" + "".join(f"; {one}" for one in odd + errors[:1])
    if errors or odd or not pairs:
        return Line(split, ERROR, text, fix)
    if pairs != expected:
        return Line(split, WARNING, f"{text}; ADE20K has {expected:,}", fix)
    return Line(split, OK, f"{text}, as ADE20K has")


def _stems(folder: Path, suffix: str) -> tuple[set[str], list[str]]:
    """Names below a folder, without suffix, and what could not be listed."""
    found: set[str] = set()
    errors: list[str] = []

    def note(error: OSError) -> None:
        errors.append(f"{error.filename}: {error.strerror}")

    for here, _, names in os.walk(str(folder), onerror=note, followlinks=True):
        inside = os.path.relpath(here, str(folder))
        for name in names:
            if name.endswith(suffix) and not name.startswith("."):
                found.add(os.path.normpath(os.path.join(inside, name[: -len(suffix)])))
    return found, errors


JUDGES: tuple[Callable[[Environment], Iterator[Line]], ...] = (
    judge_python,
    judge_torch,
    judge_cuda,
    judge_cudnn,
    judge_gpus,
    judge_mmcv,
    judge_ops,
    judge_openmmlab,
    judge_images,
    judge_setuptools,
    judge_checkpoints,
    judge_broken,
    judge_data,
)


def diagnose(found: Environment) -> list[Line]:
    """Every line, errors first; a judge that fails costs its own lines only."""
    lines: list[Line] = []
    for judge in JUDGES:
        try:
            lines += list(judge(found))
        except Exception as error:
            name = judge.__name__.replace("judge_", "")
            lines.append(Line(name, WARNING, f"not checked: {type(error).__name__}: {error}"))
    return sorted(lines, key=lambda line: (ERROR, WARNING, OK).index(line.status))


def exit_code(lines: Sequence[Line]) -> int:
    """0 without an error, else 1."""
    return int(any(line.status == ERROR for line in lines))


# Showing -----------------------------------------------------------------------------------------


def render_json(found: Environment, lines: Sequence[Line]) -> str:
    """Everything, for programs."""
    document = {
        "format": FORMAT,
        "exit_code": exit_code(lines),
        "python": found.python,
        "packages": found.packages,
        "torch": found.torch,
        "driver": found.driver,
        "gpus": [asdict(gpu) for gpu in found.gpus],
        "extension": None if found.extension is None else asdict(found.extension),
        "broken": found.broken,
        "lines": [asdict(line) for line in lines],
    }
    return json.dumps(document, indent=2)


def render_text(lines: Sequence[Line]) -> str:
    """One screen: 80 columns, at most 30 lines; ok lines are joined where they do not fit."""
    wrong = [line for line in lines if line.status != OK]
    fine = [line for line in lines if line.status == OK]
    shown: list[str] = []
    for links, joined in ((True, False), (True, True), (False, True)):
        shown = _blocks(wrong, links) + (_joined(fine) if joined else _blocks(fine, links))
        if len(shown) < HEIGHT:
            break
    if len(shown) >= HEIGHT:
        shown = [*shown[: HEIGHT - 2], "... more than a screen; --json has all"]
    counts = Counter(line.status for line in lines)
    total = f"errors: {counts[ERROR]}, warnings: {counts[WARNING]}, ok: {counts[OK]}"
    return "\n".join([*shown, total])


def _blocks(lines: Sequence[Line], links: bool) -> list[str]:
    said: list[str] = []
    fixes: set[str] = set()
    for line in lines:
        head = f"{line.status:<8}{line.name:<14} "
        said += textwrap.wrap(
            head + line.text, WIDTH, subsequent_indent=" " * 23, break_on_hyphens=False
        )
        if line.link and links:
            said.append(f"  see {line.link}")
        if line.fix in fixes:
            said.append("  fix: the same")
        elif line.fix:
            parts = wrap_command(line.fix, WIDTH - 9)
            said.append("  fix: " + parts[0])
            said += [f"       {part}" for part in parts[1:]]
        fixes |= {line.fix} - {""}
    return said


def wrap_command(command: str, width: int) -> list[str]:
    """Lines of a command that can be pasted whole, cut at spaces outside of quotes."""
    lines = [""]
    for word in re.findall(r"(?:'[^']*'|[^\s'])+", command):
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return [line + " \\" for line in lines[:-1]] + lines[-1:]


def _joined(lines: Sequence[Line]) -> list[str]:
    text = "; ".join(f"{line.name} {line.text.partition(' (')[0]}" for line in lines)
    return textwrap.wrap(f"{OK:<8}{text}", WIDTH, subsequent_indent=" " * 8, break_on_hyphens=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a program; the exit code."""
    parser = argparse.ArgumentParser(
        description="Whether this environment can train with mmsegmentation.",
        epilog="Exit codes: 0 no error, 1 an error found, 2 wrong usage.",
    )
    parser.add_argument("--data", type=Path, metavar="ROOT", help="an ADE20K data set to count")
    parser.add_argument(
        "--gpu",
        type=_given,
        action="append",
        default=[],
        metavar="X.Y",
        help="a compute capability to check for, in the place of this machine's GPUs",
    )
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    options = parser.parse_args(arguments)
    found = examine(data=options.data, gpus=options.gpu)
    lines = diagnose(found)
    text = render_json(found, lines) if options.json else render_text(lines)
    encoding = sys.stdout.encoding or "ascii"
    print(text.encode(encoding, "backslashreplace").decode(encoding))
    return exit_code(lines)


def _given(text: str) -> int:
    value = capability(text)
    if value is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no compute capability such as 8.6")
    return value


if __name__ == "__main__":
    sys.exit(main())
