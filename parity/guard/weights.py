"""The file of weights that a training will start from, held against its model; nothing is run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from parity.errors import InputError, ParityError, ReferenceUnavailable
from parity.guard.doctor import ERROR, OK, WARNING, Line
from parity.live import config_model
from parity.runs.checkpoint import read_checkpoint
from parity.runs.facts import Config, Source
from parity.runs.families import model_path
from parity.runs.record import Checkpoint, Run, WeightLoad
from parity.settings import Terms

# As torch.hub keeps what it fetches.
_CACHE = Path("~/.cache/torch/hub/checkpoints")
_WRAPPERS = ("module.", "backbone.", "model.")
Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class _Named:
    """What a config names: `load` replaces the whole model, else it is of the backbone.

    own: the backbone reads it itself, in the names of others, and refuses what does not fit.
    """

    path: str
    load: bool
    own: bool = False


def weights_lines(
    config: Config, terms: Terms, checkpoint: Path | None
) -> tuple[list[Line], WeightLoad | None]:
    """Whether the weights are there and fit, and how they fit in the words of a loader."""
    named = _named(terms)
    if checkpoint is not None:
        load = _is_load(terms)
        named = _Named(str(checkpoint), load, not load and reads_weights(terms))
    if named is None:
        return [
            Line("weights", WARNING, "the config names none; the training starts from noise")
        ], None
    path = _on_disk(named.path)
    if path is None:
        text = f"{named.path} is not on this disk; its names are not checked"
        return [Line("weights", WARNING, f"{text}; fetched at the start")], None
    if not path.is_file():
        text = f"{path}: is {'no file' if path.exists() else 'missing'}"
        return [Line("weights", ERROR, text, "name it with --checkpoint")], None
    try:
        there = _there(named, read_checkpoint(path))
    except ParityError as error:
        return [Line("weights", ERROR, str(error))], None
    return _held(config, named, path, there)


def with_weights(run: Run, load: WeightLoad | None) -> Run:
    """`run` as if it had loaded them."""
    return run if load is None else replace(run, weights=(*run.weights, load))


def reads_weights(terms: Terms) -> bool:
    """Whether the backbone takes its file as ``weights``, not by ``init_cfg``."""
    return terms.item("model", "backbone").kind == "DinoBackbone"


def _is_load(terms: Terms) -> bool:
    return isinstance(terms.get("load_from"), str)


def _named(terms: Terms) -> _Named | None:
    if _is_load(terms):
        return _Named(terms.get("load_from"), True)
    for path in (("model", "backbone", "init_cfg"), ("model", "init_cfg")):
        found = terms.item(*path).get("checkpoint").value
        if isinstance(found, str):
            return _Named(found, False)
    own = terms.item("model", "backbone").get("weights").value
    return _Named(own, False, own=True) if isinstance(own, str) and reads_weights(terms) else None


def _on_disk(named: str) -> Path | None:
    """The file; of a URL the one that was fetched before, None where it was not."""
    if "://" not in named:
        return Path(named)
    fetched = _CACHE.expanduser() / named.rpartition("/")[2]
    return fetched if fetched.is_file() else None


def _there(named: _Named, content: Checkpoint) -> Shapes:
    """Shapes of the file's tensors, by the names that the backbone gives them."""
    shapes = {name: info.shape for name, info in content.tensors.items()}
    if not named.own:
        return shapes
    import torch  # noqa: PLC0415 - other models need none of it here

    from parity.steps.dino_weights import original_names  # noqa: PLC0415

    tensors = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    try:
        return {name: tuple(one.shape) for name, one in original_names(tensors).items()}
    except RuntimeError as error:  # queries, keys and values of unlike widths
        raise InputError(f"{content.path}: {str(error).splitlines()[0]}") from error


def _held(
    config: Config, named: _Named, path: Path, there: Shapes
) -> tuple[list[Line], WeightLoad | None]:
    try:
        shapes = _shapes(config, whole=named.load)
    except (ParityError, ReferenceUnavailable) as error:
        text = f"{path.name}: {len(there)} tensors; the model cannot be built: {error}"
        return [Line("weights", WARNING, text)], None
    load = _loaded(named, path, there, shapes)
    fit = len(shapes) - len(load.missing) - len(load.mismatched)
    what = "the model" if named.load else "the backbone"
    text = f"{path.name}: {fit} of {len(shapes)} tensors of {what} by name and shape"
    enough = fit == len(there) == len(shapes) if named.own else fit * 2 >= len(shapes)
    if fit < len(shapes):
        text += f"; first without: {(load.missing or load.mismatched)[0]}"
    elif not enough:
        text += f"; nothing takes {load.unexpected[0]}"
    return [Line("weights", OK if enough else ERROR, text)], load


def _shapes(config: Config, *, whole: bool) -> Shapes:
    model = config_model(config.get(*model_path(config)))
    owner = model if whole else model.backbone
    state: Mapping[str, Any] = owner.state_dict()
    return {k: tuple(v.shape) for k, v in state.items() if not k.endswith("num_batches_tracked")}


def _loaded(named: _Named, path: Path, given: Shapes, shapes: Shapes) -> WeightLoad:
    there = {_bare(key, shapes): shape for key, shape in given.items()}
    missing = tuple(key for key in shapes if key not in there)
    other = tuple(key for key, shape in shapes.items() if there.get(key, shape) != shape)
    surplus: Iterable[str] = (key for key in there if key not in shapes)
    place = Source(path.name)
    purpose = "load" if named.load else "init"
    return WeightLoad(named.path, purpose, place, tuple(surplus), missing, other, place)


def _bare(key: str, shapes: Shapes) -> str:
    """Without what wraps a model in its file."""
    for start in _WRAPPERS:
        if key not in shapes:
            key = key.removeprefix(start)
    return key
