"""Which files do arguments and constants name; native readers open these unseen."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from nbcache.tracking.observations.context import unrecorded
from nbcache.tracking.observations.observation import Observation

_LONGEST_PATH = 1024
_MOST_TEXTS = 10_000
_MOST_MATCHES = 1000
_NO_PATHS = frozenset({int, float, bool, bytes, type(None)})


def candidates(values: Iterable[object], constants: Iterable[str]) -> tuple[Observation, ...]:
    """Find the files that values and string constants name now; native readers open these unseen.

    Parameters
    ----------
    values : arguments; texts and paths in them and in their lists and dicts count, patterns such as "*.parquet" too
    constants : texts in the code; counted when they name an existing file
    """
    found: dict[Observation, None] = {}
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


def _named(text: str, sure: bool) -> Iterator[Observation]:
    if not text or len(text) > _LONGEST_PATH or "\n" in text or "\0" in text or "://" in text:
        return
    try:
        mode = os.stat(text).st_mode
    except (OSError, ValueError):
        if any(sign in text for sign in "*?[") and ("." in text or os.sep in text):
            yield from _matches(text)
        return
    if stat.S_ISREG(mode):
        yield Observation(text, "file")
    elif stat.S_ISDIR(mode) and (sure or os.sep in text) and _is_dataset(text):
        yield Observation(text, "tree")


def _matches(pattern: str) -> Iterator[Observation]:
    """Follow a pattern that a native reader expands: what it matches, and the folder where more could appear."""
    with unrecorded():
        matched = sorted(glob.glob(pattern, recursive=True))[:_MOST_MATCHES]
    if not matched:
        return
    for name in matched:
        if os.path.isfile(name):
            yield Observation(name, "file")
    for folder in sorted({os.path.dirname(name) or "." for name in matched}):
        yield Observation(folder, "folder")


def _is_dataset(folder: str) -> bool:
    """Tell whether native readers take a folder as one table."""
    with unrecorded():
        for place, _, names in os.walk(folder):
            if any(name.endswith((".parquet", ".arrow", ".feather", ".ipc", ".orc")) for name in names):
                return True
            if place.count(os.sep) - folder.count(os.sep) > 2:
                return False
    return False
