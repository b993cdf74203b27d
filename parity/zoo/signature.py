"""In what two scores were obtained differently, read off their signatures."""

from __future__ import annotations

from collections.abc import Mapping

from parity.errors import RunFormatError
from parity.runs.facts import Config
from parity.runs.families import type_of
from parity.runs.options import signature_of, test_mode_of

UNKNOWN = "signature not known"
# The parts of a signature in their order (parity/runs/options.py); more may follow by name.
_KINDS = ("metric", "scale", "mode", "ignored label", "zero label", "label size")
_MULTIPLE = "multiple"
_OF_A_METHOD = ("slide", "whole", "window ", f"{_MULTIPLE}=", f"not {_MULTIPLE}=")


def full_signature(config: Config) -> str:
    """The signature of a config's scores, with the window of sliding inference and test alignment.

    E.g. ``mIoU|ss|slide 512x512 stride 341x341|ignore=255|reduce0=y|orig-size``,
    or ``...|orig-size|multiple=32`` where the test pipeline resizes to multiples.
    """
    try:
        signature = signature_of(config).value or ""
    except RunFormatError:
        return ""  # a config may hold anything anywhere
    return refined_signature(signature, config)


def refined_signature(signature: str, config: Config | None) -> str:
    """`signature` with what only the config says of it."""
    parts = signature.split("|")
    if config is None or len(parts) < len(_KINDS):
        return signature
    mode = _mode(config)
    if mode.partition(" ")[0] == parts[2]:
        parts[2] = mode
    pipeline = config.get("test_dataloader", "dataset", "pipeline")
    for item in pipeline if isinstance(pipeline, (list, tuple)) else ():
        if isinstance(item, Mapping) and type_of(item) == "ResizeToMultiple":
            parts.append(f"{_MULTIPLE}={item.get('size_divisor', 32)}")
    return "|".join(parts)


def _mode(config: Config) -> str:
    try:
        return test_mode_of(config).value or ""
    except RunFormatError:
        return ""  # a config may hold anything anywhere


def unlike(signature: str, other: str) -> tuple[str, ...]:
    """In what the first differs from the second, e.g. ``("ms+flip", "slide")``; () when alike.

    A part that only the second has is named too, as ``not multiple=32``, and one
    that either leaves open as ``mode not known``.
    """
    if not signature or not other:
        return (UNKNOWN,)
    mine, theirs = _parts(signature), _parts(other)
    kinds = [kind for kind in {**mine, **theirs} if mine.get(kind) != theirs.get(kind)]
    return tuple(_difference(kind, mine.get(kind, ""), theirs.get(kind, "")) for kind in kinds)


def _difference(kind: str, one: str, two: str) -> str:
    if kind in _KINDS and any(part in {"", "?"} or part.endswith("=?") for part in (one, two)):
        return f"{kind} not known"
    if not one:
        return f"not {two}"
    if kind == "mode":
        word, _, window = one.partition(" ")
        return word if word != two.partition(" ")[0] else f"window {window}"
    return one


def _parts(signature: str) -> dict[str, str]:
    parts = [part.strip() for part in signature.split("|")]
    known = dict(zip(_KINDS, parts, strict=False))
    return known | {part.partition("=")[0]: part for part in parts[len(_KINDS) :]}


def comparable(marks: tuple[str, ...]) -> bool:
    """Whether scores that differ in `marks` are still of one kind.

    How the image goes through the model (window, alignment) belongs to a method;
    test-time augmentation, other labels, a subset or an unknown signature do not.
    """
    return all(mark.startswith(_OF_A_METHOD) for mark in marks)
