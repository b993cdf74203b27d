"""Two models held beside each other, for a terminal."""

from collections.abc import Iterator, Sequence

from parity.train.modules import ROUNDING, ModuleComparison

SHOWN = 5


def render_modules(found: ModuleComparison, ours: str, theirs: str) -> str:
    """The verdict, the first parting, and what has no counterpart."""
    return "".join(f"{line}\n" for line in _lines(found, ours, theirs))


def _lines(found: ModuleComparison, ours: str, theirs: str) -> Iterator[str]:
    yield f"{ours} beside {theirs}: {found.compared:,} inputs, outputs and gradients of modules"
    yield f"  {len(found.weights.tensors):,} weights and buffers mapped"
    weights, modules = (found.weights.only_ours, found.weights.only_theirs), found.unpaired
    for side, names, ran in zip((ours, theirs), weights, modules, strict=True):
        if names:
            yield f"  weights only in {side}: {_listed(names)}"
        if ran:
            yield f"  not compared, modules only in {side}: {_listed(ran)}"
    yield from _verdict(found)


def _verdict(found: ModuleComparison) -> Iterator[str]:
    if found.exact is None:
        yield "equal: every value is bit-equal"
    elif found.real is None:
        yield f"equal but for rounding: in float64, apart by up to {found.largest:.2g}, relative"
        yield f"  first not bit-equal in float32: {found.exact}"
    else:
        yield f"different: {found.real}"
        yield f"  (in float64, where rounding stays below {ROUNDING:g} of the largest value)"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
