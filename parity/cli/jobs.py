"""How many processes may run at once: cores this process may use, and the quota of its group."""

import math
import os
from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def usable_cores(most: int, *, cgroups: Path = CGROUPS, membership: Path = MEMBERSHIP) -> int:
    """Cores of this process's affinity, within the quotas of its control groups, at most `most`.

    A quota of 1.5 cores counts as 2.
    """
    affinity = getattr(os, "sched_getaffinity", None)  # Linux alone has it
    cores = len(affinity(0)) if affinity is not None else os.cpu_count() or 1
    quotas = [math.ceil(quota) for quota in _quotas(cgroups, membership)]
    return max(1, min([cores, most, *quotas]))


def _quotas(root: Path, membership: Path) -> Iterator[float]:
    """Cores that each control group around this process may use, of version 2 and 1."""
    for line in _read(membership).splitlines():
        _, _, rest = line.partition(":")
        kinds, _, group = rest.partition(":")
        if kinds and "cpu" not in kinds.split(","):
            continue
        # In a container, the path may be the host's; the root is then the container's own.
        base = root / "cpu" if kinds else root
        folder = base / group.lstrip("/")
        for place in dict.fromkeys((folder, *folder.parents)):
            if place == base or base in place.parents:
                yield from _quota_v1(place) if kinds else _quota_v2(place)


def _quota_v2(folder: Path) -> Iterator[float]:
    yield from _ratio(_read(folder / "cpu.max").split())


def _quota_v1(folder: Path) -> Iterator[float]:
    names = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
    yield from _ratio([_read(folder / name).strip() for name in names])


def _ratio(words: list[str]) -> Iterator[float]:
    """Quota and period in microseconds as cores; nothing for "max", -1 or no such file."""
    if len(words) == 2 and all(word.isdigit() for word in words) and int(words[1]):
        yield int(words[0]) / int(words[1])


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
