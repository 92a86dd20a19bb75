"""Which bytes do workers of this machine read from a file, so that they need not travel with each task?

A pool pickles a function with every batch of calls. What is large goes into a file, named by its digest: written once,
however often it is sent, and read once by each worker.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import sys
import tempfile
import threading
import time
from multiprocessing.util import Finalize
from types import FrameType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from nbcache import system
from nbcache.compute.parcels import new_file

__all__ = ["FROM", "Spooled", "goes_to_a_worker", "is_there", "read", "spooled"]

#: From so many bytes on, what is sent lies in a file.
FROM = 256 << 10
#: A file that was not sent for so many seconds is removed: schedulers keep tasks for long. All are at the end of the
#: process.
_LASTS = 7 * 86400.0
_LEFT_FOR = 86400.0
_NAMED = re.compile(r"nbcache-(\d+)-\w+")
#: Where pickles are made that only processes of this machine read.
_PICKLERS = frozenset({"joblib.externals.loky.backend.reduction", "joblib.pool", "loky.backend.reduction"})
#: Where multiprocessing makes its pickles, and for whom it does so on this machine; what a user sends through a
#: connection, or a manager, may go to another one.
_OF_MULTIPROCESSING = "multiprocessing.reduction"
_LOCALLY = frozenset(
    f"multiprocessing.{name}"
    for name in ("pool", "queues", "popen_spawn_posix", "popen_spawn_win32", "popen_forkserver")
)
_ANYWHERE = "multiprocessing.managers"
#: Where dask makes its pickles, for workers that may be anywhere.
_OF_DASK = "distributed.protocol.pickle"
_THIS_MACHINE = frozenset({"127.0.0.1", "localhost", "::1"})


class Spooled(NamedTuple):
    """Where bytes lie, and their SHA-256."""

    path: str
    digest: str


class _Folder:
    """The files of this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process = 0
        self.path = ""
        self.sent: dict[str, float] = {}


_folder = _Folder()


def goes_to_a_worker() -> bool:
    """Whether the pickle that is being made is for a process of this machine, and not for a file or another machine."""
    frame: FrameType | None = sys._getframe(1)
    pickles = False
    while frame is not None:
        name = frame.f_globals.get("__name__")
        if name in _PICKLERS or (pickles and name in _LOCALLY) or (name == _OF_DASK and _dask_is_here()):
            return True
        if name == _ANYWHERE:
            return False
        pickles = pickles or name == _OF_MULTIPROCESSING
        frame = frame.f_back
    return False


def _dask_is_here() -> bool:
    """Whether every client of this process has a local cluster, which no other machine can reach."""
    known = getattr(getattr(sys.modules.get("distributed"), "Client", None), "_instances", ())
    clients = [client for client in list(known) if client.status != "closed"]
    return bool(clients) and all(map(_is_local, clients))


def _is_local(client: Any) -> bool:
    cluster = getattr(client, "cluster", None)
    place = urlsplit(str(getattr(cluster, "scheduler_address", "")))
    return type(cluster).__name__ == "LocalCluster" and (place.scheme == "inproc" or place.hostname in _THIS_MACHINE)


def spooled(content: bytes) -> Spooled | None:
    """Have a file with these bytes; None where it cannot be written."""
    digest = hashlib.sha256(content).hexdigest()
    try:
        with _folder.lock:
            folder, now = _opened(), time.monotonic()
            path = os.path.join(folder.path, digest)
            if digest not in folder.sent or not _touched(path):
                _write(path, content)
            folder.sent[digest] = now
            for old in [old for old, sent in folder.sent.items() if now - sent > _LASTS]:
                del folder.sent[old]
                os.unlink(os.path.join(folder.path, old))
    except OSError:
        return None
    return Spooled(path, digest)


def is_there(place: Spooled) -> bool:
    """Whether a file of this process, which is sent again now, is still there."""
    with _folder.lock:
        if _folder.process != os.getpid() or place.digest not in _folder.sent or not _touched(place.path):
            return False
        _folder.sent[place.digest] = time.monotonic()
        return True


def read(place: Spooled) -> bytes:
    """The bytes of a file that another process has written.

    Raises
    ------
    OSError, ValueError
        It is gone, or not what was sent.
    """
    with open(place.path, "rb") as file:
        content = file.read()
    if hashlib.sha256(content).hexdigest() != place.digest:
        raise ValueError(f"{place.path} is not what was sent")
    return content


def _opened() -> _Folder:
    """The folder of this very process, which only this user can enter."""
    if _folder.process != os.getpid() or not os.path.isdir(_folder.path):
        _remove_left()
        _folder.path = tempfile.mkdtemp(prefix=f"nbcache-{os.getpid()}-")
        _folder.process = os.getpid()
        _folder.sent = {}
        # after the children of this process have ended, which may still read what was sent to them
        Finalize(None, shutil.rmtree, (_folder.path, True), exitpriority=-100)
    return _folder


def _remove_left() -> None:
    """Remove what processes of this user that were killed have left, after a day."""
    with contextlib.suppress(OSError), os.scandir(tempfile.gettempdir()) as found:
        for entry in found:
            named = _NAMED.fullmatch(entry.name)
            if named is not None and _is_left(entry.stat(follow_symlinks=False), int(named[1])):
                shutil.rmtree(entry.path, ignore_errors=True)


def _is_left(folder: os.stat_result, process: int) -> bool:
    if not hasattr(os, "geteuid") or folder.st_uid != os.geteuid() or time.time() - folder.st_mtime < _LEFT_FOR:
        return False
    return system.process_lives(process) is False


def _touched(path: str) -> bool:
    """Whether a file is there, which whoever tidies folders of temporary files then takes for recent."""
    try:
        os.utime(path)
        os.utime(os.path.dirname(path))
    except OSError:
        return False
    return True


def _write(path: str, content: bytes) -> None:
    beside = f"{path}.{threading.get_ident()}"
    try:
        with new_file(beside) as file:
            file.write(content)
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise
