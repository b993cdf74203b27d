"""What deformable attention left in a checkpoint: whether its op ever ran.

mmcv's CUDA op starts from a zero output and only prints when its launch fails
(mmcv 2.1.0 ops/csrc/pytorch/cuda/ms_deform_attn_cuda.cu). Then no gradient ever
reaches four tensors, which stay at their initial 0, and the bias of the sampling
offsets stays at its initial grid, shrunk by weight decay alone.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from parity.causes.rates import learning_rates, multipliers, optimizer_options
from parity.runs.facts import Source
from parity.runs.record import Run
from parity.settings.terms import Terms
from parity.steps.deform_attn import initial_sampling_bias

OFFSETS = ".sampling_offsets.bias"
UNTOUCHED = (
    "sampling_offsets.weight",
    "attention_weights.weight",
    "attention_weights.bias",
    "value_proj.bias",
)
WITNESS = "output_proj.bias"  # trains even when the op is dead; 0 before the first step
NEEDED = (*UNTOUCHED, "sampling_offsets.bias", WITNESS)
# The reference's order of magnitude: more heads than this are not searched for.
MAX_HEADS = 64
# Half an ULP of float32, relatively: what each step may round away.
ROUNDING = 2.0**-24


@dataclass(frozen=True)
class Layer:
    """One layer. largest: of each of `UNTOUCHED`, the largest absolute value.

    factor: the bias divided by its initial grid; residual: the largest deviation
    from that, relative to the grid's largest value. Both NaN when no grid of
    this size exists. trained: whether `WITNESS` has left 0. precision: half the
    distance of two numbers as they are stored, relatively.
    """

    name: str
    largest: Mapping[str, float]
    factor: float
    residual: float
    trained: bool
    precision: float = ROUNDING

    @property
    def untouched(self) -> bool:
        """All four tensors are exactly 0."""
        return all(value == 0 for value in self.largest.values())

    def on_grid(self, steps: int) -> bool:
        """The bias is the initial grid times one constant, up to rounding in `steps` steps."""
        # Errors of the steps add up like a random walk. Replayed in float32, 160,000 steps of the
        # zoo's schedule leave 1.5e-5; 400 iterations of real training add 0.03 (fixtures/runs).
        # What is stored in 16 bits is rounded once more, each value by its own half step.
        stored = self.precision if self.precision > ROUNDING else 0.0
        return self.residual <= 1e-5 + 4 * ROUNDING * math.sqrt(steps) + 2 * stored


@dataclass(frozen=True)
class Prediction:
    """What weight decay alone makes of a value: the product of ``1 - lr * weight_decay``."""

    factor: float
    how: str
    source: Source | None = None

    def agrees(self, layer: Layer) -> bool:
        """Whether the layer's factor is this one, up to a hundredth of what decay did."""
        # Rounding shifts the factor (2.4e-4 in 160,000 steps), and logged rates are interpolated.
        stored = layer.precision if layer.precision > ROUNDING else 0.0
        return abs(layer.factor / self.factor - 1) <= 1e-6 + stored + 0.01 * abs(1 - self.factor)


def layers_in(keys: Mapping[str, object]) -> tuple[str, ...]:
    """The deformable attention layers of a state dict that has all tensors needed."""
    names = [key.removesuffix(OFFSETS) for key in keys if key.endswith(OFFSETS)]
    return tuple(name for name in names if all(f"{name}.{part}" in keys for part in NEEDED))


def analyse(
    name: str, tensors: Mapping[str, NDArray[np.float64]], precision: float = ROUNDING
) -> Layer:
    """Measure one layer; `tensors` holds `NEEDED` without the layer's name."""
    largest = {part: float(np.max(np.abs(tensors[part]), initial=0.0)) for part in UNTOUCHED}
    samples = tensors["attention_weights.bias"].size
    factor, residual = _against_grid(tensors["sampling_offsets.bias"].reshape(-1), samples)
    trained = bool(np.any(tensors[WITNESS] != 0))
    return Layer(name, largest, factor, residual, trained, precision)


def _against_grid(bias: NDArray[np.float64], samples: int) -> tuple[float, float]:
    """Factor and residual for the grid that fits best; heads, levels and points give `samples`."""
    best = (math.nan, math.inf)
    for heads in _divisors(samples, MAX_HEADS):
        for points in _divisors(samples // heads, samples):
            grid = initial_sampling_bias(heads, samples // heads // points, points)
            values = grid.numpy().astype(np.float64)
            if values.size != bias.size or not np.all(np.isfinite(bias)):
                continue
            factor = float(bias @ values / (values @ values))
            residual = float(np.max(np.abs(bias - factor * values)) / np.max(np.abs(values)))
            best = min(best, (factor, residual), key=lambda pair: pair[1])
    return best


def _divisors(number: int, limit: int) -> list[int]:
    return [d for d in range(1, min(number, limit) + 1) if number % d == 0]


def predictions(run: Run, terms: Terms | None, layer: str, steps: int) -> tuple[Prediction, ...]:
    """What the run's schedule and its logged rates make of the bias of `layer` in `steps` steps.

    Empty unless the optimizer is AdamW, whose decay is a factor of its own.
    """
    if terms is None:
        return ()
    options = optimizer_options(terms)
    decay = options.get("weight_decay", 0.01)  # torch's default
    if str(options.get("type", "")) != "AdamW" or not isinstance(decay, (int, float)):
        return ()
    lr_mult, decay_mult = multipliers(terms, f"{layer}{OFFSETS}")
    found = []
    for rates, how, source in learning_rates(run, terms, steps):
        exponents = np.log1p(-rates * lr_mult * float(decay) * decay_mult)
        found.append(Prediction(float(np.exp(exponents.sum())), how, source))
    return tuple(found)


def frozen(terms: Terms | None, layer: str) -> bool:
    """Whether the config gives these tensors a learning rate of 0: then they never move."""
    if terms is None:
        return False
    return all(multipliers(terms, f"{layer}.{part}")[0] == 0 for part in UNTOUCHED)


def layer_index(name: str) -> int:
    """The number after ``layers.``, to sort by."""
    match = re.search(r"layers\.(\d+)", name)
    return int(match[1]) if match else 0
