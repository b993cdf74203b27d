"""What a candidate gives: steps, apply functions, or a whole pipeline."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.random import RandomState

from parity.sample import UInt8Array

# (image, seg, rng or None) -> (image, seg)
PipelineFunction = Callable[
    [UInt8Array, UInt8Array, RandomState | None], tuple[UInt8Array, UInt8Array]
]


@dataclass(frozen=True)
class Candidate:
    """Somebody's code, sorted by what it can stand in for.

    name: as the user wrote it. steps: by the name of a step or of its function,
    called as ``function(value, rng, **options)``. applies: by the name of a pure
    function (``resize``, ``crop``, ...), called with the reference's draws.
    pipeline: everything from the loaded sample to the augmented one.
    shares_stream: whether it draws from the `rng` it is given. partial: its steps
    give some entries of the reference's result only, and the rest is not compared.
    notes: what was done to make it fit, such as a change of the channel order.
    """

    name: str
    steps: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    applies: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    pipeline: PipelineFunction | None = None
    shares_stream: bool = True
    partial: bool = False
    notes: tuple[str, ...] = ()
