"""A small environment on disk: packages, a torch that answers, an extension, an nvidia-smi."""

import ast
import importlib.util
import sys
from pathlib import Path

from parity.guard.doctor import diagnose, examine
from tests.causes.test_extension import fat_binary

WINDOW = (
    "MMCV_MIN = '2.0.0rc4'\nMMCV_MAX = '2.2.0'\nMMENGINE_MIN = '0.5.0'\nMMENGINE_MAX = '1.0.0'\n"
)
DET_WINDOW = "mmcv_minimum_version = '2.0.0rc4'\nmmcv_maximum_version = '2.2.0'\n"
HEALTHY = {
    "torch": "2.1.2",
    "numpy": "1.26.4",
    "Pillow": "10.4.0",
    "opencv-python": "4.9.0.80",
    "setuptools": "80.9.0",
    "ftfy": "6.3.1",
    "regex": "2024.11.6",
    "mmengine": "0.10.7",
    "mmcv": "2.1.0",
    "mmdet": "3.3.0",
    "mmsegmentation": "1.2.2",
}
TORCH = """
class version: cuda = {cuda!r}
__version__ = {version!r}
class _C:
    def _cuda_getArchFlags(): return {archs!r}
class cuda:
    def is_available(): return {available!r}
    def device_count(): return len({gpus!r})
    def get_device_name(i): return {gpus!r}[i][0]
    def get_device_capability(i): return {gpus!r}[i][1]
class backends:
    class cudnn:
        def version(): return {cudnn!r}
"""


def imported(file: Path) -> set[str]:
    """The packages that a program imports, which must be valid for Python 3.8."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(), feature_version=(3, 8))):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            name = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
            found.add(name.partition(".")[0])
    return found


class Made:
    """An environment in which everything is well, until a test breaks something."""

    def __init__(self, root: Path) -> None:
        self.site, self.programs = root / "site", root / "bin"
        self.programs.mkdir(parents=True)
        for name, version in HEALTHY.items():
            self.package(name, version)
        self.file("pkg_resources/__init__.py")
        self.file("mmseg/__init__.py", WINDOW)
        self.file("mmdet/__init__.py", DET_WINDOW)
        self.torch()
        self.extension((2, 86))

    def file(self, name: str, text: str = "") -> Path:
        path = self.site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def package(self, name: str, version: str, *requires: str) -> None:
        self.remove(name)
        lines = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
        lines += [f"Requires-Dist: {one}" for one in requires]
        self.file(f"{name.replace('-', '_')}-{version}.dist-info/METADATA", "\n".join(lines) + "\n")

    def remove(self, name: str) -> None:
        for folder in self.site.glob(f"{name.replace('-', '_')}-*.dist-info"):
            (folder / "METADATA").unlink()
            folder.rmdir()

    def torch(self, **changes: object) -> None:
        values = {
            "version": "2.1.2+cu121",
            "cuda": "12.1",
            "archs": "sm_50 sm_80 sm_86 sm_90",
            "available": True,
            "gpus": [("NVIDIA GeForce RTX 3090", (8, 6))],
            "cudnn": 8902,
            **changes,
        }
        self.file("torch/__init__.py", TORCH.format(**values))

    def extension(self, *entries: tuple[int, int], cuda: int = 12, name: str = "_ext.so") -> Path:
        """A library that loads, with a fat binary behind it."""
        library = Path(importlib.util.find_spec("_json").origin).read_bytes()
        path = self.file(f"mmcv/{name}")
        fat = fat_binary(*entries) if entries else b""
        path.write_bytes(library + b"libcudart.so.%d\0" % cuda + fat)
        return path

    def program(self, name: str, code: str) -> None:
        path = self.programs / name
        path.write_text(f"#!{sys.executable}\n{code}\n")
        path.chmod(0o755)

    def data(self, root: Path, pairs: int = 2) -> Path:
        for split in ("training", "validation"):
            for kind, suffix in (("images", ".jpg"), ("annotations", ".png")):
                folder = root / kind / split
                folder.mkdir(parents=True)
                for number in range(pairs):
                    (folder / f"{number}{suffix}").touch()
        return root

    def examine(self, **options):
        return examine(paths=[str(self.site)], **{"limit": 20, **options})

    def lines(self, **options):
        return diagnose(self.examine(**options))
