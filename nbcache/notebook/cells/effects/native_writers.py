"""Files that native code writes, which nobody announces: found by looking at the folders before and after a run.

Only while a library is loaded that writes that way, and only files whose kind or name stands in the code: what another
program changes meanwhile is not the cell's.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator

from nbcache.tracking.observations.context import unrecorded
from nbcache.tracking.observations.paths import is_private

__all__ = ["NativelyWritten"]

_NATIVE = (
    *("polars", "pyarrow", "torch", "h5py", "netCDF4", "cv2", "duckdb", "lightgbm", "xgboost", "rasterio", "tables"),
    *("pyogrio", "fiona", "soundfile", "torchvision", "tensorflow", "jaxlib", "catboost", "vtk", "SimpleITK"),
)
_MOST = 2000
# Formats that programs add to, so that what is in them depends on what was.
_GROWING = (".h5", ".hdf5", ".hdf", ".nc", ".duckdb", ".db", ".sqlite", ".sqlite3", ".lmdb", ".wal")


class NativelyWritten:
    """The files in the working folder, and in the folders that the code names.

    Parameters
    ----------
    texts : string constants of the code
    """

    def __init__(self, folder: str, texts: Iterable[str]) -> None:
        self._texts = [text for text in texts if len(text) < 1024]
        named = {os.path.dirname(text) for text in self._texts if "/" in text and "\n" not in text}
        self._folders = {folder, *(os.path.abspath(name) for name in named if name)}
        self._before: dict[str, tuple[int, int]] | None = None

    def look(self) -> None:
        """Look at the folders, where that can show anything."""
        if any(name in sys.modules for name in _NATIVE):
            with unrecorded():
                self._before = dict(self._files())

    def changed(self) -> Iterator[tuple[str, bool, bool]]:
        """The files that are new or not what they were; whether they were written as a whole, and whether new."""
        if self._before is None:
            return
        with unrecorded():
            for path, sign in list(self._files()):
                if self._before.get(path) != sign and self._is_named(path):
                    yield path, not path.endswith(_GROWING), path not in self._before

    def _is_named(self, path: str) -> bool:
        name = os.path.basename(path)
        ending = os.path.splitext(name)[1]
        return any(name in text or (ending and text.endswith(ending)) for text in self._texts)

    def _files(self) -> Iterator[tuple[str, tuple[int, int]]]:
        for folder in sorted(self._folders):
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
