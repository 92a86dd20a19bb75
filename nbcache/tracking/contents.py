"""What does a global hold: its digest by content, and the cheapest way to ask again whether that is still so."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from types import FunctionType, ModuleType
from typing import Any

from nbcache.errors import UnhashableValueError
from nbcache.hashing import hasher
from nbcache.hashing.walk import name_of
from nbcache.tracking import classes
from nbcache.tracking.code.bytecode import constant_bytes, short_digest
from nbcache.tracking.code.facts import facts_of
from nbcache.tracking.guards import Place
from nbcache.tracking.identities import HOLDERS, WITHOUT_CONTENT, library_parts, mark_of
from nbcache.tracking.observations.handles.contents import reader_of
from nbcache.tracking.observations.handles.planned_files import planned_files
from nbcache.tracking.packages import is_users
from nbcache.tracking.snapshots import Snapshot, fixed, snapshot_of

__all__ = ["DEFAULT", "Content", "Contents", "fixed", "in_order", "outline", "path_texts"]

#: What the labels of the defaults of parameters begin with.
DEFAULT = "default of "

_LONGEST_PATH = 1024
_MOST_TEXTS = 1000
_FEW = 20
# Values of these have digests that tests of the hashing rooms vouch for; others are asked twice.
_TRUSTED = frozenset(("builtins", "collections", "numpy", "pandas", "polars", "pyarrow", "scipy", "torch", "datetime"))
_WITHOUT_CONTENT = tuple(sorted(map(name_of, WITHOUT_CONTENT)))
_HOLDERS: tuple[type, ...] = (*HOLDERS, *WITHOUT_CONTENT)
_CONSTANTS = frozenset(map(id, (type(None), bool, int, float, complex, str, bytes)))


class Content:
    """One value that counts by content.

    Attributes
    ----------
    label : in the user's words, unique in one fingerprint
    digest : of the content; parts that cannot be read are told apart by their identity
    counted : the digest as which it counts, which is another where a run of the function left it behind
    unreadable : the name of the type that cannot be read, "" when all is well
    whole : false where nothing of it can be read, so that the object itself is all that counts
    fixed : the value can never change in place
    place : where it was found
    alone : no code of the user's is inside, so that equal content is all that matters
    inside : the functions, classes and modules met inside
    """

    __slots__ = (
        "_closures",
        "_fickle",
        "_get",
        "_hash_funcs",
        "_leaves",
        "_met",
        "_origin",
        "_snapshot",
        "_value",
        "alone",
        "counted",
        "digest",
        "fixed",
        "inside",
        "label",
        "place",
        "summary",
        "unreadable",
        "whole",
    )

    def __init__(
        self,
        value: object,
        label: str,
        place: Place,
        get: Callable[[], object],
        hash_funcs: Mapping[Any, Any] | None,
        origin: tuple[int, str] = (0, ""),
    ) -> None:
        self.label = label
        self.place = place
        self.fixed = fixed(value)
        self.unreadable = ""
        self.whole = True
        self.digest = b""
        self.counted = b""
        self.alone = False
        self.inside: Sequence[object] = ()
        self._met: Sequence[object] = ()
        self.summary = hasher.summary(value)
        self._value = value
        self._get = get
        self._hash_funcs = hash_funcs
        self._leaves: Mapping[str, Callable[[Any], Any] | None] = {}
        self._fickle = False
        self._closures = False
        self._origin = origin
        self._snapshot: Snapshot | None = None

    def take(self) -> None:
        """Digest the value; what cannot be read, or has another digest at each look, counts by its identity."""
        found: list[tuple[bytes, object]] = []
        value = self._value
        try:
            if not self.fixed and not self._hash_funcs:
                self._snapshot = snapshot_of(value)
            self.digest = self._read(value, found)
            if not self.fixed and self._snapshot is None and not self._trusted() and self._read(value) != self.digest:
                self._fickle = True
                self._give_up(f"{_type_name(value)}, changes by itself")
        except Exception as error:  # whatever a user's object raises, following it further is not worth an error
            self._give_up((str(getattr(error, "type_name", "")) or _type_name(value)).removeprefix("builtins."))
        self.counted = self.digest
        if not self.whole:
            return
        if self._leaves:
            said = [name for name, read in self._leaves.items() if read is None and name not in _WITHOUT_CONTENT]
            if not said and name_of(type(value)) in _WITHOUT_CONTENT:
                said = [name_of(type(value))]
            self.unreadable = ", ".join(said).removeprefix("builtins.")
        if not (found or self.fixed or self.unreadable):
            self.let_go()
        self._closures = any(type(inner) is FunctionType and inner.__closure__ for _, inner in found)
        self.inside = self._met = in_order(found)

    def _give_up(self, why: str) -> None:
        self.unreadable, self.whole = why, False
        self.digest = self._by_identity(self._value)

    def _by_identity(self, value: object) -> bytes:
        return short_digest(b"unreadable", _type_name(value).encode(), mark_of(self._origin, (value,)))

    def _read(self, value: object, found: list[tuple[bytes, object]] | None = None) -> bytes:
        """Digest a value, with identities in place of the parts that cannot be read."""
        if issubclass(type(value), logging.Logger):
            return short_digest(b"logger", str(value.name).encode())  # type: ignore[attr-defined]
        if value is os.environ or value is getattr(os, "environb", None):
            return short_digest(b"environment")  # counts by what a run asks of it
        while True:
            met: list[object] = []
            funcs = self._hash_funcs
            if self._leaves:
                leaf = partial(_leaf, met)
                funcs = {**(funcs or {}), **{name: read or leaf for name, read in self._leaves.items()}}
            try:
                if found is None:
                    digest = hasher.digest(value, funcs, code=outline)
                else:
                    found.clear()
                    digest = hasher.digest(value, funcs, code=partial(_outline_and_keep, found))
            except UnhashableValueError:
                if self._leaves or not (
                    is_users(value) or isinstance(value, _HOLDERS) or reader_of(type(value)) is not None
                ):
                    raise  # of other people's objects nobody knows which part is content
                self._leaves = self._unreadable_kinds(value)
                continue
            return short_digest(digest, mark) if met and (mark := mark_of(self._origin, met)) else digest

    def _unreadable_kinds(self, value: object) -> Mapping[str, Callable[[Any], Any] | None]:
        """Name the types that stand for themselves: locks, and what a value of the user's holds of other people's.

        Open handles are read by what is known of their type.
        """
        kinds: dict[str, Callable[[Any], Any] | None] = dict.fromkeys(_WITHOUT_CONTENT)
        if (read := reader_of(type(value))) is not None:
            kinds[name_of(type(value))] = read
        for part in library_parts(value):
            if (name := name_of(type(part))) not in kinds:
                try:
                    hasher.digest(part, self._hash_funcs, code=outline)
                except UnhashableValueError:
                    kinds[name] = reader_of(type(part))
        return kinds

    def _trusted(self) -> bool:
        return str(classes.module_of(type(self._value))).partition(".")[0] in _TRUSTED

    def let_go(self) -> None:
        """Stop keeping the value alive; it is found again when it is asked for."""
        self.alone = True
        self._value = None

    def found(self) -> object:
        """What is at its place now."""
        return self._get()

    def unchanged(self) -> bool:
        """Tell whether what is found at the same place now has the same content."""
        now = self._get()
        if not self.alone and now is not self._value:
            return False
        if self._snapshot is not None and self._snapshot.holds(now):
            return True
        found: list[tuple[bytes, object]] = []
        if self._read(now, found) != self.digest and self._read_shown(now, found) != self.digest:
            return False
        # A class counts by its name here, and a function by its code: another in its place is followed anew.
        return list(map(id, in_order(found))) == list(map(id, self._met))

    def same_inside(self) -> bool:
        """Tell whether the very same functions, classes and modules are inside."""
        found: list[tuple[bytes, object]] = []
        self._read(self._get(), found)
        return list(map(id, in_order(found))) == list(map(id, self._met))

    def _read_shown(self, value: object, found: list[tuple[bytes, object]] | None = None) -> bytes:
        """Digest a value after it was shown, as it was before the first digest: a `repr` may fill a cache in it."""
        hasher.summary(value)
        return self._read(value, found)

    def now(self) -> bytes:
        """Digest what is found at the same place now, as it would be taken; empty where nothing is."""
        try:
            now = self._get()
        except Exception:  # gone
            return b""
        if self._fickle or (now is self._value and self.fixed):
            return self.digest if now is self._value else self._by_identity(now)
        # A snapshot takes a function for what it is while it is the same; what its closure holds may be another now.
        if self._snapshot is not None and not self._closures and self._snapshot.holds(now):
            return self.digest
        try:
            return self.digest if self._read(now) == self.digest else self._read_shown(now)
        except Exception:
            return self._by_identity(now)


class Contents:
    """All values of one fingerprint that count by content.

    Parameters
    ----------
    owner : whose fingerprint it is: the id of a namespace, and a name
    """

    def __init__(self, hash_funcs: Mapping[Any, Any] | None, owner: tuple[int, str] = (0, "")) -> None:
        self.taken: list[Content] = []
        self._hash_funcs = hash_funcs
        self._owner = owner
        self._labels: dict[str, int] = {}

    def take(self, value: object, label: str, place: Place, get: Callable[[], object]) -> Content:
        """Digest a value, and note the functions, classes and modules met inside it."""
        count = self._labels[label] = self._labels.get(label, 0) + 1
        unique = label if count == 1 else f"{label} ({count})"
        space, name = self._owner
        content = Content(value, unique, place, get, self._hash_funcs, (space, f"{name}: {unique}"))
        content.take()
        self.taken.append(content)
        return content


def _leaf(met: list[object], value: object) -> str:
    met.append(value)
    return _type_name(value)


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


def in_order(met: Iterable[tuple[bytes, Any]]) -> list[Any]:
    """Put what was met, each with its outline, in an order that no run moves: sets have none of their own.

    By code first, as the closures of functions, which an outline tells, may be changed by a run.
    """

    def place(pair: tuple[bytes, Any]) -> tuple[bytes, bytes]:
        told, value = pair
        return facts_of(value.__code__).digest if type(value) is FunctionType else told, told

    return [value for _, value in sorted(met, key=place)]


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
