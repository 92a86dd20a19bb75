"""What the user says that a result depends on: paths by content, callables by what they return, code and values."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any

from nbcache.hashing import hasher
from nbcache.tracking.code.bytecode import short_digest
from nbcache.tracking.observations.files import tree_digest


class Dependency:
    """One item of `depends_on`.

    Parameters
    ----------
    code : digests functions, classes and modules by the code that they reach
    """

    def __init__(
        self, item: object, hash_funcs: Mapping[Any, Callable[[Any], Any]] | None, code: Callable[[object], bytes]
    ) -> None:
        self._item = item
        self._code = code
        self._hash_funcs = hash_funcs
        if isinstance(item, str | os.PathLike):
            name = os.fsdecode(item)
        elif callable(item) or issubclass(type(item), ModuleType):
            name = name_of(item)
        else:
            name = hasher.summary(item, 40)
        self.label = f"depends_on {name}"

    def digest(self) -> bytes:
        item = self._item
        if isinstance(item, os.PathLike) or (isinstance(item, str) and os.path.exists(item)):
            return short_digest(b"path", tree_digest(os.fspath(item)).encode())
        if issubclass(type(item), type | ModuleType):
            return short_digest(b"code", self._code(item))
        if callable(item):
            return short_digest(b"result", hasher.digest(item(), self._hash_funcs, code=self._code))
        return short_digest(b"value", hasher.digest(item, self._hash_funcs, code=self._code))

    def summary(self) -> str:
        item = self._item
        return "" if callable(item) else hasher.summary(item)


def items_of(depends_on: object) -> Iterable[object]:
    """Give the items of `depends_on`; a lone item is one."""
    if isinstance(depends_on, list | tuple | set | frozenset):
        return depends_on
    if hasattr(type(depends_on), "__next__"):
        return tuple(depends_on)  # type: ignore[arg-type]
    return (depends_on,)


def name_of(value: object) -> str:
    """What a thing is called where it was defined; the name of its type if it has none."""
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    return name if type(name) is str else type(value).__name__
