"""What does a global hold: its digest by content, and a way to ask again whether that is still so."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import CodeType, FunctionType, ModuleType
from typing import Any

from nbcache.keys import classes, hashing
from nbcache.keys.codes import constant_bytes, facts_of, short_digest
from nbcache.keys.guards import Place

_FIXED = frozenset({type(None), bool, int, float, complex, str, bytes, type(Ellipsis), type(NotImplemented), range})
_LONGEST_PATH = 1024


class Content:
    """One value that counts by content.

    Attributes
    ----------
    label : in the user's words, unique in one fingerprint
    digest : of the content, or of the type alone when it cannot be read
    unreadable : the name of the type that cannot be read, "" when all is well
    fixed : the value can never change in place
    place : where it was found
    """

    __slots__ = ("_code", "_get", "_hash_funcs", "digest", "fixed", "label", "place", "unreadable", "value")

    def __init__(self, value: object, label: str, place: Place, get: Callable[[], object]) -> None:
        self.value = value
        self.label = label
        self.place = place
        self._get = get
        self.fixed = fixed(value)
        self.unreadable = ""
        self.digest = b""

    def take(self, hash_funcs: Mapping[Any, Any] | None, code: Callable[[object], bytes]) -> None:
        """Digest the value; a type that cannot be read stands for it otherwise."""
        self._hash_funcs = hash_funcs
        try:
            self.digest = self._digest(self.value, code)
        except Exception as error:  # whatever a user's object raises, following it further is not worth an error
            self.unreadable = getattr(error, "type_name", "") or _type_name(self.value)
            self.digest = short_digest(b"unreadable", self.unreadable.encode())

    def _digest(self, value: object, code: Callable[[object], bytes]) -> bytes:
        if isinstance(value, logging.Logger):
            return short_digest(b"logger", value.name.encode())
        return hashing.digest(value, self._hash_funcs, code=code)

    def unchanged(self) -> bool:
        """Tell whether the value has the same content now."""
        return self._digest(self.value, outline) == self.digest

    def changed_since(self) -> bool:
        """Tell whether what is found at the same place now has another content."""
        if self.unreadable:
            return False
        try:
            now = self._get()
            return not (now is self.value and self.fixed) and self._digest(now, outline) != self.digest
        except Exception:  # gone, or no longer readable: not what it was
            return True

    def summary(self) -> str:
        """Describe the value in one line."""
        return hashing.summary(self.value)


class Contents:
    """All values of one fingerprint that count by content."""

    def __init__(self, hash_funcs: Mapping[Any, Any] | None) -> None:
        self.taken: list[Content] = []
        self._hash_funcs = hash_funcs
        self._labels: dict[str, int] = {}

    def take(self, value: object, label: str, place: Place, get: Callable[[], object]) -> tuple[Content, list[object]]:
        """Digest a value; give also the functions, classes and modules met inside it."""
        count = self._labels[label] = self._labels.get(label, 0) + 1
        content = Content(value, label if count == 1 else f"{label} ({count})", place, get)
        found: list[tuple[bytes, object]] = []
        content.take(self._hash_funcs, partial(_outline_and_keep, found))
        self.taken.append(content)
        # Sets have no order of their own, so what was met inside is put in order of its outline.
        return content, [inner for _, inner in sorted(found, key=lambda pair: pair[0])]


def _outline_and_keep(found: list[tuple[bytes, object]], value: object) -> bytes:
    digest = outline(value)
    found.append((digest, value))
    return digest


def outline(value: object) -> bytes:
    """Digest a function, class or module by itself, without what it reaches."""
    if type(value) is FunctionType:
        fields = [facts_of(value.__code__).digest]
        fields += [_shallow(item) for item in (value.__defaults__, value.__kwdefaults__)]
        for cell in value.__closure__ or ():
            try:
                fields.append(_shallow(cell.cell_contents))
            except ValueError:
                fields.append(b"empty")
        return short_digest(b"function", *fields)
    if issubclass(type(value), type):
        return short_digest(b"class", str(classes.module_of(value)).encode(), classes.name_of(value).encode())  # type: ignore[arg-type]
    if isinstance(value, ModuleType):
        return short_digest(b"module", str(value.__dict__.get("__name__")).encode())
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    return short_digest(b"other", _type_name(value).encode(), str(name).encode())


def _shallow(value: object, depth: int = 3) -> bytes:
    if fixed(value) and type(value) is not range:
        return constant_bytes(value)
    if type(value) is FunctionType:
        return facts_of(value.__code__).digest
    if type(value) is tuple and depth:
        return short_digest(*[_shallow(item, depth - 1) for item in value])
    if type(value) is dict and depth:
        return short_digest(*[_shallow(item, depth - 1) for pair in value.items() for item in pair])
    return _type_name(value).encode()


def _type_name(value: object) -> str:
    cls = type(value)
    return f"{classes.module_of(cls)}.{classes.name_of(cls)}".removeprefix("builtins.")


def fixed(value: object, depth: int = 8) -> bool:
    """Tell whether a value can never change in place: by exact type, tuples and frozensets of such included."""
    kind = type(value)
    if kind in _FIXED or kind is CodeType:
        return True
    if (kind is tuple or kind is frozenset) and depth:
        return all(fixed(item, depth - 1) for item in value)  # type: ignore[attr-defined]
    return False


def path_texts(value: object, depth: int = 2) -> Iterator[str]:
    """Yield texts in a global that may name files."""
    kind = type(value)
    if kind is str:
        if 0 < len(value) <= _LONGEST_PATH and "\n" not in value and "\0" not in value:  # type: ignore[arg-type,operator]
            yield value  # type: ignore[misc]
    elif depth and kind in (list, tuple, set, frozenset):
        for item in list(value)[:1000]:  # type: ignore[call-overload]
            yield from path_texts(item, depth - 1)
    elif depth and kind is dict:
        for item in list(value.values())[:1000]:  # type: ignore[attr-defined]
            yield from path_texts(item, depth - 1)
    elif issubclass(kind, os.PathLike) and kind.__module__.partition(".")[0] == "pathlib":
        yield str(value)
