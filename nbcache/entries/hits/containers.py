"""Copies of a large value of plain objects in containers, made from what is kept of it and not from its stream.

A stream says for each object how it is made, and an unpickler does that step by step at every hit. Here it is found out
once which parts can change and where they hold each other. A copy is then made kind by kind, mostly without running
Python; what cannot change is shared, and what was one object in the value is one in the copy. For containers alone an
unpickler is as fast, so they stay with it.
"""

from __future__ import annotations

import io
import pickle
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, compress, repeat
from operator import setitem
from typing import Any

from nbcache.entries import guests
from nbcache.entries.hits.plain_objects import filler, is_plain, named, takes
from nbcache.entries.restore import ATOMS, ZONED, is_immutable
from nbcache.entries.serialize import without_collector

__all__ = ["Copies"]

_MOST_SHAPES = 100
#: One part in so many must be an object, or there is nothing to gain.
_ONE_IN = 4
_SAMPLED = 100
_LEAVES = ATOMS | frozenset(ZONED) | {guests.scalar}
_CONTAINERS = (list, dict, set, bytearray)

_Pick = Callable[[list[Any]], Iterable[Any]]
_Step = Callable[[list[Any]], object]
_Shape = tuple[Any, tuple[str, ...]]
"""A class, and the names of the attributes that an object has."""


class Copies:
    """Makes copies of the value of a stream.

    Parameters
    ----------
    stream : of a value without buffers, which was verified

    Attributes
    ----------
    size : about how many bytes are kept

    Raises
    ------
    ValueError
        The value holds something else than lists, dicts, sets, bytearrays, what cannot change, and objects that are
        nothing but their attributes; or few objects.
    """

    def __init__(self, stream: bytes) -> None:
        self._names, plan = without_collector(lambda: _planned(stream))
        self._shapes, self._steps, self._root, self.size = plan.shapes, plan.steps, plan.root, plan.size

    @property
    def valid(self) -> bool:
        """Whether the stream would still make the same: no class has been replaced or changed."""
        return all(named(*name) is held for name, held in self._names.items()) and all(
            is_plain(kind) and kind.__setattr__ is setter and takes(kind, names)
            for (kind, names), setter in self._shapes.items()
        )

    def __call__(self) -> Any:
        return without_collector(self._copy)

    def _copy(self) -> Any:
        copies: list[Any] = []
        for step in self._steps:
            step(copies)
        return copies[self._root]


def _planned(stream: bytes) -> tuple[dict[tuple[str, str], Any], _Plan]:
    reader = _Reader(io.BytesIO(stream))
    value = reader.load()
    if not reader.kinds:
        raise ValueError("no objects")
    return reader.names, _Plan(value, reader.kinds)


class _Reader(pickle.Unpickler):
    """Reads a stream with an empty class in the place of each plain one: no code of anybody's runs for it.

    Attributes
    ----------
    names : what the stream asks for by name
    kinds : the plain classes, by those in their places
    """

    def __init__(self, source: io.BytesIO) -> None:
        super().__init__(source)
        self.names: dict[tuple[str, str], Any] = {}
        self.kinds: dict[Any, Any] = {}

    def find_class(self, module: str, name: str) -> Any:
        held = self.names[module, name] = super().find_class(module, name)
        if held in _LEAVES:
            return held
        if not is_plain(held):
            raise ValueError(held)
        instead = _NeverCalled(name, (), {})
        self.kinds[instead] = held
        return instead


class _NeverCalled(type):
    """The type of classes whose objects are only filled: a stream that calls one has a reason."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        raise ValueError(cls)


class _Column:
    """The values of one attribute in objects of one shape, and which of them can change; an empty list for none."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self.changing: list[Any] = []
        self.places: list[int] = []

    def add(self, values: list[Any], chosen: Sequence[bool]) -> list[Any]:
        """Take in more values; returns those that can change."""
        first = len(self.values)
        self.values += values
        changing = list(compress(values, chosen))
        self.changing += changing
        self.places += compress(range(first, first + len(values)), chosen)
        return changing


class _Plan:
    """Finds the parts of a value that can change, each once, and plans the steps in which all of them are copied."""

    def __init__(self, value: Any, kinds: dict[Any, Any]) -> None:
        self._kinds = kinds
        self._copyable = {*kinds, *_CONTAINERS}
        self._containers: dict[Any, list[Any]] = {kind: [] for kind in _CONTAINERS}
        # Where containers hold parts: the container, the key in it, and the part.
        self._holders: list[Any] = []
        self._keys: list[Any] = []
        self._held: list[Any] = []
        self._objects: dict[_Shape, list[Any]] = {}
        self._columns: dict[_Shape, list[_Column]] = {}
        self.size = 0
        parts = self._find(value)
        if _ONE_IN * sum(map(len, self._objects.values())) < parts:
            raise ValueError("few objects")
        self._arrange(value)
        self.shapes = {(kind, names): kind.__setattr__ for kind, names in self._objects}
        self.root = self._ranks[id(value)]
        self.steps = self._steps()
        for holder, key in zip(self._holders, self._keys, strict=True):
            holder[key] = None  # what is kept of the value is its skeleton

    # -- finding -------------------------------------------------------------------------------------------------------

    def _find(self, value: Any) -> int:
        seen, level = {id(value)}, [value]
        while level:
            fresh = {id(part): part for part in self._visit(level) if id(part) not in seen}
            seen.update(fresh)
            level = list(fresh.values())
        return len(seen)

    def _visit(self, level: list[Any]) -> list[Any]:
        """Take in some parts; returns what they hold that can change."""
        by_kind: dict[Any, list[Any]] = {}
        for part in level:
            by_kind.setdefault(type(part), []).append(part)
        found: list[Any] = []
        for kind, parts in by_kind.items():
            self.size += _about(parts)
            if kind in self._kinds:
                found += self._take_objects(self._kinds[kind], parts)
                continue
            if kind not in self._containers:
                raise ValueError(kind)
            self._containers[kind] += parts
            if kind is list:
                found += self._hold(parts, chain.from_iterable(map(range, map(len, parts))), parts)
            elif kind is not bytearray:
                if any(self._changes(list(chain.from_iterable(parts)))):
                    raise ValueError(kind)  # a key or a member is an object
                if kind is dict:
                    found += self._hold(parts, chain.from_iterable(parts), map(dict.values, parts))
        return found

    def _hold(self, holders: Sequence[Any], keys: Iterable[Any], contents: Iterable[Iterable[Any]]) -> list[Any]:
        held = list(chain.from_iterable(contents))
        chosen = self._changes(held)
        if not chosen:
            return []
        self._holders += compress(chain.from_iterable(map(repeat, holders, map(len, holders))), chosen)
        self._keys += compress(keys, chosen)
        changing = list(compress(held, chosen))
        self._held += changing
        return changing

    def _take_objects(self, kind: Any, parts: list[Any]) -> Iterable[Any]:
        shapes: dict[tuple[str, ...], list[Any]] = {}
        for part in parts:
            shapes.setdefault(tuple(part.__dict__), []).append(part)
        for names, alike in shapes.items():
            shape = (kind, names)
            self._objects.setdefault(shape, []).extend(alike)
            if len(self._objects) > _MOST_SHAPES or not takes(kind, names):
                raise ValueError(kind)
            columns = self._columns.setdefault(shape, [_Column() for _ in names])
            self.size += 8 * len(names) * len(alike)
            for name, column in zip(names, columns, strict=True):
                values = [part.__dict__[name] for part in alike]
                yield from column.add(values, self._changes(values))

    def _changes(self, values: Sequence[Any]) -> list[bool]:
        """Tell of each value whether it can change; an empty list if none can."""
        kinds = set(map(type, values))
        if kinds <= ATOMS:
            self.size += _about(values)
            return []
        if kinds <= self._copyable:
            return [True] * len(values)
        chosen = [type(value) not in ATOMS and not is_immutable(value) for value in values]
        return chosen if any(chosen) else []

    # -- arranging -----------------------------------------------------------------------------------------------------

    def _arrange(self, value: Any) -> None:
        """Give parts their ranks among the copies, but for those that are made where their only holder needs them."""
        columns = list(chain.from_iterable(self._columns.values()))
        uses = Counter(map(id, chain([value], self._held, *(column.changing for column in columns))))
        holding = set(map(id, self._holders))
        self._inline = {
            column: type(column.changing[0]).copy
            for column in columns
            if column.changing
            and len(column.changing) == len(column.values)
            and len(set(map(type, column.changing))) == 1
            and type(column.changing[0]) in self._containers
            and not any(uses[id(part)] > 1 or id(part) in holding for part in column.changing)
        }
        inside = {id(part) for column in self._inline for part in column.changing}
        places = {id(part): place for place, part in enumerate(self._held) if uses[id(part)] == 1}
        #: Shapes whose objects are held once each, by a container: where in the lists of what is held.
        self._direct = {
            shape: [places[id(part)] for part in parts]
            for shape, parts in self._objects.items()
            if all(id(part) in places for part in parts)
        }
        self._copied = {kind: [p for p in parts if id(p) not in inside] for kind, parts in self._containers.items()}
        made = (parts for shape, parts in self._objects.items() if shape not in self._direct)
        self._ranks = {id(part): rank for rank, part in enumerate(chain(*self._copied.values(), *made))}

    # -- steps ---------------------------------------------------------------------------------------------------------

    def _steps(self) -> tuple[_Step, ...]:
        """The steps of a copy: each adds copies to a list, or fills those that are there."""
        made: list[_Step] = [_copying(kind.copy, parts) for kind, parts in self._copied.items() if parts]
        made += [_making(shape[0], len(parts)) for shape, parts in self._objects.items() if shape not in self._direct]
        elsewhere = set(chain.from_iterable(self._direct.values()))
        rest = [place not in elsewhere for place in range(len(self._held))]
        if any(rest):
            holders, keys, held = (list(compress(each, rest)) for each in (self._holders, self._keys, self._held))
            made.append(_linking(self._pick(holders), keys, self._pick(held)))
        return (*made, *(self._filling(shape) for shape in self._objects))

    def _filling(self, shape: _Shape) -> _Step:
        kind, names = shape
        columns = [self._column_of(column) for column in self._columns[shape]]
        places = self._direct.get(shape)
        fill = filler(kind, names, held=places is not None)
        count = len(self._objects[shape])
        if places is None:
            objects = self._pick(self._objects[shape])
            return lambda copies: fill(objects(copies), *[column(copies) for column in columns])
        holders, keys = self._pick([self._holders[place] for place in places]), [self._keys[place] for place in places]
        return lambda copies: fill(
            map(object.__new__, repeat(kind, count)), *[column(copies) for column in columns], holders(copies), keys
        )

    def _column_of(self, column: _Column) -> _Pick:
        if column in self._inline:
            copy, parts = self._inline[column], column.changing
            return lambda copies: map(copy, parts)
        if len(column.changing) == len(column.values):
            return self._pick(column.changing)
        values = column.values
        if not column.changing:
            return lambda copies: values
        places, pick = column.places, self._pick(column.changing)
        for place in places:
            values[place] = None

        def mixed(copies: list[Any]) -> list[Any]:
            mended = values.copy()
            _exhaust(map(mended.__setitem__, places, pick(copies)))
            return mended

        return mixed

    def _pick(self, parts: Sequence[Any]) -> _Pick:
        """Return a function that gives the copies of some parts, in the order of these."""
        ranks = [self._ranks[id(part)] for part in parts]
        first, count = (ranks[0], len(ranks)) if ranks else (0, 0)
        if ranks.count(first) == count:
            return lambda copies: repeat(copies[first], count)
        if ranks == list(range(first, first + count)):
            return lambda copies: copies[first : first + count]
        return lambda copies: map(copies.__getitem__, ranks)


def _copying(copy: Callable[[Any], Any], parts: list[Any]) -> _Step:
    return lambda copies: copies.extend(map(copy, parts))


def _making(kind: Any, count: int) -> _Step:
    return lambda copies: copies.extend(map(object.__new__, repeat(kind, count)))


def _linking(holders: _Pick, keys: list[Any], held: _Pick) -> _Step:
    return lambda copies: _exhaust(map(setitem, holders(copies), keys, held(copies)))


def _exhaust(calls: Iterable[object]) -> None:
    deque(calls, maxlen=0)


def _about(parts: Sequence[Any]) -> int:
    """Estimate the bytes of some parts from a sample of them."""
    if not parts:
        return 0
    sample = parts[:: max(1, len(parts) // _SAMPLED)]
    return sum(map(sys.getsizeof, sample)) * len(parts) // len(sample)
