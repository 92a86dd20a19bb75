"""One walk over a value: level by level, a column for each type met there, into one running digest.

All values of one depth form a *level*. A level is written as one column per type, so that a list of a hundred
thousand numbers, or the fields of as many objects, go through C in one pass. What a column finds inside its values
makes the next level. Nothing recurses, so depth and cycles are no danger.

What is written is typed and carries its own length everywhere: two different values never write the same bytes.
"""

from __future__ import annotations

import io
import marshal
import pickle
import struct
from array import array
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, NoReturn, Protocol

from xxhash import xxh3_128

from ..errors import CacheError, UnhashableValueError, UserHashError, explain

Column = Callable[["Walk", list[Any]], None]
HashFuncs = Mapping[type | str, Callable[[Any], Any]]
CodeHook = Callable[[object], bytes]

_length = struct.Struct("<Q").pack
_head = struct.Struct("<cIQ").pack


class Family(NamedTuple):
    """How values of one type are written.

    `shared` values are mutable: meeting the same one twice is written as a reference, not as a copy.
    """

    tag: bytes
    column: Column
    shared: bool


class Resolve(Protocol):
    """Finds the family of a type."""

    def __call__(self, walk: Walk, kind: type) -> Family: ...


class _Atoms(pickle.Pickler):
    """Writes numbers and text in C, by exact type; anything that needs Python is refused."""

    def reducer_override(self, value: object) -> NoReturn:
        raise pickle.PicklingError("not an atom")


def _atoms(values: list[Any]) -> memoryview:
    sink = io.BytesIO()
    pickler = _Atoms(sink, 5)
    pickler.fast = True  # no memo: one shared text and two equal texts are the same value
    pickler.dump(values)
    return sink.getbuffer()


def name_of(kind: type) -> str:
    """Return the full name of a type, as users write it in `hash_funcs`."""
    return f"{kind.__module__}.{kind.__qualname__}"


def unreadable(value: object, why: str = "its content cannot be read, so two different ones would look the same") -> NoReturn:
    """Raise the error for a value without readable content; the walk adds where it was met."""
    name = name_of(type(value))
    error = UnhashableValueError(
        explain(
            f"A value of type {name} has no digest.",
            f"{why}.",
            "leave it out of the key, or pass hash_funcs={type: your_function}.",
        ),
        name,
    )
    error.value = value  # type: ignore[attr-defined]
    raise error


class Walk:
    """The state of one walk: the running digest, the values met, and the level to come."""

    __slots__ = (
        "_families",
        "_hasher",
        "_kept",
        "_resolve",
        "_seen",
        "below",
        "code",
        "complete",
        "depth",
        "hash_funcs",
        "nested",
        "update",
    )

    def __init__(self, resolve: Resolve, hash_funcs: HashFuncs | None, code: CodeHook | None, nested: int = 0) -> None:
        self._hasher = xxh3_128()
        self.update = self._hasher.update
        self._resolve = resolve
        self._families: dict[type, Family] = {}
        self._seen: dict[int, int] = {}
        self._kept: list[object] = []
        self.below: list[Any] = []
        self.hash_funcs = hash_funcs
        self.code = code
        self.nested = nested
        self.complete = True
        self.depth = 0

    def run(self, value: object) -> bytes:
        """Walk `value` and return its digest."""
        level = [value]
        while level:
            # Everything met stays alive to the end: an id may not be given to a second object meanwhile.
            self._kept.append(level)
            self.below = []
            self._level(level)
            level = self.below
            self.depth += 1
        return self._hasher.digest()

    def apart(self, value: object) -> tuple[bytes, bool]:
        """Digest `value` on its own; false when that alone does not stand for it (it holds mutable values)."""
        inner = Walk(self._resolve, self.hash_funcs, self.code, self.nested + 1)
        digest = inner.run(value)
        return digest, inner.complete and not inner._seen

    def family(self, kind: type) -> Family:
        """Return how values of `kind` are written in this walk."""
        family = self._families.get(kind)
        if family is None:
            family = self._families[kind] = self._override(kind) or self._resolve(self, kind)
        return family

    def overrides(self, kind: type) -> bool:
        """Tell whether `hash_funcs` says something about `kind`."""
        return self.hash_funcs is not None and self._override(kind) is not None

    def _level(self, level: list[Any]) -> None:
        count = len(level)
        first = type(level[0])
        if count >= 256 and (first is int or first is float) and self._numbers(level):
            return
        kinds = set(map(type, level)) if count > 1 else (first,)
        if len(kinds) == 1:
            self._column(first, level)
            return
        columns: dict[type, list[Any]] = {kind: [] for kind in dict.fromkeys(map(type, level))}
        codes = {kind: place for place, kind in enumerate(columns)}
        places = map(codes.__getitem__, map(type, level))
        pattern = bytes(places) if len(codes) <= 256 else array("I", places).tobytes()
        self.update(_head(b"M", len(codes), count) + pattern)
        if len(codes) <= 4:
            for kind in columns:
                self._column(kind, [value for value in level if type(value) is kind])
            return
        for value in level:
            columns[type(value)].append(value)
        for kind, column in columns.items():
            self._column(kind, column)

    def _numbers(self, level: list[Any]) -> bool:
        # Their sum is the fastest proof that a list holds numbers only, and the pickler keeps their types apart
        # and refuses subclasses: together about half the time of looking at every type.
        if self.hash_funcs and any(map(self.overrides, (int, float, bool))):
            return False
        try:
            if type(sum(level)) not in (int, float):
                return False
            stream = _atoms(level)
        except Exception:  # anything at all in there that is not a plain number: the general way
            return False
        self.update(_head(b"N", 0, len(level)))
        self.update(stream)
        return True

    def _column(self, kind: type, values: list[Any]) -> None:
        family = self.family(kind)
        self.update(_head(b"C", len(family.tag), len(values)) + family.tag)
        if family.shared:
            values = self._fresh(values)
            if not values:
                return
        family.column(self, values)

    def _fresh(self, values: list[Any]) -> list[Any]:
        """Write which values were met before, and return the others."""
        seen = self._seen
        start = len(seen)
        ids = list(map(id, values))
        unique = set(ids)
        if len(unique) == len(ids) and seen.keys().isdisjoint(unique):
            seen.update(zip(ids, range(start, start + len(ids)), strict=True))
            self.update(b"\0")
            return values
        fresh: list[Any] = []
        places = array("Q")
        for identity, value in zip(ids, values, strict=True):
            place = seen.get(identity)
            if place is None:
                seen[identity] = len(seen)
                fresh.append(value)
                places.append(0)
            else:
                places.append(place + 1)
        self.update(b"\1")
        self.update(places)
        return fresh

    def inline(self, value: object) -> None:
        """Write a part of a value in place, as content only: that it is shared with others says nothing."""
        family = self.family(type(value))
        self.update(_head(b"I", len(family.tag), 1) + family.tag)
        self._kept.append(value)
        family.column(self, [value])

    def facts(self, *values: object) -> None:
        """Write a few numbers, texts and tuples of them, of exact builtin types."""
        self.update(marshal.dumps(values, 2))

    def buffer(self, content: Any) -> None:
        """Write the bytes of a contiguous buffer, without copying them."""
        self.update(_length(memoryview(content).nbytes))
        self.update(content)

    def atoms(self, values: list[Any]) -> None:
        """Write a column of int, float, bool or None, of exact type."""
        if len(values) < 64:
            self.update(b"m" + marshal.dumps(values, 2))
        else:
            self.update(b"p")
            self.update(_atoms(values))

    def texts(self, values: list[Any]) -> None:
        """Write a column of str, or one of bytes, of exact type."""
        if len(values) >= 64:
            self.update(b"p")
            self.update(_atoms(values))
        elif max(map(len, values)) < 4096:
            self.update(b"m" + marshal.dumps(values, 2))
        else:
            self.update(b"l")
            for value in values:
                self.buffer(value if type(value) is bytes else value.encode("utf-8", "surrogatepass"))

    def counts(self, lengths: list[int]) -> None:
        """Write how many values each of a column holds."""
        self.update(array("Q", lengths))

    def digest_of(self, value: object, without: object) -> bytes:
        """Digest what a user's function returned, by every function of `hash_funcs` but that one."""
        remaining = {key: func for key, func in (self.hash_funcs or {}).items() if func is not without}
        return Walk(self._resolve, remaining or None, self.code).run(value)

    def _override(self, kind: type) -> Family | None:
        if not self.hash_funcs:
            return None
        for base in kind.__mro__:
            name = name_of(base)
            for key in (base, name, base.__qualname__ if base.__module__ == "builtins" else name):
                func = self.hash_funcs.get(key)
                if func is not None:
                    return Family(b"hash_funcs:" + name_of(kind).encode(), _by_user(func), False)
        return None


def _by_user(func: Callable[[Any], Any]) -> Column:
    def column(walk: Walk, values: list[Any]) -> None:
        results = []
        for value in values:
            try:
                results.append(func(value))
            except CacheError:
                raise
            except Exception as error:
                raise user_error(f"hash_funcs function {getattr(func, '__qualname__', func)!s}", value, error) from error
        walk.update(walk.digest_of(results, func))

    return column


def user_error(what: str, value: object, error: Exception) -> UserHashError:
    """Build the error for a user's own hashing code that failed."""
    return UserHashError(
        explain(
            f"{what} failed for a value of type {name_of(type(value))}.",
            f"it raised {type(error).__name__}: {error}",
            "return something that can be hashed, such as a str, a number or a tuple of them.",
        )
    )

