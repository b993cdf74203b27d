import numpy as np
import pytest
from numpy.random import RandomState

from parity.compare import Tolerance, Verdict
from parity.compare.rng import GeneratorState, RecordingRandomState, first_draw_difference
from parity.compare.trace import run_trace
from parity.compare.walk import compare_with_trace
from parity.errors import InputError, ReferenceUnavailable


def add(value, rng):
    return value + rng.uniform(0, 1)


def double(value, rng):
    return value * 2


def halve_wrongly(value, rng):
    return value * 2 + np.float64(1e-12)


def boom(value, rng):
    raise ValueError("no")


GOOD = [("add", add), ("double", double), ("again", double)]


def compared(steps, reference=GOOD, **options):
    return compare_with_trace(steps, run_trace(reference, np.float64(1), 3), **options)


def table(result):
    return [(s.name, str(s.isolated.verdict), str(s.chained.verdict)) for s in result.steps]


def test_clean():
    result = compared(GOOD)
    assert table(result) == [(name, "equal", "equal") for name, _ in GOOD]
    assert result.verdict is Verdict.EQUAL
    assert result.first_difference is None


def test_error_enters_at_one_step_and_travels():
    result = compared([("add", add), ("double", halve_wrongly), ("again", double)])
    assert table(result) == [
        ("add", "equal", "equal"),
        ("double", "different", "different"),
        ("again", "equal", "different"),
    ]
    assert result.first_difference.name == "double"


def test_candidate_raises():
    result = compared([("add", add), ("double", boom), ("again", double)])
    assert table(result)[1:] == [
        ("double", "different", "different"),
        ("again", "equal", "not compared"),
    ]
    assert "only actual raises ValueError: no" in result.first_difference.isolated.explain()


def test_reference_raises():
    reference = [("add", add), ("double", boom), ("again", double)]
    result = compared(GOOD, reference)
    assert table(result)[1:] == [
        ("double", "different", "different"),
        ("again", "not compared", "not compared"),
    ]


def test_both_raise_is_not_a_pass():
    steps = [("add", boom)]
    result = compared(steps, steps)
    assert result.verdict is Verdict.NOT_COMPARED
    assert "both raise" in result.steps[0].isolated.error


def test_machine_errors_pass_through():
    def missing(value, rng):
        raise ReferenceUnavailable("no op")

    with pytest.raises(ReferenceUnavailable):
        run_trace([("missing", missing)], 1, 0)


def test_other_steps_are_refused():
    with pytest.raises(InputError, match="steps"):
        compared([("double", double), ("add", add), ("again", double)])


@pytest.mark.parametrize(
    ("draw", "actual", "expected"),
    [
        (lambda rng: (rng.uniform(0, 1), rng.randint(3)), "randint(0, 3)", "none"),
        (lambda rng: (0,), "none", "uniform(0, 1)"),
        (lambda rng: (rng.uniform(0, 2),), "uniform(0, 2)", "uniform(0, 1)"),
        (lambda rng: (rng.normal(),), "normal()", "uniform(0, 1)"),
    ],
)
def test_first_differing_draw_is_named(draw, actual, expected):
    def changed(value, rng):
        return value + draw(rng)[0]

    result = compared([("add", changed), *GOOD[1:]]).first_difference.isolated
    assert actual in result.draw.actual
    assert expected in result.draw.expected


def test_equal_output_from_another_number_of_draws_is_a_divergence():
    def thirsty(value, rng):
        result = add(value, rng)
        rng.random_sample()
        return result

    result = compared([("add", thirsty), *GOOD[1:]])
    assert result.first_difference.name == "add"
    assert result.first_difference.isolated.generator != "equal"


def test_tolerance_is_looked_up_by_step_and_dtype():
    def table_of(step, dtype):
        loose = (step, dtype) in {("double", "float64"), ("again", "float64")}
        return Tolerance("t", atol=1e-9) if loose else Tolerance()

    wrong = [("add", add), ("double", halve_wrongly), ("again", double)]
    assert compared(wrong, tolerances=table_of).verdict is Verdict.WITHIN
    assert compared(wrong, tolerances=lambda step, dtype: Tolerance()).verdict is Verdict.DIFFERENT


class TestRecording:
    def test_draws_are_those_of_a_plain_generator(self):
        rng, plain = RecordingRandomState(5), RandomState(5)
        for call in (
            lambda r: r.randint(3, 9),
            lambda r: r.uniform(-1, 1),
            lambda r: r.choice(["a", None], p=[0.5, 0.5]),
            lambda r: r.permutation(5).tolist(),
            lambda r: r.normal(),
        ):
            assert call(rng) == call(plain)
        assert GeneratorState.of(rng) == GeneratorState.of(plain)
        assert [draw.name for draw in rng.draws] == [
            "randint",
            "uniform",
            "choice",
            "permutation",
            "normal",
        ]

    def test_arguments_that_mean_the_same_read_the_same(self):
        rng, other = RecordingRandomState(5), RecordingRandomState(5)
        rng.randint(2), rng.uniform(-32, 32)
        other.randint(0, np.int64(2)), other.uniform(-32.0, 32.0)
        assert first_draw_difference(rng.draws, other.draws) is None
        rng.rand(), other.random_sample()
        assert first_draw_difference(rng.draws, other.draws) is None

    def test_spare_gaussian_is_part_of_the_state(self):
        rng, other = RandomState(1), RandomState(1)
        rng.normal()
        other.normal(), other.normal()
        assert GeneratorState.of(rng) != GeneratorState.of(other)
        assert GeneratorState.of(rng).digest != GeneratorState.of(other).digest
