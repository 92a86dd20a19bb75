"""What a live object holds, facet by facet: taken down as plain containers, and put back into the very object.

A facet that is walked holds other objects: a list of them, a dict or a set. A facet that is not is a state that only a
digest can compare: the elements of an array, the position of a random generator.
"""

from __future__ import annotations

import collections
import types
from collections.abc import Callable
from typing import Any, NamedTuple

from nbcache.notebook.cells.objects.live_views import looked_at

__all__ = ["UNSAID", "Content", "Facet", "count_of_slots", "descriptors_of"]

Content = list[Any] | dict[Any, Any] | set[Any]


class Facet(NamedTuple):
    """One side of an object.

    Attributes
    ----------
    name : by which it is stored
    take : gives its content; new containers around the very parts, or, unless walked, a state to be stored
    put : puts such a content into a live object; `None` where that cannot be done
    fits : whether a stored content can be put into a live object, where that is not certain
    walked : whether its parts are objects to go on to
    fixed : whether its parts are the same for as long as the object lives
    last : whether it is put after all others, because it says whether they can be
    """

    name: str
    take: Callable[[Any], Any]
    put: Callable[[Any, Any], Any] | None = None
    fits: Callable[[Any, Any], bool] = lambda value, content: True
    walked: bool = True
    fixed: bool = False
    last: bool = False


UNSAID = frozenset(
    {"__dict__", "__weakref__", "__module__", "__doc__", "__firstlineno__", "__static_attributes__", "__qualname__"}
    | {"__annotate__", "__annotate_func__", "__annotations_cache__", "__abstractmethods__", "_abc_impl", "__slots__"}
)
"""Attributes of a class that say nothing of what it does, or that Python fills in as it is used."""


# --- containers


def _put_list(value: Any, content: list[Any]) -> None:
    list.__setitem__(value, slice(None), content)


def _put_dict(value: Any, content: dict[Any, Any]) -> None:
    dict.clear(value)
    dict.update(value, content)


def _put_ordered(value: Any, content: dict[Any, Any]) -> None:
    ordered = collections.OrderedDict
    ordered.clear(value)
    for key, part in content.items():
        ordered.__setitem__(value, key, part)


def _put_set(value: Any, content: set[Any]) -> None:
    set.clear(value)
    set.update(value, content)


def _put_deque(value: Any, content: list[Any]) -> None:
    collections.deque.clear(value)
    collections.deque.extend(value, content)


def _put_default(value: Any, content: list[Any]) -> None:
    value.default_factory = content[0]


def _put_bytearray(value: Any, content: list[Any]) -> None:
    bytearray.__setitem__(value, slice(None), content[0])


def _put_typed(value: Any, content: list[Any]) -> None:
    del value[:]
    value.frombytes(content[0])


ITEMS = Facet("items", lambda value: list.__getitem__(value, slice(None)), _put_list)
FIXED_ITEMS = Facet("items of a tuple", lambda value: list(tuple.__iter__(value)), fixed=True)
PAIRS = Facet("pairs", dict.copy, _put_dict)
ORDERED = Facet("ordered pairs", lambda value: dict(collections.OrderedDict.items(value)), _put_ordered)
MEMBERS = Facet("members", lambda value: set(set.__iter__(value)), _put_set)
FIXED_MEMBERS = Facet("members of a frozen set", lambda value: set(frozenset.__iter__(value)), fixed=True)
QUEUE = Facet("queue", lambda value: list(collections.deque.__iter__(value)), _put_deque)
DEFAULT = Facet("default", lambda value: [value.default_factory], _put_default)
BYTES = Facet("bytes", lambda value: [bytes(value)], _put_bytearray)
TYPED = Facet("elements", lambda value: [value.tobytes()], _put_typed)


# --- instances


def _attributes_of(value: Any) -> Any:
    return object.__getattribute__(value, "__dict__")


def _put_attributes(value: Any, content: dict[str, Any]) -> None:
    attributes = _attributes_of(value)
    attributes.clear()
    attributes.update(content)


def descriptors_of(kind: type) -> dict[str, Any]:
    """The slots of a class written in Python, by name."""
    found: dict[str, Any] = {}
    for base in reversed(kind.__mro__):
        if base.__flags__ & (1 << 9) and "__slots__" in vars(base):
            members = vars(base).items()
            found.update({name: part for name, part in members if type(part) is types.MemberDescriptorType})
    return found


def count_of_slots(kind: type) -> int:
    """How many slots instances have room for: one that a subclass names again has two."""
    members = [vars(base).values() for base in kind.__mro__ if base.__flags__ & (1 << 9) and "__slots__" in vars(base)]
    return sum(type(part) is types.MemberDescriptorType for parts in members for part in parts)


def _slots_of(value: Any) -> dict[str, Any]:
    found = {}
    for name, descriptor in descriptors_of(type(value)).items():
        try:
            found[name] = descriptor.__get__(value)
        except AttributeError:  # not filled
            continue
    return found


def _put_slots(value: Any, content: dict[str, Any]) -> None:
    held = _slots_of(value)
    for name, descriptor in descriptors_of(type(value)).items():
        if name in content:
            descriptor.__set__(value, content[name])
        elif name in held:
            descriptor.__delete__(value)


def _put_arguments(value: Any, content: list[Any]) -> None:
    value.args = content[0]


ARGUMENTS = Facet("arguments", lambda value: [value.args], _put_arguments)
ATTRIBUTES = Facet("attributes", lambda value: dict(_attributes_of(value)), _put_attributes)
SLOTS = Facet("slots", _slots_of, _put_slots)
CLASS = Facet("class", lambda value: [type(value)], fixed=True)


# --- functions and classes


def _cell_of(value: types.CellType) -> list[Any]:
    try:
        return [value.cell_contents]
    except ValueError:  # not filled yet
        return []


def _put_cell(value: types.CellType, content: list[Any]) -> None:
    if content:
        value.cell_contents = content[0]
    else:
        del value.cell_contents


def _put_function(value: Any, content: dict[str, Any]) -> None:
    for name, part in content.items():
        setattr(value, name, part)


def _members_of(value: type) -> dict[str, Any]:
    slots = (types.MemberDescriptorType, types.GetSetDescriptorType)
    return {name: part for name, part in vars(value).items() if name not in UNSAID and not isinstance(part, slots)}


def _put_members(value: type, content: dict[str, Any]) -> None:
    held = _members_of(value)
    for name in held.keys() - content.keys():
        type.__delattr__(value, name)
    for name, part in content.items():
        if name not in held or held[name] is not part:
            type.__setattr__(value, name, part)


_WRITABLE = ("__code__", "__defaults__", "__kwdefaults__")

CELL = Facet("cell", _cell_of, _put_cell)
FUNCTION = Facet("function", lambda value: {name: getattr(value, name) for name in _WRITABLE}, _put_function)
CLOSURE = Facet("closure", lambda value: list(value.__closure__ or ()), fixed=True)
METHOD = Facet("method", lambda value: [value.__self__, value.__func__], fixed=True)
BOUND = Facet("bound to", lambda value: [value.__self__], fixed=True)
PARTIAL = Facet("partial", lambda value: [value.func, value.args, value.keywords], fixed=True)
WRAPPED = Facet("wrapped", lambda value: [value.__wrapped__], fixed=True)
LOOKED_AT = Facet("looked at", looked_at, fixed=True)
INNER = Facet("inner", lambda value: [value.__func__], fixed=True)
PROPERTY = Facet("property", lambda value: [value.fget, value.fset, value.fdel], fixed=True)
BASES = Facet("bases", lambda value: list(value.__bases__))
CLASS_MEMBERS = Facet("members of a class", _members_of, _put_members)
