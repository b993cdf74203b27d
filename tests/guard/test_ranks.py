"""Two processes under torchrun under `parity watch`: one alarm, and all of them end."""

import subprocess
import sys
from pathlib import Path

import pytest

from parity.guard.judging import python

pytestmark = pytest.mark.live
SCRIPT = str(Path(__file__).with_name("ranks.py"))
WATCH = "from parity.guard.watch import main; main()"


def test_a_dead_layer_ends_all_processes_and_a_healthy_one_none(tmp_path):
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [sys.executable, *torchrun, SCRIPT, str(tmp_path / "trained")]
    command = [*python(WATCH, f"--work-dir={tmp_path}"), *command]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 1
    for rank in (0, 1):
        assert done.stdout.count(f"process {rank}: 0 alarms\n") == 1
    told = [line for line in done.stdout.splitlines() if "parity: zero-gradient" in line]
    assert len(told) == 1
    assert told[0].endswith("two.bias, two.weight")
    assert "[rank1]" not in done.stderr  # it was ended, neither left waiting nor broken
    (kept,) = tmp_path.glob("console_*.txt")
    assert told[0] in kept.read_text()
