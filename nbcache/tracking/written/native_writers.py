"""Files that native code and other programs write, which nobody announces: folders are looked at before and after.

Only files whose kind or name stands in the code or in the arguments count: what another program changes meanwhile is
not the run's. A kind alone says too little of a file that was there before, or where the text with that ending stands
for another file: such a file may be another program's, and to write it again would destroy what that has written.
While runs overlap, here or in other processes, each is given what it alone names.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from nbcache.tracking.observations.context import Open, current, unrecorded
from nbcache.tracking.observations.paths import is_private

__all__ = ["Change", "NativelyWritten", "among_others"]

_NATIVE = (
    *("polars", "pyarrow", "torch", "h5py", "netCDF4", "cv2", "duckdb", "lightgbm", "xgboost", "rasterio", "tables"),
    *("pyogrio", "fiona", "soundfile", "torchvision", "tensorflow", "jaxlib", "catboost", "vtk", "SimpleITK"),
)
_MOST = 2000
_MOST_FOLDERS = 200
# Formats that programs add to, so that what is in them depends on what was.
_GROWING = (".h5", ".hdf5", ".hdf", ".nc", ".duckdb", ".db", ".sqlite", ".sqlite3", ".lmdb", ".wal")

#: The folders of runs under way; and an element for each call under way of which other processes may run the like.
_under_way: list[NativelyWritten] = []
_company: list[bool] = []


@contextmanager
def among_others() -> Iterator[None]:
    """While calls of one map run, in this process or in workers, others write at the same time."""
    _company.append(True)
    try:
        yield
    finally:
        _company.pop()


def _is_part(one: Open | None, run: Open | None) -> bool:
    return one is not None and one.is_part_of(run)


class Change(NamedTuple):
    """A file that is new, or not what it was.

    Attributes
    ----------
    whole : whether it was written from its beginning
    is_new : whether it was not there
    shared : whether another run, or another program, may as well have written it
    """

    path: str
    whole: bool
    is_new: bool
    shared: bool


class NativelyWritten:
    """The files in the working folder, and in the folders that the code names.

    Parameters
    ----------
    texts : string constants of the code, and arguments
    always : whether to look even if no library is loaded that writes natively
    """

    def __init__(self, folder: str, texts: Iterable[str], always: bool = False) -> None:
        self._texts = [text for text in texts if len(text) < 1024 and "\n" not in text and "\0" not in text]
        named = {os.path.dirname(text) for text in self._texts if "/" in text}
        named.update(self._texts[:_MOST_FOLDERS])
        self._folders = {folder, *(os.path.abspath(name) for name in named if name)}
        self._always = always
        self._before: dict[str, tuple[int, int]] | None = None
        self._others: list[NativelyWritten] = []
        self._run: Open | None = None

    def look(self) -> None:
        """Look at the folders, where that can show anything."""
        if self._always or any(name in sys.modules for name in _NATIVE):
            with unrecorded():
                self._before = dict(self._files(self._folders))
        self._run = current()
        for other in tuple(_under_way):
            if not (_is_part(self._run, other._run) or _is_part(other._run, self._run)):
                other._others.append(self)
                self._others.append(other)
        _under_way.append(self)

    def changed(self, made: Iterable[str]) -> list[Change]:
        """The files that are new or not what they were.

        Parameters
        ----------
        made : folders and files that the run is known to have made
        """
        _under_way.remove(self)
        if self._before is None:
            return []
        found = []
        announced = tuple(made)
        with unrecorded():
            for path, sign in self._files({*self._folders, *announced}):
                if self._before.get(path) == sign or not self._like(path):
                    continue
                if not self._names(path) and any(other._names(path) for other in self._others):
                    continue
                is_new = path not in self._before
                if self._names(path):
                    shared = any(other._names(path) for other in self._others)
                else:
                    shared = bool(self._others or _company) or not (is_new and self._fits(path, announced))
                found.append(Change(path, not path.endswith(_GROWING), is_new, shared))
        return found

    def _names(self, path: str) -> bool:
        """Whether the run names this very file."""
        name = os.path.basename(path)
        return any(text == name or text.endswith((f"/{name}", f"{os.sep}{name}")) for text in self._texts)

    def _fits(self, path: str, announced: tuple[str, ...]) -> bool:
        """Whether a text says what its name is like, and is not there for another file."""
        folder, like = os.path.dirname(path), self._like(path)
        files = (text for text in like if os.path.isfile(text) or os.path.isfile(os.path.join(folder, text)))
        taken = {*files, *(text for text in like if any(one.endswith(text) for one in announced))}
        return not taken.issuperset(like)

    def _like(self, path: str) -> list[str]:
        """The texts in which the name of a file stands, or that end as it does."""
        name = os.path.basename(path)
        ending = os.path.splitext(name)[1]
        return [text for text in self._texts if name in text or (ending and text.endswith(ending))]

    def _files(self, folders: Iterable[str]) -> Iterator[tuple[str, tuple[int, int]]]:
        for folder in sorted(folders):
            try:
                with os.scandir(folder) as entries:
                    for number, entry in enumerate(entries):
                        if number >= _MOST:
                            break
                        if entry.is_file() and entry.name[0] != "." and not is_private(entry.path):
                            found = entry.stat()
                            yield entry.path, (found.st_size, found.st_mtime_ns)
            except OSError:
                continue
