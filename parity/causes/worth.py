"""What a difference in one setting was worth in the zoo: rows that differ in it alone."""

from collections.abc import Callable

from parity.causes.cause import Effect, RunContext
from parity.errors import ReferenceUnavailable
from parity.settings.items import plain
from parity.settings.terms import weights_name
from parity.zoo.configs import crop_text
from parity.zoo.pairs import SettingPairs, effect_of, zoo_pairs

SOURCE = "docs/zoo_pairs.md"
Values = tuple[object, object] | None


def zoo_effects(cause: str, context: RunContext) -> tuple[Effect, ...]:
    """The pairs of the zoo behind a cause in this run; none where it has no such pairs."""
    known = _VALUES.get(cause)
    name = context.row.dataset if context.row is not None else context.run.settings.dataset.value
    if known is None or name is None:
        return ()
    setting, values = known
    given = values(context)
    if given is None or given[0] == given[1]:
        return ()
    try:
        found = effect_of(setting, name, *given)
        if found is not None:
            return (_effect(found, up=found.low_value == _text(found, given[0])),)
        return _nearest(setting, name)
    except ReferenceUnavailable:
        return ()


def _text(found: SettingPairs, value: object) -> str:
    """Which of the pair's two values `value` is."""
    text = str(value)
    thousands = f"{value // 1000}k" if isinstance(value, int) else text
    return next((v for v in (found.low_value, found.high_value) if v in (text, thousands)), "")


def _effect(found: SettingPairs, *, up: bool) -> Effect:
    """up: the run has the lower value, so that the row's is the higher one."""
    low, high = found.range
    span = (-high, -low) if up else (low, high)
    return Effect(_words(found), SOURCE, "zoo pairs", low=span[0], high=span[1])


def _words(found: SettingPairs) -> str:
    count, rose = len(found.pairs), round(found.share_up * len(found.pairs))
    first, third = found.quartiles
    return (
        f"{found.high_value} for {found.low_value}, {found.setting}: median {found.median:+.2f}, "
        f"middle half {first:+.2f} to {third:+.2f}, {rose} of {count} pairs up"
    )


def _nearest(setting: str, dataset: str) -> tuple[Effect, ...]:
    """The pairs of other values, which say how much the setting matters at all."""
    found = [item for item in zoo_pairs(dataset) if item.setting == setting]
    if not found:
        return ()
    most = max(found, key=lambda item: len(item.pairs))
    return (Effect(f"of other values: {_words(most)}", SOURCE, "zoo pairs"),)


def _iterations(context: RunContext) -> Values:
    mine = context.run.settings.max_iters.value
    if mine is None or context.expected is None:
        return None
    theirs = context.expected.number("train_cfg", "max_iters")
    return None if theirs is None else (mine, int(theirs))


def _crops(context: RunContext) -> Values:
    place = ("train_dataloader", "dataset", "pipeline", "RandomCrop", "crop_size")
    if context.mine is None or context.expected is None:
        return None
    mine, theirs = (crop_text(plain(t.item(*place))) for t in (context.mine, context.expected))
    return (mine, theirs) if mine and theirs else None


def _batches(context: RunContext) -> Values:
    mine = context.run.settings.effective_batch.value
    theirs = context.row.batch if context.row is not None else None
    return None if mine is None or theirs is None else (mine, theirs)


def _weights(context: RunContext) -> Values:
    found = context.differing("model.*.checkpoint")
    if not found:
        return None
    names = [weights_name(value).lower() for value in (found[0].mine, found[0].theirs)]
    sets = ["ImageNet-22k" if "22k" in name or "21k" in name else "ImageNet-1k" for name in names]
    return sets[0], sets[1]


_VALUES: dict[str, tuple[str, Callable[[RunContext], Values]]] = {
    "fewer-epochs": ("iterations", _iterations),
    "crop-size": ("crop", _crops),
    "effective-batch": ("batch", _batches),
    "alt-pretrain": ("pretraining data", _weights),
    "tta": ("ms+flip", lambda _: ("ms+flip", "single scale")),
}
