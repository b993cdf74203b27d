"""What is checked: pipelines over image files, and single steps over seeded inputs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from parity.compare.store import load_traces
from parity.compare.trace import Trace
from parity.dataset import list_data
from parity.errors import InputError
from parity.pipeline import Step, TrainPipeline, ValPipeline
from parity.probes import Probe, data
from parity.probes.catalogue import DATA_PROBES, PROBES, train_tail, val_tail
from parity.probes.device import to_device
from parity.sample import DataInfo

SPLITS = ("training", "validation")
# The loss of 150 classes at 512 x 512 takes a second; every so many seeds it is computed.
SEEDS_PER_LOSS = 10


@dataclass(frozen=True)
class Case:
    """Steps with what they start from: an image file (`info`), or the seeded input of `probe`."""

    pipeline: str
    subject: str
    seed: int
    steps: tuple[Step, ...]
    info: DataInfo | None = None
    probe: Probe | None = None
    device: str = "cpu"

    @property
    def name(self) -> str:
        """Unique among the cases of one check."""
        return f"{self.pipeline}/{self.subject}/seed {self.seed}"

    def start(self) -> Any:
        """What the first step is given."""
        return (
            self.info if self.probe is None else to_device(self.probe.make(self.seed), self.device)
        )


def default_cases(infos: Sequence[DataInfo], seeds: range, *, every: bool = False) -> list[Case]:
    """Training once per seed, taking the inputs in turn; validation once per input; every probe.

    Every tenth training seed goes on through collate and logits to the loss,
    every validation input through inference to its IoU. every: training takes every
    input, going on past the last seed where there are more inputs than seeds.
    """
    val = ValPipeline()
    whole = val.steps + val_tail()
    cases = list(_train(infos, seeds, every=every))
    cases += [_file_case("val", val, info, 0, steps=whole) for info in infos]
    return cases + probe_cases(seeds)


def _train(infos: Sequence[DataInfo], seeds: range, *, every: bool) -> Iterator[Case]:
    train = TrainPipeline()
    long = train.steps + train_tail(train.crop_size)
    for seed in range(seeds.start, max(seeds.stop, seeds.start + every * len(infos))):
        if every:
            turn, at = divmod(seed, len(infos))
            # Shifted by the turn, so that it is not the loss of the same inputs every time.
            is_long = (at + turn) % SEEDS_PER_LOSS == 0
        else:
            turn, rest = divmod(seed, SEEDS_PER_LOSS)
            # Turns, not seeds, so that with ten inputs the loss is not always that of the first.
            is_long, at = rest == 0, (seed if rest else turn) % len(infos)
        steps = long if is_long else train.steps
        yield _file_case("train", train, infos[at], seed, steps=steps)


def data_cases(inputs: Path, seeds: range) -> list[Case]:
    """The data steps alone: rare files below `inputs`, and samples made from every seed."""
    cases = []
    for seed, info in enumerate(data.rare_files(inputs)):
        for steps in (data.LOAD, data.LOAD_VAL):
            name = f"{Path(info.img_path).stem}, {'mapped' if info.label_map else 'as it is'}"
            cases.append(Case("load", f"{name}, {steps[0].name}", seed, steps, info=info))
    return cases + [
        Case(probe.step.module, probe.step.name, seed, (probe.step,), probe=probe)
        for probe in DATA_PROBES
        for seed in seeds
    ]


def probe_cases(seeds: range, *, device: str = "cpu") -> list[Case]:
    """Every probe with every seed, its tensors on `device`."""
    return [
        Case(probe.step.module, probe.step.name, seed, (probe.step,), probe=probe, device=device)
        for probe in PROBES
        for seed in seeds
    ]


def all_steps() -> tuple[Step, ...]:
    """Every step of every case, first occurrence first; names repeat between pipelines."""
    return (*pipeline_steps(), *(probe.step for probe in (*DATA_PROBES, *PROBES)))


def pipeline_steps() -> tuple[Step, ...]:
    """The steps of training and validation, from the files to loss and IoU."""
    train, val = TrainPipeline(), ValPipeline()
    return (*train.steps, *val.steps, *train_tail(train.crop_size), *val_tail())


def only_needed(cases: Sequence[Case], only: frozenset[str]) -> list[Case]:
    """The cases that hold a step in `only`, cut off after the last such step; none means all."""
    if not only:
        return list(cases)
    needed = []
    cut: dict[int, tuple[Step, ...]] = {}  # one for many cases, which share theirs
    for case in cases:
        steps = cut.get(id(case.steps))
        if steps is None:
            wanted = [index for index, step in enumerate(case.steps) if step.name in only]
            steps = cut[id(case.steps)] = case.steps[: wanted[-1] + 1] if wanted else ()
        if steps:
            needed.append(replace(case, steps=steps))
    return needed


def list_root(root: Path) -> list[DataInfo]:
    """Every image of an ADE20K-style root, training split first.

    Raises InputError when there is none.
    """
    if not root.is_dir():
        raise InputError(f"{root}: no such directory; give a root with images/ and annotations/")
    found = [split for split in SPLITS if (root / "images" / split).is_dir()]
    if not found:
        raise InputError(f"{root}: holds neither images/training nor images/validation")
    return [
        info
        for split in found
        for info in list_data(root / "images" / split, root / "annotations" / split)
    ]


def recording_cases(inputs: Path) -> list[Case]:
    """The small set that `parity record` records: every built-in input at a small scale, probes."""
    train = TrainPipeline(scale=(96, 48), crop_size=(40, 48))
    val = ValPipeline(scale=(96, 48))
    cases = []
    for index, info in enumerate(list_root(inputs)):
        for seed in (index, 100 + index):
            cases.append(_file_case("train", train, info, seed))
        cases.append(_file_case("val", val, info, 0))
    return cases + probe_cases(range(2))


def recorded_cases(folder: Path, inputs: Path) -> tuple[list[tuple[Case, Trace]], dict[str, Any]]:
    """The recorded reference traces with the cases they answer, and the recording's header.

    Raises InputError when the recording is broken, or of other cases than this version's.
    """
    traces, header = load_traces(folder, "traces", inputs=inputs)
    cases = {case.name: case for case in recording_cases(inputs)}
    if set(traces) != set(cases):
        odd = sorted(set(traces) ^ set(cases))
        raise InputError(
            f"{folder}: records other cases than this version has, such as {odd[:3]}; record again"
        )
    return [(cases[name], trace) for name, trace in traces.items()], header


def _file_case(
    name: str,
    pipeline: TrainPipeline | ValPipeline,
    info: DataInfo,
    seed: int,
    *,
    steps: tuple[Step, ...] | None = None,
) -> Case:
    started = pipeline.data_info(info.img_path, info.seg_map_path)
    chosen = pipeline.steps if steps is None else steps
    return Case(name, Path(info.img_path).name, seed, chosen, info=started)
