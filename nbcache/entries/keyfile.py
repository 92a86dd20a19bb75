"""Where the secret lives: one small file of this user, that nobody else can read.

The file holds a ring: the first key signs, all of them verify. It is created by whoever comes first, written
beside itself and linked into place, so that processes racing for the first use end up with one key.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import platformdirs

from nbcache import system
from nbcache.errors import KeyFileError, explain

__all__ = ["KEY_BYTES", "MAX_FILE_BYTES", "Secret", "create", "default_path", "read", "replace", "state_folder"]

KEY_BYTES = 32
MAX_FILE_BYTES = 4096
_MARK = "nbcache-key-1"
_READ_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | system.OPEN_AS_BYTES
_WRITE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | system.OPEN_AS_BYTES


@dataclass(frozen=True, slots=True)
class Secret:
    """One key, and until when (epoch seconds) it still verifies; `None` means for ever."""

    key: bytes
    until: float | None = None

    def __repr__(self) -> str:
        return f"Secret(<hidden>, until={self.until})"

    @classmethod
    def fresh(cls) -> Secret:
        """Draw a new key."""
        return cls(secrets.token_bytes(KEY_BYTES))


def state_folder() -> Path:
    """Name the folder for this user's private state, which may not exist yet."""
    return _state_folder(*map(os.environ.get, _DECIDING))


def verified_folder() -> Path:
    """Name the folder for records of large files that were verified, which may not exist yet."""
    return state_folder() / "verified"


#: What decides where it is.
_DECIDING = ("XDG_STATE_HOME", "HOME", "USERPROFILE", "LOCALAPPDATA")


@lru_cache(maxsize=8)
def _state_folder(*environment: str | None) -> Path:
    return Path(platformdirs.user_state_path("nbcache", appauthor=False))


@lru_cache(maxsize=8)
def _ring_in(folder: Path) -> Path:
    return folder / "keys" / "ring"


def default_path() -> Path:
    """Name the key file used when no other is given."""
    return _ring_in(state_folder())


default_path()  # known before a first call wants it, which would wait for some 60 microseconds


def _refusal(path: Path, why: str, do: str | None = None) -> KeyFileError:
    advice = do or f"make it a plain file of yours with mode 0600 (chmod 600 '{path}'), or name another key file."
    return KeyFileError(explain(f"The key file {path} is not used.", why, advice))


def _check(path: Path, facts: os.stat_result) -> None:
    if not stat.S_ISREG(facts.st_mode):
        raise _refusal(path, "it is not a plain file.")
    if hasattr(os, "geteuid"):
        if facts.st_uid != os.geteuid():
            raise _refusal(path, "it belongs to another user.")
        if facts.st_mode & 0o077:
            raise _refusal(path, f"others may read or change it (mode {stat.S_IMODE(facts.st_mode):04o}).")
    if facts.st_size > MAX_FILE_BYTES:
        raise _refusal(path, f"it has {facts.st_size} bytes, more than {MAX_FILE_BYTES}.")


def _parse(path: Path, content: bytes) -> list[Secret]:
    if len(content) == KEY_BYTES:
        return [Secret(content)]
    found = []
    try:
        for line in content.decode("ascii").splitlines():
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            mark, key, until = words
            secret = Secret(bytes.fromhex(key), None if until == "-" else float(until))
            if mark != _MARK or len(secret.key) != KEY_BYTES:
                raise ValueError("not a line of ours")
            found.append(secret)
    except ValueError:
        found = []
    if not found:
        raise _refusal(path, "it does not hold a key of nbcache.", "name another key file, or remove this one.")
    return found


def _text(ring: Sequence[Secret]) -> bytes:
    lines = ["# A secret of nbcache. Whoever can read it can make this user's kernels run code."]
    lines += [f"{_MARK} {s.key.hex()} {'-' if s.until is None else repr(s.until)}" for s in ring]
    content = ("\n".join(lines) + "\n").encode("ascii")
    if len(content) > MAX_FILE_BYTES:
        raise KeyFileError(
            explain(
                "The key is not added.", f"a key file holds at most {MAX_FILE_BYTES} bytes.", "forget an old key first."
            )
        )
    return content


def read(path: Path) -> list[Secret]:
    """Read the ring at `path`, which must be a plain file of this user that nobody else can read.

    Raises
    ------
    KeyFileError
        It is a link, a pipe, someone else's, readable by others, too large, or holds no key.
    OSError
        There is no such file, or no way to it.
    """
    try:
        descriptor = os.open(path, _READ_FLAGS)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK, errno.ENXIO):
            raise _refusal(path, "it is a link or a socket, not a plain file.") from error
        raise
    try:
        _check(path, os.fstat(descriptor))
        content = os.read(descriptor, MAX_FILE_BYTES)
    finally:
        os.close(descriptor)
    return _parse(path, content)


def _make_folders(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for this user only and whatever the umask."""
    if folder.is_dir():
        return
    _make_folders(folder.parent)
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        return  # another process made it between the look and the call
    os.chmod(folder, 0o700)  # the umask may have taken the owner's own bits


def _write_beside(path: Path, content: bytes) -> Path:
    """Write a new owner-only file in the folder of `path`; returns its name."""
    _make_folders(path.parent)
    beside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(8)}")
    descriptor = os.open(beside, _WRITE_FLAGS, 0o600)
    try:
        system.set_mode(descriptor, 0o600)  # the umask may have taken the owner's own bits
        os.write(descriptor, content)
        os.fsync(descriptor)
    except OSError:
        os.unlink(beside)
        raise
    finally:
        os.close(descriptor)
    return beside


def create(path: Path, ring: Sequence[Secret]) -> list[Secret]:
    """Publish a new ring at `path` unless there is one already; returns the ring that is there.

    Notes
    -----
    `link` fails for all but one of the processes that race for it; the losers adopt the winner's key. Where the
    file system has no links, `rename` of a file nobody else has yet is the best there is: the later of two
    simultaneous first uses wins, and the earlier one's entries become misses.
    """
    beside = _write_beside(path, _text(ring))
    try:
        system.link(beside, path)
    except FileExistsError:
        return read(path)
    except OSError:
        if not path.exists():
            os.rename(beside, path)
        return read(path)
    finally:
        beside.unlink(missing_ok=True)
    return list(ring)


def replace(path: Path, ring: Sequence[Secret]) -> None:
    """Put `ring` in place of what is at `path`, at once for every reader."""
    beside = _write_beside(path, _text(ring))
    try:
        os.replace(beside, path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def in_force(ring: Sequence[Secret], now: float | None = None) -> list[Secret]:
    """Leave out the keys whose time to verify is over; the first key always stays."""
    moment = time.time() if now is None else now
    return [s for rank, s in enumerate(ring) if rank == 0 or s.until is None or s.until > moment]
