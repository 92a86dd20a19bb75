"""What tiny entries would cost in another shape than a file each: in one append-only segment, or in SQLite.

python benchmarks/small_entries.py [--folder F] [--count 20000] [--rounds 3]

Each shape stores the same bytes, an entry as nbcache packs and signs it, and does what the others do: a put that other
processes see whole or not at all and that no clear is followed by (one lock, as nbcache takes it), a get by key in a
process that did not write it, clearing one, clearing all. Times are CPU seconds of this process, the least of some
rounds, so that other programs on the machine hardly count. What making and signing the bytes costs is shown too: no
shape saves it.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import sqlite3
import struct
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from nbcache.entries.entry import Address, Entry, Meta
from nbcache.entries.signing import Keyring

_RECORD = struct.Struct("<4sI40s")


class Shape(Protocol):
    """A way to keep bytes by key in one folder."""

    def __init__(self, folder: Path) -> None: ...
    def put(self, key: str, content: bytes) -> None: ...
    def get(self, key: str) -> bytes | None: ...
    def clear(self, key: str) -> None: ...
    def clear_all(self) -> None: ...


class Locked:
    """The lock around what must come before or after a clear."""

    def __init__(self, folder: Path) -> None:
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)

    def __enter__(self) -> None:
        fcntl.lockf(self._lock, fcntl.LOCK_EX, 1, 0)

    def __exit__(self, *error: object) -> None:
        fcntl.lockf(self._lock, fcntl.LOCK_UN, 1, 0)


class Files:
    """A file each, as nbcache does it: without a name until it is whole."""

    def __init__(self, folder: Path) -> None:
        self._place = str(folder / "owner")
        os.makedirs(self._place, exist_ok=True)
        self._lock = Locked(folder)

    def put(self, key: str, content: bytes) -> None:
        fd = os.open(self._place, os.O_TMPFILE | os.O_RDWR, 0o600)
        os.write(fd, content)
        with self._lock:
            os.link(f"/proc/self/fd/{fd}", f"{self._place}/{key}", src_dir_fd=fd, follow_symlinks=True)
        os.close(fd)

    def get(self, key: str) -> bytes | None:
        fd = os.open(f"{self._place}/{key}", os.O_RDONLY)
        try:
            return os.read(fd, os.fstat(fd).st_size)
        finally:
            os.close(fd)

    def clear(self, key: str) -> None:
        os.unlink(f"{self._place}/{key}")

    def clear_all(self) -> None:
        shutil.rmtree(self._place)


class Segment:
    """One file to append to; where each key is, a process learns from the file, which every lookup must look at."""

    def __init__(self, folder: Path) -> None:
        self._path = str(folder / "segment")
        self._lock = Locked(folder)
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._places: dict[str, tuple[int, int]] = {}
        self._read = 0

    def put(self, key: str, content: bytes) -> None:
        with self._lock:
            os.write(self._fd, _RECORD.pack(b"nbc1", len(content), key.encode()) + content)

    def get(self, key: str) -> bytes | None:
        self._learn()
        found = self._places.get(key)
        return None if found is None else os.pread(self._fd, found[1], found[0])

    def clear(self, key: str) -> None:
        with self._lock:
            os.write(self._fd, _RECORD.pack(b"nbc0", 0, key.encode()))

    def clear_all(self) -> None:
        os.unlink(self._path)

    def _learn(self) -> None:
        size = os.fstat(self._fd).st_size
        while self._read + _RECORD.size <= size:
            tail = os.pread(self._fd, min(4 << 20, size - self._read), self._read)
            at = 0
            while at + _RECORD.size <= len(tail):
                magic, length, name = _RECORD.unpack_from(tail, at)
                if at + _RECORD.size + length > len(tail):
                    break
                at += _RECORD.size
                if magic == b"nbc1":
                    self._places[name.decode()] = (self._read + at, length)
                else:
                    self._places.pop(name.decode(), None)
                at += length
            if not at:
                return  # cut short by a kill: whoever appends next has to cut it off first
            self._read += at


class Sqlite:
    """A table; the write-ahead log, and nothing synced, as the files are not."""

    def __init__(self, folder: Path) -> None:
        self._base = sqlite3.connect(folder / "entries.db", isolation_level=None)
        for pragma in ("journal_mode=wal", "synchronous=off"):
            self._base.execute(f"pragma {pragma}")
        self._base.execute("create table if not exists entries (key blob primary key, content blob) without rowid")

    def put(self, key: str, content: bytes) -> None:
        self._base.execute("insert or replace into entries values (?, ?)", (bytes.fromhex(key), content))

    def get(self, key: str) -> bytes | None:
        found = self._base.execute("select content from entries where key = ?", (bytes.fromhex(key),)).fetchone()
        return None if found is None else found[0]

    def clear(self, key: str) -> None:
        self._base.execute("delete from entries where key = ?", (bytes.fromhex(key),))

    def clear_all(self) -> None:
        self._base.execute("delete from entries")


SHAPES: dict[str, Callable[[Path], Shape]] = {"a file each": Files, "one segment": Segment, "SQLite": Sqlite}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="on the file system to be measured")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    keyring = Keyring.ephemeral()
    meta = Meta("module.function", "function(12345)", 1.7e9, None, 0.001, parts=(("code", "c" * 32, "function"),))

    def packed(number: int) -> bytes:
        return b"".join(Entry.of(number, meta).pack(Address("module.function", f"{number:040x}"), keyring))

    keys = [f"{number * 2654435761 % (1 << 160):040x}" for number in range(options.count)]
    content = packed(1)
    least: dict[str, dict[str, float]] = {name: {} for name in SHAPES}
    for _ in range(options.rounds):
        for name, shape in SHAPES.items():
            folder = Path(tempfile.mkdtemp(prefix="nbcache-shapes-", dir=options.folder))
            try:
                for step, value in measured(shape, folder, keys, content).items():
                    least[name][step] = min(value, least[name].get(step, value))
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    began = time.process_time()
    for number in range(2000):
        packed(number)
    making = (time.process_time() - began) / 2e-3
    print(f"{options.count:,} entries of {len(content)} bytes; to make and sign one takes {making:.0f} us")
    steps = list(least["SQLite"])
    print(f"{'':14}" + "".join(f"{step:>22}" for step in steps))
    for name, found in least.items():
        print(f"{name:14}" + "".join(f"{found[step]:22.1f}" for step in steps))


def measured(shape: Callable[[Path], Shape], folder: Path, keys: list[str], content: bytes) -> dict[str, float]:
    """Microseconds of an entry, and its bytes on the disk."""
    writer = shape(folder)
    each = 1e6 / len(keys)
    found = {"put, us": each * spent(lambda: [writer.put(key, content) for key in keys])}
    found["bytes"] = sum(file.stat().st_blocks * 512 for file in folder.rglob("*") if file.is_file()) / len(keys)
    reader = shape(folder)
    found["first get, ms"] = 1e3 * spent(lambda: reader.get(keys[0]))
    found["get, us"] = each * spent(lambda: [reader.get(key) for key in keys])
    some = keys[::10]
    found["clear one, us"] = 1e6 / len(some) * spent(lambda: [writer.clear(key) for key in some])
    found["clear all, us each"] = each * spent(writer.clear_all)
    return found


def spent(step: Callable[[], object]) -> float:
    """Seconds of CPU, the kernel's work for this process included."""
    began = time.process_time()
    step()
    return time.process_time() - began


if __name__ == "__main__":
    main()
