"""Hold one step against its live adapter, or against the recording."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from parity.candidate.engine import Engine
from parity.candidate.own import check_case
from parity.candidate.sides import OwnSteps
from parity.check.cases import recorded_cases
from parity.check.summary import reference_steps
from parity.compare.compare import Verdict
from parity.compare.rng import GeneratorState, RecordingRandomState
from parity.compare.rounding import Rounding
from parity.compare.trace import StepResult, compare_records, run_step
from parity.compare.tree import compare_tree
from parity.environment import cpu_capability
from parity.fixtures import fixtures_root, inputs_root
from parity.pipeline import Step
from parity.probes.catalogue import PROBES
from parity.sample import Meta, Sample

MODEL_STEPS = frozenset(probe.step.name for probe in PROBES)
SEEDS = st.integers(0, 2**32 - 1)


def hold(
    step: Step, value: Any, seed: int, *, candidate: Callable[..., Any] | None = None
) -> StepResult:
    """Run `step` and its live adapter on `value` from the same generator state.

    `candidate` takes the place of the step's own function. Also asserts that
    neither side changed its input.
    """
    state = GeneratorState.of(RecordingRandomState(seed))
    [(name, reference)] = reference_steps([step])
    untouched = copy.deepcopy(value)
    tried = step if candidate is None else Step(name, candidate, step.options)
    actual = run_step(name, tried, value, state)
    assert unchanged(value, untouched), f"{name} changed its input"
    expected = run_step(name, reference, value, state)
    assert unchanged(value, untouched), f"the reference adapter of {name} changed its input"
    return compare_records(actual, expected)


def unchanged(value: Any, before: Any) -> bool:
    """Whether no leaf differs; empty arrays count as unchanged."""
    leaves = compare_tree(value, before).values()
    return all(leaf.verdict is not Verdict.DIFFERENT for leaf in leaves)


def assert_equal(step: Step, value: Any, seed: int = 0) -> None:
    """Outputs, dtypes, meta and generator state are bit-equal to the reference's."""
    result = hold(step, value, seed)
    assert result.verdict is Verdict.EQUAL, result.explain()


def assert_both_raise(step: Step, value: Any, seed: int = 0) -> None:
    """Neither side can do it."""
    result = hold(step, value, seed)
    assert result.error.startswith("both raise"), result.explain() or str(result.verdict)


class RecordedResults:
    """Every recorded case once, by step."""

    def __init__(self) -> None:
        pairs, header = recorded_cases(fixtures_root() / "recorded", inputs_root())
        self._recorded_on = header["cpu_capability"]
        engine = Engine(OwnSteps(), rounding=Rounding.FAIL)
        self._results = [(case.name, check_case(case, trace, engine)) for case, trace in pairs]

    def assert_equal(self, step: str) -> None:
        """`step` was compared at least once, and is equal in every case."""
        if step in MODEL_STEPS and self._recorded_on != cpu_capability():
            pytest.skip(
                f"float sums recorded on a CPU with {self._recorded_on} round otherwise here"
            )
        compared = 0
        for name, result in self._results:
            assert result.comparison is not None, f"{name}: {result.broken}"
            for row in result.comparison.steps:
                if row.name == step:
                    for found in (row.isolated, row.chained):
                        assert found.verdict is Verdict.EQUAL, f"{name}: {found.explain()}"
                    compared += 1
        assert compared > 0, f"the recording holds no step {step}"


def sides(limit: int = 70) -> st.SearchStrategy[int]:
    """Edge lengths in pixels; one pixel and odd sizes often."""
    return st.one_of(st.sampled_from([1, 2, 3, 31, 33]), st.integers(1, limit))


@st.composite
def samples(draw: st.DrawFn, *, limit: int = 70) -> Sample:
    """Images and label maps: noise or flat, one class, all ignored, ids 0, 254 and 255."""
    height, width = draw(sides(limit)), draw(sides(limit))
    rng = np.random.RandomState(draw(st.integers(0, 2**16)))
    image = rng.randint(0, 256, (height, width, 3)).astype(np.uint8)
    if draw(st.booleans()):
        image[:] = draw(hnp.arrays(np.uint8, (3,)))
    ids = draw(st.lists(st.sampled_from([0, 1, 2, 149, 150, 254, 255]), min_size=1, max_size=4))
    seg = rng.choice(np.array(ids, dtype=np.uint8), (height, width))
    return sample_of(image, seg)


def sample_of(image: NDArray[Any], seg: NDArray[Any] | None) -> Sample:
    """A sample as it comes out of loading."""
    shape = image.shape[:2]
    meta = Meta(img_path="x.jpg", reduce_zero_label=False, ori_shape=shape, img_shape=shape)
    return Sample(image, seg, meta)
