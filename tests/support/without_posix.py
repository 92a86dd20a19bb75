"""Run the session of `everywhere` without what only POSIX systems have, as far as one can take it away from Linux.

Modules and functions are gone; folders have no descriptors; a file that is open is neither replaced nor deleted; and
to send signal 0 is to end a process.
"""

from __future__ import annotations

import asyncio
import builtins
import io
import mmap
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import comm  # noqa: F401  # libraries may use what is there
import ipywidgets  # noqa: F401
import joblib  # noqa: F401
import platformdirs  # noqa: F401
from IPython.core.interactiveshell import InteractiveShell  # noqa: F401

MODULES = ("fcntl", "pwd", "grp", "resource", "termios", "tty", "pty", "posix", "_posixsubprocess", "syslog", "crypt")
NAMES = """
    fork forkpty register_at_fork getuid geteuid getgid getegid getgroups getpgid setsid uname statvfs fstatvfs
    pread preadv pwrite pwritev readv writev sendfile posix_fallocate posix_fadvise memfd_create copy_file_range
    fchmod fchown chown lchown fchdir mkfifo sched_getaffinity sched_yield WNOHANG wait3 killpg nice getloadavg
    O_TMPFILE O_NOFOLLOW O_NONBLOCK O_CLOEXEC O_DIRECTORY O_NOATIME O_SYNC O_DSYNC
"""
SIGNALS = ("SIGKILL", "SIGALRM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGCHLD", "SIGPIPE", "alarm", "setitimer", "pause")
MAPS = "MAP_PRIVATE MAP_SHARED MAP_ANON MAP_ANONYMOUS MAP_NORESERVE PROT_READ PROT_WRITE MADV_DONTNEED MADV_HUGEPAGE"


class Gone:
    """A finder that finds none of the modules."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name in MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def take_away() -> None:
    for name in MODULES:
        if name != "posix":  # `os` has it already
            sys.modules.pop(name, None)
    sys.meta_path.insert(0, Gone())
    _refuse()
    sys.platform = "win32"
    os.process_cpu_count = os.cpu_count  # since 3.13 another function where processors can be assigned
    for place, names in ((os, NAMES.split()), (signal, SIGNALS), (mmap, MAPS.split()), (socket, ("AF_UNIX",))):
        for name in names:
            if hasattr(place, name):
                delattr(place, name)


def _refuse() -> None:
    """Let what stays refuse what it would refuse there."""
    real: dict[str, Any] = {name: getattr(os, name) for name in ("open", "stat", "listdir", "scandir", "replace")}
    real |= {name: getattr(os, name) for name in ("unlink", "remove", "rename", "utime", "fstat", "rmdir")}

    def no_descriptor(name: str) -> Any:
        def refusing(path: Any = ".", *arguments: Any, **options: Any) -> Any:
            if isinstance(path, int):
                raise TypeError(f"{name}: path should be string, bytes or os.PathLike, not int")
            if options.get("dir_fd") is not None:
                raise NotImplementedError("dir_fd unavailable on this platform")
            return real[name](path, *arguments, **options)

        return refusing

    def opened(path: Any, flags: int, *arguments: Any, **options: Any) -> int:
        if options.get("dir_fd") is not None:
            raise NotImplementedError("dir_fd unavailable on this platform")
        if os.path.isdir(path):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return int(real["open"](path, flags, *arguments))

    def in_use(path: Any) -> bool:
        try:
            wanted = real["stat"](path, follow_symlinks=False)
        except OSError:
            return False
        for number in real["listdir"]("/proc/self/fd"):
            try:
                found = real["fstat"](int(number))
            except OSError:
                continue
            if (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino):
                return True
        return False

    def unless_open(name: str) -> Any:
        def refusing(*paths: Any, **options: Any) -> Any:
            if options.get("dir_fd") is not None:
                raise NotImplementedError("dir_fd unavailable on this platform")
            for path in paths[:2]:
                if in_use(path):
                    raise PermissionError(13, "The process cannot access the file: it is being used", os.fspath(path))
            return real[name](*paths, **options)

        return refusing

    def without_proc(function: Any) -> Any:
        def refusing(path: Any, *arguments: Any, **options: Any) -> Any:
            if not isinstance(path, int) and os.fsdecode(path).startswith("/proc/"):
                raise FileNotFoundError(2, "No such file or directory", path)
            return function(path, *arguments, **options)

        return refusing

    os.stat = without_proc(os.stat)
    builtins.open = io.open = without_proc(open)
    for name in ("listdir", "scandir", "utime"):
        setattr(os, name, no_descriptor(name))
    for name in ("replace", "rename", "unlink", "remove"):
        setattr(os, name, unless_open(name))
    os.open = opened
    os.kill = _no_kill
    os.supports_fd = {os.stat, os.truncate}  # type: ignore[assignment]
    os.supports_dir_fd = set()  # type: ignore[assignment]


def _no_kill(number: int, signal: int) -> None:
    raise AssertionError("os.kill(pid, 0) ends the process on Windows")


if __name__ == "__main__":
    loop = asyncio.new_event_loop()  # its own means are those of the system
    take_away()
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from everywhere import session

    os.chdir(sys.argv[1])
    loop.run_until_complete(session(Path(sys.argv[1])))
    print("all of it")
