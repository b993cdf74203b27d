from __future__ import annotations

import math
from functools import partial
from itertools import product

import numpy as np
import pytest
import torch
from torch.nn import functional

from parity.checks.support import hold
from parity.compare import Verdict
from parity.errors import InputError
from parity.probes.deform_attn import PROBES, make_attention
from parity.probes.natural.gradient import with_gradients
from parity.steps.deform_attn import (
    initial_sampling_bias,
    multi_scale_deformable_attention,
)

BY_NAME = {probe.step.name: probe for probe in PROBES}
SEEDS = range(8)


def bilinear(cells, x, y):
    """The value at ``(x, y)`` in cells, cell centres at halves, zero outside; cells (H, W, C)."""
    height, width, channels = cells.shape
    column, row = x - 0.5, y - 0.5
    left, top = math.floor(column), math.floor(row)
    total = np.zeros(channels)
    for at_row, at_column in product((top, top + 1), (left, left + 1)):
        if 0 <= at_row < height and 0 <= at_column < width:
            share = (1 - abs(row - at_row)) * (1 - abs(column - at_column))
            total += share * cells[at_row, at_column]
    return total


def by_definition(value, spatial_shapes, sampling_locations, attention_weights):
    """Deformable attention as Deformable DETR defines it, one sample at a time, in float64."""
    shapes = spatial_shapes.tolist()
    batch, queries, heads, _, points = attention_weights.shape
    cells = value.double().numpy()
    locations, weights = sampling_locations.double().numpy(), attention_weights.double().numpy()
    output = np.zeros((batch, queries, heads, value.shape[-1]))
    starts = np.cumsum([0, *(height * width for height, width in shapes)])
    for b, q, m in product(range(batch), range(queries), range(heads)):
        for level, (height, width) in enumerate(shapes):
            grid = cells[b, starts[level] : starts[level + 1], m].reshape(height, width, -1)
            for p in range(points):
                x, y = locations[b, q, m, level, p]
                sample = bilinear(grid, x * width, y * height)
                output[b, q, m] += weights[b, q, m, level, p] * sample
    return torch.from_numpy(output.reshape(batch, queries, -1))


def attention(value, spatial_shapes, sampling_locations, attention_weights, **options):
    """Deformable attention in plain PyTorch. options: of ``grid_sample``."""
    settings = {"mode": "bilinear", "padding_mode": "zeros", "align_corners": False, **options}
    sizes = [tuple(pair) for pair in spatial_shapes.tolist()]
    samples = []
    for level, part in enumerate(value.split([h * w for h, w in sizes], 1)):
        maps = part.permute(0, 2, 3, 1).flatten(0, 1).unflatten(2, sizes[level])
        grid = sampling_locations[:, :, :, level].transpose(1, 2).flatten(0, 1) * 2 - 1
        samples.append(functional.grid_sample(maps, grid, **settings))
    weights = attention_weights.transpose(1, 2).flatten(0, 1).flatten(2)[:, None]
    output = (torch.stack(samples, -2).flatten(-2) * weights).sum(-1)
    return output.unflatten(0, (value.shape[0], -1)).flatten(1, 2).transpose(1, 2)


def sampled(**options):
    """Deformable attention with other options for the sampling."""
    return lambda value, rng: with_gradients(partial(attention, **options), value)


def altered(**changes):
    """Our own step on inputs changed by a function each."""

    def run(**inputs):
        for name, change in changes.items():
            inputs[name] = change(inputs[name])
        return multi_scale_deformable_attention(**inputs)

    return lambda value, rng: with_gradients(run, value)


def failed_kernel(value, rng):
    """What the compiled op leaves when it cannot be launched."""
    return {name: torch.zeros_like(leaf) for name, leaf in altered()(value, rng).items()}


DEFECTS = {
    "corners_aligned": sampled(align_corners=True),
    "border_for_zero_padding": sampled(padding_mode="border"),
    "nearest_cell": sampled(mode="nearest"),
    "x_and_y_swapped": altered(sampling_locations=lambda locations: locations.flip(-1)),
    "width_before_height": altered(spatial_shapes=lambda shapes: shapes.flip(-1)),
    "weights_of_another_point": altered(attention_weights=lambda weights: weights.roll(1, -1)),
    "weights_normalised_twice": altered(attention_weights=lambda weights: weights.softmax(-1)),
    "locations_clamped": altered(sampling_locations=lambda locations: locations.clamp(0, 1)),
    "no_gradient_of_locations": altered(sampling_locations=lambda at: at.detach() + 0 * at),
    "failed_kernel": failed_kernel,
}
# What is wrong about the grid of offsets, (heads, levels, points, 2).
BIAS_DEFECTS = {
    "bias_y_first": lambda grid: grid.flip(-1),
    "bias_on_a_circle": lambda grid: grid / grid[:, :, :1].norm(dim=-1, keepdim=True),
    "bias_without_growing_steps": lambda grid: grid[:, :, :1].expand_as(grid),
    "bias_zero": torch.zeros_like,
}


def found(name, *, candidate=None):
    """The leaves that differ over all seeds; none may raise."""
    probe = BY_NAME[name]
    results = [hold(probe.step, probe.make(seed), seed, candidate=candidate) for seed in SEEDS]
    assert not any(result.error for result in results)
    leaves = [leaf for result in results for leaf in result.leaves.items()]
    return {path for path, comparison in leaves if comparison.verdict is Verdict.DIFFERENT}


@pytest.mark.live
class TestPlanted:
    @pytest.mark.parametrize("name", list(BY_NAME))
    def test_clean_step_gives_nothing(self, name):
        assert not found(name)

    @pytest.mark.parametrize("defect", DEFECTS)
    def test_is_found(self, defect):
        assert found("deform_attn", candidate=DEFECTS[defect])

    @pytest.mark.parametrize("defect", BIAS_DEFECTS)
    def test_is_found_in_the_initial_bias(self, defect):
        def wrong(value, rng):
            grid = initial_sampling_bias(**value).view(*(value[key] for key in value), 2)
            return BIAS_DEFECTS[defect](grid).flatten()

        assert found("deform_attn_initial_bias", candidate=wrong)

    def test_only_gradients_show_detached_locations(self):
        differing = found("deform_attn", candidate=DEFECTS["no_gradient_of_locations"])
        assert differing == {"grad_sampling_locations"}


class TestDefinition:
    @pytest.mark.parametrize("seed", range(12))
    def test_beside_one_sample_at_a_time(self, seed):
        inputs = double(make_attention(seed))
        expected = by_definition(**inputs)
        actual = multi_scale_deformable_attention(**inputs)
        torch.testing.assert_close(actual, expected, rtol=1e-12, atol=1e-12)

    @pytest.mark.parametrize("seed", range(4))
    def test_gradients(self, seed):
        inputs = double(make_attention(seed))
        rng = np.random.RandomState(seed)
        shapes = inputs["spatial_shapes"]
        # In cells, away from the centres, where a bilinear sample has a kink.
        at = rng.randint(-1, 8, inputs["sampling_locations"].shape) + rng.uniform(0.6, 1.4)
        locations = torch.from_numpy(at) / shapes.flip(-1)[:, None]

        def run(value, sampling_locations, attention_weights):
            return multi_scale_deformable_attention(
                value, shapes, sampling_locations, attention_weights
            )

        leaves = (inputs["value"], locations, inputs["attention_weights"])
        torch.autograd.gradcheck(run, [leaf.requires_grad_() for leaf in leaves])

    def test_centre_of_a_cell_is_the_cell(self):
        value = torch.arange(6.0).view(1, 6, 1, 1)
        centres = [((x + 0.5) / 3, (y + 0.5) / 2) for y in range(2) for x in range(3)]
        locations = torch.tensor(centres).view(1, 6, 1, 1, 1, 2)
        output = multi_scale_deformable_attention(
            value, [(2, 3)], locations, torch.ones(1, 6, 1, 1, 1)
        )
        torch.testing.assert_close(output.flatten(), value.flatten())

    def test_far_outside_is_zero(self):
        inputs = double(make_attention(2))
        inputs["sampling_locations"] = torch.full_like(inputs["sampling_locations"], 9.0)
        assert not multi_scale_deformable_attention(**inputs).any()

    def test_initial_bias_points_to_the_edge_of_a_square(self):
        grid = initial_sampling_bias(8, 3, 4).view(8, 3, 4, 2)
        steps = torch.arange(1.0, 5).expand(8, 3, 4)
        torch.testing.assert_close(grid.abs().amax(-1), steps)
        angles = torch.atan2(grid[..., 1], grid[..., 0]) % (2 * math.pi)
        expected = (torch.arange(8) * math.pi / 4)[:, None, None].expand(8, 3, 4)
        torch.testing.assert_close(angles, expected)


def double(value):
    """The inputs of a probe without the gradient, in float64."""
    return {
        key: item if key == "spatial_shapes" else item.double()
        for key, item in value.items()
        if key != "grad_output"
    }


class TestInput:
    @pytest.mark.parametrize(
        ("name", "change", "message"),
        [
            ("value", lambda value: value[:, :-1], "keys of value"),
            ("value", lambda value: value[0], "value must be"),
            ("value", lambda value: value.float(), "dtypes"),
            ("value", lambda value: value.repeat(2, 1, 1, 1), "batch and heads"),
            ("sampling_locations", lambda at: at[..., :1], "sampling_locations"),
            ("attention_weights", lambda weights: weights.flatten(3), "attention_weights"),
            ("spatial_shapes", lambda shapes: torch.cat([shapes, 0 * shapes[:1]]), "levels"),
        ],
    )
    def test_shapes_that_do_not_fit(self, name, change, message):
        inputs = double(make_attention(1))
        inputs[name] = change(inputs[name])
        with pytest.raises(InputError, match=message):
            multi_scale_deformable_attention(**inputs)

    def test_bias_of_nothing(self):
        with pytest.raises(InputError, match="positive"):
            initial_sampling_bias(8, 0, 4)
