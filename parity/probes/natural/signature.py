"""Call a function by the names that its author gave its parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from inspect import Parameter
from typing import Any

import torch
from numpy.random import RandomState
from torch import nn

from parity.errors import NotExercised

Function = Callable[..., Any]

# What the first parameter of one fixed recipe is called, by what it takes.
OPTIMIZERS = frozenset({"optimizer", "optim", "opt"})
MODELS = frozenset({"model", "net", "network", "module", "segmentor", "params"})
ITERATIONS = frozenset(
    {"it", "i", "n", "t", "iter", "iteration", "iter_num", "cur_iter", "cur_step", "step"}
    | {"global_step", "num_updates", "num_update", "current_step", "current_iter", "epoch"}
)
RNG_NAMES = frozenset({"rng", "_rng", "_", "random_state", "generator", "rs"})
# Our name of an argument -> how others spell it.
SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "pred": (
        *("logits", "logit", "input", "inputs", "preds", "prediction", "output", "outputs"),
        *("cls_score", "seg_logits", "seg_logit", "scores", "y_pred", "x"),
    ),
    "label": ("target", "targets", "labels", "gt", "seg_label", "mask", "masks", "y_true", "y"),
    "cls_scores": (
        *("all_cls_scores", "class_logits", "pred_logits", "class_queries_logits", "cls_preds"),
        *("scores", "logits"),
    ),
    "mask_preds": (
        *("all_mask_preds", "mask_logits", "pred_masks", "masks_queries_logits", "masks"),
    ),
    "scores": ("cls_score", "cls_scores", "class_logits", "pred_logits", "logits", "cls_pred"),
    "masks": ("mask_pred", "mask_preds", "mask_logits", "pred_masks", "pred"),
    "labels": ("gt_labels", "classes", "target_classes", "label"),
    "targets": ("gt_masks", "target_masks", "mask_targets", "target"),
    "target": ("gt_masks", "targets", "label", "mask", "masks"),
    "maps": ("input", "features", "masks", "map"),
    "points": ("point_coords", "coords", "points_coords"),
    "cost": ("cost_matrix", "costs", "matrix"),
    "weight": ("pixel_weight", "sample_weight", "weights"),
    "class_weight": ("class_weights", "weight_per_class"),
    "ignore_index": ("ignore_label", "ignore", "ignore_idx", "ignored", "void_label"),
    "logits": ("pred", "seg_logits", "seg_logit", "input", "inputs", "x", "tensor"),
    "seg_logits": ("logits", "seg_logit", "pred", "preds"),
    "size": ("output_size", "out_size", "shape", "target_size"),
    "metas": ("batch_img_metas", "img_metas", "meta", "data_samples"),
    "images": ("image", "inputs", "input", "imgs", "img", "batch", "x"),
    "model": ("net", "network", "forward", "segmentor"),
    "weights": ("state_dict", "params", "parameters"),
    "heads": ("num_heads", "n_heads"),
    "table": ("pos_embed", "position_embeddings", "positions", "posemb", "embedding"),
    "height": ("h", "new_height"),
    "width": ("w", "new_width"),
    "samples": ("batch", "items", "data", "batch_list", "value", "sample"),
    "image": ("img", "array", "x", "image_bgr", "bgr"),
    "seg": (
        *("label", "mask", "labels", "gt", "seg_map", "gt_seg_map", "annotation", "target"),
        *("sem_seg", "gt_semantic_seg", "gt_sem_seg", "segmentation", "lbl", "segmap", "anno"),
    ),
    "num_classes": ("classes", "n_classes", "num_class"),
    "crop_size": ("window", "window_size", "crop", "size"),
    "stride": ("strides", "step"),
    "weight_decay": ("wd",),
    "base_lrs": ("lrs", "base_lr", "lr"),
    "max_iters": ("total_iters", "num_iters", "iters", "max_steps", "total_steps"),
    "gradients": ("grads", "grad"),
    "prob": ("p", "probability"),
    "degree": ("degrees", "angle", "angles", "limit"),
    "n_holes": ("num_holes",),
    "edge_width": ("width",),
    "rng": tuple(sorted(RNG_NAMES - {"rng"})),
}
# In torch.nn, `weight` is one number per class; pixels have none.
_OF_TORCH: Mapping[str, tuple[str, ...]] = {"class_weight": ("weight",), "weight": ()}


class Partly(dict[str, Any]):
    """Some entries of a result, by name; the others are not compared.

    manner: what is to be said of how they were asked for, "" for nothing.
    """

    manner = ""


@dataclass(frozen=True, eq=False)
class Caller:
    """Somebody's function, called with our arguments by its own names.

    usual: options that a function need not take, with the value it is then taken
    to have: the one of mmseg's configs, or our own default.
    """

    function: Function
    usual: Mapping[str, Any] = field(default_factory=dict)
    known: frozenset[str] = frozenset()

    def __call__(
        self,
        required: Mapping[str, Any],
        options: Mapping[str, Any] | None = None,
        extras: Mapping[str, Any] | None = None,
    ) -> Any:
        """Its result.

        required: goes by name where the name is known, else by position. options: as
        far as it takes them; raises NotExercised for one that it does not take and
        that has not the usual value. extras: are left out where it takes none.
        """
        names = Names(self.function)
        args = names.placed(required)
        for key, value in (options or {}).items():
            theirs = names.claim(key)
            if theirs is not None:
                args[theirs] = value
            else:
                self._insist(names, key, value)
        for key, value in (extras or {}).items():
            theirs = names.claim(key, loosely=False)
            if theirs is not None:
                args[theirs] = value
        self._insist_on_complete(names)
        return names.called(args)

    def _insist(self, names: Names, key: str, value: Any) -> None:
        """Raise NotExercised where a function without the option `key` cannot be meant."""
        built = names.attribute(key)
        meant = key in self.usual and same(self.usual[key], value)
        # torch's mean is over valid pixels. What was made for other than the usual is wrong.
        if meant or (key == "avg_non_ignore" and names.is_torch):
            return
        if built is None:
            raise NotExercised(f"takes no {key}")
        if not same(built[0], value):
            raise NotExercised(f"was made with {key}={built[0]!r}, the case has {value!r}")

    def _insist_on_complete(self, names: Names) -> None:
        """What the case does not give may be needed: then this is not a case for it."""
        for name in names.needed():
            ours = next((key for key in self.known if name in (key, *SPELLINGS.get(key, ()))), "")
            if ours:
                raise NotExercised(f"needs {name}, which this case has not")
            raise NotExercised(f"needs {name}, which this step does not give; set a default")


def through_caller(run: Function) -> Function:
    """Let `run`, which is written for a Caller, take any function."""

    @wraps(run)
    def on_any(
        function: Function, value: Any, rng: RandomState | None = None, **options: Any
    ) -> Any:
        call = function if isinstance(function, Caller) else Caller(function)
        return run(call, value, rng, **options)

    return on_any


class Names:
    """The parameters of a function, each of which takes one argument."""

    def __init__(self, function: Function) -> None:
        self._function = function
        self._parameters = parameters_of(function)
        self._claimed: set[str] = set()

    @property
    def is_torch(self) -> bool:
        """Whether it is torch's own function or module."""
        of = type(self._function) if isinstance(self._function, nn.Module) else self._function
        return str(getattr(of, "__module__", "")).partition(".")[0] == "torch"

    def claim(self, key: str, *, loosely: bool = True) -> str | None:
        """The parameter that takes our argument `key`, or None; ``**options`` take any."""
        spellings = (key, *SPELLINGS.get(key, ()))
        if self.is_torch and key in _OF_TORCH:
            spellings = _OF_TORCH[key]
        for name in spellings:
            if name in self._parameters and name not in self._claimed and self._is_named(name):
                self._claimed.add(name)
                return name
        any_name = any(p.kind is Parameter.VAR_KEYWORD for p in self._parameters.values())
        return key if loosely and any_name else None

    def placed(self, required: Mapping[str, Any]) -> dict[str, Any]:
        """`required` by their names: those that are recognised first, then in order."""
        if not self._parameters:  # a built-in function without a signature
            return dict(required)
        found = {key: self.claim(key, loosely=False) for key in required}
        args = {name: required[key] for key, name in found.items() if name is not None}
        rest = [key for key, name in found.items() if name is None]
        free = [name for name in self._free() if name not in RNG_NAMES]
        if any(one.kind is Parameter.VAR_KEYWORD for one in self._parameters.values()):
            args |= {key: required[key] for key in rest[len(free) :]}
        elif len(rest) > len(free):
            missing = ", ".join(rest[len(free) :])
            raise NotExercised(f"takes no {missing}; its parameters are {list(self._parameters)}")
        for key, name in zip(rest, free, strict=False):
            self._claimed.add(name)
            args[name] = required[key]
        return args

    def attribute(self, key: str) -> tuple[Any] | None:
        """What an object was made with, such as ``ignore_index`` of a loss; None: unknown."""
        plain = inspect.isroutine(self._function) or inspect.isclass(self._function)
        names = _OF_TORCH.get(key, (key,)) if self.is_torch else (key, *SPELLINGS.get(key, ()))
        found = [] if plain else [name for name in names if hasattr(self._function, name)]
        return (getattr(self._function, found[0]),) if found else None

    def needed(self) -> list[str]:
        """Parameters that have no default and got nothing."""
        return [
            name
            for name, one in self._parameters.items()
            if one.default is Parameter.empty and name not in self._claimed and self._is_named(name)
        ]

    def called(self, args: Mapping[str, Any]) -> Any:
        """Call it with arguments by its own names."""
        first = [
            name
            for name, one in self._parameters.items()
            if one.kind is Parameter.POSITIONAL_ONLY and name in args
        ]
        rest = {name: value for name, value in args.items() if name not in first}
        if not self._parameters:
            return self._function(*args.values())
        return self._function(*(args[name] for name in first), **rest)

    def _free(self) -> list[str]:
        """Parameters by position that are not taken; those without a default first."""
        places = [
            one
            for name, one in self._parameters.items()
            if one.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
            and name not in self._claimed
        ]
        return [one.name for one in sorted(places, key=lambda p: p.default is not Parameter.empty)]

    def _is_named(self, name: str) -> bool:
        kind = self._parameters[name].kind
        return kind not in (Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL)


def parameters_of(function: Function) -> Mapping[str, Parameter]:
    """Its parameters by name; of a torch module those of ``forward``; empty when not known."""
    called = function.forward if isinstance(function, nn.Module) else function
    try:
        return inspect.signature(called).parameters
    except (TypeError, ValueError):  # built-in functions may have no signature
        return {}


def same(one: Any, other: Any) -> bool:
    """Equal plain values; a list equals a tuple, and a tensor of the same numbers."""
    if isinstance(one, torch.Tensor) and isinstance(other, (list, tuple)):
        return bool(torch.equal(one, torch.tensor(other, dtype=one.dtype)))
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    try:
        return bool(one is other or one == other)
    except (RuntimeError, TypeError, ValueError):  # arrays have no single answer
        return False
