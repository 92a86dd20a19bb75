"""The standard library: paths, times, patterns, arrays and streams, by content.

Only what pickle would give differently in two processes, or not at all, needs a rule here.
"""

from __future__ import annotations

import array
import datetime
import fractions
import io
import os
import pathlib
import re
import stat
import uuid
import weakref
import zoneinfo
from typing import Any

from nbcache.hashing.objects import tag_of
from nbcache.hashing.walk import Column, Family, Walk, unreadable

_CHUNK = 1 << 20


def _paths(walk: Walk, values: list[Any]) -> None:
    walk.atoms([str(value) for value in values])


def _patterns(walk: Walk, values: list[Any]) -> None:
    for value in values:
        walk.below.extend((value.pattern, int(value.flags)))


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


def _bytes_streams(walk: Walk, values: list[Any]) -> None:
    for value in values:
        if value.closed:
            walk.facts("closed")
            continue
        walk.facts("open", value.tell())
        walk.buffer(value.getvalue())


def _text_streams(walk: Walk, values: list[Any]) -> None:
    for value in values:
        if value.closed:
            walk.facts("closed")
            continue
        content, newline, position, _ = value.__getstate__()
        walk.facts("open", newline, position)
        walk.atoms([content])


def _files(walk: Walk, values: list[Any]) -> None:
    for value in values:
        name = value.name
        if isinstance(name, os.PathLike):
            name = os.fspath(name)
        walk.facts(name if isinstance(name, (str, bytes)) else "", value.mode, value.closed)
        walk.facts(getattr(value, "encoding", None), getattr(value, "newlines", None))
        if not value.closed:
            _content(walk, value)


def _content(walk: Walk, file: Any) -> None:
    """Write position and content of an open file, without moving it."""
    try:
        descriptor = file.fileno()
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            unreadable(file, "it is no plain file; reading it would use it up")
        if file.writable():
            file.flush()
        walk.facts(file.tell())
        reader = descriptor if file.readable() else os.open(f"/dev/fd/{descriptor}", os.O_RDONLY)
        try:
            position = 0
            while chunk := os.pread(reader, _CHUNK, position):
                walk.update(chunk)
                position += len(chunk)
            walk.facts(position)
        finally:
            if reader != descriptor:
                os.close(reader)
    except OSError as error:
        unreadable(file, f"its content or position cannot be read now ({error})")


def _references(walk: Walk, values: list[Any]) -> None:
    walk.below.extend([value() for value in values])


_RULES: dict[type, tuple[Column, bool]] = {
    pathlib.PurePath: (_paths, False),
    re.Pattern: (_patterns, False),
    uuid.UUID: (_uuids, False),
    fractions.Fraction: (_fractions, False),
    zoneinfo.ZoneInfo: (_zones, False),
    array.array: (_arrays, True),
    io.BytesIO: (_bytes_streams, True),
    io.StringIO: (_text_streams, True),
    io.TextIOWrapper: (_files, True),
    io.BufferedReader: (_files, True),
    io.BufferedWriter: (_files, True),
    io.BufferedRandom: (_files, True),
    io.FileIO: (_files, True),
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
        return Family(f"std:pathlib.{kind.__qualname__}".encode(), _paths, False)
    for base in kind.__mro__:
        rule = _RULES.get(base)
        if rule is None:
            continue
        if base is not kind and kind.__dictoffset__ and not base.__dictoffset__:
            return Family(tag_of(walk, kind, "std+"), _with_state(rule[0]), rule[1])
        return Family(tag_of(walk, kind, "std"), *rule)
    return None


def _with_state(column: Column) -> Column:
    def with_state(walk: Walk, values: list[Any]) -> None:
        column(walk, values)
        walk.below.extend([value.__dict__ for value in values])

    return with_state
