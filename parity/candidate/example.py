"""A minimal example of a failure: tiny input, expected output, script, Markdown."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from parity.candidate.example_text import lines, markdown, script, shown
from parity.candidate.judge import judge
from parity.candidate.load import load_candidate
from parity.candidate.oracle import Oracle
from parity.candidate.runner import InProcess, Outcome, Runner
from parity.candidate.shrink import Differs, FailingCase, shrink
from parity.candidate.shrink_files import portable, shrink_files
from parity.candidate.steps import candidate_from
from parity.candidate.whole import augment
from parity.check.candidate import Candidate
from parity.check.cases import all_steps
from parity.check.summary import Held, StepKey
from parity.compare.compare import Verdict
from parity.compare.rng import GeneratorState
from parity.compare.store import load_traces, save_traces
from parity.compare.trace import StepRecord, StepResult, Trace
from parity.errors import InputError
from parity.files import write_atomically
from parity.pipeline import Step
from parity.sample import DataInfo
from parity.text import visible

NAME = "example"
# What must be left of the largest difference in a smaller case.
KEPT = 0.25


@dataclass(frozen=True, eq=False)
class Example:
    """A stored failure. part: what of the candidate stood in for `step`."""

    step: Step
    part: str
    expected: StepRecord
    header: dict[str, Any]

    @classmethod
    def load(cls, folder: Path) -> Example:
        """Read what `write_example` wrote. Raises InputError when it is broken."""
        traces, header = load_traces(folder, NAME, inputs=folder.resolve())
        try:
            step = _decoded(header["step"])
            [record] = traces[NAME].steps
            return cls(step, str(header["part"]), _with_state(record, header), header)
        except (KeyError, ValueError, SyntaxError) as error:
            raise InputError(f"{folder}: is no example of this version ({error!r})") from error

    def run(self, candidate: Any) -> Outcome:
        """Run a candidate, or the one named ``module:object``, on the stored input."""
        given = load_candidate(candidate) if isinstance(candidate, str) else candidate
        runner = InProcess(single_step(self.step, self.part, given))
        part = runner.description.part(self.step, replay=self.part.startswith("apply:"))
        return runner.run(part, self.step, self.expected.input, self.expected.state_before)

    def compare(self, outcome: Outcome) -> StepResult:
        """Hold what the candidate gave against the stored output."""
        return judge(outcome, self.expected, replayed=self.part.startswith("apply:"))

    def show(self, candidate: Any) -> None:
        """Print input, both outputs and the difference."""
        outcome = self.run(candidate)
        print(f"{self.step.name}, options {dict(self.step.options)}")
        print("input\n" + shown(self.expected.input))
        print("actual\n" + lines(outcome.record.error or shown(outcome.record.output)))
        print("expected\n" + lines(self.expected.error or shown(self.expected.output)))
        result = self.compare(outcome)
        told = visible(result.explain())
        print(f"{result.verdict}: {told}" if told else str(result.verdict))


def single_step(step: Step, part: str, given: Any) -> Candidate:
    """`given` as a candidate; a function of any name stands for `step`."""
    kind, _, name = part.partition(":")
    called = f"apply_{name}" if kind == "apply" else step.name
    return candidate_from(given, importable_name(given) or step.name, asked=frozenset({called}))


def importable_name(given: Any) -> str:
    """``module:object`` of a function or class that can be imported by it, or ""."""
    module, name = getattr(given, "__module__", ""), getattr(given, "__qualname__", "")
    return f"{module}:{name}" if module and name and "<" not in name else ""


def write_example(
    folder: Path,
    runner: Runner,
    failure: Held,
    *,
    part: str,
    oracle: Oracle,
    title: str,
    loadable: str = "",
    versions: Mapping[str, str],
    seconds: float = 15.0,
) -> Path:
    """Shrink `failure` and write it below `folder`; gives the Markdown file.

    oracle: the reference. title: what the candidate is called; loadable: how the
    script loads it, when that is something else. Raises InputError when the step's
    options cannot be written down, and for a failure that does not occur again.
    """
    step, expected, actual = failure
    header: dict[str, Any] = {
        "step": _encoded(step),
        "part": part,
        "versions": dict(versions),
        "candidate": title,
    }
    differs = _same_manner(runner, part, oracle, judge(Outcome(actual), expected))
    folder = folder.resolve()
    draws = bool(expected.draws or actual.draws)
    found = FailingCase(step, expected.input, expected.state_before, draws=draws)
    small = _smallest(found, folder, differs, seconds)
    record = oracle(small.step, small.value, small.state)
    outcome = runner.run(part, small.step, small.value, small.state)
    result = judge(outcome, record, replayed=part.startswith("apply:"))
    if outcome.ended:
        raise InputError(f"{step.name}: no example, for running it again ends: {outcome.ended}")
    if result.verdict is not Verdict.DIFFERENT:
        raise InputError(f"{step.name}: no example, for it does not fail again")
    header |= {"step": _encoded(small.step), "seed": small.seed}
    _save(folder, record, small, header)
    program = script(loadable or title, step.name, versions)
    write_atomically(folder / "reproduce.py", program.encode())
    page = markdown(small, record, outcome.record, result, title, versions)
    write_atomically(folder / "README.md", page.encode())
    return folder / "README.md"


def write_examples(
    folder: Path | None,
    failures: Mapping[StepKey, Sequence[Held]],
    write: Callable[[Path, Held], Path],
) -> tuple[dict[str, str], list[str]]:
    """One example below `folder` of the first failure of each step; none without a folder.

    write: makes the example of a failure in a folder and gives its Markdown file. Gives
    these files by ``pipeline/step``, and a sentence for each step that has none.
    """
    if folder is None:
        return {}, []
    made, missing = {}, []
    for (pipeline, name), found in failures.items():
        try:
            largest = max(found, key=_size)  # the first of equals
            made[f"{pipeline}/{name}"] = str(write(folder / f"{pipeline}-{name}", largest))
        except InputError as error:
            missing.append(f"No minimal example: {error}.")
        except OSError as error:
            missing.append(f"No minimal example of {name}: cannot be written: {error.strerror}.")
        except Exception as error:  # whatever a candidate gives, an example costs itself only
            told = visible(f"{type(error).__name__}: {error}")
            missing.append(f"No minimal example of {name}: cannot be made ({told}).")
    return made, missing


def _smallest(found: FailingCase, folder: Path, differs: Differs, seconds: float) -> FailingCase:
    if isinstance(found.value, DataInfo):
        return shrink_files(found, folder, differs)
    return portable(shrink(found, differs, seconds=seconds), folder)


def _size(failure: Held) -> tuple[bool, tuple[bool, bool, float]]:
    """Sorts the largest difference to the end; what differs in another way than in values last."""
    _, expected, actual = failure
    result = judge(Outcome(actual), expected)
    worst = result.worst
    return result.verdict is Verdict.DIFFERENT, worst[1].weight if worst else (True, True, 0.0)


def _same_manner(runner: Runner, part: str, oracle: Oracle, before: StepResult) -> Differs:
    """Whether a case differs in the kind of `before`, and no less than a quarter as much."""
    raised = bool(before.raised)

    def differs(step: Step, value: Any, state: GeneratorState) -> bool:
        expected = oracle(step, value, state)
        if expected.error:
            return False
        outcome = runner.run(part, step, value, state)
        if outcome.ended or bool(outcome.record.error) != raised:
            return False
        result = judge(outcome, expected, replayed=part.startswith("apply:"))
        return result.verdict is Verdict.DIFFERENT and _is_like(result, before)

    return differs


def _is_like(result: StepResult, before: StepResult) -> bool:
    if before.verdict is not Verdict.DIFFERENT or before.worst is None or result.worst is None:
        return True
    (_, now), (_, then) = result.worst, before.worst
    return now.reason == then.reason and now.max_abs >= KEPT * then.max_abs


def _save(folder: Path, record: StepRecord, small: FailingCase, header: dict[str, Any]) -> None:
    """A trace starts from a seed; a state that has none is kept in the header."""
    if small.seed is None:
        state = small.state
        words = [int(word) for word in state.key]
        header["state"] = [words, state.position, state.has_gauss, state.cached_gaussian]
    trace = Trace(small.seed or 0, (record,))
    save_traces(folder, NAME, {NAME: trace}, header=header, inputs=folder)


def _with_state(record: StepRecord, header: Mapping[str, Any]) -> StepRecord:
    """The record with the state it was made from, when that is not a seed's."""
    if "state" not in header:
        return record
    words, *rest = header["state"]
    state = GeneratorState(np.array(words, dtype=np.uint32), *rest)
    after = state if record.state_after == record.state_before else record.state_after
    return replace(record, state_before=state, state_after=after)


def _encoded(step: Step) -> dict[str, Any]:
    """A step as JSON; its options as Python literals."""
    if step.function is augment:
        return {"name": step.name, "steps": [_encoded(one) for one in step.options["steps"]]}
    options = repr(dict(step.options))
    try:
        ast.literal_eval(options)
    except (ValueError, SyntaxError):
        raise InputError(f"{step.name}: no example, for its options hold functions") from None
    return {"name": step.name, "function": step.function.__name__, "options": options}


def _decoded(node: Mapping[str, Any]) -> Step:
    if "steps" in node:
        inner = tuple(_decoded(one) for one in node["steps"])
        return Step(str(node["name"]), augment, {"steps": inner})
    owns = {step.function.__name__: step for step in all_steps()}
    options = ast.literal_eval(node["options"])
    return replace(owns[node["function"]], name=str(node["name"]), options=options)
