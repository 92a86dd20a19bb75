"""What the system tells of folders: which names in them were opened, changed or made, by fanotify or inotify.

fanotify says moreover whether it was this process, so that what an editor or a Jupyter server does beside a run is
not taken for the run's. Where it is not permitted (old kernels, containers, some file systems), inotify has to do.
Other systems have neither; there is nothing to be told then.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Iterator
from typing import Any

OPENED = 0x20
MODIFIED = 0x2
MADE = 0x100 | 0x80  # created, or moved to this name
GONE = 0x200 | 0x40  # deleted, or moved away
IS_FOLDER = 0x40000000
OVERFLOW = 0x4000

_WANTED = OPENED | MODIFIED | MADE | GONE
_ON_CHILDREN = 0x08000000
_BUFFER = 1 << 16
_FROM_HERE = -100  # AT_FDCWD
_EVENT = struct.Struct("=I4xQ4xi4xQI4x")
_SHORTEST = 44
_CODING = sys.getfilesystemencoding()


Names = dict[tuple[str, str], int]
"""What happened, by folder (as it was given to `follow`) and name in it ("" for the folder itself)."""


class Notices:
    """What happened in some time.

    Attributes
    ----------
    ours, others : what this process did, and what others did
    anybodys : where it is not known who did it
    overflown : whether the system could not tell all
    """

    __slots__ = ("anybodys", "others", "ours", "overflown")

    def __init__(self) -> None:
        self.ours: Names = {}
        self.others: Names = {}
        self.anybodys: Names = {}
        self.overflown = False

    def add(self, other: Notices) -> None:
        """Add what is told in `other`."""
        for mine, more in zip(self._all(), other._all(), strict=True):
            if mine:
                for name, what in more.items():
                    mine[name] = mine.get(name, 0) | what
            else:
                mine.update(more)
        self.overflown |= other.overflown

    def __bool__(self) -> bool:
        return bool(self.ours or self.others or self.anybodys or self.overflown)

    def _all(self) -> tuple[Names, ...]:
        return self.ours, self.others, self.anybodys

    def folders(self) -> Iterator[tuple[str, int]]:
        """Yield the folders that were made and that are gone, with what happened to them."""
        for names in self._all():
            for (folder, name), what in names.items():
                if what & IS_FOLDER and what & (MADE | GONE) and name:
                    yield os.path.join(folder, name), what


class _Handle(ctypes.Structure):
    _fields_ = (("size", ctypes.c_uint), ("kind", ctypes.c_int), ("content", ctypes.c_ubyte * 128))


class _Fanotify:
    """Notices with the process that caused them."""

    _CLOSED_ON_EXEC, _AT_ONCE, _WITH_NAMES = 1, 2, 0x400 | 0x800

    def __init__(self, system: Any) -> None:
        self._system = system
        self._folders: dict[tuple[int, bytes], str] = {}
        self.descriptor: int = system.fanotify_init(self._CLOSED_ON_EXEC | self._AT_ONCE | self._WITH_NAMES, 0)
        if self.descriptor < 0:
            raise OSError(ctypes.get_errno(), "fanotify_init")

    def follow(self, folder: str) -> bool:
        wanted = ctypes.c_uint64(_WANTED | IS_FOLDER | _ON_CHILDREN)
        handle = _Handle(size=128)
        mount = ctypes.c_int()
        name = os.fsencode(folder)
        if self._system.name_to_handle_at(_FROM_HERE, name, ctypes.byref(handle), ctypes.byref(mount), 0):
            return False
        if self._system.fanotify_mark(self.descriptor, 1, wanted, _FROM_HERE, name):
            return False
        self._folders[os.statvfs(folder).f_fsid, bytes(handle.content[: handle.size])] = folder
        return True

    def parse(self, content: bytes, told: Notices) -> None:
        # A run that opens thousands of files gets as many events: about a microsecond each is spent here.
        start, end, me, folders, unpack = 0, len(content), os.getpid(), self._folders, _EVENT.unpack_from
        while start + _SHORTEST <= end:
            # the event (24 bytes), the kind of what follows (4), file system (8), handle (8 and its own bytes), name
            length, what, process, system, width = unpack(content, start)
            begins = start + _SHORTEST
            folder = folders.get((system, content[begins : begins + width]))
            if folder is not None:
                begins += width
                name = content[begins : content.index(0, begins)].decode(_CODING, "surrogateescape")
                key = folder, "" if name == "." else name
                names = told.ours if process == me else told.others
                names[key] = names[key] | what if key in names else what
            elif what & OVERFLOW:
                told.overflown = True
            start += length
        told.overflown |= start < end


class _Inotify:
    """Notices that do not say who caused them."""

    def __init__(self, system: Any) -> None:
        self._system = system
        self._folders: dict[int, str] = {}
        self.descriptor: int = system.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.descriptor < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")

    def follow(self, folder: str) -> bool:
        number = self._system.inotify_add_watch(self.descriptor, os.fsencode(folder), _WANTED)
        if number >= 0:
            self._folders[number] = folder
        return bool(number >= 0)

    def parse(self, content: bytes, told: Notices) -> None:
        start = 0
        while start < len(content):
            number, what, _, length = struct.unpack_from("=iIII", content, start)
            name = content[start + 16 : start + 16 + length].partition(b"\0")[0]
            if what & OVERFLOW:
                told.overflown = True
            elif number in self._folders:
                key = self._folders[number], os.fsdecode(name)
                told.anybodys[key] = told.anybodys.get(key, 0) | what
            start += 16 + length


class Watcher:
    """Everything the system tells of the folders that are followed, from the first one on.

    Attributes
    ----------
    lost : whether somebody closed our descriptors, as programs do that close all

    Notes
    -----
    Belongs to one process: a fork must make its own. Not for several threads at once.
    """

    def __init__(self) -> None:
        self._sources: dict[type[_Fanotify | _Inotify], _Fanotify | _Inotify | None] = {}
        self.lost = False

    def follow(self, folder: str) -> bool:
        """Be told of a folder and the names in it, not of the folders below; False when that cannot be."""
        for kind in (_Fanotify, _Inotify) if sys.platform.startswith("linux") else ():
            if kind not in self._sources:
                try:
                    self._sources[kind] = kind(ctypes.CDLL(None, use_errno=True))
                except (OSError, AttributeError):  # not permitted, or not in this C library
                    self._sources[kind] = None
            source = self._sources[kind]
            try:
                if source is not None and source.follow(folder):
                    return True
            except OSError:
                continue
        return False

    def read(self) -> Notices:
        """Tell what happened since the last time."""
        told = Notices()
        for source in self._sources.values():
            while source is not None:
                try:
                    if stat.S_IFMT(os.fstat(source.descriptor).st_mode):  # another's by now
                        self.lost = told.overflown = True
                        break
                    content = os.read(source.descriptor, _BUFFER)
                except BlockingIOError:  # nothing more
                    break
                except OSError:
                    self.lost = told.overflown = True
                    break
                source.parse(content, told)
                if len(content) < _BUFFER // 2:
                    break
        return told

    def close(self) -> None:
        """Be told nothing more."""
        for source in self._sources.values():
            if source is not None and not self.lost:
                os.close(source.descriptor)
        self._sources = {}
        self.lost = False
