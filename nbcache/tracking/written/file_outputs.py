"""The files that a run has written, kept with its result, and put back by a hit.

As build systems do: what is missing or different is written again, and what is equal is left alone, its times included.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import shutil
import stat
import tempfile
from collections.abc import Container, Iterable
from types import TracebackType
from typing import Any, NamedTuple

from nbcache.tracking.observations.context import current, unrecorded
from nbcache.tracking.observations.files import file_digest
from nbcache.tracking.written import audit_events

__all__ = ["PUT_BACK", "FileOutput", "PutBack", "is_equal", "taken_down"]

#: What is announced of each file of a hit, for a run around it.
PUT_BACK = "nbcache.put_back"


class FileOutput(NamedTuple):
    """One file, or folder, that a run left behind.

    Attributes
    ----------
    path : as the run gave it; relative ones belong to the working folder
    digest : of the content; empty for a folder
    mode : permission bits
    content : None where there was no room for it
    alone : whether the run would have failed had anything been there, as `os.mkdir` does
    """

    path: str
    digest: str
    mode: int
    content: Any
    alone: bool = False


def taken_down(made: Iterable[tuple[str, str]], room: int, alone: Container[str] = ()) -> list[FileOutput]:
    """Take files and folders down as they are now, the contents of up to `room` bytes of them.

    Parameters
    ----------
    made : each as the run gave it, and with its full path
    alone : the full paths of folders that must not be there when they are made
    """
    found = []
    for path, full in made:
        status = os.stat(full)
        mode = stat.S_IMODE(status.st_mode)
        if stat.S_ISDIR(status.st_mode):
            found.append(FileOutput(path, "", mode, None, full in alone))
            continue
        content = None
        if status.st_size <= room:
            room -= status.st_size
            with open(full, "rb") as file:
                content = pickle.PickleBuffer(file.read())
        digest = file_digest(full)
        if not digest:
            raise OSError(f"{os.path.basename(full)} cannot be read")
        found.append(FileOutput(path, digest, mode, content))
    return found


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

    def announce(self) -> None:
        """Let the files be those of a run around this hit, as if the code had written them there."""
        recorder = current()
        if recorder is not None:
            for one in self._outputs:
                audit_events.announce(PUT_BACK, (one.path,))
                if (
                    one.digest or os.path.abspath(one.path) in self._folders
                ):  # what lies in a folder that was there counts
                    recorder.write(one.path)

    def _write_beside(self, output: FileOutput) -> None:
        if output.alone and os.path.lexists(output.path):
            raise LookupError(f"the folder {os.path.basename(output.path)} is there already")
        if not output.digest:
            self._make(output.path)
        elif not is_equal(output.path, output.digest):
            name = os.path.basename(output.path)
            if output.content is None:
                raise LookupError(f"{name} is not what was written, and is too large to be kept")
            if _is_more_than_a_name(output.path):
                raise LookupError(f"{name} is a link now, or cannot be written")
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


def is_equal(path: str, digest: str) -> bool:
    """Whether the content of a file is what it was; it is read once per state of the file."""
    with unrecorded():
        return file_digest(path) == digest


def _is_more_than_a_name(path: str) -> bool:
    """Whether writing to a file that is there does more than putting another one in its place, or fails."""
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISLNK(found.st_mode) or found.st_nlink > 1 or not os.access(path, os.W_OK)
