"""The folders of a disk store: where they are, how they are made, and when they are not trusted.

Everything of ours lies in ``<root>/v1``. Below it names are digests or begin with a dot; nothing else is touched.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from nbcache import system

_OTHERS_WRITE = 0o022
_KIND_AND_OTHERS = 0o170000 | _OTHERS_WRITE
_HAS_USERS = hasattr(os, "geteuid")
#: Tried, because some C libraries refuse the question, which looks as if there were nothing anywhere.
_SEES_LINKS = os.access in os.supports_follow_symlinks and os.access(os.sep, os.F_OK, follow_symlinks=False)

_T = TypeVar("_T")

FOLDER_MODE = 0o700
FILE_MODE = 0o600

_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_NONBLOCK = getattr(os, "O_NONBLOCK", 0)
_DIRECTORY = getattr(os, "O_DIRECTORY", 0)

#: A symbolic link is an error, a FIFO does not block, and no child process inherits the descriptor.
READ = os.O_RDONLY | _NOFOLLOW | _NONBLOCK | system.OPEN_AS_BYTES
READ_FOLDER = os.O_RDONLY | _NOFOLLOW | system.OPEN_AS_BYTES | _DIRECTORY
APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | _NOFOLLOW | _NONBLOCK | system.OPEN_AS_BYTES
CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | _NOFOLLOW | system.OPEN_AS_BYTES

_CACHEDIR_TAG = (
    b"Signature: 8a477f597d28d172789f06886806bc55\n"
    b"# This folder is a cache of nbcache; it can be deleted at any time.\n"
)


class Places:
    """Where the parts of a store are.

    Attributes
    ----------
    text : `base` as a text; a first hit asks for no `Path`, which takes longer to make than a file to find
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.text = os.path.join(root, "v1")

    @cached_property
    def base(self) -> Path:
        return Path(self.text)

    @property
    def trash(self) -> Path:
        return self.base / ".trash"

    @property
    def quarantine(self) -> Path:
        return self.base / ".quarantine"

    @property
    def temporary(self) -> Path:
        return self.base / ".tmp"

    @property
    def waits(self) -> Path:
        return self.base / ".waits"

    @property
    def lock(self) -> Path:
        return self.base / ".lock"

    @property
    def invalidations(self) -> str:
        return f"{self.text}/.removed"

    @property
    def usage(self) -> Path:
        return self.base / ".usage"

    @property
    def collected(self) -> Path:
        return self.base / ".collected"


def make_store(places: Places) -> None:
    """Make the folders every store has, with a `.gitignore` and a `CACHEDIR.TAG`; OSError where that fails."""
    marked = make_root(places.root)
    make_folder(places.base)
    for name, content in _MARKERS.items():
        _write_once((places.root if marked else places.base) / name, content)


def make_root(root: Path) -> bool:
    """Make the folder of a store; False if it is there and the user has other things in it.

    Such a folder must not vanish from git or from backups, so that the marks go further below.
    """
    if not root.is_dir():
        root.parent.mkdir(parents=True, exist_ok=True)
        if make_folder(root):
            return True
    reason = _link_refusal(os.lstat(root))
    if reason is not None:
        raise OSError(errno.EPERM, reason, str(root))
    return set(os.listdir(root)) <= _OURS


def make_scratch(scratch: Path) -> None:
    """Make the folder for nameless files of entries that are in memory only; OSError where it cannot be used."""
    if make_root(scratch.parent):
        for name, content in _MARKERS.items():
            _write_once(scratch.parent / name, content)
    make_folder(scratch)
    reason = refusal(str(scratch))
    if reason is not None:
        raise OSError(errno.EPERM, reason, str(scratch))


def make_folder(path: Path) -> bool:
    """Make one owner-only folder whatever the umask; False if it was there."""
    try:
        os.mkdir(path, FOLDER_MODE)
    except FileExistsError:
        return False
    try:
        # A umask can only take bits away; without this, one of 0o277 would lock us out.
        os.chmod(path, FOLDER_MODE)
    except FileNotFoundError:
        # A clear has taken it away already.
        pass
    return True


_MARKERS = {".gitignore": b"# Made by nbcache.\n*\n", "CACHEDIR.TAG": _CACHEDIR_TAG}
_OURS = {"scratch", "v1", *_MARKERS}


def _write_once(path: Path, content: bytes) -> None:
    try:
        fd = os.open(path, CREATE, FILE_MODE)
    except FileExistsError:
        return
    try:
        os.write(fd, content)
    finally:
        os.close(fd)


def refusal(folder: str, follow: bool = False) -> str | None:
    """Why nothing may be loaded from a folder; None if all is well or it does not exist.

    Parameters
    ----------
    follow : whether the folder may be a symbolic link; only the user's own choice of a root may, and it is one only if
        the link is the user's, or root's

    Raises
    ------
    OSError
        The folder cannot be looked at.
    """
    try:
        status = system.lstat(folder)
        if follow and stat.S_ISLNK(status.st_mode):
            if (reason := _link_refusal(status)) is not None:
                return reason
            status = system.stat(folder)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if (status.st_mode & _KIND_AND_OTHERS) == stat.S_IFDIR and _HAS_USERS and status.st_uid == os.geteuid():
        return None
    if stat.S_ISLNK(status.st_mode):
        return "it is a symbolic link"
    if not stat.S_ISDIR(status.st_mode):
        return "it is not a folder"
    if not _HAS_USERS:
        return None
    if status.st_uid != os.geteuid():
        return f"it belongs to another user (uid {status.st_uid})"
    if status.st_mode & _OTHERS_WRITE:
        return f"other users may write into it (mode {stat.S_IMODE(status.st_mode):04o}); 'chmod go-w' on it helps"
    return None


def _link_refusal(status: os.stat_result) -> str | None:
    """Why a symbolic link is not followed to the root of a store: somebody else has put it there."""
    if stat.S_ISLNK(status.st_mode) and _HAS_USERS and status.st_uid not in (os.geteuid(), 0):
        return f"it is a symbolic link of another user (uid {status.st_uid})"
    return None


def file_refusal(status: os.stat_result) -> str | None:
    """Why an opened file cannot be an entry of ours; None if it can."""
    if not stat.S_ISREG(status.st_mode):
        return "it is not a plain file"
    if _HAS_USERS and status.st_uid != os.geteuid():
        return f"it belongs to another user (uid {status.st_uid})"
    # An entry that was replaced or evicted after it was opened has no name left: that is fine.
    if status.st_nlink > 1:
        return "it has a second name (a hard link)"
    return None


def others_may_write(status: os.stat_result) -> bool:
    """Whether a file could be changed or cut under a mapping by somebody else."""
    return bool(status.st_mode & _OTHERS_WRITE)


def read_small(path: Path | str, limit: int) -> bytes:
    """The last `limit` bytes of a plain file of ours; OSError for anything else."""
    fd = os.open(path, READ)
    try:
        status = system.fstat(fd)
        reason = file_refusal(status)
        if reason is not None:
            raise OSError(errno.EINVAL, reason, str(path))
        start = max(0, status.st_size - limit)
        return bytes(system.read_at(fd, min(limit, status.st_size), start))
    finally:
        os.close(fd)


def append(path: Path | str, content: bytes, flags: int = APPEND) -> None:
    """Append to a plain file of ours in one write, making it if need be and `flags` allow."""
    fd = os.open(path, flags, FILE_MODE)
    try:
        reason = file_refusal(system.fstat(fd))
        if reason is not None:
            raise OSError(errno.EINVAL, reason, str(path))
        os.write(fd, content)
    finally:
        os.close(fd)


def list_names(folder: Path | str) -> list[str]:
    """The names in a folder; nothing for one that does not exist or is a link."""
    return _listed(folder, os.listdir)


def list_kinds(folder: Path | str) -> list[tuple[str, bool]]:
    """The names in a folder, and whether each is a folder itself; nothing for one that does not exist or is a link."""
    return _listed(folder, _kinds)


def _kinds(folder: Any) -> list[tuple[str, bool]]:
    with os.scandir(folder) as entries:
        return [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]


def _listed(folder: Path | str, lists: Callable[[Any], list[_T]]) -> list[_T]:
    """What is listed of a folder that is no link, by its descriptor where it has one."""
    fd: int | None = None
    try:
        if system.FOLDERS_OPEN:
            fd = os.open(folder, READ_FOLDER)
        elif os.path.islink(folder):
            return []
        return lists(folder if fd is None else fd)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        if error.errno == errno.ELOOP:
            return []
        raise
    finally:
        if fd is not None:
            os.close(fd)


def write_whole(fd: int, content: bytes, path: str | None = None) -> None:
    """Write to an open file, all or with an OSError of `path`: a disk that is full takes a part without a word."""
    if os.write(fd, content) < len(content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)


def replace_small(path: Path | str, content: bytes) -> None:
    """Put a small file of ours in place of another, whole for every reader; OSError where that fails."""
    temporary = f"{path}-{secrets.token_hex(6)}"
    fd = os.open(temporary, CREATE, FILE_MODE)
    try:
        try:
            write_whole(fd, content, temporary)
        finally:
            os.close(fd)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def move_aside(path: Path, shelter: Path, name: str) -> Path:
    """Rename a file or folder of ours into a shelter (trash or quarantine); a link is not followed."""
    make_folder(shelter)
    target = shelter / name
    os.rename(path, target)
    return target


def remove_tree(path: Path) -> Iterator[OSError]:
    """Delete a file, a link, or a folder with all that is in it; links are never followed.

    Yields
    ------
    OSError
        What could not be deleted, and why.
    """
    try:
        status = os.lstat(path)
        if not stat.S_ISDIR(status.st_mode):
            os.unlink(path)
            return
        fd = os.open(path, READ_FOLDER) if system.FOLDERS_OPEN else None
    except FileNotFoundError:
        return
    except OSError as error:
        yield error
        return
    try:
        for name in os.listdir(path if fd is None else fd):
            try:
                os.unlink(path / name) if fd is None else os.unlink(name, dir_fd=fd)
            except FileNotFoundError:
                continue
            except OSError:
                # A folder, or one that cannot be deleted: looked at again by path, below a folder that is ours.
                yield from remove_tree(path / name)
    finally:
        if fd is not None:
            os.close(fd)
    try:
        os.rmdir(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        yield error


def is_there(path: str) -> bool:
    """Whether a file can be seen under this name: `os.path.exists` at half the price, no error is made inside."""
    return system.access(path, os.F_OK)


def is_named(path: str) -> bool:
    """Whether anything has this name, be it a link to nothing: `os.path.lexists` at half the price."""
    return system.access(path, os.F_OK, follow_symlinks=False) if _SEES_LINKS else os.path.lexists(path)


def size_of(path: str) -> int:
    """The length of a file; 0 for none."""
    try:
        return system.lstat(path).st_size
    except OSError:
        return 0


def unlink_if_same(path: str, fd: int) -> None:
    """Delete a file if it still is the one that is open."""
    try:
        ours, named = system.fstat(fd), system.lstat(path)
        if (ours.st_dev, ours.st_ino) == (named.st_dev, named.st_ino):
            os.unlink(path)
    except FileNotFoundError:
        pass
