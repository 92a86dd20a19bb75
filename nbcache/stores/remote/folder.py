"""Named bytes in a folder that a team shares: a disk of the network, a mounted volume.

Who may write there is up to the modes of the folder; what lies there is trusted no more than a server's answer. Links
are not followed below the root, and nothing but plain files is read, so that nobody can point a reader, a writer or a
clear somewhere else, or let it wait.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from nbcache.stores.folders import CREATE, READ
from nbcache.stores.remote.bucket import Blob, each_first, first_of

#: How the name of a file ends while it is written. Writers that were killed leave one; after a day it is removed.
_UNFINISHED, _LONG_AGO = ".tmp", 86400.0


class FolderBucket:
    """Files below the folder that a ``file://`` URL names; they get the modes that the umask leaves."""

    largest = 1 << 62

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.netloc not in ("", "localhost"):
            raise ValueError(f"file:// names a folder of this machine, not of {parts.netloc}: write file:///folder")
        path = url2pathname(parts.path) if os.name == "nt" else unquote(parts.path)
        if not os.path.isabs(path):
            raise ValueError("file:// takes an absolute path: file:///folder")
        self._root = Path(path)

    def read(self, name: str, most: int, start: int = 0) -> bytes | None:
        try:
            self._check_folders(name)
            fd = os.open(self._root / name, READ)
        except FileNotFoundError:
            return None
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise OSError(f"{name} is no file")
            os.lseek(fd, start, os.SEEK_SET)
            pieces = []
            while most > 0 and (piece := os.read(fd, min(most, 1 << 24))):
                pieces.append(piece)
                most -= len(piece)
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)
        finally:
            os.close(fd)

    def read_first(self, names: Sequence[str], most: int) -> tuple[str, bytes] | None:
        return first_of(self, names, most)

    def read_many(self, groups: Sequence[Sequence[str]], most: int) -> list[tuple[str, bytes] | None]:
        return each_first(self, groups, most)

    def size(self, name: str) -> int | None:
        try:
            self._check_folders(name)
            found = os.lstat(self._root / name)
        except FileNotFoundError:
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def write(self, name: str, blocks: Iterable[bytes | memoryview], size: int, seconds: float | None) -> None:
        path = self._root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self._check_folders(name)
        temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}{_UNFINISHED}")
        fd = os.open(temporary, CREATE, 0o666)
        try:
            with os.fdopen(fd, "wb") as file:
                for block in blocks:
                    file.write(block)
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def create(self, name: str, content: bytes, seconds: float) -> bool:
        path = self._root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self._check_folders(name)
        try:
            fd = os.open(path, CREATE, 0o666)
        except FileExistsError:
            return False
        try:
            os.write(fd, content)
        finally:
            os.close(fd)
        return True

    def delete(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if self._remove(name)]

    def delete_listed(self, names: Sequence[str]) -> Sequence[str]:
        return self.delete(names)

    def list(self, prefix: str) -> Iterator[Blob]:
        try:
            self._check_folders(prefix + "x")
        except FileNotFoundError:
            return
        for folder, _, names in os.walk(self._root / prefix):  # which enters no link
            for name in names:
                path = Path(folder, name)
                try:
                    found = os.lstat(path)
                except FileNotFoundError:
                    continue
                if not stat.S_ISREG(found.st_mode):
                    continue
                if name.endswith(_UNFINISHED) and time.time() - found.st_mtime > _LONG_AGO:
                    with contextlib.suppress(OSError):
                        path.unlink()
                    continue
                yield Blob(path.relative_to(self._root).as_posix(), found.st_size)

    def _remove(self, name: str) -> bool:
        try:
            self._check_folders(name)
            os.unlink(self._root / name)
        except FileNotFoundError:
            return False
        return True

    def _check_folders(self, name: str) -> None:
        """Refuse a name that leads through a link; FileNotFoundError where a folder on the way is missing."""
        folder = self._root
        for part in Path(name).parent.parts:
            folder = folder / part
            if stat.S_ISLNK(os.lstat(folder).st_mode):
                raise OSError(f"{folder} is a link, which is not followed")
