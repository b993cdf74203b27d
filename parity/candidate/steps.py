"""Sort the parts of a user's object by the step they stand in for."""

import inspect
from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import Any

from torch import nn

from parity.candidate import forms
from parity.check.candidate import Candidate
from parity.check.cases import all_steps
from parity.errors import InputError
from parity.libraries import adapt
from parity.libraries.metric import function_candidate, metric_of
from parity.pipeline import Step
from parity.probes.natural import MAPPINGS, as_pipeline, by_name, parameters_of
from parity.text import did_you_mean, names

PIPELINE = "pipeline"
# What people call the function that gives the score of a data set.
SCORES = frozenset({"iou", "miou", "mean_iou", "compute_iou", "compute_miou", "iou_score"})
# What a whole pipeline can be asked for as, and what its first parameter is never called.
_IN_PIPELINE = frozenset({"resize", "crop", "flip", "photometric", PIPELINE})
_NO_IMAGES = frozenset({"pred", "preds", "logits", "output", "outputs", "y_pred", "model", "net"})
# What a module takes from these it builds on; it is not what it gives.
_BUILT_ON = frozenset({"parity", "torch", "numpy", "cv2", "PIL", "torchvision", "scipy"})


@cache
def step_names() -> tuple[str, ...]:
    """Every name of a step: its own, that of our function, and its plain names."""
    names = (name for step in all_steps() for name in (step.name, step.function.__name__))
    return tuple(dict.fromkeys((*names, *by_name())))


def select_steps(names: Collection[str]) -> frozenset[str]:
    """The steps called `names`, see `steps_called`; a file's name stands for all steps in it.

    Raises InputError for an unknown name.
    """
    unknown = [name for name in names if not forms.steps_called(name)]
    if unknown:
        files = list(dict.fromkeys(step.module for step in all_steps()))
        near = did_you_mean(unknown[0], [*files, *step_names()])
        told = f"{near} " if near else ""
        raise InputError(f"no step {', '.join(unknown)}; {told}the steps are {', '.join(files)}")
    return frozenset(step for name in names for step in forms.steps_called(name))


def candidate_from(
    given: Any, name: str, *, asked: frozenset[str] = frozenset(), called: str = ""
) -> Candidate:
    """Sort `given`, called `name` in messages. asked: names of the steps to check, none for all.

    called: the word that these were asked for by, if it was one.
    given: a mapping, module, class or instance whose entries are named like the
    steps; a function named like a step; a whole pipeline ``(image, seg, rng)``; a
    torch loss or scheduler; a metric with ``update`` and ``compute``; an object of a
    library that has an adapter; or one function of any name where one step is asked for,
    also as the only one of a module, or the only one that is called somehow like it.

    Raises InputError when nothing in it can stand in for a step.
    """
    adapted = adapt(given, name) or metric_of(given, name) or score_of(given, name, asked)
    if adapted is not None:
        return adapted
    title = called if called in by_name() else _title(asked)
    if title and forms.acts_as_function(given):
        given = forms.made(given, name)
    alone = title and _is_nameless(given, name, title)
    steps, applies = _sorted_parts({title: given} if alone else _parts(given, name))
    pipeline = steps.pop(PIPELINE, None)
    if pipeline is None and not steps and not applies and _takes_image_and_seg(given, asked):
        whole: Any = given() if inspect.isclass(given) else given
        pipeline = whole
    if pipeline is None and not steps and not applies:
        if title and (only := forms.only_one(given, title)):
            part = getattr(given, only)
            return candidate_from(part, f"{name}:{only}", asked=asked, called=called)
        raise InputError(_nothing_found(name, given, asked))
    draws = pipeline is None or len(forms.positional(pipeline)) > 2
    made_whole = None if pipeline is None else as_pipeline(pipeline)
    return Candidate(name, steps, applies, made_whole, shares_stream=draws)


def score_of(given: Any, name: str, asked: frozenset[str]) -> Candidate | None:
    """A function of predictions and labels that gives a score, by its name or where asked for."""
    if not forms.is_function(given) or forms.takes_stream(given) or len(parameters_of(given)) < 2:
        return None
    title = getattr(given, "__name__", "")
    known = title.lower() in SCORES or ("iou" in asked and title not in step_names())
    return function_candidate(name, given) if known else None


def part_for(
    steps: Collection[str], applies: Collection[str], step: Step, *, replay: bool = False
) -> str:
    """Which of a candidate's parts stands in for `step`: "step:name", "apply:name", or "".

    A drawing function comes first, under the name of the step or of our function, the
    narrower one first, then under any name that stands for this step on other inputs;
    with `replay`, apply functions come before all.
    """
    own = sorted((step.name, step.function.__name__), key=lambda name: name in by_name())
    exact = [name for name in own if name in steps]
    like = [name for name in steps if step.function.__name__ in forms.functions_named(name)]
    found = [f"step:{name}" for name in (*exact, *like)][:1]
    found += [f"apply:{name}" for name in applies_to(step) if name in applies][:1]
    if not found:
        return ""
    return found[-1] if replay else found[0]


def applies_to(step: Step) -> tuple[str, ...]:
    """The apply functions any of which can stand in for `step`."""
    if step.name in ("load", "load_image", "load_annotation"):
        return {
            "load": ("load_image", "load_annotation"),
            "load_image": ("load_image",),
            "load_annotation": ("load_annotation",),
        }[step.name]
    return (step.module,) if step.module in forms.APPLY_NAMES else ()


@cache
def _known_names() -> tuple[str, ...]:
    applied = [f"apply_{key}" for key in forms.APPLY_NAMES]
    return tuple(dict.fromkeys((*step_names(), *forms.APPLY_NAMES, *applied, PIPELINE)))


@cache
def _modules(name: str) -> frozenset[str]:
    """Files of the steps that a part called `name` may stand for."""
    called = forms.steps_called(name)
    return frozenset(step.module for step in all_steps() if step.name in called)


def _title(asked: frozenset[str]) -> str:
    """What a function of any other name stands for where `asked` are checked; "" if several.

    That is the one operation of them all, or the step that is called as the file of all.
    """
    operations = forms.operations_asked(asked)
    if len(operations) == 1:
        return operations[0].name
    whole = [name for name in asked if len(asked) == 1 or asked <= forms.steps_called(name)]
    return whole[0] if len(whole) == 1 and whole[0] in _known_names() else ""


def _is_nameless(given: Any, name: str, title: str) -> bool:
    """Whether it is one function, or an object like one, that its names do not place."""
    if not forms.is_function(given) or isinstance(given, Mapping):
        return False
    own = getattr(given, "__name__", "")
    if own in _known_names() and _modules(own) & _modules(title):
        return False  # cross_entropy, where a loss is asked for
    if inspect.isroutine(given) and forms.fixed_recipe(given):
        return False
    if forms.unnamed(given, name):
        return False
    # RandomCrop(...), called with image and mask, has a method crop, which is a part of it.
    return forms.takes_images(given) or not any(map(callable, _attributes(given).values()))


def _attributes(given: Any) -> dict[str, Any]:
    """What is named like a step in it; methods of every module, such as train, are no steps."""
    known = _known_names()
    if isinstance(given, nn.Module):
        known = tuple(key for key in known if not hasattr(nn.Module, key))
    return {key: getattr(given, key, None) for key in known}


def _parts(given: Any, name: str) -> dict[str, Callable[..., Any]]:
    known = _known_names()
    if isinstance(given, Mapping):
        unknown = [str(key) for key in given if key not in known]
        if unknown:
            raise InputError(f"{name}: no step is called {', '.join(unknown)}; see parity check -h")
        plain = [str(key) for key, part in given.items() if not callable(part)]
        if plain:
            raise InputError(f"{name}: {', '.join(plain)} cannot be called; give functions")
        return dict(given)
    if inspect.isroutine(given):
        title = getattr(given, "__name__", "")
        return {title: given} if title in known else forms.fixed_recipe(given)
    if alone := forms.unnamed(given, name):
        return alone
    parts = {key: part for key, part in _attributes(given).items() if callable(part)}
    if inspect.ismodule(given) and not given.__name__.startswith((*_BUILT_ON,)):
        parts = {key: part for key, part in parts.items() if not _is_built_on(part)}
        parts = {key: part for key, part in parts.items() if forms.is_meant(key, part)}
    if inspect.isclass(given) and any(_names(part)[:1] == ["self"] for part in parts.values()):
        return _parts(forms.made(given, name), name)
    return parts


def _is_built_on(part: Any) -> bool:
    own = inspect.isroutine(part) or inspect.isclass(part)
    root = str(getattr(part, "__module__", "")).partition(".")[0]
    return own and root in _BUILT_ON


def _sorted_parts(
    parts: Mapping[str, Callable[..., Any]],
) -> tuple[dict[str, Callable[..., Any]], dict[str, Callable[..., Any]]]:
    steps, applies = {}, {}
    for key, part in parts.items():
        plain = key.removeprefix("apply_")
        own = forms.own_signature(key, part)
        if own is not None:
            steps[key] = own
        elif key.startswith("apply_") or (
            key in forms.APPLY_NAMES and not forms.takes_stream(part)
        ):
            applies[plain] = part
        else:
            steps[key] = part
    return steps, applies


def _takes_image_and_seg(given: Any, asked: frozenset[str]) -> bool:
    if asked and not asked & _IN_PIPELINE:
        return False
    if inspect.ismodule(given) or isinstance(given, Mapping) or not callable(given):
        return False
    own = given.forward if isinstance(given, nn.Module) else given
    call = given.__call__ if inspect.isclass(given) else own
    names = [name for name in forms.positional(call) if name != "self"]
    if len(names) == 1:
        return names[0] in MAPPINGS
    return len(names) >= 2 and names[0] not in _NO_IMAGES


def _names(function: Callable[..., Any]) -> list[str]:
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # built-in functions may have no signature
        return []


def _nothing_found(name: str, given: Any, asked: frozenset[str]) -> str:
    plain = [one.name for one in forms.operations_asked(asked)]
    if len(plain) > 1 and callable(given):
        return (
            f"{name}: which step is it? ask for one, as parity check {plain[0]} does, "
            f"or call it {', '.join(plain[:-1])} or {plain[-1]}"
        )
    if inspect.ismodule(given):
        return f"{name}: {_told_of_file(given, name, _title(asked))}"
    return (
        f"{name}: a {type(given).__name__} gives no step and is no pipeline (image, seg, rng); "
        f"name its functions like the steps (load, resize, crop, flip, photometric, ...) or "
        f"apply_resize, apply_crop, apply_flip, apply_photometric"
    )


def _told_of_file(module: Any, name: str, title: str) -> str:
    """What a file has, when nothing in it is called like a step."""
    own = forms.own_parts(module)
    if not own:
        return "gives no step: it has no function and no class of its own"
    near = [told for key in own if (told := did_you_mean(key, step_names()))]
    return (
        f"gives no step: none of {names(own)} is called like one; {' '.join([*near[:1], ''])}"
        f"ask for one step and name yours, as parity check {title or 'crop'} "
        f"--candidate {name}:{own[0]}"
    )
