"""One entry of a head's ``loss_decode``, and what a head passes to it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from parity.errors import InputError

# What each class's forward makes of the keywords a head calls it with: weight,
# ignore_index, and reduction_override from the pixel sampler. The rest is
# swallowed; the classes that are not here fail on these keywords.
TAKEN: Mapping[str, frozenset[str]] = {
    "cross_entropy": frozenset({"weight", "ignore_index", "reduction"}),
    "binary_cross_entropy": frozenset({"weight", "ignore_index", "reduction"}),
    "focal_loss": frozenset({"weight", "ignore_index", "reduction"}),
    "dice_loss": frozenset({"weight", "reduction"}),
    "lovasz_loss": frozenset({"ignore_index", "reduction"}),
    "hausdorff_loss": frozenset({"reduction"}),
    "tversky_loss": frozenset(),
}


@dataclass(frozen=True)
class LossTerm:
    """A loss of this package with its options, and the key it gets in the head's result.

    Terms of one name are added up. Training adds up those with "loss" in their name.
    """

    name: str
    function: Callable[..., Tensor]
    options: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, pred: Tensor, label: Tensor, **given: Any) -> Tensor:
        """The loss, with those of the head's keywords that the reference's class uses."""
        kind = self.function.__name__
        if kind not in TAKEN:
            raise InputError(f"a head cannot call {kind}; it can call {', '.join(TAKEN)}")
        fixed = {"avg_factor", "weight"} | (TAKEN[kind] - {"reduction"})
        if fixed & set(self.options):
            names = ", ".join(sorted(fixed & set(self.options)))
            raise InputError(f"{self.name}: {names} comes from the head; leave it out of options")
        taken = {name: value for name, value in given.items() if name in TAKEN[kind]}
        return self.function(pred, label, **{**self.options, **taken})

    def alone(self, pred: Tensor, label: Tensor) -> Tensor:
        """The loss without any of a head's keywords, as some heads call theirs."""
        return self.function(pred, label, **self.options)


def summed(losses: Sequence[LossTerm], value: Callable[[LossTerm], Tensor]) -> dict[str, Tensor]:
    """The `value` of each by its name; those of one name are added up, in place as there.

    Raises InputError for none at all.
    """
    if not losses:
        raise InputError("losses must hold at least one LossTerm")
    found: dict[str, Tensor] = {}
    for term in losses:
        loss = value(term)
        if term.name in found:
            found[term.name] += loss
        else:
            found[term.name] = loss
    return found
