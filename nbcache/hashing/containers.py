"""Numbers, text and the builtin containers.

A dict or a set has no order of its own here: keys and elements are sorted when they are all text or all whole
numbers, and otherwise by the digest of each.
"""

from __future__ import annotations

import marshal
from collections import Counter, OrderedDict, defaultdict, deque
from itertools import chain
from operator import itemgetter
from types import MappingProxyType, SimpleNamespace
from typing import Any

from nbcache.hashing.immutable import Known, content_digest
from nbcache.hashing.order import in_order
from nbcache.hashing.walk import Column, Family, Walk, unreadable


def _atoms(walk: Walk, values: list[Any]) -> None:
    walk.atoms(values)


def _complexes(walk: Walk, values: list[Any]) -> None:
    walk.update(marshal.dumps(values, 2))


def _nothing(walk: Walk, values: list[Any]) -> None:
    """A singleton: its type says it all."""


def texts(walk: Walk, values: list[Any]) -> None:
    """Write values of which the text says it all: paths, types of data, devices."""
    walk.atoms([str(value) for value in values])


def sequences(walk: Walk, values: list[Any]) -> None:
    """Write lists or tuples: their lengths, then their elements on the next level."""
    walk.counts(list(map(len, values)))
    if len(values) == 1:
        walk.below.extend(values[0])
    else:
        walk.below.extend(chain.from_iterable(values))


def _tuples(walk: Walk, values: list[Any]) -> None:
    # A tuple that holds one tuple twice, which again ..., has as many leaves as 2 to the power of its depth.
    if walk.depth > 16 and len(values) > 1 << 16:
        _often_shared(walk, values)
    else:
        sequences(walk, values)


def _often_shared(walk: Walk, values: list[Any]) -> None:
    digests: dict[int, bytes | None] = {}
    parts: Known = {}
    walk.counts(list(map(len, values)))
    for value in values:
        if id(value) not in digests:
            digests[id(value)] = _digest_apart(walk, value, parts)
        known = digests[id(value)]
        if known is None:
            walk.update(b"\1")
            walk.below.extend(value)
        else:
            walk.update(b"\0" + known)


def _digest_apart(walk: Walk, value: Any, parts: Known) -> bytes | None:
    known = None if walk.hash_funcs else content_digest(value, parts)
    if known is None:
        found = walk.apart(value)
        walk.left -= found.met
        known = found.digest if found.complete else None
    return known


def _frozensets(walk: Walk, values: list[Any]) -> None:
    # The same is true of frozensets; and to sort the elements of one takes longer.
    if walk.depth > 8 and len(values) > 1 << 12 and not walk.hash_funcs:
        parts: Known = {}
        digests = [content_digest(value, parts) for value in values]
        walk.update(bytes(digest is None for digest in digests))
        walk.update(b"".join(filter(None, digests)))
        values = [value for value, digest in zip(values, digests, strict=True) if digest is None]
    sets(walk, values)


def sets(walk: Walk, values: list[Any]) -> None:
    """Write sets, whatever the order in which they give their elements."""
    for value in values:
        items, digests = in_order(walk, list(value))
        walk.facts(len(value), digests)
        if digests is None:
            walk.below.extend(items)


def mappings(walk: Walk, values: list[Any]) -> None:
    """Write dicts, whatever the order of their items: their keys, then their values on the next level."""
    shapes = list(map(tuple, values))
    kinds = set(map(type, chain.from_iterable(shapes)))
    if kinds <= {str} and not walk.overrides(str):
        _records(walk, values, shapes)
        return
    walk.update(b"k")
    for value, shape in zip(values, shapes, strict=True):
        keys, digests = in_order(walk, list(shape))
        walk.facts(len(shape), digests)
        if digests is None:
            walk.below.extend(keys)
        walk.below.extend([value[key] for key in keys])


def write_attributes(walk: Walk, states: list[dict[str, Any]]) -> None:
    """Write what hangs on each of a column of values beside their content; most often nothing."""
    if any(states):
        walk.update(b"\1")
        mappings(walk, states)
    else:
        walk.update(b"\0")


def beside(column: Column) -> Column:
    """Let a column write the `__dict__` of its values too."""

    def with_attributes(walk: Walk, values: list[Any]) -> None:
        column(walk, values)
        write_attributes(walk, [value.__dict__ for value in values])

    return with_attributes


def beside_immutable(column: Column) -> Column:
    """Let a column of immutable values write their `__dict__` too; one that has something there is met once."""

    def with_attributes(walk: Walk, values: list[Any]) -> None:
        column(walk, values)
        walk.update(bytes(bool(value.__dict__) for value in values))
        write_attributes(walk, [value.__dict__ for value in values if value.__dict__ and not walk.met(value)])

    return with_attributes


def _records(walk: Walk, values: list[Any], shapes: list[tuple[str, ...]]) -> None:
    """Write dicts with text for keys; those of equal keys share one list of names."""
    sorted_names = {shape: tuple(sorted(shape)) for shape in set(shapes)}
    distinct = {names: place for place, names in enumerate(dict.fromkeys(map(sorted_names.__getitem__, shapes)))}
    walk.update(b"r")
    walk.counts([len(distinct), *map(len, distinct)])
    walk.atoms(list(chain.from_iterable(distinct)))
    if len(distinct) > 1:
        walk.counts([distinct[sorted_names[shape]] for shape in shapes])
        for value, shape in zip(values, shapes, strict=True):
            walk.below.extend(map(value.__getitem__, sorted_names[shape]))
        return
    names = next(iter(distinct))
    if len(names) == 1:
        walk.below.extend(map(itemgetter(names[0]), values))
    elif names:
        walk.below.extend(chain.from_iterable(map(itemgetter(*names), values)))


def _ordered_dicts(walk: Walk, values: list[Any]) -> None:
    walk.counts(list(map(len, values)))
    for value in values:
        walk.below.extend(chain.from_iterable(value.items()))


def _default_dicts(walk: Walk, values: list[Any]) -> None:
    walk.below.extend([value.default_factory for value in values])
    mappings(walk, values)


def _deques(walk: Walk, values: list[Any]) -> None:
    walk.atoms([value.maxlen for value in values])
    sequences(walk, values)


def _key_views(walk: Walk, values: list[Any]) -> None:
    sets(walk, values)


def _value_views(walk: Walk, values: list[Any]) -> None:
    sequences(walk, values)


def _item_views(walk: Walk, values: list[Any]) -> None:
    mappings(walk, [dict(value) for value in values])


def _proxies(walk: Walk, values: list[Any]) -> None:
    try:
        walk.below.extend([value.copy() for value in values])
    except AttributeError:
        unreadable(values[0], "the mapping it shows cannot be copied")


def _namespaces(walk: Walk, values: list[Any]) -> None:
    mappings(walk, [value.__dict__ for value in values])


def _buffers(walk: Walk, values: list[Any]) -> None:
    for value in values:
        walk.buffer(value)


def _memoryviews(walk: Walk, values: list[Any]) -> None:
    for value in values:
        walk.facts(value.format, tuple(value.shape), value.ndim)
        walk.buffer(value if value.c_contiguous else value.tobytes())


def _ranges(walk: Walk, values: list[Any]) -> None:
    walk.atoms([part for value in values for part in (value.start, value.stop, value.step)])


def _slices(walk: Walk, values: list[Any]) -> None:
    for value in values:
        walk.below.extend((value.start, value.stop, value.step))


def _family(kind: type, column: Any, shared: bool) -> Family:
    return Family(f"{kind.__module__}.{kind.__qualname__}".encode(), column, shared)


FAMILIES: dict[type, Family] = {
    kind: _family(kind, column, shared)
    for kind, column, shared in (
        (int, _atoms, False),
        (float, _atoms, False),
        (bool, _atoms, False),
        (type(None), _nothing, False),
        (type(...), _nothing, False),
        (type(NotImplemented), _nothing, False),
        (complex, _complexes, False),
        (str, _atoms, False),
        (bytes, _atoms, False),
        (tuple, _tuples, False),
        (list, sequences, True),
        (dict, mappings, True),
        (set, sets, True),
        (frozenset, _frozensets, False),
        (OrderedDict, beside(_ordered_dicts), True),
        (defaultdict, _default_dicts, True),
        (Counter, beside(mappings), True),
        (deque, _deques, True),
        (MappingProxyType, _proxies, True),
        (type({}.keys()), _key_views, False),
        (type({}.values()), _value_views, True),
        (type({}.items()), _item_views, True),
        (SimpleNamespace, _namespaces, True),
        (bytearray, _buffers, True),
        (memoryview, _memoryviews, False),
        (range, _ranges, False),
        (slice, _slices, False),
    )
}
"""Exact builtin types, and how their values are written."""
