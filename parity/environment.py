"""The versions a comparison was made with."""

import os
import platform
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import PIL
import torch

from parity import __version__


@cache
def environment() -> dict[str, str]:
    """Versions of what this package computes with, and the machine; no mm* is imported."""
    return {
        "mmseg-parity": __version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "cv2": cv2.__version__,
        "Pillow": PIL.__version__,
        "Python": platform.python_version(),
        "CPU": f"{_cpu_name()} ({os.cpu_count()} cores)",
        "GPU": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
    }


def cpu_capability() -> str:
    """The vector instructions torch uses, such as "AVX2"; float sums round with them."""
    return torch.backends.cpu.get_cpu_capability()


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:  # not Linux
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
