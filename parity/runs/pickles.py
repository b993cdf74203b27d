"""Pickles as data: the values a checkpoint's pickle describes, with nothing imported or called.

This is not a restricted `pickle.Unpickler`: no pickle machinery runs at all.
`pickletools` (standard library) splits the stream into operations, and the few
that build plain values are carried out here. Of the names a pickle gives, only
those of torch's tensors, `OrderedDict` and NumPy scalars mean something; every
other becomes an `Opaque`, which records the name and swallows what is done to it.
"""

import pickletools
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from parity.errors import RunFormatError
from parity.runs.pickle_values import KNOWN, MAX_BITS, Name, Opaque, Storage, plain_key, storage

# A Mask2Former checkpoint with its optimizer takes about 100,000 operations.
MAX_OPERATIONS = 1_000_000
# Longer texts are dropped: mmengine pickles 160,000 logged values as one text.
MAX_TEXT = 1 << 20
# Characters of all texts that are kept, and items of all values that calls are given.
MAX_TEXTS = 1 << 26
MAX_GIVEN = 5_000_000
MAX_NAME = 500
MAX_MEMO = 1 << 32


class _Mark:
    pass


_MARK = _Mark()


def read_pickle(stream: Any) -> tuple[Any, tuple[str, ...]]:
    """The value of the pickle at the position of `stream`, and the names that stayed opaque.

    stream: a binary file; see formats.py for a part of one.
    Dicts, lists, tuples, sets and scalars as such; tensors as TensorInfo.
    Raises RunFormatError for what is no pickle, or no plain one.
    """
    found = run_pickle(stream)
    return found.value, found.inert


@dataclass(frozen=True)
class Pickle:
    """value: what it stands for. inert: the names that stayed opaque, sorted.

    storages: the type of each storage that a tensor may refer to, by its key.
    """

    value: Any
    inert: tuple[str, ...]
    storages: dict[str, str]


def run_pickle(stream: Any) -> Pickle:
    """As `read_pickle`, with the storages. Raises RunFormatError."""
    machine = _Machine()
    try:
        with warnings.catch_warnings():  # of escapes in texts
            warnings.simplefilter("ignore")
            machine.run_all(stream)
    except (ValueError, IndexError, TypeError, OverflowError, MemoryError) as error:
        raise RunFormatError(f"its pickle is broken: {type(error).__name__}: {error}") from error
    return Pickle(machine.stack[-1], tuple(sorted(machine.opaque)), machine.storages)


class _Machine:
    """A stack and a memo, as the pickle protocol has them."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.opaque: set[str] = set()
        self.storages: dict[str, str] = {}
        self._memo: dict[int, Any] = {}
        self._texts = MAX_TEXTS
        self._given = MAX_GIVEN

    def run_all(self, stream: Any) -> None:
        for count, (operation, argument, _) in enumerate(pickletools.genops(stream)):
            if count > MAX_OPERATIONS:
                raise RunFormatError("its pickle is absurdly long")
            self.run(operation.name, argument)
        if not self.stack:
            raise ValueError("it holds nothing")

    def run(self, name: str, argument: Any) -> None:
        if name in _PUSHED:
            self.stack.append(Opaque("a long value") if self._too_long(argument) else argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _EMPTY:
            self.stack.append(_EMPTY[name]())
        elif name in _OPERATIONS:
            _OPERATIONS[name](self, argument)
        elif name not in _IGNORED:
            raise ValueError(f"operation {name}, which torch does not write")

    def _too_long(self, value: Any) -> bool:
        if isinstance(value, int):
            return value.bit_length() > MAX_BITS
        if not isinstance(value, (str, bytes, bytearray)):
            return False
        self._texts -= len(value) if len(value) <= MAX_TEXT else 0
        return len(value) > MAX_TEXT or self._texts < 0

    def since_mark(self) -> list[Any]:
        at = len(self.stack) - 1
        while self.stack[at] is not _MARK:
            at -= 1
            if at < 0:
                raise ValueError("no mark")
        items = self.stack[at + 1 :]
        del self.stack[at:]
        return items

    # Operations that take more than a constant

    def put(self, argument: Any) -> None:
        index = len(self._memo) if argument is None else argument
        if not 0 <= index < MAX_MEMO:
            raise ValueError("a memo of this size")
        self._memo[index] = self.stack[-1]

    def get(self, argument: Any) -> None:
        if argument not in self._memo:
            raise ValueError("a memo that was not made")
        self.stack.append(self._memo[argument])

    def small_tuple(self, length: int) -> None:
        items = tuple(self.stack[-length:])
        del self.stack[-length:]
        self.stack.append(items)

    def gather(self, kind: Callable[[list[Any]], Any]) -> None:
        self.stack.append(kind(self.since_mark()))

    def append(self, items: list[Any]) -> None:
        if isinstance(self.stack[-1], list):
            self.stack[-1].extend(items)

    def add(self, argument: Any) -> None:
        items = self.since_mark()
        if isinstance(self.stack[-1], set):
            self.stack[-1].update(map(plain_key, items))

    def set_items(self, items: list[Any]) -> None:
        if isinstance(self.stack[-1], dict):
            for key, value in zip(items[::2], items[1::2], strict=True):
                self.stack[-1][plain_key(key)] = value

    def name(self, module: str, attribute: str) -> None:
        if len(module) + len(attribute) > MAX_NAME:
            raise ValueError("a name of this length")
        self.stack.append(Name(f"{module}.{attribute}"))

    def stack_name(self, argument: Any) -> None:
        attribute, module = self.stack.pop(), self.stack.pop()
        if not isinstance(attribute, str) or not isinstance(module, str):
            raise TypeError("a name that is no text")
        self.name(module, attribute)

    def call(self, argument: Any) -> None:
        given, function = self.stack.pop(), self.stack.pop()
        self.stack.append(self.made(function, given))

    def call_with_keywords(self, argument: Any) -> None:
        self.stack.pop()
        self.call(argument)

    def instance(self, argument: Any) -> None:
        """Protocol 0: a name and, since the mark, its arguments."""
        self.since_mark()
        self.name(*str(argument).split(" ", 1))
        self.stack.append(self.made(self.stack.pop(), None))

    def object(self, argument: Any) -> None:
        """Protocol 1: since the mark, a class and its arguments."""
        self.stack.append(self.made(self.since_mark()[0], None))

    def persistent(self, argument: Any) -> None:
        found = storage(self.stack.pop())
        if isinstance(found, Storage):
            self.storages[found.key] = found.dtype
        self.stack.append(found)

    def made(self, function: Any, given: Any) -> Any:
        """What calling `function` would give, where that is known here."""
        name = function.name if isinstance(function, (Name, Opaque)) else type(function).__name__
        if name in KNOWN and isinstance(given, tuple):
            self._given -= sum(len(item) for item in given if isinstance(item, (list, tuple)))
            if self._given < 0:
                raise ValueError(f"calls with more than {MAX_GIVEN} values")
            return KNOWN[name](*given)
        self.opaque.add(name)
        return Opaque(name)


_TEXTS = ("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE")
_BYTES = ("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BINUNICODE8", "BYTEARRAY8")
_NUMBERS = ("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT")
_PUSHED = frozenset(_TEXTS + _BYTES + _NUMBERS)
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "MARK": _MARK, "EMPTY_TUPLE": ()}
_EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_SET": set}
_IGNORED = frozenset({"PROTO", "FRAME", "STOP"})


def _pairs(items: list[Any]) -> dict[Any, Any]:
    return {plain_key(key): value for key, value in zip(items[::2], items[1::2], strict=True)}


_OPERATIONS: dict[str, Callable[[_Machine, Any], Any]] = {
    "PUT": _Machine.put,
    "BINPUT": _Machine.put,
    "LONG_BINPUT": _Machine.put,
    "MEMOIZE": _Machine.put,
    "GET": lambda machine, argument: machine.get(int(argument)),
    "BINGET": _Machine.get,
    "LONG_BINGET": _Machine.get,
    "POP": lambda machine, _: machine.stack.pop(),
    "DUP": lambda machine, _: machine.stack.append(machine.stack[-1]),
    "POP_MARK": lambda machine, _: machine.since_mark(),
    "TUPLE1": lambda machine, _: machine.small_tuple(1),
    "TUPLE2": lambda machine, _: machine.small_tuple(2),
    "TUPLE3": lambda machine, _: machine.small_tuple(3),
    "TUPLE": lambda machine, _: machine.gather(tuple),
    "LIST": lambda machine, _: machine.gather(list),
    "DICT": lambda machine, _: machine.gather(_pairs),
    "FROZENSET": lambda machine, _: machine.gather(lambda items: set(map(plain_key, items))),
    "APPEND": lambda machine, _: machine.append([machine.stack.pop()]),
    "APPENDS": lambda machine, _: machine.append(machine.since_mark()),
    "ADDITEMS": _Machine.add,
    "SETITEM": lambda machine, _: machine.set_items([machine.stack.pop(-2), machine.stack.pop()]),
    "SETITEMS": lambda machine, _: machine.set_items(machine.since_mark()),
    "GLOBAL": lambda machine, argument: machine.name(*str(argument).split(" ", 1)),
    "STACK_GLOBAL": _Machine.stack_name,
    "REDUCE": _Machine.call,
    "NEWOBJ": _Machine.call,
    "NEWOBJ_EX": _Machine.call_with_keywords,
    "INST": _Machine.instance,
    "OBJ": _Machine.object,
    "BUILD": lambda machine, _: machine.stack.pop(),  # nothing was made that it would be a state of
    "PERSID": lambda machine, _: machine.stack.append(Opaque("a storage of unknown type")),
    "BINPERSID": _Machine.persistent,
}
