"""Put what compares in the place of the reference's methods and functions."""

import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import wraps
from inspect import Parameter, signature
from typing import Any
from unittest import mock

from parity.errors import NotExercised
from parity.suspects.suspect import Suspect
from suite.beside import Call, ClassCalls, Function, Twin, held, is_mocked, quietly

_MADE = "_made_with"
_PACKAGES = ("mmseg", "mmcv", "mmengine", "mmdet")


@dataclass(frozen=True)
class Patched:
    """A method or function of the reference, and how ours is run beside it.

    path: such as ``mmseg.models.losses:DiceLoss.forward``; of an inherited method, the one
    that the class inherits is meant, for this class alone. twin: of one call. derived: for
    the classes derived from it, too, whose constructors may take other options. noted: what
    the class itself is constructed with is kept for the twin, also of a derived one.
    """

    path: str
    twin: Callable[[Call], Twin]
    derived: bool = False
    noted: bool = False

    @property
    def owner(self) -> Any:
        """The class, or the module of a function."""
        return pkgutil.resolve_name(self.path.rpartition(".")[0] if self.method else self.module)

    @property
    def module(self) -> str:
        return self.path.partition(":")[0]

    @property
    def method(self) -> bool:
        return "." in self.path.partition(":")[2]

    @property
    def name(self) -> str:
        """Of the method or function."""
        return self.path.replace(":", ".").rpartition(".")[2]

    @property
    def kind(self) -> str:
        """As the table calls it."""
        owner, _, name = self.path.partition(":")[2].rpartition(".")
        plain = name in ("forward", "transform", "__call__")
        return owner if plain else ".".join(filter(None, (owner, name)))


@dataclass
class Suite:
    """Compares the calls at `places` while it is in place. planted: a mistake made in ours."""

    places: Sequence[Patched]
    planted: Suspect | None = None
    rows: dict[str, ClassCalls] = field(default_factory=dict)
    _inside: bool = False

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Patch the reference inside."""
        with ExitStack() as stack:
            methods: dict[tuple[Any, str], dict[Any, Patched]] = {}
            for place in self.places:
                self.rows.setdefault(place.kind, ClassCalls(place.kind))
                if place.method:
                    cls = place.owner
                    owner = next(one for one in cls.__mro__ if place.name in vars(one))
                    methods.setdefault((owner, place.name), {})[cls] = place
                else:
                    _everywhere(stack, getattr(place.owner, place.name), self._function(place))
            for (owner, name), by_class in methods.items():
                stack.enter_context(_changed(owner, name, self._method(owner, name, by_class)))
            exact = [
                cls
                for of in methods.values()
                for cls, one in of.items()
                if one.noted or not one.derived
            ]
            for owner in {_constructor(cls) for cls in exact}:
                stack.enter_context(_changed(owner, "__init__", _noting(owner.__init__)))
            yield

    def _function(self, place: Patched) -> Function:
        original = getattr(place.owner, place.name)

        @wraps(original)
        def beside(*args: Any, **kwargs: Any) -> Any:
            self._compare(place, None, original, args, kwargs)
            return original(*args, **kwargs)

        return beside

    def _method(self, owner: Any, name: str, by_class: Mapping[Any, Patched]) -> Any:
        plain = inspect.getattr_static(owner, name)
        if isinstance(plain, (staticmethod, classmethod)):
            [place] = by_class.values()
            return type(plain)(self._static(place, plain.__func__))

        @wraps(plain)
        def beside(obj: Any, *args: Any, **kwargs: Any) -> Any:
            known = (by_class.get(cls) for cls in type(obj).__mro__)
            place = next((one for one in known if one is not None), None)
            if place is not None and (place.derived or type(obj) in by_class):
                self._compare(place, obj, plain, args, kwargs)
            return plain(obj, *args, **kwargs)

        return beside

    def _static(self, place: Patched, plain: Function) -> Function:
        @wraps(plain)
        def beside(*args: Any, **kwargs: Any) -> Any:
            self._compare(place, None, plain, args, kwargs)
            return plain(*args, **kwargs)

        return beside

    def _compare(
        self, place: Patched, obj: Any, original: Function, args: Any, kwargs: Mapping[str, Any]
    ) -> None:
        if self._inside:
            return
        self._inside = True
        try:
            call = _call(place, obj, original, args, kwargs, self.planted)
            if call is not None:
                with quietly():
                    self.rows[place.kind].add(_judged(place, call), call)
        finally:
            self._inside = False


def _judged(place: Patched, call: Call) -> Any:
    if is_mocked(call.obj):
        return "the test puts values of its own in the place of draws or methods"
    try:
        twin = place.twin(call)
    except NotExercised as error:
        return str(error)
    except Exception as error:  # a test may give a method anything
        return f"arguments of another form: {type(error).__name__}: {error}"
    return held(twin)


def _call(
    place: Patched, obj: Any, original: Function, args: Any, kwargs: Any, planted: Suspect | None
) -> Call | None:
    """None where the arguments do not fit, which the original will say."""
    first = () if obj is None else (obj,)
    try:
        given = _by_name(original, (*first, *args), kwargs)
    except TypeError:
        return None
    if obj is not None:
        del given[next(iter(given))]
    made, usual, then = getattr(obj, "__dict__", {}).get(_MADE, ({}, {}, {}))
    now = {key: getattr(obj, key) for key, value in then.items() if getattr(obj, key) is not value}
    return Call(place.kind, obj, {**made, **now}, usual, given, original, planted)


def _given(function: Function, args: Any, kwargs: Any) -> dict[str, Any]:
    """As `_by_name`; nothing where the arguments do not fit, which the function will say."""
    try:
        return _by_name(function, args, kwargs)
    except TypeError:
        return {}


def _by_name(function: Function, args: Any, kwargs: Any) -> dict[str, Any]:
    bound = signature(function).bind(*args, **kwargs)
    bound.apply_defaults()
    found = dict(bound.arguments)
    for name, one in signature(function).parameters.items():
        if one.kind is Parameter.VAR_KEYWORD:
            found |= found.pop(name)
    return found


def _constructor(cls: Any) -> Any:
    return next(one for one in cls.__mro__ if "__init__" in vars(one))


def _noting(original: Function) -> Function:
    """A constructor that also keeps what it was called with, beside the defaults.

    And what it made attributes of: a test, or a class around it, may change them afterwards.
    """
    parameters = signature(original).parameters.items()
    usual = {name: one.default for name, one in parameters if one.default is not Parameter.empty}

    @wraps(original)
    def noting(obj: Any, *args: Any, **kwargs: Any) -> None:
        if _MADE in vars(obj):  # the constructor of a base
            original(obj, *args, **kwargs)
            return
        made = dict(list(_given(original, (obj, *args), kwargs).items())[1:])
        vars(obj)[_MADE] = made, usual, {}  # for calls within the constructor
        original(obj, *args, **kwargs)
        vars(obj)[_MADE] = made, usual, {k: vars(obj)[k] for k in made if k in vars(obj)}

    return noting


@contextmanager
def _changed(owner: Any, name: str, value: Any) -> Iterator[None]:
    before = vars(owner)[name]
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


def _everywhere(stack: ExitStack, original: Function, value: Function) -> None:
    """Every module-level name of the reference that is bound to `original`."""
    for title, module in list(sys.modules.items()):
        if title.partition(".")[0] in _PACKAGES:
            for name, meant in list(vars(module).items()):
                if meant is original:
                    stack.enter_context(mock.patch.object(module, name, value))
