"""Files that mean something only while the process that made them lives."""

from __future__ import annotations

import os
import secrets
import socket
import time
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

from nbcache import system
from nbcache.stores.folders import list_names


def name_for_now() -> str:
    """A new file name that tells which process made the file."""
    return f"{_home()}-{_process(os.getpid())}-{secrets.token_hex(6)}"


def sweep(folder: Path) -> int:
    """Delete the files of processes that no longer live; returns how many. OSError where that fails."""
    swept = 0
    for name in list_names(folder):
        path = folder / name
        try:
            if not is_alive(path):
                os.unlink(path)
                swept += 1
        except FileNotFoundError:
            pass
    return swept


@lru_cache(maxsize=1)
def _home() -> str:
    """A text for this machine and its space of process numbers (containers have their own)."""
    try:
        space = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        space = 0
    return blake2b(f"{socket.gethostname()}|{space}".encode(), digest_size=4).hexdigest()


@lru_cache(maxsize=1)
def _process(pid: int) -> str:
    """This process; a forked child asks with another number."""
    return f"{pid}-{_started(pid)}"


def _started(pid: int) -> str:
    """When a process was started, in the kernel's ticks: tells it from an earlier one of the same number."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[19].decode()
    except (OSError, IndexError):
        return "0"


def has_ended(name: str) -> bool | None:
    """Whether the process that has made a name with `name_for_now` has ended; None where nobody tells."""
    home, pid, started = [*name.split("-"), "", "", ""][:3]
    lives = system.process_lives(int(pid)) if home == _home() and pid.isdigit() else None
    return None if lives is None else not lives or started != _started(int(pid))


def is_alive(file: Path) -> bool:
    """Whether the process that made a file, and named it with `name_for_now`, may still be at work."""
    ended = has_ended(file.name)
    if ended is None:
        # Another machine, nobody who tells, or not a name of ours: a day is longer than any write.
        return os.lstat(file).st_mtime > time.time() - 86400
    return not ended
