"""What the system tells of folders: which names in them were opened, changed or made, by fanotify or inotify.

fanotify says moreover whether it was this process, so that what an editor or a Jupyter server does beside a run is
not taken for the run's. Where it is not permitted (old kernels, containers, some file systems), inotify has to do.
Other systems have neither; there is nothing to be told then.
"""

from __future__ import annotations

import ctypes
import os
import re
import stat
import struct
import sys
from collections.abc import Iterator
from typing import Any

OPENED = 0x20
MODIFIED = 0x2
MADE = 0x100 | 0x80  # created, or moved to this name
MOVED_AWAY = 0x40
GONE = 0x200 | MOVED_AWAY  # deleted, or moved away
_DELETED_ITSELF, _MOVED_ITSELF = 0x400, 0x800  # told of a folder that is followed, whether or not the one above is
IS_FOLDER = 0x40000000
OVERFLOW = 0x4000

_WANTED = OPENED | MODIFIED | MADE | GONE | _DELETED_ITSELF | _MOVED_ITSELF
_ON_CHILDREN = 0x08000000
_BUFFER = 1 << 16
_FROM_HERE = -100  # AT_FDCWD
_EVENT = struct.Struct("=I4xQ4xi4xQI4x")
_SHORTEST = 44
_HEAD = struct.Struct("=Q4xi")
# What an event about a folder, or one that says that events were lost, has in it; other bytes may look like it.
_OF_FOLDERS = struct.pack("=Q", IS_FOLDER)[3:] + struct.pack("=i", -1)
_LOST = struct.pack("=Qi", OVERFLOW, -1)
# File systems that no other machine writes to: ext, xfs, btrfs, tmpfs, f2fs, zfs, overlayfs, bcachefs.
_LOCAL = frozenset((*(0xEF53, 0x58465342, 0x9123683E, 0x01021994, 0xF2F52010, 0x2FC12FC1), *(0x794C7630, 0xCA451A4E)))
_CODING = sys.getfilesystemencoding()
_fstat = os.fstat  # as it is before `os_calls` takes its place


Names = dict[str, dict[str, int]]
"""What happened, by folder (as it was given to `follow`) and name in it ("" for the folder itself)."""


class Notices:
    """What happened in some time.

    Attributes
    ----------
    ours, others : what this process did, and what others did
    anybodys : where it is not known who did it
    overflown : whether the system could not tell all
    of_folders : whether anything is told of folders in folders
    """

    __slots__ = ("anybodys", "of_folders", "others", "ours", "overflown")

    def __init__(self) -> None:
        self.ours: Names = {}
        self.others: Names = {}
        self.anybodys: Names = {}
        self.overflown = False
        self.of_folders = False

    def note(self, names: Names, folder: str, name: str, what: int) -> None:
        """Add one event to one of the three."""
        inside = names.get(folder)
        if inside is None:
            inside = names[folder] = {}
        inside[name] = inside[name] | what if name in inside else what
        if what & (IS_FOLDER | _DELETED_ITSELF | _MOVED_ITSELF):
            self.of_folders = True

    def add(self, other: Notices) -> None:
        """Add what is told in `other`."""
        for mine, more in zip(self._all(), other._all(), strict=True):
            for folder, names in more.items():
                inside = mine.get(folder)
                if not inside:
                    mine[folder] = dict(names)
                    continue
                for name, what in names.items():
                    inside[name] = inside.get(name, 0) | what
        self.overflown |= other.overflown
        self.of_folders |= other.of_folders

    def __bool__(self) -> bool:
        return bool(self.ours or self.others or self.anybodys or self.overflown)

    def _all(self) -> tuple[Names, ...]:
        return self.ours, self.others, self.anybodys

    def folders(self) -> Iterator[tuple[str, int]]:
        """Yield the folders that were made and that are gone, with what happened to them."""
        for names in self._all() if self.of_folders else ():
            for folder, inside in names.items():
                for name, what in inside.items():
                    if what & IS_FOLDER and what & (MADE | GONE) and name:
                        yield os.path.join(folder, name), what
                    elif what & (_DELETED_ITSELF | _MOVED_ITSELF) and not name:
                        yield folder, GONE if what & _MOVED_ITSELF else GONE & ~MOVED_AWAY


class _Handle(ctypes.Structure):
    _fields_ = (("size", ctypes.c_uint), ("kind", ctypes.c_int), ("content", ctypes.c_ubyte * 128))


class _Fanotify:
    """Notices with the process that caused them."""

    _CLOSED_ON_EXEC, _AT_ONCE, _WITH_NAMES = 1, 2, 0x400 | 0x800

    def __init__(self, system: Any) -> None:
        self._system = system
        self._folders: dict[tuple[int, bytes], str] = {}
        self._places: dict[bytes, str | None] = {}
        self._patterns: dict[int, re.Pattern[bytes]] = {}
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
        self._places.clear()
        return True

    def parse(self, content: bytes, told: Notices) -> None:
        if not self._parse_alike(content, told):
            self._parse_each(content, told)

    def says_only_opens(self, content: bytes) -> bool:
        """Whether nothing is told of folders, and nothing was lost."""
        return sys.byteorder == "little" and _OF_FOLDERS not in content and _LOST not in content

    def _parse_alike(self, content: bytes, told: Notices) -> bool:
        """Read events that differ in folder and name only, such as thousands of opens; False where there are others."""
        if len(content) < _SHORTEST:
            return False
        width = _EVENT.unpack_from(content)[4]
        pattern = self._patterns.get(width)
        if pattern is None:
            # header, (what and who), kind, (folder), (name): every event has to begin where the last one ended
            begins, handle = re.escape(content[4:8]), re.escape(content[36:40])
            pattern = self._patterns[width] = re.compile(
                b"(?s:.{4}%b(.{16}).{4}(.{8}%b.{%d})([^\\0]+)\\0{1,8})" % (begins, handle, 4 + width)
            )
        parts = pattern.split(content)
        heads, places, names = parts[1::4], parts[2::4], parts[3::4]
        if any(parts[::4]) or heads.count(heads[0]) != len(heads) or b"." in names:
            return False
        what, process = _HEAD.unpack(heads[0])
        texts = b"/".join(names).decode(_CODING, "surrogateescape").split("/")
        into = told.ours if process == os.getpid() else told.others
        if places.count(places[0]) == len(places) and not what & IS_FOLDER:
            folder = self._place(places[0])
            if folder is not None and not into.get(folder):
                into[folder] = dict.fromkeys(texts, what)
                return True
        for place, name in zip(places, texts, strict=True):
            folder = self._places[place] if place in self._places else self._place(place)
            if folder is not None:
                told.note(into, folder, name, what)
        return True

    def _place(self, place: bytes) -> str | None:
        """The folder that an event means, given file system and handle; None for one that is not followed."""
        system, width = struct.unpack_from("=QI", place)
        folder = self._places[place] = self._folders.get((system, place[16 : 16 + width]))
        return folder

    def _parse_each(self, content: bytes, told: Notices) -> None:
        start, end, me, folders, unpack = 0, len(content), os.getpid(), self._folders, _EVENT.unpack_from
        while start + _SHORTEST <= end:
            # the event (24 bytes), the kind of what follows (4), file system (8), handle (8 and its own bytes), name
            length, what, process, system, width = unpack(content, start)
            begins = start + _SHORTEST
            folder = folders.get((system, content[begins : begins + width]))
            if folder is not None:
                begins += width
                name = content[begins : content.index(0, begins)].decode(_CODING, "surrogateescape")
                told.note(told.ours if process == me else told.others, folder, "" if name == "." else name, what)
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

    def says_only_opens(self, content: bytes) -> bool:
        return False

    def parse(self, content: bytes, told: Notices) -> None:
        start = 0
        while start < len(content):
            number, what, _, length = struct.unpack_from("=iIII", content, start)
            name = content[start + 16 : start + 16 + length].partition(b"\0")[0]
            if what & OVERFLOW:
                told.overflown = True
            elif number in self._folders:
                told.note(told.anybodys, self._folders[number], os.fsdecode(name), what)
            start += 16 + length


class FolderWatcher:
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

    def is_local(self, folder: str) -> bool:
        """Whether nobody but this machine changes what is in a folder, so that nothing happens there untold."""
        about = ctypes.create_string_buffer(512)
        try:
            failed = ctypes.CDLL(None).statfs(os.fsencode(folder), about)
        except (OSError, AttributeError):
            return False
        return failed == 0 and int.from_bytes(about.raw[:4], sys.byteorder) in _LOCAL

    def read(self, *, opens: bool = True) -> Notices:
        """Tell what happened since the last time.

        Parameters
        ----------
        opens : False where only what happened to folders is of interest
        """
        told = Notices()
        for source in self._sources.values():
            while source is not None:
                try:
                    if stat.S_IFMT(_fstat(source.descriptor).st_mode):  # another's by now
                        self.lost = told.overflown = True
                        break
                    content = os.read(source.descriptor, _BUFFER)
                except BlockingIOError:  # nothing more
                    break
                except OSError:
                    self.lost = told.overflown = True
                    break
                if opens or not source.says_only_opens(content):
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
