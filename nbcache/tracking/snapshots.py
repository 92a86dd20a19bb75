"""Has a value changed in place: told from the identities of what it holds, far cheaper than a new digest.

A snapshot exists for values made of lists, dicts, sets, plain objects and things that can never change. While every
part is the very object it was, nothing has changed; otherwise a digest has the last word.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import fractions
import logging
import pathlib
import re
import struct
import uuid
from operator import is_
from types import BuiltinFunctionType, CodeType, FunctionType, MemberDescriptorType, ModuleType
from typing import Any

from nbcache.hashing.attributes import held_by
from nbcache.tracking import classes

# By id, because a metaclass may have hashing and equality of its own.
_FIXED = frozenset(
    id(kind)
    for kind in (
        *(type(None), bool, int, float, complex, str, bytes, type(Ellipsis), type(NotImplemented), range, CodeType),
        *(datetime.date, datetime.time, datetime.timedelta, datetime.timezone, decimal.Decimal, fractions.Fraction),
        *(re.Pattern, uuid.UUID, logging.Logger, pathlib.PurePosixPath, pathlib.PosixPath, pathlib.PureWindowsPath),
    )
)
# numpy's scalars, types and functions, recognised by name so that numpy is not imported.
_FIXED_NAMES = frozenset(
    (
        *("numpy.ufunc", "numpy.float64", "numpy.float32", "numpy.int64", "numpy.int32", "numpy.bool", "numpy.bool_"),
        *("typing.TypeVar", "types.GenericAlias", "_collections._tuplegetter", "dataclasses._DataclassParams"),
    )
)
# attrs describes fields with objects that refuse to be changed.
_FIXED_MODULES = frozenset(("attr._make", "attr.validators", "attr.converters"))
# Followed and guarded by themselves wherever they are met.
_GUARDED = (FunctionType, BuiltinFunctionType, ModuleType, type)
_MOST_ITEMS = 1000
_HEAP_TYPE = 1 << 9
_PLAIN_SIZE = object.__basicsize__ + 2 * struct.calcsize("P")  # room for __dict__ and __weakref__, no more
_PICKLING = ("__reduce__", "__reduce_ex__", "__getstate__", "__cache_key__", "__getattribute__")


def fixed(value: object, depth: int = 8) -> bool:
    """Tell whether a value can never change in place: by exact type, tuples and frozensets of such included."""
    kind = type(value)
    if id(kind) in _FIXED:
        return True
    if (kind is tuple or kind is frozenset) and depth:
        return all(fixed(item, depth - 1) for item in value)  # type: ignore[attr-defined]
    if kind is datetime.datetime:
        return value.tzinfo is None or type(value.tzinfo) is datetime.timezone  # type: ignore[attr-defined]
    if issubclass(type(kind), enum.EnumMeta):
        return True
    module = classes.module_of(kind)
    return module in _FIXED_MODULES or f"{module}.{classes.name_of(kind)}" in _FIXED_NAMES


class Snapshot:
    """What the containers in one value held."""

    __slots__ = ("_dicts", "_kinds", "_lists", "_objects", "_root", "_sets")

    def __init__(self, root: object) -> None:
        self._root = root
        self._lists: list[tuple[list[Any], int, list[Any]]] = []
        self._dicts: list[tuple[dict[Any, Any], int, list[Any], list[Any]]] = []
        self._sets: list[tuple[set[Any], set[int]]] = []
        self._objects: list[Any] = []
        self._kinds: list[type] = []

    def holds(self, now: object) -> bool:
        """Tell whether this is the same value, and every container in it still holds the very same objects."""
        if now is not self._root:
            return False
        if not all(map(is_, map(type, self._objects), self._kinds)):
            return False
        for sequence, count, items in self._lists:
            if len(sequence) != count or not all(map(is_, sequence, items)):
                return False
        for mapping, count, keys, values in self._dicts:
            if len(mapping) != count or not (all(map(is_, mapping.values(), values)) and all(map(is_, mapping, keys))):
                return False
        return all(set(map(id, held)) == identities for held, identities in self._sets)

    def add(self, value: Any) -> list[Any] | None:
        """Remember one container and give what it holds; `None` when that cannot be told from outside."""
        kind = type(value)
        if (kind is list or kind is tuple or kind is set or kind is frozenset) and len(value) > _MOST_ITEMS:
            return None
        if kind is list:
            items = list(value)
            self._lists.append((value, len(items), items))
            return items
        if kind is tuple or kind is frozenset:
            return list(value)
        if kind is set:
            items = list(value)
            self._lists.append((items, len(items), items))  # keeps them alive, so that ids stay their own
            self._sets.append((value, set(map(id, items))))
            return items
        content = value if kind is dict else _attributes_of(value)
        if content is None or len(content) > _MOST_ITEMS:
            return None
        if kind is not dict:
            self._objects.append(value)
            self._kinds.append(kind)
        keys, values = list(content), list(content.values())
        self._dicts.append((content, len(keys), keys, values))
        return keys + values


def snapshot_of(value: object) -> Snapshot | None:
    """Take a snapshot, or give `None` for a value that holds anything else, or too much."""
    snapshot = Snapshot(value)
    pending = [value]
    met: set[int] = set()
    count = 0
    while pending:
        item = pending.pop()
        count += 1
        if count > _MOST_ITEMS:
            return None
        if fixed(item) or issubclass(type(item), _GUARDED) or id(item) in met:
            continue
        met.add(id(item))
        inside = snapshot.add(item)
        if inside is None:
            return None
        pending.extend(inside)
    return snapshot


def _attributes_of(value: object) -> dict[str, Any] | None:
    """Give the `__dict__` of an object that has all its state there."""
    for cls in type.__dict__["__mro__"].__get__(type(value))[:-1]:
        content = classes.dict_of(cls)
        if classes.module_of(cls) == "builtins" or any(name in content for name in _PICKLING):
            return None
        if any(type(member) is MemberDescriptorType for member in content.values()):
            return None
        if not cls.__flags__ & _HEAP_TYPE or cls.__basicsize__ > _PLAIN_SIZE:  # in C: it may keep state anywhere
            return None
    return held_by(value)
