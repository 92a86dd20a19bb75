"""What all processes of a stress run share: numbers in memory, and a folder."""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: How many different calls there are of each function.
KEYS = 24
#: How many threads each process has.
THREADS = 2


class Board:
    """Numbers in memory that all processes share, and that outlive whoever wrote them."""

    COUNTS = ("steps", "calls", "clears", "refreshes", "looks", "warned", "wrong", "late", "stale", "lost", "errors")
    BEAT = len(COUNTS)
    SLOT = 16

    def __init__(self, slots: int) -> None:
        self.slots = slots
        size = 8 * (self.SLOT * slots + 2 * KEYS + 1)
        self._memory = mmap.mmap(-1, size)
        self._numbers = (ctypes.c_longlong * (size // 8)).from_buffer(self._memory)

    def count(self, slot: int, what: str, more: int = 1) -> None:
        self._numbers[slot * self.SLOT + self.COUNTS.index(what)] += more

    def beat(self, slot: int) -> None:
        self._numbers[slot * self.SLOT + self.BEAT] = time.monotonic_ns()

    def silent_for(self, slot: int) -> float:
        return (time.monotonic_ns() - self._numbers[slot * self.SLOT + self.BEAT]) / 1e9

    def total(self, what: str) -> int:
        place = self.COUNTS.index(what)
        return sum(self._numbers[slot * self.SLOT + place] for slot in range(self.slots))

    def epoch(self, key: int) -> int:
        """A number that a cached function returns, and that only grows."""
        return self._numbers[self.SLOT * self.slots + key]

    def cleared(self, key: int) -> int:
        """The number that no call may fall behind, because a clear since then has ended."""
        return self._numbers[self.SLOT * self.slots + KEYS + key]

    def bump(self, key: int) -> int:
        self._numbers[self.SLOT * self.slots + key] += 1
        return self.epoch(key)

    def note_cleared(self, key: int, epoch: int) -> None:
        self._numbers[self.SLOT * self.slots + KEYS + key] = epoch

    def stop(self) -> None:
        self._numbers[len(self._numbers) - 1] = 1

    @property
    def stopped(self) -> bool:
        return bool(self._numbers[len(self._numbers) - 1])

    def __cache_key__(self) -> str:
        return "board"


class Run:
    """The run that this process takes part in."""

    board: Board
    folder: Path

    def __cache_key__(self) -> str:
        return "run"


run = Run()


def note(text: str) -> None:
    """Add to the log of the run."""
    with open(run.folder / "log", "a") as file:
        file.write(f"[{os.getpid()}] {text}\n")


@contextmanager
def held(name: str) -> Iterator[None]:
    """A lock that dies with its process."""
    with open(run.folder / name, "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
