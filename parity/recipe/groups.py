"""A config's optimizer groups: its own model, and how its constructor sorts parameters."""

import pickle
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from torch import nn

from parity.live import config_model
from parity.recipe.reader import Reader
from parity.runs.merge import unknown_in
from parity.settings.items import bare

DEFAULT = "DefaultOptimWrapperConstructor"


@dataclass(frozen=True)
class ModelOf:
    """The model of a config, in the place of the layout of a small one; called, it is built.

    content: the config's ``model``, pickled by us. thawed: every parameter is trained,
    whatever the config freezes. Raises InputError when mmseg cannot build it.
    """

    content: bytes
    thawed: bool = False

    def __call__(self) -> nn.Module:
        """The model, its weights not filled; the same object when called again at once."""
        return _built(self.content, self.thawed)


@lru_cache(maxsize=2)
def _built(content: bytes, thawed: bool) -> nn.Module:
    model: nn.Module = config_model(pickle.loads(content))
    return model.requires_grad_(True) if thawed else model


def groups_of(reader: Reader) -> dict[str, Any] | None:
    """What `parity.steps.optim.param_groups` takes; None, and a note, where it is not known."""
    wrapper, model = reader.terms.item("optim_wrapper"), reader.terms.item("model")
    optimizer = wrapper.get("optimizer")
    lr, decay = optimizer.get("lr").value, _stated_decay(reader)
    given = reader.entry(model)
    unknown = [*unknown_in(given), *unknown_in(reader.entry(wrapper))]
    if not given or unknown or not isinstance(lr, (int, float)) or not optimizer.kind:
        why = unknown[0].note if unknown else "no model, no optimizer or no rate is given"
        reader.note(wrapper, "the optimizer groups", why)
        return None
    found: dict[str, Any] = {
        "layout": ModelOf(pickle.dumps(given)),
        "lr": lr,
        "optimizer": optimizer.kind,
        "constructor": bare(wrapper.get("constructor").value) or DEFAULT,
    }
    rules = reader.value(wrapper.get("paramwise_cfg"))
    found |= {"paramwise_cfg": dict(rules)} if rules else {}
    return found if decay is None else {**found, "weight_decay": decay}


def _stated_decay(reader: Reader) -> float | None:
    """As the config states it: torch's own default is no weight decay to multiply."""
    item = reader.terms.item("optim_wrapper", "optimizer", "weight_decay")
    return item.value if item.place is not None else None
