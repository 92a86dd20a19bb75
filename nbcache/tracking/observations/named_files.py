"""Which files do arguments and constants name, or stand for; native readers open these unseen."""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from nbcache.hashing.attributes import held_by
from nbcache.tracking.observations.context import unrecorded
from nbcache.tracking.observations.file_queries import pattern
from nbcache.tracking.observations.handles.planned_files import planned_files_of_argument
from nbcache.tracking.observations.native.folders import mention
from nbcache.tracking.observations.observation import Observation
from nbcache.tracking.packages import is_users

_LONGEST_PATH = 1024
_LONGEST_TEXT = 1 << 16
# Folders and files elsewhere that a text speaks of, such as one in SQL.
_PLACES = re.compile(r"""(?<![^\s'"(=])(?:~|\.\.)?/[^\s'"*?\[\]()<>|;,]+""")
_MOST_PLACES = 8
_MOST_TEXTS = 10_000
_MOST_MATCHES = 1000
# So many texts are looked up one by one; after that, plain names are looked for among those in the working folder.
_FEW = 100
_PLAIN_NAME = re.compile(r"\w[\w.-]*\w|\w", re.ASCII)
_NO_PATHS = frozenset({int, float, bool, bytes, type(None)})


def candidates(values: Iterable[object], constants: Iterable[str]) -> tuple[Observation, ...]:
    """Find the files that values and string constants name now; native readers open these unseen.

    Parameters
    ----------
    values : arguments; texts and paths in them and in their lists and dicts count, patterns such as "*.parquet" too
    constants : texts in the code; counted when they name an existing file
    """
    found: dict[Observation, None] = {}
    here: _Here | None = None
    for value in values:
        if type(value) in _NO_PATHS:
            continue
        here = here or _Here()
        for text in _texts(value, 3):
            if not here.lacks(text):
                found.update(dict.fromkeys(_named(text)))
        for text in _texts_of_attributes(value):
            mention(text)
    for text in constants:
        found.update(dict.fromkeys(_named(text)))
    return tuple(found)


class _Here:
    """The working folder, where the words of a whole text are looked up."""

    def __init__(self) -> None:
        self._asked = 0
        self._names: frozenset[str] | None = None

    def lacks(self, text: str) -> bool:
        """Whether a text is a plain name, and surely none of a file in the working folder."""
        self._asked += 1
        if self._asked <= _FEW or not _PLAIN_NAME.fullmatch(text):
            return False
        if self._names is None:
            try:
                with unrecorded():
                    self._names = frozenset(name.casefold() for name in os.listdir(os.curdir))
            except OSError:
                return False
        return text.casefold() not in self._names


def texts_in(values: Iterable[object]) -> Iterator[str]:
    """Yield the texts and paths in arguments, those that objects of the user's keep included."""
    for value in values:
        if type(value) not in _NO_PATHS:
            yield from _texts(value, 3)
            yield from _texts_of_attributes(value)


def _texts(value: object, depth: int) -> Iterator[str]:
    """Yield the texts and paths in a value."""
    kind = type(value)
    if kind is str:
        yield value  # type: ignore[misc]
    elif issubclass(kind, os.PathLike):
        try:
            yield os.fsdecode(os.fspath(value))  # type: ignore[call-overload]
        except Exception:  # a path of the user's own kind: the function itself will meet its error
            return
    elif depth and (items := _items(value, kind)) is not None:
        for item in islice(items, _MOST_TEXTS):
            yield from _texts(item, depth - 1)
    elif depth:
        with unrecorded():
            files = planned_files_of_argument(value)
        yield from files


def _items(value: Any, kind: type) -> Iterator[object] | None:
    """Give what a container holds, and not what its class may make of that when it is asked; None for others."""
    for base in (list, tuple, set, frozenset):
        if issubclass(kind, base):
            return base.__iter__(value)
    return iter(dict.values(value)) if issubclass(kind, dict) else None


def _texts_of_attributes(value: object) -> Iterator[str]:
    """Yield what an object of the user's keeps of texts and paths: `self.folder`."""
    if is_users(type(value)):
        kept = held_by(value)
        if kept is not None:
            yield from _texts(kept, 2)


def _named(text: str) -> Iterator[Observation]:
    """Yield the files that a text names; a folder counts by what a run asks of it, so it is watched only."""
    if not text or len(text) > _LONGEST_TEXT:
        return
    if " " in text or "\n" in text:
        for place in islice(_PLACES.findall(text), _MOST_PLACES):
            mention(place)
    if len(text) > _LONGEST_PATH or "\n" in text or "\0" in text or "://" in text:
        return
    mention(text)
    try:
        mode = os.stat(text).st_mode
    except (OSError, ValueError):
        if any(sign in text for sign in "*?[") and ("." in text or os.sep in text):
            yield from _matches(text)
        return
    if stat.S_ISREG(mode):
        yield Observation(text, "file")


def _matches(text: str) -> Iterator[Observation]:
    """Follow a pattern that a native reader expands: what it matches, and that no more has appeared."""
    with unrecorded():
        matched = sorted(glob.glob(text, recursive=True))[:_MOST_MATCHES]
    if not matched:
        return
    for name in matched:
        if os.path.isfile(name):
            yield Observation(name, "file")
    yield Observation(pattern(text, recursive=True, hidden=False), "matches")
