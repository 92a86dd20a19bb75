"""Shared stores at their edges: URLs that hide a secret or mean nothing, servers that are full, odd or silent."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from disk_stores import Shop
from store_contract import address_of, entry_of

from nbcache.entries.signing import Keyring
from nbcache.errors import InvalidParameterError
from nbcache.stores.remote.folder import FolderBucket
from nbcache.stores.remote.store import RemoteStore, open_remote
from nbcache.stores.remote.urls import open_bucket, shown

# -- URLs


@pytest.mark.parametrize("text", ["localhost:6379", "my-bucket/cache", "s3:/bucket/x", "cache", "//host/x"])
def test_a_text_without_a_scheme_is_an_error_and_no_folder(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(InvalidParameterError, match=r"redis://host:6379/0"):
        open_bucket(text)

    assert list(tmp_path.iterdir()) == []


SECRET_URLS = [
    "redis://user:hunter2@host:6379/0",
    "redis://:hunter2/x@host:6379/0",
    "redis://:hunter2#x@host:6379/0",
    "redis://:hunter2?x@host:6379/0",
    "redis://user:hunter2:x/@host:6379/0",
    "redis://host:6379/0?password=hunter2",
    "redis://:x@hunter2@host:6379/0",
    "s3://bucket/x?secret=hunter2",
    "hunter2@host",
]


@pytest.mark.parametrize("url", SECRET_URLS)
def test_no_piece_of_a_password_is_shown(url: str) -> None:
    assert "hunter2" not in shown(url)
    try:
        open_bucket(url)
    except Exception as error:
        chain = [error, error.__cause__, None if error.__suppress_context__ else error.__context__]
        assert not any("hunter2" in str(one) for one in chain)


def test_the_port_is_part_of_the_name() -> None:
    assert shown("redis://user:secret@host:6379/0") == "redis://host:6379/0"


@pytest.mark.parametrize("url", ["file://relative/x", "file://host/x"])
def test_a_file_url_names_an_absolute_folder_of_this_machine(url: str) -> None:
    with pytest.raises(InvalidParameterError, match="file:///folder"):
        open_bucket(url)


# -- servers that do not answer when they are opened


class ConnectsAtOnce(fsspec.AbstractFileSystem):  # type: ignore[misc]
    """A file system whose library connects when it is opened."""

    protocol = "connectsatonce"
    cachable = False
    down = True

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if self.down:
            raise ConnectionRefusedError(111, "Connection refused")
        self.files = fsspec.filesystem("memory")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.files, name)

    def cat_file(self, path: str, start: Any = None, end: Any = None, **options: Any) -> bytes:
        content: bytes = self.files.cat_file(path, start, end)
        return content

    def pipe_file(self, path: str, value: bytes, **options: Any) -> None:
        self.files.pipe_file(path, value)

    def exists(self, path: str, **options: Any) -> bool:
        return bool(self.files.exists(path))

    def mv(self, one: str, other: str, **options: Any) -> None:
        self.files.mv(one, other)

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        self.files.makedirs(path, exist_ok=exist_ok)


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[ConnectsAtOnce]]:
    fsspec.register_implementation("connectsatonce", ConnectsAtOnce, clobber=True)
    monkeypatch.setattr(ConnectsAtOnce, "down", True)
    yield ConnectsAtOnce
    fsspec.filesystem("memory").rm("/late", recursive=True)


def test_a_server_that_is_down_when_it_is_opened_is_used_once_it_is_up(
    late: type[ConnectsAtOnce], shop: Shop, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = open_remote("connectsatonce://late", Keyring.ephemeral(), clock=clock, warn=shop.said.append)
    for number in range(5):
        assert remote.get(address_of(number)) is None
        remote.put(address_of(number), entry_of(number))
    assert len(shop.said) == 1

    monkeypatch.setattr(ConnectsAtOnce, "down", False)
    clock.move(1000)
    remote.put(address_of(1), entry_of(1))
    found = remote.get(address_of(1))
    assert found is not None and found.value() == 1


# -- servers that answer no


class ResponseError(Exception):
    """What a Redis client raises when the server has answered with an error."""


class FullBucket(FolderBucket):
    """A bucket that is read as ever and takes nothing any more."""

    full = False
    error: Exception = ResponseError("OOM command not allowed when used memory > 'maxmemory'.")

    def write(self, *given: Any) -> None:
        if self.full:
            raise self.error
        super().write(*given)


@pytest.fixture
def bucket(tmp_path: Path) -> FullBucket:
    return FullBucket(f"file://{tmp_path / 'shared'}")


@pytest.fixture
def remote(bucket: FullBucket, shop: Shop, clock: Any) -> RemoteStore:
    return RemoteStore(bucket, "file:///shared", Keyring.ephemeral(), clock=clock, warn=shop.said.append)


@pytest.mark.parametrize("error", [FullBucket.error, PermissionError("read-only credentials"), OSError(28, "full")])
def test_a_server_that_takes_nothing_goes_on_being_read(
    bucket: FullBucket, remote: RemoteStore, shop: Shop, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    remote.put(address_of(1), entry_of(1))
    monkeypatch.setattr(bucket, "full", True)
    monkeypatch.setattr(bucket, "error", error)
    for number in range(2, 9):
        remote.put(address_of(number), entry_of(number))

    found = remote.get(address_of(1))

    assert found is not None and found.value() == 1
    assert len(shop.said) == 1 and "takes no results" in shop.said[0]


def test_a_server_that_cannot_be_reached_is_neither_read_nor_written(
    bucket: FullBucket, remote: RemoteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote.put(address_of(1), entry_of(1))
    monkeypatch.setattr(bucket, "full", True)
    monkeypatch.setattr(bucket, "error", ConnectionResetError(104, "reset"))
    remote.put(address_of(2), entry_of(2))

    assert remote.get(address_of(1)) is None  # not asked


def test_one_name_that_the_server_refuses_hides_no_other(
    bucket: FullBucket, remote: RemoteStore, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote.put(address_of(1), entry_of(1))
    with monkeypatch.context() as patched:

        def refuse(*given: Any) -> None:
            raise ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value")

        patched.setattr(bucket, "read_first", refuse)
        assert remote.get(address_of(2)) is None

    assert remote.get(address_of(1)) is not None


# -- looking


def test_looking_at_a_large_entry_does_not_fetch_its_value(
    bucket: FullBucket, remote: RemoteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote.put(address_of(1), entry_of(os.urandom(5_000_000)))
    fetched: list[int] = []
    plain = bucket.read

    def counted(name: str, most: int) -> bytes | None:
        content = plain(name, most)
        fetched.append(len(content or b""))
        return content

    monkeypatch.setattr(bucket, "read", counted)
    seen = remote.peek(address_of(1))

    assert seen is not None and seen.meta.owner == address_of(1).owner and seen.size > 5_000_000
    assert sum(fetched) < 100_000


def test_looking_at_a_small_entry_gives_its_value_too(remote: RemoteStore) -> None:
    remote.put(address_of(1), entry_of([1]))
    seen = remote.peek(address_of(1))
    assert seen is not None and seen.value() == [1]


# -- a folder that others may write to


def files_of(bucket: FullBucket) -> list[Path]:
    return [path for path in bucket._root.rglob("*") if path.is_file()]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_in_the_place_of_an_entry_is_a_miss_at_once(bucket: FullBucket, remote: RemoteStore) -> None:
    remote.put(address_of(1), entry_of(1))
    (path,) = files_of(bucket)
    path.unlink()
    os.mkfifo(path)

    assert remote.get(address_of(1)) is None


def test_a_link_in_the_place_of_an_entry_is_a_miss(bucket: FullBucket, remote: RemoteStore, tmp_path: Path) -> None:
    remote.put(address_of(1), entry_of(1))
    (path,) = files_of(bucket)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")

    assert remote.get(address_of(1)) is None


def test_nothing_is_written_or_deleted_through_a_link(bucket: FullBucket, remote: RemoteStore, tmp_path: Path) -> None:
    remote.put(address_of(1), entry_of(1))
    (path,) = files_of(bucket)
    outside = tmp_path / "outside"
    path.parent.rename(outside)
    path.parent.symlink_to(outside)
    before = sorted(outside.iterdir())

    remote.put(address_of(2), entry_of(2))
    remote.delete(address_of(1))
    remote.clear()

    assert sorted(outside.iterdir()) == before and len(before) == 1


# -- real servers


@pytest.mark.server
def test_a_name_that_is_no_text_stops_no_clear(redis_url: str, clock: Any, shop: Shop) -> None:
    import redis

    remote = open_remote(redis_url, Keyring.ephemeral(), clock=clock, warn=shop.said.append)
    remote.put(address_of(1), entry_of(1))
    server = redis.Redis.from_url(redis_url)
    (name,) = server.keys("nbcache/*")
    server.set(name.rpartition(b"/")[0] + b"/\xff\xfe", b"odd")
    server.lpush(name.rpartition(b"/")[0] + b"/list", b"of another type")

    assert len(list(remote.entries(address_of(1).owner))) == 1
    assert remote.clear(address_of(1).owner) == 1


@pytest.mark.server
def test_a_server_that_accepts_and_never_answers_holds_up_one_call_for_a_bounded_time(
    clock: Any, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("s3fs")
    silent = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []
    thread = threading.Thread(target=_accept, args=(silent, held), daemon=True)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    fsspec.filesystem("s3").clear_instance_cache()
    try:
        remote = open_remote("s3://bucket/folder", Keyring.ephemeral(), clock=clock, warn=shop.said.append)
        began = time.monotonic()
        assert remote.get(address_of(1)) is None
        first = time.monotonic() - began
        for number in range(20):
            remote.get(address_of(number))
            remote.put(address_of(number), entry_of(number))
        rest = time.monotonic() - began - first
    finally:
        silent.close()
        for connection in held:
            connection.close()

    assert first < 40 and rest < 20  # each of forty requests would wait for seconds
    assert len(shop.said) == 1


def _accept(server: socket.socket, held: list[socket.socket]) -> None:
    while True:
        try:
            held.append(server.accept()[0])
        except OSError:
            return
