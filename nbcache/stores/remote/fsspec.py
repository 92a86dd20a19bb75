"""Named bytes in anything that fsspec can open."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from nbcache.stores.remote.bucket import PIECE, Blob, cut, first_of, in_parts

#: Where a write under a name is whole or not at all. Elsewhere it is made under another name and moved.
_WHOLE_WRITES = {"s3", "s3a", "gs", "gcs", "az", "abfs", "adl", "oci", "r2", "memory"}


#: Where a file that is written in parts is there when it is closed, and can be given up before.
_IN_PARTS = {"s3", "s3a"}
#: The smallest part that S3 takes.
_PART = 5 << 20

# Seconds that a server has to accept a connection, and to send the next piece; a call is waiting meanwhile.
_CONNECT, _READ = 2, 5
_LIMITS: dict[str, dict[str, Any]] = {
    "s3": {
        "config_kwargs": {"connect_timeout": _CONNECT, "read_timeout": _READ, "retries": {"total_max_attempts": 1}},
    },
    "gs": {"timeout": _READ},
}
_ALIASES = {"s3a": "s3", "gcs": "gs"}


def _limits(url: str) -> dict[str, Any]:
    """What bounds the waiting for a server, as its library wants it."""
    scheme = url.partition("://")[0]
    return _LIMITS.get(_ALIASES.get(scheme, scheme), {})


class FsspecBucket:
    """A folder or prefix below an fsspec URL.

    Notes
    -----
    Listings are never cached: other machines write at the same time.
    """

    largest = 5 << 30

    def __init__(self, url: str) -> None:
        import fsspec

        self._files: Any
        self._files, root = fsspec.core.url_to_fs(url, use_listings_cache=False, **_limits(url))
        if hasattr(self._files, "retries"):
            self._files.retries = 1  # s3fs; whoever asks has a breaker
        self._root = root.rstrip("/")
        protocol = self._files.protocol
        names = {protocol} if isinstance(protocol, str) else set(protocol)
        self._whole_writes = bool(names & _WHOLE_WRITES)
        self._in_parts = bool(names & _IN_PARTS)

    def read(self, name: str, most: int, start: int = 0) -> bytes | None:
        try:
            return bytes(self._files.cat_file(self._path(name), start=start, end=start + most))
        except FileNotFoundError:
            return None

    def read_first(self, names: Sequence[str], most: int) -> tuple[str, bytes] | None:
        return first_of(self, names, most)

    def read_many(self, groups: Sequence[Sequence[str]], most: int) -> list[tuple[str, bytes] | None]:
        names = [name for group in groups for name in group]
        paths = [self._path(name) for name in names]
        answers = self._files.cat_ranges(paths, [0] * len(paths), [most + 1] * len(paths), on_error="return")
        contents: dict[str, bytes] = {}
        for name, answer in zip(names, answers, strict=True):
            if isinstance(answer, bytes):
                contents[name] = answer
            elif not isinstance(answer, FileNotFoundError):
                raise answer
        there = [next(((name, contents[name]) for name in group if name in contents), None) for group in groups]
        return [one if one is not None and len(one[1]) <= most else None for one in there]

    def size(self, name: str) -> int | None:
        try:
            return int(self._files.info(self._path(name))["size"])
        except FileNotFoundError:
            return None

    def write(self, name: str, blocks: Iterable[bytes | memoryview], size: int, seconds: float | None) -> None:
        path = self._path(name)
        if self._in_parts and size > PIECE:
            self._write_in_parts(path, blocks)
            return
        if self._whole_writes:
            self._files.pipe_file(path, b"".join(blocks))
            return
        temporary = f"{path}.{secrets.token_hex(8)}.tmp"
        self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
        try:
            if size <= PIECE:
                self._files.pipe_file(temporary, b"".join(blocks))
            else:
                with self._files.open(temporary, "wb") as file:
                    for piece in cut(blocks):
                        file.write(piece)
            self._files.mv(temporary, path)
        except BaseException:
            self._remove(temporary)
            raise

    def _write_in_parts(self, path: str, blocks: Iterable[bytes | memoryview]) -> None:
        """Send a large value part by part, so that no second copy of it is made here; it is there when all are."""
        bucket, key, _ = self._files.split_path(path)
        place = {"Bucket": bucket, "Key": key}
        upload = self._files.call_s3("create_multipart_upload", **place)["UploadId"]
        try:
            sent: list[dict[str, Any]] = []
            for number, part in enumerate(in_parts(blocks, _PART), 1):
                answer = self._files.call_s3("upload_part", **place, UploadId=upload, PartNumber=number, Body=part)
                sent.append({"PartNumber": number, "ETag": answer["ETag"]})
            self._files.call_s3("complete_multipart_upload", **place, UploadId=upload, MultipartUpload={"Parts": sent})
        except BaseException:
            with contextlib.suppress(Exception):  # what is not finished is no object, and the first error counts
                self._files.call_s3("abort_multipart_upload", **place, UploadId=upload)
            raise

    def create(self, name: str, content: bytes, seconds: float) -> bool:
        path = self._path(name)
        if not self._whole_writes:
            self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
        try:
            self._files.pipe_file(path, content, mode="create")
        except FileExistsError:
            return False
        return True

    def delete(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if self._remove(self._path(name))]

    def delete_listed(self, names: Sequence[str]) -> Sequence[str]:
        self._files.rm([self._path(name) for name in names])
        return names

    def list(self, prefix: str) -> Iterator[Blob]:
        try:
            found = self._files.find(self._path(prefix.rstrip("/")), detail=True)
        except FileNotFoundError:
            return
        # Some file systems give paths with a slash or a drive in front that the root does not have.
        for path, facts in found.items():
            _, below, rest = path.partition(prefix)
            if below:
                yield Blob(prefix + rest, int(facts.get("size") or 0))

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _remove(self, path: str) -> bool:
        try:
            # Object stores delete in silence what is not there.
            if not self._files.exists(path):
                return False
            self._files.rm_file(path)
        except FileNotFoundError:
            return False
        return True
