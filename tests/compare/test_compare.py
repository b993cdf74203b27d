"""What other tools pass and must fail, one by one, and what must stay silent."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from parity.compare import EXACT, Tolerance, Verdict, compare, leaf, worst_verdict
from parity.compare.tree import compare_tree
from parity.errors import InputError

NAN, INF = math.nan, math.inf
F32 = np.float32

DIFFERENT = {
    "NaN against a number": (np.array([NAN, 1]), np.array([0.0, 1]), "non-finite"),
    "inf equal inf hides a NaN": (np.array([INF, NAN]), np.array([INF, 1.0]), "non-finite"),
    "inf against -inf": (np.array([INF]), np.array([-INF]), "non-finite"),
    "uint8 0 against 255": (np.array([0], np.uint8), np.array([255], np.uint8), "values"),
    "transpose": (np.zeros((2, 3)), np.zeros((3, 2)), "shape"),
    "broadcast": (np.ones((1, 3)), np.ones((4, 3)), "shape"),
    "scalar against array": (np.ones(()), np.ones(1), "shape"),
    "horizontal flip": (
        np.arange(6.0).reshape(2, 3)[:, ::-1],
        np.arange(6.0).reshape(2, 3),
        "values",
    ),
    "channel swap": (
        np.arange(6.0).reshape(2, 3)[:, [2, 1, 0]],
        np.arange(6.0).reshape(2, 3),
        "values",
    ),
    "shuffled": (np.array([1, 2, 3]), np.array([3, 1, 2]), "values"),
    "rounding hides it": (np.array([1.0]), np.array([1.0 + 1e-15]), "values"),
    "signed zero": (np.array([0.0]), np.array([-0.0]), "values"),
    "dtype": (np.zeros(2, np.float32), np.zeros(2, np.float64), "dtype"),
    "int dtype": (np.zeros(2, np.int32), np.zeros(2, np.int64), "dtype"),
    "array against tensor": (np.zeros(2), torch.zeros(2, dtype=torch.float64), "structure"),
    "python int against numpy": (1, np.int64(1), "structure"),
    "bool against int": (True, 1, "structure"),
    "text": ("horizontal", "vertical", "values"),
    "None against text": (None, "vertical", "structure"),
    "int64 ends": (np.array([-(2**63)]), np.array([2**63 - 1]), "values"),
    "bool arrays": (np.array([True, False]), np.array([True, True]), "values"),
    "half": (torch.tensor([1.0]).half(), torch.tensor([1.001]).half(), "values"),
    "bfloat16": (torch.tensor([1.0]).bfloat16(), torch.tensor([1.01]).bfloat16(), "values"),
}

EQUAL = {
    "NaN at the same place": (np.array([NAN, 1]), np.array([NAN, 1])),
    "NaN of another payload": (
        np.array([0x7FC00001], np.uint32).view(F32),
        np.array([0x7FC00002], np.uint32).view(F32),
    ),
    "infinities": (np.array([INF, -INF]), np.array([INF, -INF])),
    "not contiguous": (np.arange(6).reshape(2, 3).T, np.arange(6).reshape(2, 3).T.copy()),
    "negative strides": (np.arange(6)[::-1], np.array([5, 4, 3, 2, 1, 0])),
    "float NaN": (NAN, NAN),
    "text": ("a", "a"),
    "None": (None, None),
    "requires grad": (torch.ones(2, requires_grad=True), torch.ones(2)),
    "bfloat16": (torch.tensor([NAN, 1.0]).bfloat16(), torch.tensor([NAN, 1.0]).bfloat16()),
}


@pytest.mark.parametrize(("actual", "expected", "reason"), DIFFERENT.values(), ids=DIFFERENT)
def test_must_fail(actual, expected, reason):
    found = compare(actual, expected)
    assert (found.verdict, found.reason) == (Verdict.DIFFERENT, reason)
    assert not found.passed
    assert found.detail
    assert compare(expected, actual).verdict is Verdict.DIFFERENT


@pytest.mark.parametrize(("actual", "expected"), EQUAL.values(), ids=EQUAL)
def test_must_pass(actual, expected):
    found = compare(actual, expected)
    assert found.verdict is Verdict.EQUAL
    assert found.passed
    assert (found.reason, found.detail, found.differing) == ("", "", 0)


def test_one_error_in_ten_million_is_found_and_placed():
    expected = np.zeros((1000, 10000), F32)
    actual = expected.copy()
    actual[123, 4567] = 5
    found = compare(actual, expected)
    assert found.verdict is Verdict.DIFFERENT
    assert (found.differing, found.count, found.max_abs) == (1, 10**7, 5.0)
    assert found.worst_index == (123, 4567)
    assert found.box == ((123, 124), (4567, 4568))
    assert (found.worst_actual, found.worst_expected) == (5.0, 0.0)


def test_record_of_a_region():
    expected = np.full((6, 8, 3), 100, np.uint8)
    actual = expected.copy()
    actual[2:4, 5:7, 1] = 101
    actual[3, 6, 1] = 0
    found = compare(actual, expected)
    assert found.differing == 4
    assert found.box == ((2, 4), (5, 7), (1, 2))
    assert found.worst_index == (3, 6, 1)
    assert found.max_abs == 100
    assert found.max_ulp is None


def test_nothing_compared_is_not_a_pass():
    found = compare(np.zeros((0, 3)), np.zeros((0, 3)))
    assert found.verdict is Verdict.NOT_COMPARED
    assert not found.passed
    assert worst_verdict([]) is Verdict.NOT_COMPARED
    assert worst_verdict([Verdict.NOT_COMPARED, Verdict.EQUAL]) is Verdict.EQUAL
    assert worst_verdict([Verdict.EQUAL, Verdict.DIFFERENT, Verdict.WITHIN]) is Verdict.DIFFERENT


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_ulp_counts_representable_numbers(dtype):
    value = np.array([1.0, -1.0, 0.0, 3e-5], dtype)
    up = value
    for steps in range(1, 4):
        up = np.nextafter(up, dtype(INF))
        assert compare(up, value).max_ulp == steps
    tiny = np.nextafter(dtype(0), dtype(1))
    assert compare(np.array([-tiny]), np.array([tiny])).max_ulp == 3  # -tiny, -0, 0, tiny


def test_unusable_values_are_refused():
    for value in (object(), np.array([object()]), np.array([1j]), {1, 2}):
        with pytest.raises(InputError, match="cannot compare"):
            compare(value, value)


class TestTolerance:
    """The largest error accepted passes, the next larger fails."""

    def check(self, tolerance, expected, accepted, refused):
        assert (
            compare(np.array([accepted]), np.array([expected]), tolerance).verdict is Verdict.WITHIN
        )
        found = compare(np.array([refused]), np.array([expected]), tolerance)
        assert found.verdict is Verdict.DIFFERENT

    def test_atol(self):
        self.check(Tolerance("t", atol=0.5), 0.0, 0.5, np.nextafter(0.5, 1))

    def test_rtol(self):
        self.check(Tolerance("t", rtol=0.25), 4.0, 5.0, np.nextafter(5.0, 6))

    def test_max_ulp(self):
        one = np.nextafter(F32(1), F32(2))
        self.check(Tolerance("t", max_ulp=1), F32(1), one, np.nextafter(one, F32(2)))

    def test_every_element_counts(self):
        expected = np.zeros(1000)
        actual = expected.copy()
        actual[7] = 1e-3
        assert compare(actual, expected, Tolerance("t", atol=1e-4)).verdict is Verdict.DIFFERENT

    def test_never_forgives_a_non_finite_mask(self):
        wide = Tolerance("t", atol=INF, rtol=INF, max_ulp=2**62)
        assert compare(np.array([NAN]), np.array([1.0]), wide).verdict is Verdict.DIFFERENT

    def test_equal_stays_equal(self):
        assert compare(np.ones(2), np.ones(2), Tolerance("t", atol=1)).verdict is Verdict.EQUAL
        assert EXACT.is_exact


arrays = hnp.arrays(
    st.sampled_from([np.uint8, np.int64, np.float32, np.float64, np.bool_]),
    hnp.array_shapes(max_dims=3, max_side=5),
)


@given(arrays)
def test_any_array_equals_its_copy(array):
    assert compare(array.copy(), array).verdict is Verdict.EQUAL


@given(arrays, st.data())
def test_any_changed_element_is_found(array, data):
    index = tuple(data.draw(st.integers(0, side - 1)) for side in array.shape)
    changed = array.copy()
    changed[index] = data.draw(st.sampled_from([0, 1, 200]))
    if changed[index].tobytes() == array[index].tobytes():
        return
    found = compare(changed, array)
    assert found.verdict is Verdict.DIFFERENT
    assert (found.worst_index, found.differing) == (index, 1)


class TestTree:
    def verdicts(self, actual, expected):
        return {path: str(leaf.verdict) for path, leaf in compare_tree(actual, expected).items()}

    def test_paths(self):
        value = {"a": [np.ones(2), (1, "x")], "b": {"c": None}}
        assert self.verdicts(value, value) == dict.fromkeys(
            ["a[0]", "a[1][0]", "a[1][1]", "b.c"], "equal"
        )

    @pytest.mark.parametrize(
        ("actual", "expected", "path"),
        [
            ({"a": 1}, {"a": 1, "b": 2}, "b"),
            ({"a": 1, "b": 2}, {"a": 1}, "b"),
            ([1, 2], [1, 2, 3], "[2]"),
            ((1, 2), [1, 2], ""),
            ([1], {"[0]": 1}, ""),
            (1, [1], ""),
            ({"a": {"b": 1}}, {"a": 1}, "a"),
        ],
    )
    def test_unmatched_names_are_differences(self, actual, expected, path):
        assert self.verdicts(actual, expected)[path] == "different"


@pytest.mark.parametrize("tolerance", [EXACT, Tolerance(name="t", atol=0.5, reason="r")])
@pytest.mark.parametrize("dtype", ["float32", "float16", "int64", "uint8", "bool"])
def test_large_arrays_are_compared_in_parts_as_in_one(monkeypatch, dtype, tolerance):
    rng = np.random.RandomState(0)
    one = rng.randint(0, 3, (5, 4, 3)).astype(dtype)
    other = np.where(rng.uniform(size=one.shape) < 0.2, one[::-1, ::-1], one)
    cases = [(one, one), (one, other)]
    if one.dtype.kind == "f":
        odd = other.copy()
        odd[3, 1, 1:] = NAN, INF
        cases += [(odd, one), (one, one + np.array(0.25, dtype))]
    whole = [compare(*case, tolerance) for case in cases]
    told = repr(whole)  # NaN is not equal to itself
    monkeypatch.setattr(leaf, "BLOCK", 7)
    assert repr([compare(*case, tolerance) for case in cases]) == told
    assert {case.verdict for case in whole} >= {Verdict.EQUAL, Verdict.DIFFERENT}
