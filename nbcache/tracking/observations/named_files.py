"""Which files do arguments and constants name, or stand for; native readers open these unseen."""

from __future__ import annotations

import glob
import os
import re
import stat
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import suppress
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
# So many texts are looked up one by one; after that those in one folder, but for a few, among the names there.
_FEW = 100
_FEW_IN_ONE = 8
_MOST_NAMES = 20_000
_DEEPEST = 64
_SIGNS = re.compile(r"[*?\[\]]")
# With a path somewhere in the text, or with parts that are no names.
_UNUSUAL = re.compile(r"""[\s'"(=](?:~|\.\.)?/|(?:^|/)\.{1,2}(?:/|$)|//|/$|^~""")
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
    folders: _Folders | None = None
    for value in values:
        if type(value) in _NO_PATHS:
            continue
        folders = folders or _Folders()
        for text in folders.without_lacking(list(_texts(value, 3))):
            if not folders.lacks(text):
                found.update(dict.fromkeys(_named(text)))
        for text in _texts_of_attributes(value):
            mention(text)
    for text in constants:
        found.update(dict.fromkeys(_named(text)))
    return tuple(found)


class _Folders:
    """The folders that texts may name files in; many texts are looked up in a listing, and not one by one."""

    def __init__(self) -> None:
        self._asked: dict[str, int] = {}
        self._count = 0
        self._names: dict[str, _Names | None] = {}
        self._missing: dict[str, bool] = {}

    def without_lacking(self, texts: list[str]) -> Iterable[str]:
        """Leave out of many plain words at once those that surely name no file."""
        first, rest = texts[:_FEW], texts[_FEW:]
        if not rest or os.altsep is not None:
            return texts
        together = "".join(rest)
        if not together.isascii() or os.sep in together or _SIGNS.search(together):
            return texts
        names = self._names[""] if "" in self._names else self._list("")
        return texts if names is None else first + [text for text in rest if text.casefold() in names.all]

    def lacks(self, text: str) -> bool:
        """Whether a text surely neither names a file nor matches one; where it may lie is followed all the same."""
        self._count += 1
        if self._count <= _FEW or (os.altsep is not None and not _PLAIN_NAME.fullmatch(text)):
            return False
        folder, sign, name = text.rpartition(os.sep)
        if sign:
            folder = folder or sign
            if "://" in text:
                return " " not in text and "\n" not in text
            if text.count(os.sep) > _DEEPEST or _UNUSUAL.search(text) or _SIGNS.search(folder):
                return False
            if self._is_missing(folder):
                return True
        elif "\n" in text:
            return True
        names = self._names_in(folder)
        return names is not None and names.lack(name)

    def _is_missing(self, folder: str) -> bool:
        known = self._missing.get(folder)
        if known is None:
            above, _, name = folder.rpartition(os.sep)
            gone = bool(above) and self._is_missing(above)
            if not gone and folder[:1] != os.sep:
                names = self._names_in(above)
                gone = names is not None and _folded(name) not in names.all
            known = self._missing[folder] = gone or not _is_folder(folder)
            if not known:
                mention(folder)
        return known

    def _names_in(self, folder: str) -> _Names | None:
        asked = self._asked[folder] = self._asked.get(folder, 0) + 1
        if asked <= _FEW_IN_ONE:
            return None
        return self._names[folder] if folder in self._names else self._list(folder)

    def _list(self, folder: str) -> _Names | None:
        names = None
        if not (folder[:1] == os.sep and folder.count(os.sep) == 1 and len(folder) > 1):  # names there may be unlisted
            with suppress(OSError, ValueError), unrecorded(), os.scandir(folder or os.curdir) as entries:
                found = [_folded(entry.name) for entry in islice(entries, _MOST_NAMES + 1)]
                names = _Names(found) if len(found) <= _MOST_NAMES else None
        self._names[folder] = names
        return names


class _Names:
    """The names in one folder."""

    def __init__(self, found: list[str]) -> None:
        self.all = frozenset(found)
        self._sorted = sorted(found)
        self._backwards = sorted(name[::-1] for name in found)

    def lack(self, name: str) -> bool:
        """Whether a name, or a pattern, is surely none of them."""
        folded = _folded(name)
        parts = _SIGNS.split(folded)
        if len(parts) == 1:
            return folded not in self.all
        if "**" in name:  # it matches the folder too
            return False
        return not (_begins(self._sorted, parts[0]) and _begins(self._backwards, parts[-1][::-1]))


def _begins(names: list[str], text: str) -> bool:
    """Whether any of sorted names begins so."""
    place = bisect_left(names, text)
    return place < len(names) and names[place].startswith(text)


def _folded(name: str) -> str:
    """A name as file systems compare that tell neither capitals nor ways to write an accent apart."""
    return name.casefold() if name.isascii() else unicodedata.normalize("NFC", name.casefold())


def _is_folder(text: str) -> bool:
    try:
        with unrecorded():
            return os.path.isdir(text)
    except ValueError:
        return False


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
            if type(item) is str:
                yield item
            elif type(item) not in _NO_PATHS:
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
