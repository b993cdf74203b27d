"""One set of terms for configs of mmseg 0.x and 1.x, with the reference's defaults filled in.

Only what mmengine's Runner reads is kept (mmengine 0.10.7 runner/runner.py,
`Runner.from_cfg`): the variables that a config computes with decide nothing.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from parity.errors import RunFormatError
from parity.runs.facts import Config, Source
from parity.settings.items import NOTHING, Item, bare, lift, made, plain, unplaced
from parity.settings.legacy import is_legacy, upgraded

READ = (
    "model",
    "train_dataloader",
    "val_dataloader",
    "test_dataloader",
    "val_evaluator",
    "test_evaluator",
    "optim_wrapper",
    "param_scheduler",
    "train_cfg",
    "val_cfg",
    "test_cfg",
    "custom_hooks",
    "default_hooks",
    "auto_scale_lr",
    "load_from",
    "env_cfg",
    "randomness",
    "model_wrapper_cfg",
    "find_unused_parameters",
    "tta_model",
    "tta_pipeline",
    "log_processor",
    "visualizer",
    "log_level",
    "custom_imports",
    "default_scope",
    "experiment_name",
    "resume",
)
# A dict stands for a list of one.
_LISTS = {"decode_head", "auxiliary_head", "loss_decode", "param_scheduler", "custom_hooks"}
_LISTS |= {"val_evaluator", "test_evaluator", "iou_metrics"}
# One number stands for height and width alike.
_PAIRS = {"crop_size", "scale", "size", "stride", "img_scale"}
_NORMS = {"BN", "BN1d", "BN2d", "SyncBN", "GN", "LN", "IN"}
_DATED = re.compile(r"[_-]\d{8}(?:_\d{6})?-[0-9a-f]{8}$")
_HOOKS = {"param_scheduler": "ParamSchedulerHook", "sampler_seed": "DistSamplerSeedHook"}
_MAX_DEPTH = 60


@dataclass(frozen=True, eq=False)
class Terms:
    """A config in these terms.

    stated: only some settings are known, of a run without config. legacy: it is of mmseg 0.x.
    """

    top: Item
    config: Config | None = None
    stated: bool = False
    legacy: bool = False

    def item(self, *path: str | int) -> Item:
        """What stands at `path`; a string in a list is a type."""
        return self.top.get(*path)

    def get(self, *path: str | int) -> Any:
        """The plain value at `path`; None where there is none."""
        return plain(self.top.get(*path))

    def number(self, *path: str | int) -> int | float | None:
        """The number at `path`; None where there is none. Raises RunFormatError."""
        found: int | float | None = self._typed(path, (int, float), "a number")
        return found

    def text(self, *path: str | int) -> str | None:
        """The text at `path`; None where there is none. Raises RunFormatError."""
        found: str | None = self._typed(path, (str,), "a text")
        return found

    def _typed(self, path: tuple[str | int, ...], kinds: tuple[type, ...], what: str) -> Any:
        value = self.top.get(*path).value
        if value is None or (isinstance(value, kinds) and (type(value) is bool) == (bool in kinds)):
            return value
        file = self.config.file if self.config is not None else "config"
        raise RunFormatError(f"{file}: {'.'.join(map(str, path))} is {value!r:.80}, not {what}")

    def source(self, item: Item) -> Source | None:
        """Where `item` was written; None of a default."""
        if self.config is None or item.place is None:
            return None
        return self.config.source(*item.place)


def terms_of(config: Config) -> Terms:
    """`config` in these terms."""
    top = lift(config.values)
    legacy = is_legacy(top)
    top = upgraded(top) if legacy else top
    kept = Item({key: top.fields[key] for key in READ if key in top.fields}, ())
    return Terms(_filled(_canonical(kept), "mmseg", 0), config, legacy=legacy)


def weights_name(value: Any) -> str:
    """The name of a file of weights without folder, date and hash: mirrors and copies agree."""
    name = str(value).replace("\\", "/").rstrip("/").rpartition("/")[2]
    return _DATED.sub("", re.sub(r"\.(?:pth|pt|bin|ckpt|npz|safetensors)$", "", name))


def _canonical(top: Item) -> Item:
    top = top.having(model=_model(top.get("model")), optim_wrapper=_optimizer(top))
    for split in ("train", "val", "test"):
        loader = top.get(f"{split}_dataloader")
        if loader.fields:
            changed = loader.having(dataset=_dataset(loader.get("dataset")))
            top = top.having(**{f"{split}_dataloader": changed})
    hooks = top.get("default_hooks")
    for name, kind in _HOOKS.items():  # which mmengine adds unless they are set to None
        if name not in hooks.fields:
            hooks = hooks.having(**{name: made(type=kind)})
    scaling = top.get("auto_scale_lr")
    enabled = scaling if "enable" in scaling.fields else scaling.having(enable=Item(False))
    top = top.having(default_hooks=hooks, auto_scale_lr=enabled)
    for split, kind in (("val_cfg", "ValLoop"), ("test_cfg", "TestLoop")):
        if not top.get(split).kind:
            top = top.having(**{split: top.get(split).having(type=Item(kind))})
    return _loop(top)


def _loop(top: Item) -> Item:
    """``by_epoch`` is another way to name the loop, and ``max_iters`` alone a hint."""
    given = top.get("train_cfg")
    by_epoch = given.get("by_epoch").value
    if given.fields and not given.kind and by_epoch is None:
        by_epoch = given.get("max_iters").value is None
    if not given.fields or by_epoch is None:
        return top
    kind = "EpochBasedTrainLoop" if by_epoch else "IterBasedTrainLoop"
    named = given.having(by_epoch=None, type=Item(kind, given.get("by_epoch").place))
    return top.having(train_cfg=named)


def _optimizer(top: Item) -> Item | None:
    given = top.get("optim_wrapper")
    if not given.fields:
        return None
    return given if given.kind else given.having(type=Item("OptimWrapper"))


def _model(model: Item) -> Item:
    """Unwrapped from test-time augmentation; ``pretrained`` as the backbone's ``init_cfg``."""
    model = model.get("module") if model.get("module").fields else model
    backbone = model.get("backbone")
    for owner in (model, backbone):
        given = owner.get("pretrained")
        if isinstance(given.value, str) and backbone.get("init_cfg").is_empty:
            weights = made(given.place, type="Pretrained", checkpoint=given)
            backbone = backbone.having(init_cfg=weights)
    kept = backbone.having(pretrained=None) if backbone.fields else None
    return model.having(pretrained=None, backbone=kept)


def _dataset(given: Item) -> Item:
    """Out of RepeatDataset, which repeats images but adds none; its number kept beside them."""
    repeats = NOTHING
    while given.kind == "RepeatDataset" and given.get("dataset").fields:
        repeats, given = given.get("times"), given.get("dataset")
    if not given.fields:
        return given
    parts = [_dataset(part) for part in given.get("datasets").parts]
    inner = given.get("dataset")
    changed = given.having(
        datasets=Item(parts, given.get("datasets").place) if parts else None,
        dataset=_dataset(inner) if inner.fields else None,
    )
    changed = changed.having(repeated=repeats) if repeats.value is not None else changed
    return _with_reduction(changed)


def _with_reduction(given: Item) -> Item:
    """What decides whether label 0 is taken out: the loading's option, else the data set's."""
    steps = given.get("pipeline")
    loading = steps.get("LoadAnnotations").get("reduce_zero_label")
    if loading.value is None:
        return given
    parts = [
        part.having(reduce_zero_label=None) if part.kind == "LoadAnnotations" else part
        for part in steps.parts
    ]
    return given.having(pipeline=Item(parts, steps.place), reduce_zero_label=loading)


@cache
def signatures() -> dict[str, dict[str, dict[str, Any]]]:
    """Scope -> type -> option -> default, as scripts/make_signatures.py read them."""
    file = Path(__file__).with_name("signatures.json")
    found: dict[str, dict[str, dict[str, Any]]] = json.loads(file.read_text(encoding="utf-8"))
    return found


def defaults(kind: str, scope: str) -> dict[str, Any]:
    """Option -> default of a type, that of the reference's own signature."""
    table = signatures()
    for name in dict.fromkeys((scope, "mmseg", "mmengine")):
        if kind in table.get(name, {}):
            options = table[name][kind]
            return {**options, "requires_grad": True} if kind in _NORMS else options
    return {}


def _filled(item: Item, scope: str, depth: int, key: str = "") -> Item:
    """`item` with types bare, short forms long, and the defaults of its type."""
    if depth > _MAX_DEPTH:
        return Item(None)
    if isinstance(item.value, dict):
        item = _filled_dict(item, scope, depth)
    elif isinstance(item.value, list):
        item = Item([_filled(part, scope, depth + 1) for part in item.parts], item.place)
    elif key == "type" or key.endswith("_type"):
        item = Item(bare(item.value) or item.value, item.place)
    elif key in _PAIRS and type(item.value) is int:
        item = Item([item, item], item.place)
    alone = bool(item.kind) or isinstance(item.value, str)
    if key in _LISTS and alone:
        item = Item([item], item.place)
    return item


def _filled_dict(item: Item, scope: str, depth: int) -> Item:
    named = item.get("type").value
    prefix = named.partition(".")[0] if isinstance(named, str) and "." in named else ""
    scope = prefix or str(item.get("_scope_").value or scope)
    given = {key: part for key, part in item.fields.items() if key != "_scope_"}
    for key, value in defaults(item.kind, scope).items():
        if key not in given:
            given[key] = unplaced(lift(value))
    return Item(
        {key: _filled(part, scope, depth + 1, key) for key, part in given.items()}, item.place
    )
