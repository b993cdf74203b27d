"""How many processes run by default."""

import os

import pytest

from parity.cli.jobs import usable_cores

MANY = 1_000


@pytest.fixture
def cores(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(12)), raising=False)

    def cores(membership, files, most=MANY):
        (tmp_path / "membership").write_text(membership)
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return usable_cores(most, cgroups=tmp_path, membership=tmp_path / "membership")

    return cores


@pytest.mark.parametrize(
    ("membership", "files", "expected"),
    [
        ("", {}, 12),
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000"}, 12),
        ("0::/a/b\n", {"a/b/cpu.max": "400000 100000"}, 4),
        ("0::/a/b\n", {"a/cpu.max": "150000 100000", "a/b/cpu.max": "max 100000"}, 2),
        ("0::/of/the/host\n", {"cpu.max": "300000 100000"}, 3),
        (
            "3:cpu,cpuacct:/a\n1:memory:/b\n",
            {"cpu/a/cpu.cfs_quota_us": "200000", "cpu/a/cpu.cfs_period_us": "100000"},
            2,
        ),
        (
            "3:cpu,cpuacct:/a\n",
            {"cpu/a/cpu.cfs_quota_us": "-1", "cpu/a/cpu.cfs_period_us": "100000"},
            12,
        ),
        ("0::/a\n", {"a/cpu.max": "1000 100000"}, 1),
        ("0::/a\n", {"a/cpu.max": "nonsense"}, 12),
        ("0::/../../etc\n", {"cpu.max": "300000 100000"}, 3),
    ],
)
def test_usable_cores(cores, membership, files, expected):
    assert cores(membership, files) == expected


def test_at_most(cores):
    assert cores("", {}, most=8) == 8
