"""The settings that a worker process takes over from the process that it works for.

A pickle of a cached function names a file that only this user can read, and that is gone with the process that wrote
it. So no pickle holds the password of a shared store, and one that lies about for years, in the file of a model say,
switches nothing where it is loaded.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import multiprocessing
import os
import re
import stat
from pathlib import Path
from typing import Any

from nbcache import registry, system
from nbcache.config import settings
from nbcache.entries.keyfile import state_folder
from nbcache.stores.disk.liveness import has_ended, name_for_now
from nbcache.stores.folders import list_names

_NAMES = ("persist", "trust", "max_disk_size", "max_written_size", "store", "encrypt", "key_file", "off", "private")
_TOKEN = re.compile(r"[0-9a-f]{8}-(\d+)-\d+-[0-9a-f]{12}")
_OTHERS = 0o077
_FLAGS = getattr(os, "O_NOFOLLOW", 0) | system.OPEN_AS_BYTES


# What this process wrote last; under its number, because a forked child writes a file of its own.
_published: dict[int, tuple[dict[str, Any], str]] = {}


def publish() -> str:
    """Write the settings of this process down for its workers; return the token that leads to them, or nothing."""
    chosen, mine = _chosen(), os.getpid()
    known = _published.get(mine)
    if known is not None and known[0] == chosen:
        return known[1]
    token = name_for_now()
    try:
        _remove_left()
        _write(_path(token), json.dumps(chosen).encode())
    except OSError:  # workers then go by their environment
        token = ""
    else:
        atexit.register(_withdraw, token, mine)
    _published[mine] = chosen, token
    return token


def take_over(token: str) -> bool:
    """Keep entries where the process does that this one works for; false if it works for another, or for none."""
    found = _TOKEN.fullmatch(token)
    if found is None or not _works_for(int(found[1])):
        return False
    chosen = _read(_path(token))
    if chosen is not None and {**_chosen(), **chosen} != _chosen():
        for name, value in chosen.items():
            setattr(settings(), name, value)
        registry.replace_cache(None)
    return True


def _chosen() -> dict[str, Any]:
    return {name: getattr(settings(), name) for name in _NAMES} | {"dir": str(settings().folder())}


def _works_for(sender: int) -> bool:
    parent = multiprocessing.parent_process()
    return sender != os.getpid() and sender in (os.getppid(), None if parent is None else parent.pid)


def _path(token: str) -> Path:
    return state_folder() / "workers" / f"{token}.json"


def _remove_left() -> None:
    """Remove what processes of this machine that were killed have left."""
    folder = _path("").parent
    for name in list_names(folder):
        if has_ended(name.removesuffix(".json")):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(folder / name)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600)
    try:
        os.write(descriptor, content)
    finally:
        os.close(descriptor)


def _read(path: Path) -> dict[str, Any] | None:
    """The settings in a plain file of this user's that nobody else can read; None for any other."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _FLAGS)
    except OSError:
        return None
    try:
        status = os.fstat(descriptor)
        mine = not hasattr(os, "geteuid") or (status.st_uid == os.geteuid() and not status.st_mode & _OTHERS)
        if not stat.S_ISREG(status.st_mode) or not mine:
            return None
        found = json.loads(os.read(descriptor, 1 << 16))
    except (OSError, ValueError):
        return None
    finally:
        os.close(descriptor)
    return {name: found[name] for name in (*_NAMES, "dir") if name in found} if isinstance(found, dict) else None


def _withdraw(token: str, by: int) -> None:
    if os.getpid() == by:
        with contextlib.suppress(OSError):
            _path(token).unlink()
