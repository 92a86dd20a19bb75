"""One walk over a value: level by level, a column for each type met there, into one running digest.

All values of one depth form a *level*. A level is written as one column per type, so that a list of a hundred
thousand numbers, or the fields of as many objects, go through C in one pass. What a column finds inside its values
makes the next level. Nothing recurses, so depth and cycles are no danger.

What is written is typed and carries its own length everywhere: two different values never write the same bytes.
"""

from __future__ import annotations

import io
import marshal
import struct
import sys
from array import array
from collections.abc import Callable, Iterable, Mapping
from itertools import compress
from typing import Any, NamedTuple, NoReturn, Protocol

from xxhash import xxh3_128

from nbcache.errors import CacheError, UnhashableValueError, UserHashError, explain, findable, told
from nbcache.hashing.deadline import check
from nbcache.hashing.endless import Parts, without_end, worth_a_look
from nbcache.hashing.immutable import ATOMS, Sink, pickle_atoms

Column = Callable[["Walk", list[Any]], None]
HashFuncs = Mapping[type | str, Callable[[Any], Any]]
CodeHook = Callable[[object], bytes]

_TEXTS = (str, bytes)
_SPARE = 1 << 15
_length = struct.Struct("<Q").pack
_head = struct.Struct("<cIQ").pack


class Family(NamedTuple):
    """How values of one type are written.

    `shared` values are mutable: meeting the same one twice is written as a reference, not as a copy. `parts` gives
    what a value consists of, where its class has a say in that.
    """

    tag: bytes
    column: Column
    shared: bool
    parts: Parts | None = None


class Apart(NamedTuple):
    """What a walk over one part of a value gave.

    The digest stands for the part when it is `complete`: nothing in it is mutable, and nothing was left out. A walk
    that was `cut` has met as many values as it was allowed to, and a longer one would tell more.
    """

    digest: bytes
    complete: bool
    cut: bool
    met: int


class Resolve(Protocol):
    """Finds the family of a type."""

    def __call__(self, walk: Walk, kind: type) -> Family: ...


def _only(place: int) -> bytes:
    """Return a table that turns the byte `place` into one and all others into zero."""
    return bytes(place) + b"\1" + bytes(255 - place)


def name_of(kind: type) -> str:
    """Return the full name of a type, as users write it in `hash_funcs`."""
    # a script's class is the same class in spawned workers, where the script goes by another name
    module = getattr(kind, "__module__", None)
    return f"{'__main__' if module == '__mp_main__' else module}.{kind.__qualname__}"


def unreadable(value: object, why: str = "its content cannot be read") -> NoReturn:
    """Raise the error for a value without readable content; `digest` adds where it was met."""
    name = name_of(type(value))
    error = UnhashableValueError(
        explain(
            f"A value of type {findable(name)} has no digest.",
            f"{why}, so two different ones would look the same.",
            f'leave it out of the key, or pass hash_funcs={{"{findable(name)}": your_function}}.',
        ),
        name,
    )
    error.__dict__["value"] = value
    raise error


class Walk:
    """The state of one walk: the running digest, the values met, and the level to come."""

    __slots__ = (
        "_around",
        "_atoms",
        "_families",
        "_hasher",
        "_kept",
        "_resolve",
        "_seen",
        "below",
        "code",
        "complete",
        "cut",
        "depth",
        "drops",
        "hash_funcs",
        "left",
        "looks",
        "nested",
        "spare",
        "update",
    )

    def __init__(
        self,
        resolve: Resolve,
        hash_funcs: HashFuncs | None,
        code: CodeHook | None,
        around: tuple[dict[int, int], ...] = (),
    ) -> None:
        self._hasher = xxh3_128()
        self.update = self._hasher.update
        self._resolve = resolve
        self._families: dict[type, Family] = {}
        self._seen: dict[int, int] = {}
        self._kept: list[object] = []
        self.below: list[Any] = []
        self.hash_funcs = hash_funcs
        self.code = code
        self.nested = len(around)
        self._around = around
        self.complete = True
        self.cut = False
        self.drops: list[int] | None = [0]  # how many parts that pickle is not given were met; None: they do not count
        self.left = sys.maxsize
        self.spare = _SPARE
        self.looks: dict[tuple[int, int], tuple[Any, Apart]] = {}
        self.depth = 0
        self._atoms = ATOMS if not hash_funcs else frozenset(filter(self._untouched, ATOMS))

    def run(self, value: object) -> bytes:
        """Walk `value` and return its digest."""
        level = [value]
        while level:
            # Everything met stays alive to the end: an id may not be given to a second object meanwhile.
            self._kept.append(level)
            check()
            self.left -= len(level)
            if self.left < 0:
                self._cut_off(level)
                break
            if worth_a_look(self.depth, level):
                for value in without_end(level, self._parts):
                    unreadable(value, "whoever looks at it makes ever new objects, without end")
            self.below = []
            self._level(level)
            level = self.below
            self.depth += 1
        return self._hasher.digest()

    def _parts(self, value: object) -> Iterable[Any]:
        parts = self.family(type(value)).parts
        return parts(value) if parts is not None else (getattr(value, "__dict__", None),)

    def _cut_off(self, level: list[Any]) -> None:
        """Write what this walk may still meet of its last level; elsewhere it would be the whole."""
        self.cut = True
        count = len(level) + self.left
        self.left = 0
        if count > 0:
            self._kept.append(level)
            self._level(level[:count])

    def apart(self, value: object, limit: int = sys.maxsize) -> Apart:
        """Digest `value` on its own, or as much of it as `limit` lets it meet, level by level."""
        inner = Walk(self._resolve, self.hash_funcs, self.code, (*self._around, self._seen))
        inner.left = limit = min(limit, self.left)
        inner.drops = self.drops
        digest = inner.run(value)
        return Apart(digest, inner.complete and not inner.cut and not inner._seen, inner.cut, limit - inner.left)

    def family(self, kind: type) -> Family:
        """Return how values of `kind` are written in this walk."""
        family = self._families.get(kind)
        if family is None:
            family = self._families[kind] = self._override(kind) or self._resolve(self, kind)
        return family

    def overrides(self, kind: type) -> bool:
        """Tell whether `hash_funcs` says something about `kind`."""
        return self.hash_funcs is not None and self._override(kind) is not None

    def _untouched(self, kind: type) -> bool:
        return not self.overrides(kind)

    def _level(self, level: list[Any]) -> None:
        count = len(level)
        first = type(level[0])
        if count >= 256 and (first is int or first is float) and self._numbers(level):
            return
        kinds = dict.fromkeys(map(type, level)) if count > 1 else {first: None}
        if kinds.keys() <= self._atoms:
            self.update(_head(b"A", 0, count))
            self.atoms(level)
        elif len(kinds) == 1:
            self._column(first, level)
        else:
            self._columns(level, list(kinds))

    def _numbers(self, level: list[Any]) -> bool:
        # Their sum is the fastest proof that a list holds numbers only, and the pickler keeps their types apart
        # and refuses subclasses: together about half the time of looking at every type.
        if not self._atoms.issuperset((int, float, bool)):
            return False
        sink = io.BytesIO()
        try:
            if type(sum(level)) not in (int, float):
                return False
            pickle_atoms(sink, level)
        except Exception:  # anything at all in there that is not a plain number: the general way
            return False
        self.update(_head(b"N", 0, len(level)))
        self.update(sink.getbuffer())
        return True

    def _columns(self, level: list[Any], kinds: list[type]) -> None:
        """Write a level of several types: which stands where, then a column of each; all atoms are one column."""
        others = [kind for kind in kinds if kind not in self._atoms]
        places = dict.fromkeys(kinds, 0)
        places.update((kind, place) for place, kind in enumerate(others, 1))
        pattern = map(places.__getitem__, map(type, level))
        self.update(_head(b"M", len(others), len(level)))
        if len(others) > 255:
            self._many_columns(level, list(pattern))
            return
        codes = bytes(pattern)
        self.update(codes)
        if len(others) < len(kinds):
            self.atoms(list(compress(level, codes.translate(_only(0)))))
        for place, kind in enumerate(others, 1):
            self._column(kind, list(compress(level, codes.translate(_only(place)))))

    def _many_columns(self, level: list[Any], places: list[int]) -> None:
        columns: dict[int, list[Any]] = {}
        for place, value in zip(places, level, strict=True):
            columns.setdefault(place, []).append(value)
        self.update(array("Q", places))
        self.atoms(columns.pop(0, []))
        for column in columns.values():
            self._column(type(column[0]), column)

    def _column(self, kind: type, values: list[Any]) -> None:
        family = self.family(kind)
        self.update(_head(b"C", len(family.tag), len(values)) + family.tag)
        if family.shared:
            values = self._fresh(self._not_around(values) if self._around else values)
            if not values:
                return
        family.column(self, values)

    def _not_around(self, values: list[Any]) -> list[Any]:
        """Write which values a walk around this one has met, and return the others.

        What an element of a set leads back to says the same of all elements, however much there is of it.
        """
        for depth, met in enumerate(self._around):
            if met.keys().isdisjoint(map(id, values)):
                continue
            self.complete = False
            self.update(b"\2" + _length(depth))
            self.update(array("Q", [met.get(id(value), -1) + 1 for value in values]))
            values = [value for value in values if id(value) not in met]
        return values

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

    def met(self, value: object) -> bool:
        """Write whether a value was met before; only the first time there is more to say of it."""
        place = self._seen.get(id(value))
        if place is not None:
            self.update(b"\1" + _length(place))
            return True
        self._seen[id(value)] = len(self._seen)
        self._kept.append(value)
        self.update(b"\0")
        return False

    def inline(self, value: object) -> None:
        """Write a part of a value in place, as content only: that it is shared with others says nothing."""
        family = self.family(type(value))
        self.update(_head(b"I", len(family.tag), 1) + family.tag)
        self._kept.append(value)
        family.column(self, [value])

    def facts(self, *values: Any) -> None:
        """Write a few numbers, texts and tuples of them, of exact builtin types."""
        self.update(marshal.dumps(values, 2))

    def buffer(self, content: Any) -> None:
        """Write the bytes of a contiguous buffer, without copying them."""
        self.update(_length(memoryview(content).nbytes))
        self.update(content)

    def atoms(self, values: list[Any]) -> None:
        """Write a column of int, float, bool, str, bytes or None, of exact types, mixed as they are."""
        if len(values) < 64:
            if not any(type(value) in _TEXTS and len(value) >= 4096 for value in values):
                self.update(b"m" + marshal.dumps(values, 2))
                return
            self.update(b"l")
            for value in values:  # long texts without copies
                if type(value) is bytes:
                    self.update(b"b")
                    self.buffer(value)
                elif type(value) is str:
                    self.update(b"s")
                    self.buffer(value.encode("utf-8", "surrogatepass"))
                else:
                    self.update(b"m" + marshal.dumps(value, 2))
            return
        self.update(b"p")
        pickle_atoms(Sink(self.update), values)

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
                name = getattr(func, "__qualname__", repr(func))
                raise user_error(f"The hash_funcs function {name}", value, error) from error
        walk.update(walk.digest_of(results, func))

    return column


def user_error(what: str, value: object, error: Exception) -> UserHashError:
    """Build the error for a user's own hashing code that failed."""
    return UserHashError(
        explain(
            f"{what} failed for a value of type {name_of(type(value))}.",
            f"it raised {told(error)}",
            "return something that can be hashed, such as a str, a number or a tuple of them.",
        )
    )
