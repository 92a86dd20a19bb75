"""What does a global hold: its digest by content, and the cheapest way to ask again whether that is still so."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice
from types import FunctionType, ModuleType
from typing import Any

from nbcache.hashing import hasher
from nbcache.tracking import classes
from nbcache.tracking.code.bytecode import constant_bytes, short_digest
from nbcache.tracking.code.facts import facts_of
from nbcache.tracking.guards import Place
from nbcache.tracking.observations.planned_files import planned_files
from nbcache.tracking.origins import Origin, carry, origin
from nbcache.tracking.snapshots import Snapshot, fixed, snapshot_of

__all__ = ["Content", "Contents", "fixed", "outline", "path_texts"]

_LONGEST_PATH = 1024
_MOST_TEXTS = 1000
_FEW = 20
# Values of these have digests that tests of the hashing rooms vouch for; others are asked twice.
_TRUSTED = frozenset(("builtins", "collections", "numpy", "pandas", "polars", "pyarrow", "scipy", "torch", "datetime"))
_CONSTANTS = frozenset(map(id, (type(None), bool, int, float, complex, str, bytes)))


class Content:
    """One value that counts by content.

    Attributes
    ----------
    label : in the user's words, unique in one fingerprint
    digest : of the content, or of the type alone when it cannot be read
    unreadable : the name of the type that cannot be read, "" when all is well
    fixed : the value can never change in place
    place : where it was found
    alone : no code of the user's is inside, so that equal content is all that matters
    inside : the functions, classes and modules met inside
    bound : the user has put this very object there, so that another one is an edit, though the function changes it
    """

    __slots__ = (
        "_get",
        "_hash_funcs",
        "_snapshot",
        "_value",
        "alone",
        "bound",
        "digest",
        "fixed",
        "inside",
        "label",
        "place",
        "summary",
        "unreadable",
    )

    def __init__(
        self,
        value: object,
        label: str,
        place: Place,
        get: Callable[[], object],
        hash_funcs: Mapping[Any, Any] | None,
    ) -> None:
        self.label = label
        self.place = place
        self.fixed = fixed(value)
        self.unreadable = ""
        self.digest = b""
        self.alone = False
        self.bound = False
        self.inside: list[object] = []
        self.summary = hasher.summary(value)
        self._value = value
        self._get = get
        self._hash_funcs = hash_funcs
        self._snapshot: Snapshot | None = None

    def take(self, code: Callable[[object], bytes]) -> None:
        """Digest the value; a type that cannot be read, or whose digest changes by itself, stands for it otherwise."""
        try:
            if not self.fixed and not self._hash_funcs:
                self._snapshot = snapshot_of(self._value)
            self.digest = self._digest(self._value, code)
            if not self.fixed and self._snapshot is None and not self._trusted():
                again = self._digest(self._value, outline)
                self.unreadable = "" if again == self.digest else f"{_type_name(self._value)}, changes by itself"
        except Exception as error:  # whatever a user's object raises, following it further is not worth an error
            name = str(getattr(error, "type_name", "")) or _type_name(self._value)
            self.unreadable = name.removeprefix("builtins.")
        if self.unreadable:
            self.digest = short_digest(b"unreadable", _type_name(self._value).encode())

    def origin(self) -> Origin:
        """What counts if the function changes the value: what was there before, while it is the same object."""
        return origin(self.place, self._get(), self.digest, self.inside)

    def note_origin(self, changed: bool) -> None:
        """After a run that changed the value: what is there now counts as what was there before."""
        try:
            now = self._get()
        except Exception:  # gone: what comes there next counts as itself
            return
        if changed:
            origin(self.place, now, self.digest, self.inside)
        else:
            carry(self.place, now)

    def _trusted(self) -> bool:
        return str(classes.module_of(type(self._value))).partition(".")[0] in _TRUSTED

    def _digest(self, value: object, code: Callable[[object], bytes]) -> bytes:
        if issubclass(type(value), logging.Logger):
            return short_digest(b"logger", str(value.name).encode())  # type: ignore[attr-defined]
        return hasher.digest(value, self._hash_funcs, code=code)

    def let_go(self) -> None:
        """Stop keeping the value alive; it is found again when it is asked for."""
        self.alone = True
        self._value = None

    def unchanged(self) -> bool:
        """Tell whether what is found at the same place now has the same content."""
        now = self._get()
        if not self.alone and now is not self._value:
            return False
        if self._snapshot is not None and self._snapshot.holds(now):
            return True
        return self._digest(now, outline) == self.digest

    def changed_since(self) -> bool:
        """Tell whether what is found at the same place now has another content."""
        if self.unreadable:
            return False
        try:
            now = self._get()
            if now is self._value and self.fixed:
                return False
            if self._snapshot is not None and self._snapshot.holds(now):
                return False
            return self._digest(now, outline) != self.digest
        except Exception:  # gone, or no longer readable: not what it was
            return True


class Contents:
    """All values of one fingerprint that count by content."""

    def __init__(self, hash_funcs: Mapping[Any, Any] | None) -> None:
        self.taken: list[Content] = []
        self._hash_funcs = hash_funcs
        self._labels: dict[str, int] = {}

    def take(self, value: object, label: str, place: Place, get: Callable[[], object]) -> Content:
        """Digest a value, and note the functions, classes and modules met inside it."""
        count = self._labels[label] = self._labels.get(label, 0) + 1
        content = Content(value, label if count == 1 else f"{label} ({count})", place, get, self._hash_funcs)
        found: list[tuple[bytes, object]] = []
        content.take(partial(_outline_and_keep, found))
        self.taken.append(content)
        content.bound = not (content.fixed or content.unreadable) and get() is value
        if not (found or content.fixed or content.unreadable):
            content.let_go()
        # Sets have no order of their own, so what was met inside is put in order of its outline.
        content.inside = [inner for _, inner in sorted(found, key=lambda pair: pair[0])]
        return content


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
        names = (str(classes.module_of(value)), classes.name_of(value))  # type: ignore[arg-type]
        return short_digest(b"class", *[name.encode() for name in names])
    if issubclass(type(value), ModuleType):
        return short_digest(b"module", str(value.__dict__.get("__name__")).encode())
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    return short_digest(b"other", _type_name(value).encode(), str(name).encode())


def _shallow(value: object, depth: int = 3) -> bytes:
    kind = type(value)
    if kind is FunctionType:
        return facts_of(value.__code__).digest  # type: ignore[attr-defined]
    if (kind is tuple or kind is list or kind is dict) and _is_large(value):
        return short_digest(_type_name(value).encode(), str(len(value)).encode())  # type: ignore[arg-type]
    if (kind is tuple or kind is list) and depth:
        return short_digest(*[_shallow(item, depth - 1) for item in value])  # type: ignore[attr-defined]
    if kind is dict and depth:
        return short_digest(*[_shallow(item, depth - 1) for pair in value.items() for item in pair])  # type: ignore[attr-defined]
    if id(kind) in _CONSTANTS:
        return constant_bytes(value)
    return _type_name(value).encode()


def _is_large(value: Any) -> bool:
    """Tell whether a container holds much that is no constant: each of its functions may hold the container."""
    if len(value) <= _FEW:
        return False
    return not _CONSTANTS.issuperset(map(id, set(map(type, value.values() if type(value) is dict else value))))


def _type_name(value: object) -> str:
    cls = type(value)
    return f"{classes.module_of(cls)}.{classes.name_of(cls)}".removeprefix("builtins.")


def path_texts(value: object, depth: int = 2) -> Iterator[str]:
    """Yield texts in a global that may name files; of long lists, those at the front."""
    kind = type(value)
    if kind is str:
        if 0 < len(value) <= _LONGEST_PATH and "\n" not in value and "\0" not in value:  # type: ignore[arg-type,operator]
            yield value  # type: ignore[misc]
    elif depth and (kind is list or kind is tuple or kind is set or kind is frozenset):
        for item in islice(value, _MOST_TEXTS):  # type: ignore[call-overload]
            yield from path_texts(item, depth - 1)
    elif depth and kind is dict:
        for item in islice(value.values(), _MOST_TEXTS):  # type: ignore[attr-defined]
            yield from path_texts(item, depth - 1)
    elif issubclass(kind, os.PathLike) and classes.module_of(kind) in ("pathlib", "pathlib._local"):
        yield str(value)
    elif depth:
        yield from planned_files(value)
