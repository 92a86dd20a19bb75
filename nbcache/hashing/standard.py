"""The standard library: paths, times, patterns and arrays, by content.

Only what pickle would give differently in two processes, or not at all, needs a rule here.
"""

from __future__ import annotations

import array
import datetime
import fractions
import pathlib
import random
import re
import struct
import uuid
import weakref
import zoneinfo
from typing import Any

from nbcache.hashing import attributes, streams
from nbcache.hashing.containers import beside, beside_immutable, texts
from nbcache.hashing.objects import tag_of
from nbcache.hashing.walk import Column, Family, Walk, unreadable


def _patterns(walk: Walk, values: list[Any]) -> None:
    for value in values:
        walk.below.extend((value.pattern, int(value.flags)))


def _matches(walk: Walk, values: list[Any]) -> None:
    for value in values:
        walk.facts(value.pos, value.endpos, value.regs, value.lastindex)
        walk.below.extend((value.re, value.string))


def _structs(walk: Walk, values: list[Any]) -> None:
    walk.atoms([value.format for value in values])


def _generators(walk: Walk, values: list[Any]) -> None:
    """The generator behind `random.random` and its like is that of the module: known by name, like the functions."""
    for value in values:
        known = value is _GLOBAL_GENERATOR
        walk.below.append("random" if known else (value.getstate(), attributes.public(value, ["gauss_next"])))


_GLOBAL_GENERATOR: object = random.random.__self__  # type: ignore[attr-defined]


def _uuids(walk: Walk, values: list[Any]) -> None:
    walk.atoms([int(value) for value in values])


def _fractions(walk: Walk, values: list[Any]) -> None:
    for value in values:
        walk.below.extend((value.numerator, value.denominator))


def _dates(walk: Walk, values: list[Any]) -> None:
    walk.facts(*[(value.year, value.month, value.day) for value in values])


def _datetimes(walk: Walk, values: list[Any]) -> None:
    walk.facts(
        *[
            (value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond, value.fold)
            for value in values
        ]
    )
    walk.below.extend([value.tzinfo for value in values])


def _times(walk: Walk, values: list[Any]) -> None:
    walk.facts(*[(value.hour, value.minute, value.second, value.microsecond, value.fold) for value in values])
    walk.below.extend([value.tzinfo for value in values])


def _durations(walk: Walk, values: list[Any]) -> None:
    walk.facts(*[(value.days, value.seconds, value.microseconds) for value in values])


def _zones(walk: Walk, values: list[Any]) -> None:
    for value in values:
        if value.key is None:
            unreadable(value, "a time zone read from a file has no name")
        walk.below.append(value.key)


def _arrays(walk: Walk, values: list[Any]) -> None:
    for value in values:
        walk.facts(value.typecode, len(value))
        walk.buffer(value)


def _references(walk: Walk, values: list[Any]) -> None:
    walk.below.extend([value() for value in values])


_RULES: dict[type, tuple[Column, bool]] = {
    pathlib.PurePath: (texts, False),
    re.Pattern: (_patterns, False),
    re.Match: (_matches, False),
    struct.Struct: (_structs, False),
    uuid.UUID: (_uuids, False),
    fractions.Fraction: (_fractions, False),
    zoneinfo.ZoneInfo: (_zones, False),
    array.array: (_arrays, True),
    weakref.ref: (_references, False),
}
# These may have subclasses with more to them (pandas.Timestamp is a datetime): exact types only.
_EXACT: dict[type, tuple[Column, bool]] = {
    datetime.date: (_dates, False),
    datetime.datetime: (_datetimes, False),
    datetime.time: (_times, False),
    datetime.timedelta: (_durations, False),
}


def family_of(walk: Walk, kind: type) -> Family | None:
    """Find the rule for a type of the standard library or a subclass of one, if there is one."""
    rule = _EXACT.get(kind)
    if rule is not None:
        return Family(tag_of(walk, kind, "std"), *rule)
    if kind.__module__ == "pathlib._local":  # where Python 3.13 alone keeps them
        return Family(f"std:pathlib.{kind.__qualname__}".encode(), texts, False)
    if issubclass(kind, random.Random):
        return Family(tag_of(walk, kind, "std"), _generators, True)
    for base in kind.__mro__:
        rule = _RULES.get(base) or streams.RULES.get(base)
        if rule is None:
            continue
        if kind.__dictoffset__ and base in _RULES:
            return Family(tag_of(walk, kind, "std+"), (beside if rule[1] else beside_immutable)(rule[0]), rule[1])
        return Family(tag_of(walk, kind, "std"), *rule)
    return None
