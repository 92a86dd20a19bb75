"""Streams: what they hold and where they stand, told without moving them or using them up.

A file of the system counts by name, mode, position and content. So does any other stream that can go back: a text
stream over bytes in memory, a member of an archive, a compressed file. What cannot go back cannot be read.
"""

from __future__ import annotations

import io
import os
import stat
import sys
import tempfile
from typing import Any

from nbcache.errors import told
from nbcache.hashing.containers import beside
from nbcache.hashing.walk import Column, Walk, unreadable

_CHUNK = 1 << 20
_OF_THE_SYSTEM = (io.TextIOWrapper, io.BufferedReader, io.BufferedWriter, io.BufferedRandom, io.FileIO)


def _bytes_in_memory(walk: Walk, values: list[Any]) -> None:
    for value in values:
        if value.closed:
            walk.facts("closed")
            continue
        walk.facts("open", value.tell())
        walk.buffer(value.getvalue())


def _text_in_memory(walk: Walk, values: list[Any]) -> None:
    for value in values:
        if value.closed:
            walk.facts("closed")
            continue
        content, newline, position, _ = value.__getstate__()
        walk.facts("open", newline, position)
        walk.atoms([content])


def _streams(walk: Walk, values: list[Any]) -> None:
    for value in values:
        if value is sys.stdout or value is sys.stderr:
            walk.facts("output of the process", value is sys.stdout)
            continue
        walk.facts(value.closed, *[_told(value, name) for name in ("name", "mode", "encoding", "errors", "newlines")])
        if not value.closed:
            _write_content(walk, value)


def _told(stream: Any, name: str) -> object:
    """What a stream says of itself; many have neither name nor mode."""
    try:
        told = getattr(stream, name, None)
    except Exception:  # some raise whatever the stream below raises
        return None
    if isinstance(told, os.PathLike):
        told = os.fspath(told)
    return told if type(told) in (str, bytes, tuple) or (type(told) is int and name == "mode") else None


def _write_content(walk: Walk, stream: Any) -> None:
    """Write position and content of an open stream, without moving it."""
    try:
        descriptor = _descriptor_of(stream)
        if descriptor is None:
            _write_by_reading(walk, stream)
        else:
            _write_file(walk, stream, descriptor)
    except (OSError, ValueError, EOFError) as error:
        unreadable(stream, f"its content or position cannot be read now ({told(error)})")


def _descriptor_of(stream: Any) -> int | None:
    if not isinstance(stream, _OF_THE_SYSTEM):
        return None  # a compressed file has the descriptor of what lies below it
    inner: Any = getattr(stream, "buffer", stream)
    if not (isinstance(getattr(inner, "raw", inner), io.FileIO) and hasattr(os, "pread")):
        return None
    return int(stream.fileno())


def _write_file(walk: Walk, file: Any, descriptor: int) -> None:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        unreadable(file, "it is not a plain file, and reading it would use it up")
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


def _write_by_reading(walk: Walk, stream: Any) -> None:
    if not (stream.readable() and stream.seekable()):
        unreadable(stream, "it cannot be read without using it up")
    here = stream.tell()
    length = 0
    try:
        stream.seek(0)
        while chunk := stream.read(_CHUNK):
            walk.update(chunk.encode("utf-8", "surrogatepass") if isinstance(chunk, str) else chunk)
            length += len(chunk)
    finally:
        stream.seek(here)
    walk.facts(here, length)


def _wrapped_files(walk: Walk, values: list[Any]) -> None:
    walk.below.extend([value.file for value in values])


RULES: dict[type, tuple[Column, bool]] = {
    io.BytesIO: (beside(_bytes_in_memory), True),
    io.StringIO: (beside(_text_in_memory), True),
    **dict.fromkeys(_OF_THE_SYSTEM, (beside(_streams), True)),
    # Those written in Python keep the state of their reading among their attributes.
    io.IOBase: (_streams, True),
    tempfile._TemporaryFileWrapper: (_wrapped_files, True),
}
"""Types of streams, and how their values are written; subclasses too."""
