"""Which rows can a listing show without reading each file: a signed journal of them in every owner's folder.

A header costs some 20 us to open, read and verify; its row in the journal costs a tenth. A row is appended in the
moment in which its file gets its name, by whoever publishes, so that several processes need nothing but the end of
the file. It counts only with the signature of our key, and for the very file it was written for, told by its name and
its number (and, where there are few files, by size and time). Every other file is read as if there were no journal, and
its row is added. A journal that is lost, torn, stale or somebody else's costs time, and nothing else.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from nbcache import system
from nbcache.entries.entry import Address, Meta
from nbcache.entries.meta import sections_of
from nbcache.entries.signing import Keyring
from nbcache.stores.disk.liveness import name_for_now
from nbcache.stores.disk.publish_lock import PublishLock, Tell
from nbcache.stores.disk.row_journal import began_with, parsed, records_of, shortened
from nbcache.stores.disk.row_lines import CHANGED, FILE, NUMBER, SIZE, STEM, TAG, Line, meta_of_line, packed_line
from nbcache.stores.folders import APPEND, CREATE, FILE_MODE, READ, file_refusal, make_folder, read_small, write_whole
from nbcache.stores.forks import renew_after_fork
from nbcache.stores.names import ROWS
from nbcache.stores.protocol import Stored

#: A journal longer than this is begun anew.
LONGEST = 512 << 20
#: A journal is written anew when it has grown by so many bytes, and to more than twice what it began with.
_STEP = 1 << 20
#: Of so many files in a folder the size and the time are compared too, which costs as much as all else.
_CHECKED = 1000
#: So many rows are added in one turn.
_IN_A_TURN = 256
#: Of so many folders it is remembered what was written there.
_FOLDERS = 256

_PURPOSE = b"rows/v1"
#: Where a journal says with how many bytes it began.
_BEGINNING = 128
_new = tuple.__new__

File = tuple[int, int, int]
StatusOf = Callable[[str], os.stat_result]


class Head(NamedTuple):
    """What was read from the header of a file that has no row."""

    name: str
    file: File
    address: Address
    meta: Meta


def facts_of(status: os.stat_result) -> File:
    """What tells a file from every other that has its name."""
    return status.st_ino, status.st_size, status.st_mtime_ns


class RowIndex:
    """The journals of rows of one store.

    Parameters
    ----------
    temporary : folder for what is not whole yet
    turns : rows of files that are there already are added in a turn, in which nobody publishes

    Notes
    -----
    Nothing here raises, but for `FileNotFoundError` where a folder is gone. Where a row cannot be added the journal is
    deleted: a new file may get the number of an old one, and must not get its row.
    """

    def __init__(self, keyring: Keyring, turns: PublishLock, temporary: Path) -> None:
        self._temporary = temporary
        self._keyring = keyring
        self._turns = turns
        self._folders: dict[str, _Folder] = {}
        self._long: set[str] = set()
        renew_after_fork(self)

    def renew(self) -> None:
        self._folders, self._long = {}, set()

    def telling(self, path: str, address: Address, meta: Meta, sections: Sequence[bytes]) -> Tell:
        """What adds the row of an entry: called with the status of its file, which has no name yet, and then in a turn.

        Parameters
        ----------
        sections : as `meta.sections_of` made them of `meta`
        """
        folder, _, name = path.rpartition("/")

        def prepare(status: os.stat_result) -> Callable[[], None]:
            line = packed_line(name.partition(".")[0], facts_of(status), address, meta, sections[0], sections[1])
            return lambda: self._add(folder, [line])

        return prepare

    def rows(
        self, folder: str, present: dict[str, int], uses: Mapping[str, float], status_of: StatusOf
    ) -> Iterator[Stored]:
        """The rows of files that are there; their names are taken out of `present`, and what is left has no row.

        Parameters
        ----------
        present : the number of each file, by its name
        uses : when entries were used, by key
        status_of : looks at a file, where there are few
        """
        checked = len(present) <= _CHECKED
        try:
            journal = parsed(self._folder(folder).key, read_small(f"{folder}/{ROWS}", LONGEST))
        except (OSError, MemoryError):
            return
        shared, lines = journal.shared, journal.lines
        strange: dict[str, int] = {}
        for place, name in journal.alive(present):
            facts, own = lines[place]
            known = shared.get(facts[TAG])
            if known is None or (checked and not _is_same(tuple(facts[FILE]), name, status_of)):
                strange[name] = facts[NUMBER]
                # This process may take a new journal for one that has what it wrote.
                self._folders.pop(folder, None)
                continue
            try:
                address, meta = meta_of_line(facts, own, known)
            except (ValueError, TypeError):
                strange[name] = facts[NUMBER]
                continue
            written = facts[CHANGED] / 1e9
            used = uses.get(facts[STEM], 0.0) if uses else 0.0
            yield _new(Stored, (address, meta, facts[SIZE], used if used > written else written, "disk"))
        present.update(strange)

    def add(self, folder: str, heads: Sequence[Head], status_of: StatusOf) -> None:
        """Add rows of files whose headers were read, if they still are the same files."""
        for begin in range(0, len(heads), _IN_A_TURN):
            turn = self._turns.publishing(None)
            with turn:
                if not turn.alone:
                    return
                lines = []
                for head in heads[begin : begin + _IN_A_TURN]:
                    try:
                        if facts_of(status_of(head.name)) == head.file:
                            lines.append(packed_line(head.name.partition(".")[0], *head[1:], *sections_of(head.meta)))
                    except (OSError, ValueError, TypeError):
                        continue
                try:
                    self._add(folder, lines)
                except FileNotFoundError:
                    return
        self.shorten()

    def shorten(self) -> None:
        """Write the journals anew that have grown much, without the rows of files that are gone; outside of a turn."""
        while self._long:
            folder = self._long.pop()
            try:
                # Open until the end, so that no other file gets its number.
                fd = os.open(f"{folder}/{ROWS}", READ)
            except OSError:
                continue
            try:
                self._shorten(folder, fd)
            except (OSError, MemoryError):
                # It is tried again when it has grown further.
                pass
            finally:
                os.close(fd)

    def _shorten(self, folder: str, journal: int) -> None:
        status = system.fstat(journal)
        key = self._folder(folder).key
        began = began_with(key, system.read_at(journal, _BEGINNING, 0))
        if file_refusal(status) is not None or status.st_size <= 2 * began + _STEP:
            return
        content = system.read_at(journal, status.st_size, 0)
        with os.scandir(folder) as files:
            present = {file.name: file.inode() for file in files}
        after = shortened(key, parsed(key, content), present)
        make_folder(self._temporary)
        temporary = self._temporary / name_for_now()
        fd = os.open(temporary, CREATE, FILE_MODE)
        try:
            write_whole(fd, after)
            turn = self._turns.publishing(None)
            with turn:
                now = system.stat(f"{folder}/{ROWS}", follow_symlinks=False)
                # Somebody else may have written it anew, or deleted it.
                if not turn.alone or (now.st_dev, now.st_ino) != (status.st_dev, status.st_ino):
                    raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN), folder)
                write_whole(fd, system.read_at(journal, now.st_size - len(content), len(content)))
                os.replace(temporary, f"{folder}/{ROWS}")
        except BaseException:
            os.unlink(temporary)
            raise
        finally:
            os.close(fd)

    def _add(self, folder: str, lines: list[Line]) -> None:
        """Append lines, in a turn; FileNotFoundError where the folder is gone."""
        if not lines:
            return
        path = f"{folder}/{ROWS}"
        try:
            length, added = self._append(path, self._folder(folder), lines)
        except FileNotFoundError:
            raise
        except OSError:
            self._begin_anew(path)
            return
        if length > LONGEST:
            self._begin_anew(path)
        elif length > _STEP and length // _STEP != (length - added) // _STEP:
            self._long.add(folder)

    @staticmethod
    def _append(path: str, folder: _Folder, lines: list[Line]) -> tuple[int, int]:
        fd = os.open(path, APPEND, FILE_MODE)
        try:
            status = system.fstat(fd)
            reason = file_refusal(status)
            if reason is not None:
                raise OSError(errno.EINVAL, reason, path)
            if status.st_mode & 0o777 != FILE_MODE:
                system.set_mode(fd, FILE_MODE)
            if folder.journal != status.st_ino or not status.st_size:
                folder.journal, folder.tags = status.st_ino, set()
            content, new = records_of(folder.key, lines, folder.tags)
            write_whole(fd, content)
            folder.tags |= new
            return status.st_size + len(content), len(content)
        finally:
            os.close(fd)

    @staticmethod
    def _begin_anew(path: str) -> None:
        try:
            os.unlink(path)
        except OSError:
            # Not a file, or a folder that cannot be changed: nothing is published there either.
            pass

    def _folder(self, folder: str) -> _Folder:
        known = self._folders.get(folder)
        if known is None:
            if len(self._folders) >= _FOLDERS:
                self._folders = {}
            key_id, owner = folder.split("/")[-2:]
            key = blake2b(owner.encode(), key=self._keyring.derived(key_id, _PURPOSE), digest_size=32).digest()
            known = self._folders[folder] = _Folder(key)
        return known


class _Folder:
    """What signs the rows of one folder, and no others; and which shared facts its journal has from this process."""

    __slots__ = ("journal", "key", "tags")

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.journal = 0
        self.tags: set[str] = set()


def _is_same(file: tuple[int, ...], name: str, status_of: StatusOf) -> bool:
    try:
        return facts_of(status_of(name)) == file
    except OSError:
        return False
