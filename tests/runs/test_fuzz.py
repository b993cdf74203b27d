"""Damage of any kind costs facts, never an exception other than RunFormatError."""

import contextlib
import io
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parity.errors import RunFormatError
from parity.runs import read_run
from parity.runs.checkpoint import read_checkpoint
from parity.runs.config import parse_config
from parity.runs.console import FailureFinder
from parity.runs.log import read_log
from parity.runs.pickles import read_pickle
from parity.runs.scalars import read_scalars
from parity.runs.table import read_csv, read_json
from parity.runs.tensorboard import read_events
from parity.runs.tensors import load_tensors
from parity.runs.text import blocks, entries
from tests.runs import legacy
from tests.runs import test_detectron2 as detectron2
from tests.runs import test_huggingface as huggingface
from tests.runs import test_lightning as lightning
from tests.runs.builders import (
    CONFIG,
    REVERTED,
    STAMP,
    environment,
    memory,
    train_line,
    val_lines,
    write,
    write_run,
)
from tests.runs.mutate import JUNK, LOG, RECORDS, checkpoint, write_input
from tests.runs.test_tensorboard import event, record, scalar


def of_log(data):
    finder = FailureFinder("f")
    read_log(entries(finder.watch(blocks(io.BytesIO(data)))), file="f").points.curves()
    finder.findings()


def of_pickle(data):
    read_pickle(io.BytesIO(data))


def of_config(data):
    parse_config(data.decode("utf-8", "replace"), file="f")


READERS = {
    "log": (LOG.encode(), of_log),
    "scalars": (
        RECORDS.encode(),
        lambda data: read_scalars(blocks(io.BytesIO(data)), file="f").points.curves(),
    ),
    "config": (CONFIG.encode(), of_config),
    "pickle": (checkpoint()[64:600], of_pickle),
    "events": (
        b"".join(record(event(step, scalar("loss", 1.0), scalar("mIoU", 5))) for step in (1, 2)),
        lambda data: read_events(io.BytesIO(data), file="f"),
    ),
    "csv": (b"step,loss,mIoU\n1,2,\n2,,40\n", lambda data: read_csv(io.BytesIO(data), file="f")),
    "json": (
        b'{"run": {"seed": 1}, "records": [{"step": 1, "loss": 2}, {"step": 2, "mIoU": 40}]}',
        lambda data: read_json(io.BytesIO(data), file="f"),
    ),
}
# By file, another program's whole folder.
FOLDERS = {
    "detectron2": {
        "log.txt": detectron2.log(),
        "metrics.json": detectron2.metrics(detectron2.record(20, **detectron2.SCORES)),
        "config.yaml": detectron2.CONFIG,
    },
    "hugging face": {
        "trainer_state.json": json.dumps(
            json.loads(huggingface.state(*huggingface.HISTORY)), indent=2
        ),
        "config.json": json.dumps(huggingface.MODEL),
    },
    "lightning": {"metrics.csv": lightning.METRICS, "hparams.yaml": lightning.PARAMETERS},
    "mmseg 0.x": {f"{STAMP}.log": legacy.log(), f"{STAMP}.log.json": legacy.records()},
}
# Where, what instead (nothing: a cut), how often.
damage = st.lists(
    st.tuples(
        st.integers(0, 1 << 16), st.integers(0, 40), st.binary(max_size=12) | st.sampled_from(JUNK)
    ),
    min_size=1,
    max_size=6,
)


def damaged(data, changes):
    for where, length, instead in changes:
        at = where % (len(data) + 1)
        data = data[:at] + instead + data[at + length :]
    return data


@pytest.mark.parametrize("name", READERS)
def test_undamaged_it_is_read(name):
    data, reader = READERS[name]
    if name != "pickle":
        reader(data)


@pytest.mark.parametrize("name", READERS)
@given(changes=damage)
def test_any_damage_is_an_answer(name, changes):
    data, reader = READERS[name]
    with contextlib.suppress(RunFormatError):
        reader(damaged(data, changes))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return checkpoint(), tmp_path_factory.mktemp("damaged") / "a.pth"


@given(changes=damage)
def test_a_damaged_checkpoint_is_an_answer(whole, changes):
    data, path = whole
    path.write_bytes(damaged(data, changes))
    with contextlib.suppress(RunFormatError):
        found = read_checkpoint(path)
        for key in found.tensors:
            with contextlib.suppress(RunFormatError):
                load_tensors(found, [key])


@pytest.fixture(scope="module")
def run_directory(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("damaged"), log=REVERTED)


@pytest.mark.parametrize("program", FOLDERS)
@settings(max_examples=60)
@given(data=st.data())
def test_a_damaged_folder_of_another_program_is_an_answer(tmp_path_factory, program, data):
    folder = tmp_path_factory.mktemp("damaged")
    for file, text in FOLDERS[program].items():
        changes = data.draw(damage) if data.draw(st.booleans()) else []
        write(folder / file, damaged(text.encode(), changes))
    with contextlib.suppress(RunFormatError):
        read_run(folder)


@settings(max_examples=40)
@given(config=damage, log=damage, records=damage)
def test_a_damaged_run_is_read_as_far_as_possible(run_directory, config, log, records):
    log_text = (environment() + train_line(50) + val_lines()).encode()
    write(run_directory / STAMP / "vis_data/config.py", damaged(CONFIG.encode(), config))
    write(run_directory / STAMP / f"{STAMP}.log", damaged(log_text, log))
    write(run_directory / STAMP / "vis_data/scalars.json", damaged(RECORDS.encode(), records))
    run = read_run(run_directory)
    assert run.settings.config_name.known


def test_hundreds_of_damaged_runs_are_read_within_bounds(tmp_path):
    """The first of those of `make fuzz`; bombs are in test_bombs.py, one by one."""
    started, slowest = time.process_time(), 0.0
    with memory(2 << 30), pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.runs.mutate.BOMB_SHARE", 0)
        for number in range(300):
            path, begun = write_input(number, tmp_path / str(number)), time.process_time()
            with contextlib.suppress(RunFormatError):
                read_run(path)
            slowest = max(slowest, time.process_time() - begun)
    assert slowest < 5
    assert time.process_time() - started < 60
