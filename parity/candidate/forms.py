"""Which form a part of a candidate has: a step ``(value, rng)``, an apply function, or its own."""

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

from torch import nn

from parity.check.cases import all_steps, pipeline_steps
from parity.errors import InputError
from parity.probes import natural
from parity.recipe.forms import steps_of_forms

# Pure functions of parity.steps that a candidate may give without drawing anything.
APPLY_NAMES = ("load_image", "load_annotation", "resize", "crop", "flip", "photometric")
_IMAGES = frozenset({"image", "img", "image_bgr", "bgr"})
_LABELS = frozenset({"seg", *natural.SPELLINGS["seg"]})
_DRAWN = natural.RNG_NAMES | {"prob", "p", "pool"}
# Names that people also give to other things: there the parameters decide.
_COMMON = {
    "train": ({"model", "net"}, {"inputs", "batches"}),
    **dict.fromkeys(
        ("predict", "inference"), (natural.MODELS, {"images", *natural.SPELLINGS["images"]})
    ),
    "rotate": (_DRAWN, {"degree", "degrees", "angle", "angles", "limit"}),
    "cutout": (_DRAWN,),
    "mosaic": (_DRAWN,),
    **dict.fromkeys(("to_gray", "rgb_to_gray"), ({"out_channels", "weights"},)),
}


@cache
def functions_named(name: str) -> frozenset[str]:
    """Names of the functions of `all_steps` that a part called `name` stands for on every input.

    The name of a probe of its own, such as ``loss_ce_valid``, stands for that one alone.
    """
    functions = {step.function.__name__ for step in pipeline_steps() if step.name == name}
    operation = operation_of(name) if functions or name in natural.by_name() else None
    return frozenset(functions | set(operation.stands_for if operation else ()))


@cache
def steps_called(name: str) -> frozenset[str]:
    """Names of the steps called `name`: by it, by their file, by our function or a plain name.

    A loss is also called without that word.
    """
    name = name if f"{name}_loss" not in natural.by_name() else f"{name}_loss"
    functions = {name, *(functions_named(name) if name in natural.by_name() else ())}
    return frozenset(
        step.name
        for step in (*all_steps(), *steps_of_forms())
        if name in (step.name, step.module) or step.function.__name__ in functions
    )


@cache
def options_of(name: str) -> frozenset[str]:
    """Options of all steps that a part called `name` may stand for."""
    functions = functions_named(name)
    meant = [one for one in all_steps() if name == one.name or one.function.__name__ in functions]
    return frozenset(key for step in meant for key in step.options)


@cache
def operation_of(name: str) -> natural.Operation | None:
    """The operation that a part called `name` may be, with a signature of its own."""
    plain = natural.by_name().get(name)
    if plain is not None:
        return plain
    steps = [step for step in all_steps() if step.name == name]
    if name.startswith("collate_"):
        return natural.by_name()["collate"]
    functions = [step.function.__name__ for step in steps]
    return next((one for one in natural.OPERATIONS if set(functions) & set(one.stands_for)), None)


def own_signature(name: str, part: Any) -> Callable[..., Any] | None:
    """`part` as a step when it has a signature of its own, such as ``(pred, label)``; else None."""
    operation = operation_of(name)
    if operation is None or name in ("iou",) or not _is_natural(operation, name, part):
        return None
    made = part() if inspect.isclass(part) and issubclass(part, nn.Module) else part
    return operation.runnable(made)


def _is_natural(operation: natural.Operation, name: str, part: Any) -> bool:
    if operation.name == "collate" or isinstance(part, nn.Module) or inspect.isclass(part):
        return True
    names = positional(part) or list(natural.parameters_of(part))
    if name in APPLY_NAMES and not natural.takes_mapping(part):
        alone = len(names) > 1 or len(natural.parameters_of(part)) == 1
        return alone and _takes_image(names)
    return bool(names or natural.parameters_of(part)) and not takes_stream(part)


def _takes_image(names: list[str]) -> bool:
    return bool(names) and names[0] in _IMAGES and {*names[1:2]} <= _LABELS | natural.RNG_NAMES


def takes_images(function: Callable[..., Any]) -> bool:
    """Whether it is called with an image and what belongs to it, or with a mapping of these."""
    return natural.takes_mapping(function) or _takes_image(list(natural.parameters_of(function)))


def takes_stream(function: Callable[..., Any]) -> bool:
    """Whether the second argument is the random stream, as that of a step."""
    names = positional(function)
    return len(names) > 1 and names[1] in natural.RNG_NAMES


def is_meant(name: str, part: Any) -> bool:
    """Whether what a module calls `name` is that step, judged by its parameters."""
    if name not in _COMMON:
        return True
    names = set(natural.parameters_of(part))
    return all(names & wanted for wanted in _COMMON[name])


def unnamed(given: Any, name: str) -> dict[str, Any]:
    """A torch loss or scheduler, or a class of such, under the name of its step."""
    if natural.is_torch_scheduler(given):
        return {"lr_table": given}
    of = given if inspect.isclass(given) else type(given)
    if not issubclass(of, nn.Module):
        return {}
    # A scripted module says what it was; one that is built on a loss is called as that.
    names = [str(getattr(given, "original_name", "")), *(base.__name__ for base in of.__mro__)]
    title = next((one for one in names if one in natural.by_name()), "")
    if not title:
        return {}
    return {title: made(given, name) if inspect.isclass(given) else given}


def fixed_recipe(given: Any) -> dict[str, Any]:
    """A function of one optimizer, iteration or model, under the name of what it stands for."""
    first = next(iter(natural.parameters_of(given)), "")
    title = getattr(given, "__name__", "").lower()
    if first in natural.OPTIMIZERS | natural.ITERATIONS:
        return {"lr_table": given}
    grouping = any(word in title for word in ("optim", "group", "decay"))
    return {"param_groups": given} if first in natural.MODELS and grouping else {}


def operations_asked(asked: frozenset[str]) -> tuple[natural.Operation, ...]:
    """The operations that steps called `asked` are made of, the one of their own name alone.

    Those of which all steps are asked for come before those of which some are.
    """
    some = dict.fromkeys(one for name in sorted(asked) if (one := operation_of(name)) is not None)
    found = tuple(one for one in some if _steps_of(one) <= asked) or tuple(some)
    known = asked & {step.name for step in all_steps()}
    own = tuple(one for one in found if one.name in known)
    return own if len(own) == 1 else found


def _steps_of(operation: natural.Operation) -> set[str]:
    return {step.name for step in all_steps() if step.function.__name__ in operation.stands_for}


def is_function(given: Any) -> bool:
    """Whether it can be called as it is: a function, or an object that acts as one."""
    return callable(given) and not inspect.isclass(given) and not inspect.ismodule(given)


def acts_as_function(given: Any) -> bool:
    """Whether it is a class whose instances can be called, such as a transform."""
    return inspect.isclass(given) and any("__call__" in vars(base) for base in given.__mro__)


def made(given: type, name: str) -> Any:
    """An instance of the class `given`; InputError where it cannot be made without arguments."""
    try:
        return given()
    except Exception as error:  # the constructor is the user's
        raise InputError(
            f"{name}: cannot be made without arguments ({type(error).__name__}: {error}); "
            f"name an instance instead"
        ) from error


def positional(function: Callable[..., Any]) -> list[str]:
    """Names of the parameters that can be given by position; "*args" counts as any number."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return ["args", "rng", "args"]
    return [
        parameter.name
        for parameter in parameters
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]


def own_parts(module: Any) -> list[str]:
    """What a module defines itself and shows to others."""
    return [
        key
        for key, part in vars(module).items()
        if not key.startswith("_") and getattr(part, "__module__", "") == module.__name__
    ]


def only_one(given: Any, title: str = "") -> str:
    """The only part of a module, or the only one with `title` in its name; "" for none.

    Else the only class, which the functions beside it are for.
    """
    own = own_parts(given) if inspect.ismodule(given) else []
    like = [key for key in own if title and title.replace("_", "") in key.replace("_", "").lower()]
    classes = [key for key in own if inspect.isclass(getattr(given, key))]
    return next((found[0] for found in (own, like, classes) if len(found) == 1), "")
