"""Parameter groups beside each other by the names of their parameters, whatever their order."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

NAMES = "names"


def are_groups(value: Any) -> bool:
    """Whether `value` is a list of parameter groups, each with the names in it."""
    listed = isinstance(value, list) and bool(value)
    return listed and all(isinstance(group, Mapping) and NAMES in group for group in value)


def arranged(actual: Sequence[Any], expected: Sequence[Any]) -> tuple[list[Any], str]:
    """`actual` in the groups of `expected`, and how it had them; as it is where that says less.

    That is where it has other parameters, one of them twice, or tells parameters apart that
    `expected` has in one group: there the groups are different.
    """
    members = [tuple(group[NAMES]) for group in expected]
    had = [tuple(group[NAMES]) for group in actual]
    own = {name: group for group in actual for name in group[NAMES]}
    every = [name for names in members for name in names]
    if had == members or sorted(every) != sorted(name for names in had for name in names):
        return list(actual), ""
    if len(own) != len(every) or not all(_alike(names, own) for names in members):
        return list(actual), ""
    made = [
        _named(own[names[0]], names) if names else group
        for names, group in zip(members, expected, strict=True)
    ]
    same = sorted(map(sorted, had)) == sorted(map(sorted, members))
    return made, "has its groups in another order" if same else "has its parameters in other groups"


def _alike(names: Sequence[str], own: Mapping[str, Mapping[str, Any]]) -> bool:
    found = [{key: own[name][key] for key in own[name] if key != NAMES} for name in names]
    return all(one == found[0] for one in found)


def _named(group: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return type(group)({**group, NAMES: names})  # type: ignore[call-arg]


def in_other_groups(actual: Any, expected: Any) -> bool:
    """Whether both are groups of parameters, each of them in one, but not in the same groups."""
    if not (are_groups(actual) and are_groups(expected)):
        return False
    mine, theirs = ([tuple(group[NAMES]) for group in groups] for groups in (actual, expected))
    listed = [name for names in mine for name in names]
    return mine != theirs and len(listed) == len(set(listed))


def by_parameter(
    actual: Sequence[Mapping[str, Any]],
) -> Callable[[Sequence[Mapping[str, Any]]], dict[str, dict[str, Any]]]:
    """A view of groups in which those of `actual` can be compared: what every parameter has.

    How they are grouped is left out, and so are keys that `actual` has for no parameter, and
    frozen parameters where it does not list them. Any other one that it leaves out is missing.
    """
    keys = {key for group in actual for key in group} - {NAMES}
    frozen = {name for group in actual if group.keys() == {NAMES} for name in group[NAMES]}

    def viewed(groups: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        return {
            name: {key: group[key] for key in group if key in keys}
            for group in groups
            for name in group[NAMES]
            if name not in frozen
        }

    return viewed
