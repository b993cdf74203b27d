"""Named tolerances. Exact by default; each looser one is data with a reason."""

import sys
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.errors import InputError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class Tolerance:
    """How far a differing element may be off: within `max_ulp`, or ``atol + rtol * |expected|``.

    All zero means bit-equal. name, reason and link say why it is not.
    """

    name: str = "exact"
    atol: float = 0.0
    rtol: float = 0.0
    max_ulp: int = 0
    reason: str = ""
    link: str = ""

    @property
    def is_exact(self) -> bool:
        """Whether every bit must be equal."""
        return self.atol == 0 and self.rtol == 0 and self.max_ulp == 0

    def accepts(
        self,
        distance: NDArray[np.float64],
        expected: NDArray[Any],
        ulps: NDArray[np.uint64] | None,
        unequal: NDArray[np.bool_],
    ) -> bool:
        """Whether every unequal element is near enough; element-wise, never on average."""
        if self.is_exact:
            return not bool(np.any(unequal))
        near = np.zeros(unequal.shape, dtype=bool)
        if self.atol > 0 or self.rtol > 0:
            near |= distance <= self.atol + self.rtol * np.abs(expected.astype(np.float64))
        if ulps is not None and self.max_ulp > 0:
            near |= ulps <= self.max_ulp
        return bool(np.all(near | ~unequal))


EXACT = Tolerance()


def tolerance_for(step: str, dtype: str) -> Tolerance:
    """The tolerance of `step` for arrays of `dtype`, from ``tolerances.toml``; else exact."""
    return load_tolerances().get((step, dtype), EXACT)


@cache
def load_tolerances() -> dict[tuple[str, str], Tolerance]:
    """Every entry of ``tolerances.toml``, keyed by step and dtype.

    Raises InputError for an entry without a reason, or one given twice.
    """
    text = resources.files("parity.compare").joinpath("tolerances.toml").read_text("utf-8")
    return parse_tolerances(text)


def parse_tolerances(text: str) -> dict[tuple[str, str], Tolerance]:
    """As `load_tolerances`, from TOML text."""
    parsed: dict[tuple[str, str], Tolerance] = {}
    for entry in tomllib.loads(text).get("tolerance", []):
        fields = dict(entry)
        step, dtype = fields.pop("step"), fields.pop("dtype")
        if not fields.get("reason"):
            raise InputError(
                f"tolerances.toml: {step} {dtype} is looser than exact without a reason"
            )
        if (step, dtype) in parsed:
            raise InputError(f"tolerances.toml: {step} {dtype} is given twice")
        parsed[step, dtype] = Tolerance(name=f"{step}/{dtype}", **fields)
    return parsed
