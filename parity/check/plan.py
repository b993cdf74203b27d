"""What one check runs: its cases, and the reference they are held against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from parity.check.cases import (
    Case,
    data_cases,
    default_cases,
    list_root,
    only_needed,
    probe_cases,
    recorded_cases,
)
from parity.check.summary import Unexercised, candidate_steps, reference_steps
from parity.compare.trace import Trace, run_trace
from parity.environment import cpu_capability, environment
from parity.errors import InputError, ReferenceUnavailable
from parity.files import file_sha256
from parity.fixtures import fixtures_root, inputs_root
from parity.live import reference_header


@dataclass(frozen=True, eq=False)
class Plan:
    """mode: "live", also with a device, or "recorded". versions: of all that computes.

    seeds: first, and one past the last; None for those of a recording. recorded: the
    reference's traces by the name of the case; None for the live one. stand_in: whether
    our own steps take its place. unexercised: what was asked for and has no case. inputs:
    SHA-256 of every file that was read, by path; filled while the cases are run.
    """

    mode: str
    cases: Sequence[Case]
    versions: dict[str, str]
    notes: tuple[str, ...]
    seeds: tuple[int, int] | None
    recorded: Mapping[str, Trace] | None = None
    stand_in: bool = False
    unexercised: tuple[Unexercised, ...] = ()
    inputs: dict[str, str] = field(default_factory=dict)

    def references(self) -> Iterator[tuple[Case, Trace]]:
        """Every case with what the reference makes of it."""
        for case in self.cases:
            yield case, self.reference(case)
            self.note(case)

    def note(self, case: Case) -> None:
        """Note the files of a case that has been run."""
        for path in () if case.info is None else (case.info.img_path, case.info.seg_map_path):
            if path and path not in self.inputs:
                self.inputs[path] = _sha256(path)

    def reference(self, case: Case) -> Trace:
        """What the reference makes of `case`: read where it is recorded, else run now."""
        if self.recorded is not None:
            whole = self.recorded[case.name]
            return replace(whole, steps=whole.steps[: len(case.steps)])
        functions = candidate_steps if self.stand_in else reference_steps
        return run_trace(functions(case.steps), case.start(), case.seed)

    def only(self, names: frozenset[str]) -> Plan:
        """This plan with the cases that hold a step in `names`, none meaning all."""
        return replace(self, cases=only_needed(self.cases, names))

    def header(self) -> dict[str, Any]:
        """What `parity.check.summary.summarise` wants to know; `inputs` is filled on the way."""
        return {
            "mode": self.mode,
            "versions": self.versions,
            "notes": self.notes,
            "seeds": self.seeds,
            "inputs": self.inputs,
        }


def live_plan(data: Path | None, seeds: range) -> Plan:
    """The built-in inputs and `data` beside live mmsegmentation.

    Raises ReferenceUnavailable without it, InputError when `data` holds no data set.
    """
    versions, notes = reference_header()
    cases = _cases(data, seeds)
    if data is not None:
        images = len(list_root(inputs_root())) + len(list_root(data))
        notes = (*notes, _coverage(data, images, seeds))
    return Plan("live", cases, {**versions, **environment()}, notes, (seeds.start, seeds.stop))


def stand_in_plan(data: Path | None, seeds: range) -> Plan:
    """The cases of `live_plan` beside our own steps, which a check holds bit-equal to it."""
    limits = (seeds.start, seeds.stop)
    return Plan("stand-in", _cases(data, seeds), environment(), (), limits, stand_in=True)


def _cases(data: Path | None, seeds: range) -> list[Case]:
    infos = list_root(inputs_root()) + ([] if data is None else list_root(data))
    own = data_cases(inputs_root(), seeds)
    return default_cases(infos, seeds, every=data is not None) + own


def _coverage(data: Path, images: int, seeds: range) -> str:
    last = seeds.start + max(images, len(seeds)) - 1
    return (
        f"Training and validation take every image below {data}/images and every built-in one; "
        f"training with seeds {seeds.start} to {last}, in turn."
    )


def device_plan(device: str, seeds: range) -> Plan:
    """The steps of the model side beside live mmsegmentation, with their tensors on `device`."""
    versions, notes = reference_header()
    cases = probe_cases(seeds, device=device)
    mode = f"live, on {device}"
    return Plan(mode, cases, {**versions, **environment()}, notes, (seeds.start, seeds.stop))


def recorded_plan(data: Path | None = None) -> Plan:
    """The cases of the recording in the fixtures.

    Raises ReferenceUnavailable when `data` is given: a recording cannot answer for it.
    """
    if data is not None:
        raise ReferenceUnavailable(f"{data}: the recorded reference knows the built-in inputs only")
    pairs, header = recorded_cases(fixtures_root() / "recorded", inputs_root())
    cases = [case for case, _ in pairs]
    return Plan(
        "recorded",
        cases,
        {**{f"recorded {n}": str(text) for n, text in header["versions"].items()}, **environment()},
        _recorded_notes(header),
        None,
        {case.name: trace for case, trace in pairs},
    )


def _recorded_notes(header: Mapping[str, Any]) -> tuple[str, ...]:
    notes = ["Compared with a recording, not with live mmsegmentation; the seeds are its own."]
    recorded_on, here = header["cpu_capability"], cpu_capability()
    if recorded_on != here:
        notes.append(
            f"Recorded on a CPU with {recorded_on}, compared on one with {here}: "
            "sums of floats may differ by rounding."
        )
    return tuple(notes)


def _sha256(path: str) -> str:
    try:
        return file_sha256(Path(path))
    except InputError:  # reported as broken by its case
        return "unreadable"
