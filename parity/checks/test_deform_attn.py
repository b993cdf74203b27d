import pytest
import torch
from hypothesis import given, settings

from parity.checks.support import SEEDS, assert_both_raise, assert_equal
from parity.errors import ReferenceUnavailable
from parity.live import reference_module
from parity.probes.deform_attn import PROBES, make_attention
from parity.probes.natural import step_of
from parity.probes.natural.gradient import with_gradients
from parity.steps.deform_attn import initial_sampling_bias, multi_scale_deformable_attention

pytestmark = pytest.mark.live
ATTENTION = step_of("deform_attn", multi_scale_deformable_attention)
BIAS = step_of("deform_attn_initial_bias", initial_sampling_bias)
# Relative to the largest value, as the weights of a query add up to 1. A location of at
# most 3 * 8 cells is rounded by 24 * 2**-24 cells on two axes, and shifts weight from one
# value to another by as much: 96 * 2**-24, and the rest for the sums.
CUDA_ERROR = 160 * 2.0**-24


@pytest.mark.parametrize("seed", range(24))
@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.step.name)
def test_probes(probe, seed):
    assert_equal(probe.step, probe.make(seed), seed)


class TestAttention:
    @settings(max_examples=60)
    @given(SEEDS)
    def test_any_input(self, seed):
        assert_equal(ATTENTION, make_attention(seed))

    def test_the_size_of_mask2former(self):
        """Three levels of a 128 x 128 crop, every cell a query, eight heads, four points."""
        torch.manual_seed(0)
        shapes = torch.tensor([[4, 4], [8, 8], [16, 16]])
        cells = int(shapes.prod(1).sum())
        value = {
            "value": torch.randn(1, cells, 8, 32),
            "spatial_shapes": shapes,
            "sampling_locations": torch.rand(1, cells, 8, 3, 4, 2) * 1.2 - 0.1,
            "attention_weights": torch.rand(1, cells, 8, 12).softmax(-1).view(1, cells, 8, 3, 4),
            "grad_output": torch.randn(1, cells, 256),
        }
        assert_equal(ATTENTION, value)

    @pytest.mark.parametrize("odd", [float("nan"), float("inf"), -1e30])
    def test_odd_locations(self, odd):
        value = make_attention(3)
        value["sampling_locations"][..., 0, 0] = odd
        assert_equal(ATTENTION, value)

    def test_half_precision(self):
        value = make_attention(5)
        halves = _in_dtype(value, torch.bfloat16)
        assert_equal(ATTENTION, halves)

    def test_missing_keys_are_refused_by_both(self):
        value = make_attention(1)
        assert_both_raise(ATTENTION, {**value, "value": value["value"][:, :-1]})


def test_initial_bias_of_many_heads():
    for heads in range(1, 33):
        assert_equal(BIAS, {"num_heads": heads, "num_levels": 2, "num_points": 5})


def test_compiled_op():
    """The CUDA op adds in another order: held to float64 within its rounding error.

    A kernel that could not be launched leaves zeros, and is found here.
    """
    compiled = reference_module("deform_attn").deform_attn_cuda
    for seed in range(10):
        narrow = _in_dtype(make_attention(seed), torch.float32)
        wide = _in_dtype(narrow, torch.float64)
        try:
            actual = with_gradients(compiled, narrow)
        except ReferenceUnavailable as error:
            pytest.skip(str(error))
        exact = with_gradients(multi_scale_deformable_attention, wide)
        distance = (actual["output"] - exact["output"]).abs().max()
        assert distance <= CUDA_ERROR * narrow["value"].abs().max()
        for name, gradient in exact.items():
            assert bool(actual[name].any()) == bool(gradient.any())


def _in_dtype(value, dtype):
    return {key: item if key == "spatial_shapes" else item.to(dtype) for key, item in value.items()}
