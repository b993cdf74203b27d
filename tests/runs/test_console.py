"""Failure lines: which are found, which are not, how often, and where."""

import io

import pytest

from parity.runs import read_run
from parity.runs.console import KERNEL_LAUNCH, FailureFinder
from parity.runs.text import blocks
from tests.runs.builders import (
    KERNEL,
    assert_evidence_exists,
    environment,
    head,
    train_line,
    val_lines,
    value,
    write,
    write_run,
)

BACKWARD = KERNEL.replace("im2col", "col2im")


def find(text):
    finder = FailureFinder("c.out")
    data = text if isinstance(text, bytes) else text.encode()
    assert list(finder.watch(blocks(io.BytesIO(data)))) == list(blocks(io.BytesIO(data)))
    return finder.findings()


HITS = {
    KERNEL: KERNEL_LAUNCH,
    BACKWARD: KERNEL_LAUNCH,
    "error in deformable_im2col: invalid argument": KERNEL_LAUNCH,
    "RuntimeError: CUDA error: no kernel image is available for execution": "no-kernel-image",
    "RuntimeError: CUDA out of memory. Tried to allocate 2 GiB": "cuda-out-of-memory",
    "torch.cuda.OutOfMemoryError: CUDA out of memory.": "cuda-out-of-memory",
    "RuntimeError: CUDA error: device-side assert triggered": "cuda-error",
    "cudaCheckError() failed : invalid device function": "cuda-error",
    "an illegal memory access was encountered": "cuda-error",
    "NVIDIA H100 PCIe with CUDA capability sm_90 is not compatible with the": "gpu-not-supported",
    "UserWarning: CUDA initialization: The NVIDIA driver is too old": "cuda-unavailable",
    "torch.distributed.DistBackendError: NCCL error in: x.cpp": "nccl-error",
    "Corrupt JPEG data: premature end of data segment": "image-damaged",
    "libpng error: IDAT: CRC error": "image-damaged",
    "RuntimeError: DataLoader worker (pid 77) is killed by signal: Killed.": "worker-killed",
    "Traceback (most recent call last):": "exception",
    "IndexError: Target 253 is out of bounds.": "exception",
    "[rank1]: ValueError: bad": "exception",
}


@pytest.mark.parametrize("line", HITS)
def test_a_failure_line_is_found_once_with_its_place(line):
    (found,) = find(f"{train_line(50)}{line}\n{train_line(100)}")
    assert found.kind == HITS[line]
    assert (found.source.line, found.count, found.last_line) == (2, 1, 2)
    assert found.source.text in line


MISSES = [
    train_line(50),
    "error in my code: none",
    "the kernel image was compiled",
    "mean squared Error: 5",
    "CUDA runs",
    "img2col and col2im are layers",
    "loss: 5.0 out of memory bank",
    "relative error in lr: 1e-7",
]


@pytest.mark.parametrize("line", MISSES)
def test_an_ordinary_line_is_not(line):
    assert find(f"{line}\n") == ()


def test_a_line_repeated_is_counted_with_its_first_and_last_place():
    lines = [train_line(50).strip(), *[KERNEL, BACKWARD] * 5000, "x"] * 20
    forward, backward = find("\n".join(lines))
    assert (forward.count, forward.source.line) == (100_000, 2)
    assert (backward.count, backward.source.line) == (100_000, 3)
    assert forward.last_line == len(lines) - 2
    assert backward.last_line == len(lines) - 1


def test_ranks_that_write_into_one_line_are_counted_each():
    (found,) = find(f"{KERNEL}{KERNEL}\nx{KERNEL}\n")
    assert (found.count, found.source.text) == (3, KERNEL)


def test_a_line_counts_for_one_kind_only():
    (found,) = find("RuntimeError: CUDA error: device-side assert triggered\n" * 3)
    assert found.count == 3


def test_numbers_do_not_make_another_finding():
    text = "\n".join(f"RuntimeError: CUDA out of memory at 0x{n:x}, {n} MiB" for n in range(50))
    (found,) = find(text)
    assert (found.count, found.source.line, found.last_line) == (50, 1, 50)


def test_thousands_of_different_failures_are_bounded():
    text = "\n".join(f"{chr(97 + n % 26) * (n // 26 + 1)}Error: x" for n in range(2000))
    found = find(text)
    assert len(found) <= 202
    assert sum(message.count for message in found) == 2000


def test_failures_in_a_progress_bar_without_an_end_of_line():
    bar = "".join(f"\r{n}%|####" for n in range(3000))
    (found,) = find(f"{bar}\r{KERNEL}\r{bar}\n")
    assert found.source.text == KERNEL


def test_a_console_of_windows():
    (found,) = find(f"x\r\n{KERNEL}\r\n".encode("utf-16"))
    assert (found.source.line, found.source.text) == (2, KERNEL)


def test_a_console_outside_and_inside(tmp_path):
    root = write_run(tmp_path / "run")
    text = "".join(train_line(step) + f"{KERNEL}\n" * 12 for step in range(50, 201, 50))
    outside = write(tmp_path / "saved.txt", text)
    assert read_run(root).console == ()
    (found,) = read_run(root, console=outside).console
    assert (found.kind, found.count, found.source.file) == ("kernel-launch", 48, str(outside))
    write(root / "nohup.out", text)
    (found,) = read_run(root).console
    assert (found.source.file, found.source.line) == ("nohup.out", 2)


def test_the_console_of_another_run_is_told_apart(tmp_path):
    root = write_run(tmp_path)
    write(root / "slurm-1.out", train_line(50, loss=7.0) + train_line(999, loss=7.0))
    run = read_run(root)
    assert "another run" in run.notes[0]
    assert 999 not in run.curves["loss"].steps


def test_a_console_fills_what_the_log_lacks(tmp_path):
    root = write_run(tmp_path)
    write(root / "nohup.out", train_line(200) + train_line(250) + val_lines(50.0))
    run = read_run(root)
    assert run.curves["loss"].steps.tolist() == [50, 100, 150, 200, 250]
    assert run.last.value == 50.0
    assert run.notes == ()


def test_a_console_alone(tmp_path):
    path = write(tmp_path / "out.txt", environment() + train_line(50) + KERNEL + "\n" + val_lines())
    run = read_run(path)
    assert (run.last.value, run.console[0].count, value(run, "world_size")) == (44.0, 1, 1)
    assert_evidence_exists(run)


def test_what_a_backbone_prints_without_a_logger_is_found_in_the_console(tmp_path):
    root = write_run(tmp_path, log=f"{head()}Load checkpoint from a.pth\n")
    mismatch = "The model and loaded state dict do not match exactly\n\n"
    mismatch += "missing keys in source state_dict: x\n\n"
    load = f"{head()}Load checkpoint from a.pth\n"
    write(root / "nohup.out", f"{mismatch}{load}Loads checkpoint by http backend from path: b\n")
    first, second = read_run(root).weights
    assert (first.path, first.purpose, first.missing) == ("a.pth", "load", ("x",))
    assert first.listed.file == "nohup.out"
    assert second.path == "b"
