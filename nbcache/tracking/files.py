"""The files that a result rests on: recorded while a run opens them, found in its arguments, compared by content.

A file counts by its content alone: touching it changes nothing. A folder counts by the names in it, a missing file by
not being there. Content is read once per state of the file (device, inode, size, both times).
"""

from __future__ import annotations

import glob
import os
import stat
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

import xxhash

from nbcache.tracking.audit import (
    FileDep,
    FileRecorder,
    Signature,
    active,
    ignore_folder,
    note,
    recording,
    scope_here,
    signature,
    unrecorded,
)
from nbcache.tracking.bytecode import framed, short_digest

__all__ = [
    "FileDep",
    "FileRecorder",
    "active",
    "candidates",
    "file_digest",
    "ignore_folder",
    "note",
    "recording",
    "scope_here",
    "state_digest",
    "tree_digest",
    "unrecorded",
]

_CHUNK = 1 << 20
_LONGEST_PATH = 1024
_MOST_TEXTS = 10_000
_MOST_MATCHES = 1000
_NO_PATHS = frozenset({int, float, bool, bytes, type(None)})
# A file changed this short a time before it was read may change again without a new time: file systems count in
# ticks of some milliseconds, old ones in whole seconds (their times end in zeros).
_TICK = 100_000_000
_COARSE_TICK = 2_100_000_000

_digests: dict[str, tuple[Signature, str]] = {}


def file_digest(path: str | os.PathLike[str]) -> str:
    """Digest the content of a file: 32 hexadecimal digits; "" when it cannot be read."""
    name = os.path.abspath(path)
    before = signature(name)
    if before is None:
        return ""
    known = _digests.get(name)
    if known is not None and known[0] == before:
        return known[1]
    started = time.time_ns()
    digest = _content(name)
    if digest and signature(name) == before and _settled(before, started):
        _digests[name] = (before, digest)
    else:
        _digests.pop(name, None)
    return digest


def _settled(found: Signature, now: int) -> bool:
    """Tell whether a later change is sure to show in the times of the file."""
    newest = max(found[3], found[4])
    return now - newest > (_TICK if newest % 1_000_000 else _COARSE_TICK)


def _content(name: str) -> str:
    state = xxhash.xxh3_128()
    buffer = bytearray(_CHUNK)
    view = memoryview(buffer)
    try:
        with unrecorded(), open(name, "rb", buffering=0) as file:
            while count := file.readinto(buffer):
                state.update(view[:count])
    except OSError:
        return ""
    return state.hexdigest()


def tree_digest(path: str | os.PathLike[str]) -> str:
    """Digest a file, or all files in a folder and below with their names; "" when nothing is there."""
    top = os.fspath(path)
    if not os.path.isdir(top):
        return file_digest(top)
    fields = []
    with unrecorded():
        for folder, folders, names in os.walk(top):
            folders.sort()
            for name in sorted(names):
                full = os.path.join(folder, name)
                fields.append(os.fsencode(os.path.relpath(full, top)))
                fields.append(file_digest(full).encode())
    return short_digest(b"tree", *fields).hex()


def state_digest(deps: Sequence[FileDep]) -> bytes:
    """Digest what the files hold now; the order of `deps` does not matter."""
    return short_digest(*sorted({framed(os.fsencode(dep.path), dep.kind.encode(), _now(dep)) for dep in deps}))


def _now(dep: FileDep) -> bytes:
    if dep.kind == "missing":
        return b"there" if os.path.lexists(dep.path) else b""
    if dep.kind == "tree":
        return tree_digest(dep.path).encode()
    if dep.kind == "file":
        return file_digest(dep.path).encode()
    try:
        with unrecorded():
            names = sorted(map(os.fsencode, os.listdir(dep.path)))
    except OSError:
        return b""
    return short_digest(b"folder", *names)


def candidates(values: Iterable[object], constants: Iterable[str]) -> tuple[FileDep, ...]:
    """Find the files that values and string constants name now; native readers open these unseen.

    Parameters
    ----------
    values : arguments; texts and paths in them and in their lists and dicts count, patterns such as "*.parquet" too
    constants : texts in the code; counted when they name an existing file
    """
    found: dict[FileDep, None] = {}
    for value in values:
        if type(value) in _NO_PATHS:
            continue
        for text, sure in _texts(value, 3):
            found.update(dict.fromkeys(_named(text, sure)))
    for text in constants:
        found.update(dict.fromkeys(_named(text, False)))
    return tuple(found)


def _texts(value: object, depth: int) -> Iterator[tuple[str, bool]]:
    """Yield the texts in a value, and whether they are surely paths."""
    kind = type(value)
    if kind is str:
        yield value, False  # type: ignore[misc]
    elif issubclass(kind, os.PathLike):
        try:
            yield os.fsdecode(os.fspath(value)), True  # type: ignore[call-overload]
        except Exception:  # a path of the user's own kind: the function itself will meet its error
            return
    elif depth and issubclass(kind, list | tuple | set | frozenset):
        for item in islice(value, _MOST_TEXTS):  # type: ignore[call-overload]
            yield from _texts(item, depth - 1)
    elif depth and isinstance(value, dict) and isinstance(value, Mapping):
        for item in islice(value.values(), _MOST_TEXTS):
            yield from _texts(item, depth - 1)


def _named(text: str, sure: bool) -> Iterator[FileDep]:
    if not text or len(text) > _LONGEST_PATH or "\n" in text or "\0" in text or "://" in text:
        return
    try:
        mode = os.stat(text).st_mode
    except (OSError, ValueError):
        if any(sign in text for sign in "*?[") and ("." in text or os.sep in text):
            yield from _matches(text)
        return
    if stat.S_ISREG(mode):
        yield FileDep(text, "file")
    elif stat.S_ISDIR(mode) and (sure or os.sep in text) and _is_dataset(text):
        yield FileDep(text, "tree")


def _matches(pattern: str) -> Iterator[FileDep]:
    """Follow a pattern that a native reader expands: what it matches, and the folder where more could appear."""
    with unrecorded():
        matched = sorted(glob.glob(pattern, recursive=True))[:_MOST_MATCHES]
    if not matched:
        return
    for name in matched:
        if os.path.isfile(name):
            yield FileDep(name, "file")
    for folder in sorted({os.path.dirname(name) or "." for name in matched}):
        yield FileDep(folder, "folder")


def _is_dataset(folder: str) -> bool:
    """Tell whether native readers take a folder as one table."""
    with unrecorded():
        for place, _, names in os.walk(folder):
            if any(name.endswith((".parquet", ".arrow", ".feather", ".ipc", ".orc")) for name in names):
                return True
            if place.count(os.sep) - folder.count(os.sep) > 2:
                return False
    return False
