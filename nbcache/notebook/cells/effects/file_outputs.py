"""The files that a cell has written, kept with its result, and put back by a hit.

As build systems do: what is missing or different is written again, and what is equal is left alone, its times included.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable
from types import TracebackType
from typing import Any, NamedTuple

from nbcache.hashing import hasher
from nbcache.tracking.observations.context import unrecorded

__all__ = ["FileOutput", "PutBack"]


class FileOutput(NamedTuple):
    """One file, or folder, that a run left behind.

    Attributes
    ----------
    path : as the run gave it; relative ones belong to the working folder
    digest : of the content; empty for a folder
    mode : permission bits
    content : None where there was no room for it
    """

    path: str
    digest: bytes
    mode: int
    content: Any


class PutBack:
    """Files on their way back: all are written beside their places first, so that putting them there is quick.

    Attributes
    ----------
    names : of the files that were missing or different

    Raises
    ------
    LookupError
        A file is missing or different, and its content was not kept.
    OSError
        It cannot be written.
    """

    def __init__(self, outputs: Iterable[FileOutput]) -> None:
        self.names: list[str] = []
        self._outputs = list(outputs)
        self._waiting: list[tuple[str, str]] = []
        self._folders: list[str] = []
        self._former: list[tuple[str, str]] = []

    def __enter__(self) -> PutBack:
        with unrecorded():
            try:
                for one in self._outputs:
                    self._write_beside(one)
            except BaseException:
                self._clean_up(True)
                raise
        self.names = [os.path.basename(path) for _, path in self._waiting]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with unrecorded():
            self._clean_up(kind is not None)

    def put(self) -> None:
        """Put all files in their places; what was there is kept until the end."""
        with unrecorded():
            for place, path in self._waiting:
                former = ""
                if os.path.lexists(path):
                    former = f"{place}~"
                    _keep(path, former)
                self._former.append((former, path))
                os.replace(place, path)

    def _write_beside(self, output: FileOutput) -> None:
        if not output.digest:
            self._make(output.path)
        elif not _is_equal(output):
            if output.content is None:
                name = os.path.basename(output.path)
                raise LookupError(f"{name} is not what the cell wrote, and too big to be kept")
            folder = os.path.dirname(os.path.abspath(output.path))
            self._make(folder)
            handle, place = tempfile.mkstemp(dir=folder, prefix=".", suffix="~")
            self._waiting.append((place, output.path))
            with open(handle, "wb") as file:
                file.write(output.content)
            os.chmod(place, output.mode)

    def _make(self, folder: str) -> None:
        full = os.path.abspath(folder)
        missing = []
        while not os.path.lexists(full):
            missing.append(full)
            full = os.path.dirname(full)
        os.makedirs(folder, exist_ok=True)
        self._folders += reversed(missing)

    def _clean_up(self, failed: bool) -> None:
        if failed:
            for former, path in reversed(self._former):
                with contextlib.suppress(OSError):
                    os.replace(former, path) if former else os.unlink(path)
        for name in [*(place for place, _ in self._waiting), *(former for former, _ in self._former if former)]:
            with contextlib.suppress(OSError):
                os.unlink(name)
        if failed:
            for folder in reversed(self._folders):
                with contextlib.suppress(OSError):
                    os.rmdir(folder)


def _keep(path: str, former: str) -> None:
    """Let a file be found under another name as well."""
    try:
        os.link(path, former, follow_symlinks=False)
    except (OSError, NotImplementedError):  # a file system without links
        shutil.copy2(path, former, follow_symlinks=False)


def _is_equal(output: FileOutput) -> bool:
    try:
        if output.content is not None and os.path.getsize(output.path) != len(memoryview(output.content)):
            return False
        with open(output.path, "rb") as file:
            return hasher.digest(file.read()) == output.digest
    except OSError:
        return False
