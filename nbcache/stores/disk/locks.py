"""Compute-once across processes: who computes a key holds a lock that dies with its process.

Waiting must end. A process that dies frees its locks; a cycle of computations that wait for each other is found and
broken, because every computation that waits writes down what it holds and what it waits for. Where locks do not
work at all, everybody computes.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from types import TracebackType

from nbcache.stores.disk.liveness import is_alive, name_for_now
from nbcache.stores.disk.lockfile import LockFile, lock_file, offset_of
from nbcache.stores.folders import CREATE, FILE_MODE, list_names, make_folder, read_small
from nbcache.stores.polling import poll

#: Waiting begins with short looks, so that short computations are not waited for longer than they take.
_FIRST_LOOK, _LONGEST_LOOK = 0.001, 0.05
#: How often a waiting computation looks for a cycle that it is part of, in seconds.
_LOOK_FOR_CYCLES = 0.5
#: A wait that processes as a whole form a cycle of may be broken after this time, in seconds: a computation that
#: waits for another thread of its own process is not written down as such.
_PATIENCE = 60.0
_LONGEST_NOTE = 1 << 16
#: Nobody needs so many seconds for something short, unless it was stopped.
_TURN = 0.5

#: The claims that the running code is inside of, the innermost last; tasks inherit it from the task that started them.
_claims: ContextVar[tuple[Claim, ...]] = ContextVar("nbcache_claims", default=())


class KeyLocks:
    """The locks of one store.

    Parameters
    ----------
    path : the lock file; its folder is made by `prepare`
    waits : folder for the notes of those who wait
    prepare : makes what must be there before a lock can be taken; may raise OSError
    """

    def __init__(self, path: Path, waits: Path, prepare: Callable[[], None]) -> None:
        self.waits = waits
        self._file: LockFile = lock_file(path)
        self._prepare = prepare

    def claim(self, text: str) -> Claim:
        """A lock for a key, not taken yet; to be called where the computation will run."""
        return Claim(self, text)

    def attempt(self, offset: int) -> bool:
        """Lock a byte; False while somebody else has it, OSError where locks do not work."""
        try:
            return self._file.attempt(offset)
        except FileNotFoundError:
            self._prepare()
            return self._file.attempt(offset)

    def release(self, offset: int) -> None:
        self._file.release(offset)

    def alone(self, offset: int) -> bool:
        """Lock a byte for something short; False if somebody does not end with it, or locks do not work."""
        try:
            if self.attempt(offset):
                return True
            until = time.monotonic() + _TURN
            while time.monotonic() < until:
                time.sleep(_FIRST_LOOK / 4)
                if self.attempt(offset):
                    return True
        except OSError:
            # A read-only store, a file system without locks.
            pass
        return False

    def close(self) -> None:
        """Keep no descriptor while nothing is locked."""
        self._file.close()

    def held(self) -> list[int]:
        """What this process has locked."""
        return self._file.held()


class Claim:
    """A lock on one key for one computation; a context manager that waits.

    Notes
    -----
    A computation inside another one, in its thread or its task, knows what the outer ones hold: that is how cycles
    are seen. A coroutine calls `attempt` until it is true, sleeping in its own way, and `release` in the end.
    """

    def __init__(self, locks: KeyLocks, text: str) -> None:
        self._locks = locks
        self._offset = offset_of(text)
        self._locked: bool = False
        self._released: bool = False
        self._outer = tuple([claim for claim in _claims.get() if not claim._released])
        self._note: Path | None = None
        self._since: float | None = None
        self._looked = 0.0
        _claims.set((*self._outer, self))

    def attempt(self) -> bool:
        """Whether the computation may go on: it has the lock, or no lock can be had, or waiting would never end."""
        if self._outer and any(claim._locked and claim._offset == self._offset for claim in self._outer):
            return True
        try:
            self._locked = self._locks.attempt(self._offset)
        except OSError:
            # A read-only store, a file system without locks: everybody computes.
            return True
        if self._locked or self._deadlocked():
            self._withdraw()
            return True
        return False

    def wait(self, waiting: Callable[[], None] | None = None) -> None:
        """Wait until `attempt` succeeds; `waiting` is called once if that is not at once."""
        poll(self, _FIRST_LOOK, _LONGEST_LOOK, waiting)

    def release(self) -> None:
        """Give the lock back; also ends a wait. Harmless when nothing is held."""
        self._withdraw()
        self._released = True
        if self._locked:
            self._locked = False
            self._locks.release(self._offset)
        claims = _claims.get()
        if claims and claims[-1] is self:
            _claims.set(self._outer)

    def __enter__(self) -> Claim:
        self.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _deadlocked(self) -> bool:
        """Whether this wait is the one that should end, of a cycle of waits."""
        now = time.monotonic()
        if self._since is None:
            self._since = self._looked = now
        ours = self._locks.held()
        if not ours:
            # Who holds nothing is waited for by nobody.
            return False
        if self._note is None:
            self._write_down(ours)
        if now - self._looked < _LOOK_FOR_CYCLES:
            return False
        self._looked = now
        notes = _notes(self._locks.waits)
        if self._note is None or self._note.name not in notes:
            # Without a note nobody can see us in a cycle, and the cycle would have no way to end but this.
            return now - self._since > _PATIENCE
        name = self._note.name
        if _gives_way(name, notes, "holds"):
            return True
        return now - self._since > _PATIENCE and _gives_way(name, notes, "process")

    def _write_down(self, ours: list[int]) -> None:
        mine = [claim._offset for claim in self._outer if claim._locked]
        note = {"waits": self._offset, "holds": mine, "process": ours}
        path = self._locks.waits / name_for_now()
        try:
            make_folder(self._locks.waits)
            fd = os.open(path, CREATE, FILE_MODE)
        except OSError:
            return
        self._note = path
        try:
            os.write(fd, json.dumps(note).encode())
        except OSError:
            self._withdraw()
        finally:
            os.close(fd)

    def _withdraw(self) -> None:
        self._since = None
        if self._note is not None:
            path, self._note = self._note, None
            try:
                os.unlink(path)
            except OSError:
                # A note that stays can make another computation go on without a lock, nothing worse.
                pass


_Notes = dict[str, dict[str, object]]


def _notes(folder: Path) -> _Notes:
    """The notes of all who wait, by name; what cannot be read is left out."""
    notes: _Notes = {}
    try:
        names = list_names(folder)
    except OSError:
        return notes
    for name in names:
        try:
            if not is_alive(folder / name):
                continue
            note = json.loads(read_small(folder / name, _LONGEST_NOTE))
        except (OSError, ValueError):
            continue
        if isinstance(note, dict) and isinstance(note.get("waits"), int):
            notes[name] = note
    return notes


def _gives_way(name: str, notes: _Notes, held: str) -> bool:
    """Whether `name` waits in a cycle and is the first of its names, who gives way."""
    cycle = _cycle_of(name, notes, held)
    return bool(cycle) and name == min(cycle)


def _cycle_of(name: str, notes: _Notes, held: str) -> list[str]:
    """The names of those who wait in a cycle with `name`; empty when there is none."""
    holders: dict[int, list[str]] = {}
    for other, note in notes.items():
        offsets = note.get(held)
        for offset in offsets if isinstance(offsets, list) else ():
            holders.setdefault(offset, []).append(other)
    seen: set[str] = set()
    ahead: list[list[str]] = [[name]]
    while ahead:
        path = ahead.pop()
        wanted = notes[path[-1]]["waits"]
        for holder in holders.get(wanted, []) if isinstance(wanted, int) else []:
            if holder == name:
                return path
            if holder not in seen:
                seen.add(holder)
                ahead.append([*path, holder])
    return []
