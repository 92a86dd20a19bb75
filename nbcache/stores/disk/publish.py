"""How one file appears whole or not at all, and how nothing is left of a writer that was killed."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import NamedTuple, Protocol

from nbcache import system
from nbcache.entries.section import reserve
from nbcache.stores.disk.liveness import name_for_now
from nbcache.stores.folders import CREATE, FILE_MODE, READ, Places, make_folder, size_of

Turn = Callable[[os.stat_result], AbstractContextManager[object]]

_UNNAMED = getattr(os, "O_TMPFILE", 0)
_DESCRIPTORS = "/proc/self/fd"


class Content(Protocol):
    """What becomes a file."""

    @property
    def size(self) -> int:
        """In bytes."""

    def write_to(self, descriptor: int) -> None:
        """Write all of it to an empty file; OSError."""


class _Few(NamedTuple):
    """Few bytes, which one call writes."""

    content: bytes

    @property
    def size(self) -> int:
        return len(self.content)

    def write_to(self, descriptor: int) -> None:
        os.write(descriptor, self.content)


class Publisher:
    """Writes files of one store.

    Parameters
    ----------
    places : of the store; `temporary` is for what has a name before it is whole

    Notes
    -----
    On Linux a file has no name until it is linked into place, and vanishes with its writer. Where that is not
    possible, and where a file is replaced, it has a temporary name for a moment; `liveness.sweep` removes what
    writers that no longer live have left. Nothing is synced to the disk: a file torn by a power cut fails verification.
    """

    def __init__(self, places: Places) -> None:
        self._places = places
        self._can: bool | None = None

    @property
    def _temporary(self) -> Path:
        return self._places.temporary

    @property
    def _unnamed(self) -> bool:
        """Whether files can be made that have no name yet; asked at the first write."""
        if self._can is None:
            self._can = bool(_UNNAMED) and os.path.isdir(_DESCRIPTORS)
        return self._can

    def publish(
        self, content: Content, target: str, written: float, turn: Turn = nullcontext
    ) -> tuple[int, int | None]:
        """Put a file in place, replacing one that is there.

        Parameters
        ----------
        written : the modification time the file gets, epoch seconds
        turn : given the status of the file, whole by then, makes the context of the moment in which it gets its name;
            may raise

        Returns
        -------
        A descriptor of the file, for reading, which the caller closes; and the length of the file that was replaced,
        None where there was none.
        """
        if self._unnamed:
            try:
                return self._publish_unnamed(content, target, written, turn)
            except _NotHere:
                self._can = False
        return self._publish_named(content, target, written, turn)

    def begin(self, content: bytes, target: str, written: float) -> None:
        """Put a small file in place, unless there is one."""
        if self._unnamed:
            try:
                fd, _ = self._fill_unnamed(_Few(content), os.path.dirname(target), written)
                try:
                    _link(fd, target)
                finally:
                    os.close(fd)
                return
            except FileExistsError:
                return
            except _NotHere:
                self._can = False
        make_folder(self._temporary)
        name = self._temporary_name()
        os.close(_fill_named(_Few(content), name, written)[0])
        try:
            system.link(name, target)
        except FileExistsError:
            pass
        except OSError:
            if not os.path.lexists(target):
                os.replace(name, target)
                return
        finally:
            if os.path.lexists(name):
                os.unlink(name)

    def _publish_unnamed(self, content: Content, target: str, written: float, turn: Turn) -> tuple[int, int | None]:
        fd, status = self._fill_unnamed(content, target.rpartition("/")[0], written)
        with _ClosedOnFailure(fd):
            try:
                with turn(status):
                    _link(fd, target)
                return fd, None
            except FileExistsError:
                pass
            name = self._temporary_name()
            try:
                _link(fd, name)
            except FileNotFoundError:
                make_folder(self._temporary)
                _link(fd, name)
            before = size_of(target)
            self._replace(name, target, turn(status))
            return fd, before

    @staticmethod
    def _fill_unnamed(content: Content, folder: str, written: float) -> tuple[int, os.stat_result]:
        try:
            fd = os.open(folder, _UNNAMED | os.O_RDWR | os.O_CLOEXEC, FILE_MODE)
        except OSError as error:
            if error.errno in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):
                raise _NotHere from error
            raise
        with _ClosedOnFailure(fd):
            return fd, _fill(fd, folder, content, written)

    def _publish_named(self, content: Content, target: str, written: float, turn: Turn) -> tuple[int, int | None]:
        make_folder(self._temporary)
        name = self._temporary_name()
        fd, status = _fill_named(content, name, written)
        before = size_of(target) if os.path.lexists(target) else None
        if system.CLOSED_TO_CHANGE:
            os.close(fd)
            self._replace(name, target, turn(status))
            return os.open(target, READ), before
        with _ClosedOnFailure(fd):
            self._replace(name, target, turn(status))
            return fd, before

    @staticmethod
    def _replace(name: str, target: str, turn: AbstractContextManager[object]) -> None:
        try:
            with turn:
                os.replace(name, target)
        except BaseException:
            os.unlink(name)
            raise

    def _temporary_name(self) -> str:
        return f"{self._temporary}/{name_for_now()}"


class _ClosedOnFailure:
    """Closes a descriptor where what is done with it fails; made for each write, so no generator stands behind it."""

    __slots__ = ("_fd",)

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is not None:
            os.close(self._fd)


class _NotHere(Exception):
    """This file system cannot make files without a name."""


def _link(fd: int, target: str) -> None:
    # linkat() follows the link below /proc only when told so, which os.link() does if it is given a descriptor; which
    # one does not matter, because both paths are absolute.
    try:
        os.link(f"{_DESCRIPTORS}/{fd}", target, src_dir_fd=fd, follow_symlinks=True)
    except OSError as error:
        if error.errno in (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP) or not os.path.isdir(_DESCRIPTORS):
            raise _NotHere from error
        raise


def _fill_named(content: Content, name: str, written: float) -> tuple[int, os.stat_result]:
    fd = os.open(name, CREATE, FILE_MODE)
    try:
        return fd, _fill(fd, name, content, written)
    except BaseException:
        os.close(fd)
        os.unlink(name)
        raise


def _fill(fd: int, name: str, content: Content, written: float) -> os.stat_result:
    reserve(fd, content.size)
    content.write_to(fd)
    system.set_times(fd, name, written)
    status = system.fstat(fd)
    if status.st_mode & 0o777 != FILE_MODE:
        # The umask takes bits away, even the owner's.
        system.set_mode(fd, FILE_MODE)
    return status
