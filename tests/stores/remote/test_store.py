"""The remote store: the promises of every store over several kinds of buckets, and servers that fail or lie."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from disk_stores import Shop
from store_contract import LastingContract, StoreContract, address_of, entry_of

from nbcache.entries.signing import Keyring, rotate_key
from nbcache.errors import InvalidParameterError, MissingExtraError, UntrustedEntryError
from nbcache.stores.memory import MemoryStore
from nbcache.stores.protocol import Store
from nbcache.stores.remote.bucket import PIECE, Blob
from nbcache.stores.remote.store import RemoteStore, open_remote
from nbcache.stores.tiered import TieredStore

Reopened = Callable[[], RemoteStore]


@pytest.fixture
def memory_url() -> Iterator[str]:
    yield "memory://nbcache-tests/shared"
    fsspec.filesystem("memory").store.clear()


class RemoteContract(StoreContract, LastingContract):
    """The contract over one kind of URL: a subclass gives the fixture `url`."""

    @pytest.fixture
    def reopened(self, shop: Shop, url: str) -> Reopened:
        return lambda: open_remote(url, shop.keyring, clock=shop.clock, warn=shop.said.append)

    @pytest.fixture
    def store(self, reopened: Reopened) -> RemoteStore:
        return reopened()

    @pytest.fixture
    def stranger(self, shop: Shop, url: str) -> RemoteStore:
        return open_remote(url, Keyring.ephemeral(), clock=shop.clock, warn=shop.said.append)

    def test_a_large_entry_is_listed_by_its_head(self, store: Store, shop: Shop) -> None:
        store.put(address_of(1), entry_of(np.arange(200_000.0)))

        (row,) = store.entries()

        assert row.size > 1_600_000
        assert shop.said == []

    @pytest.mark.parametrize("more", [-1, 0, 1, 500_000])
    def test_a_value_of_about_a_piece_comes_back_whole(self, store: Store, shop: Shop, more: int) -> None:
        value = bytes(PIECE - 4096 + more)  # 4096 bytes come before the value
        store.put(address_of(1), entry_of(value))
        found = store.get(address_of(1))

        assert found is not None and found.value() == value
        assert shop.said == []

    def test_many_are_found_at_once(self, store: RemoteStore, shop: Shop) -> None:
        for number in (1, 3):
            store.put(address_of(number), entry_of([number]))
        store.put(address_of(5), entry_of(np.arange(1_000_000.0)))

        found = store.get_many([address_of(number) for number in range(6)])

        assert [None if one is None else one.value() for one in found.values()] == [None, [1], None, [3], None, None]
        assert store.get_many([]) == {} and shop.said == []

    def test_the_store_need_not_exist(self, store: Store, shop: Shop) -> None:
        assert store.get(address_of(1)) is None
        assert list(store.entries()) == []
        assert store.clear() == store.delete(address_of(1)) == 0
        assert shop.said == []

    def test_a_tampered_entry_is_a_miss_with_one_warning(self, store: Store, shop: Shop, tamper: Any) -> None:
        store.put(address_of(1), entry_of(["right"]))
        tamper(lambda content: content[:-3] + bytes([content[-3] ^ 1]) + content[-2:])

        assert store.get(address_of(1)) is store.get(address_of(1)) is None

        assert len(shop.said) == 1
        store.put(address_of(1), entry_of(["new"]))
        found = store.get(address_of(1))
        assert found is not None
        assert found.value() == ["new"]


class TestInMemoryFiles(RemoteContract):
    """Over fsspec, a store that writes whole files."""

    @pytest.fixture
    def url(self, memory_url: str) -> str:
        return memory_url

    @pytest.fixture
    def tamper(self) -> Callable[[Callable[[bytes], bytes]], None]:
        def change(edit: Callable[[bytes], bytes]) -> None:
            files = fsspec.filesystem("memory")
            for path in files.find("/"):
                files.pipe_file(path, edit(files.cat_file(path)))

        return change


class TestSharedFolder(RemoteContract):
    """Over fsspec, a folder: files are moved into place."""

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"file://{tmp_path}/shared"

    @pytest.fixture
    def tamper(self, tmp_path: Path) -> Callable[[Callable[[bytes], bytes]], None]:
        def change(edit: Callable[[bytes], bytes]) -> None:
            for path in (tmp_path / "shared").rglob("*.nbc"):
                path.write_bytes(edit(path.read_bytes()))

        return change

    def test_nothing_is_left_of_a_write(self, store: Store, tmp_path: Path) -> None:
        for number in range(3):
            store.put(address_of(1), entry_of(number))

        assert len([path for path in (tmp_path / "shared").rglob("*") if path.is_file()]) == 1


class TestEncrypted(TestSharedFolder):
    """Over a folder whose files others may read."""

    @pytest.fixture
    def reopened(self, shop: Shop, url: str) -> Reopened:
        pytest.importorskip("cryptography")
        return lambda: open_remote(url, shop.keyring, clock=shop.clock, warn=shop.said.append, encrypted=True)

    @pytest.mark.parametrize("size", [10, 64 << 10, (64 << 10) - 1, 300_000])
    def test_others_see_sizes_and_no_values(self, store: Store, tmp_path: Path, size: int) -> None:
        store.put(address_of(1), entry_of("secret" * (size // 6)))

        (path,) = [path for path in (tmp_path / "shared").rglob("*") if path.is_file()]
        assert b"secret" not in path.read_bytes() and b"m.f" not in path.read_bytes()
        found = store.get(address_of(1))
        assert found is not None and found.value() == "secret" * (size // 6)

    def test_what_a_retired_key_sealed_is_read_as_long_as_it_is_trusted(
        self, shop: Shop, url: str, tmp_path: Path
    ) -> None:
        pytest.importorskip("cryptography")
        path = tmp_path / "ring"
        before = open_remote(url, Keyring.load(path), clock=shop.clock, warn=shop.said.append, encrypted=True)
        before.put(address_of(1), entry_of([1]))
        rotate_key(path, now=time.time())

        after = open_remote(url, Keyring.load(path), clock=shop.clock, warn=shop.said.append, encrypted=True)
        found = after.get(address_of(1))
        assert found is not None and found.value() == [1]


@pytest.mark.server
class TestRedis(RemoteContract):
    """Over a real Redis server."""

    @pytest.fixture
    def server(self, redis_url: str) -> Iterator[Any]:
        import redis

        with redis.Redis.from_url(redis_url) as server:
            yield server
            server.flushdb()

    @pytest.fixture
    def url(self, redis_url: str, server: Any) -> str:
        return redis_url

    @pytest.fixture
    def tamper(self, server: Any) -> Callable[[Callable[[bytes], bytes]], None]:
        def change(edit: Callable[[bytes], bytes]) -> None:
            for key in server.keys("*"):
                server.set(key, edit(server.get(key)))

        return change

    def test_entries_that_expire_are_forgotten_by_the_server(self, store: Store, server: Any, clock: Any) -> None:
        store.put(address_of(1), entry_of(1, created=clock(), expires=clock() + 100))
        store.put(address_of(2), entry_of(2, created=clock()))

        lifetimes = sorted(server.ttl(key) for key in server.keys("*"))

        assert lifetimes[0] == -1
        assert 190 <= lifetimes[1] <= 200

    @pytest.mark.parametrize("lifetime", [None, 100])
    def test_a_large_value_is_sent_in_pieces(self, store: Store, server: Any, clock: Any, lifetime: Any) -> None:
        large = np.arange(9_000_000.0)
        expires = None if lifetime is None else clock() + lifetime
        store.put(address_of(1), entry_of(large, created=clock(), expires=expires))

        (key,) = server.keys("*")
        found = store.get(address_of(1))
        assert found is not None and (found.value() == large).all()
        assert (server.ttl(key) == -1) == (lifetime is None)

    def test_other_keys_of_the_server_stay(self, store: Store, server: Any) -> None:
        server.set("mine", b"1")
        server.set("nbcache/v1/other", b"1")
        store.put(address_of(1), entry_of(1))

        assert store.clear() == 1

        assert sorted(server.keys("*")) == [b"mine", b"nbcache/v1/other"]


@pytest.mark.server
class TestS3(RemoteContract):
    """Over a double of S3, on this machine."""

    @pytest.fixture
    def url(self, s3_url: str) -> str:
        return s3_url

    def test_a_large_value_is_sent_in_parts_and_there_when_all_are(self, store: RemoteStore) -> None:
        large = np.arange(9_000_000.0)
        store.put(address_of(1), entry_of(large))
        found = store.get(address_of(1))
        assert found is not None and (found.value() == large).all()

        blocks: Any = [bytes(40 << 20), "no block"]
        with pytest.raises(TypeError):
            store.bucket._write_in_parts("bucket/folder/other", blocks)
        assert store.bucket.size("other") is None

    @pytest.fixture
    def tamper(self, url: str) -> Callable[[Callable[[bytes], bytes]], None]:
        def change(edit: Callable[[bytes], bytes]) -> None:
            files = fsspec.filesystem("s3", use_listings_cache=False)
            for path in files.find("bucket"):
                files.pipe_file(path, edit(files.cat_file(path)))

        return change


# -- servers that fail or lie


class FakeBucket:
    """A bucket in a dict that fails and lies on purpose."""

    largest = 1 << 40

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.error: Exception | None = None
        self.fetched = 0

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.error is not None:
            raise self.error

    def read(self, name: str, most: int, start: int = 0) -> bytes | None:
        self._ask("read")
        content = self.blobs.get(name)
        piece = None if content is None else content[start : start + most]
        self.fetched += len(piece or b"")
        return piece

    def read_first(self, names: Sequence[str], most: int) -> tuple[str, bytes] | None:
        there = [name for name in names if name in self.blobs]
        content = self.read(there[0] if there else "", most)
        return None if content is None else (there[0], content)

    def size(self, name: str) -> int | None:
        self._ask("size")
        return len(self.blobs[name]) if name in self.blobs else None

    def write(self, name: str, blocks: Iterable[bytes | memoryview], size: int, seconds: float | None) -> None:
        self._ask("write")
        self.blobs[name] = b"".join(blocks)

    def create(self, name: str, content: bytes, seconds: float) -> bool:
        self._ask("create")
        return self.blobs.setdefault(name, content) is content

    def delete(self, names: Iterable[str]) -> list[str]:
        self._ask("delete")
        return [name for name in names if self.blobs.pop(name, None) is not None]

    def delete_listed(self, names: Sequence[str]) -> Sequence[str]:
        return self.delete(names)

    def list(self, prefix: str) -> Iterator[Blob]:
        self._ask("list")
        return iter([Blob(name, len(blob)) for name, blob in self.blobs.items() if name.startswith(prefix)])


@pytest.fixture
def bucket() -> FakeBucket:
    return FakeBucket()


@pytest.fixture
def remote(bucket: FakeBucket, shop: Shop) -> RemoteStore:
    return RemoteStore(bucket, "fake://", shop.keyring, clock=shop.clock, warn=shop.said.append, largest=1 << 20)


def test_a_server_that_fails_is_left_alone_for_a_while(
    bucket: FakeBucket, remote: RemoteStore, shop: Shop, clock: Any
) -> None:
    bucket.error = ConnectionRefusedError(111, "Connection refused")
    for number in range(20):
        assert remote.get(address_of(number)) is None
        assert remote.put(address_of(number), entry_of([number])).value() == [number]
        assert list(remote.entries()) == []
        clock.move(1)
    assert len(bucket.asked) == 1
    assert len(shop.said) == 1
    assert "Connection refused" in shop.said[0]

    clock.move(15)
    remote.get(address_of(1))
    clock.move(40)
    remote.get(address_of(1))
    assert len(bucket.asked) == 2
    assert len(shop.said) == 1

    bucket.error = None
    clock.move(60)
    remote.put(address_of(1), entry_of(1))
    assert remote.get(address_of(1)) is not None

    bucket.error = TimeoutError("too slow")
    remote.get(address_of(1))
    assert len(shop.said) == 2


@pytest.mark.parametrize("error", [OSError("x"), RuntimeError("x"), KeyError("x"), ValueError("x"), EOFError()])
def test_no_error_of_a_library_gets_out(
    bucket: FakeBucket, remote: RemoteStore, shop: Shop, clock: Any, error: Exception
) -> None:
    for action in (
        lambda: remote.get(address_of(1)),
        lambda: remote.peek(address_of(1)),
        lambda: remote.find(address_of(1)),
        lambda: remote.put(address_of(1), entry_of(1)),
        lambda: remote.delete(address_of(1)),
        lambda: remote.clear(),
        lambda: list(remote.entries()),
        lambda: remote.limit("m.f", 1, 1),
    ):
        bucket.error = error
        action()
        bucket.error = None
        clock.move(10_000)
    assert shop.said


def test_a_removal_that_fails_is_told_each_time(bucket: FakeBucket, remote: RemoteStore, shop: Shop) -> None:
    remote.put(address_of(1), entry_of(1))
    bucket.error = OSError("gone")

    for count in range(1, 4):
        assert remote.clear() == 0
        assert len(shop.said) == count
        assert "could not be deleted" in shop.said[-1]


def test_no_more_is_fetched_than_an_entry_may_have(bucket: FakeBucket, remote: RemoteStore, shop: Shop) -> None:
    remote.put(address_of(1), entry_of(1))
    (name,) = bucket.blobs
    bucket.blobs[name] += bytes(50 << 20)
    bucket.fetched = 0

    assert remote.get(address_of(1)) is None

    assert bucket.fetched <= (1 << 20) + 1
    assert len(shop.said) == 1


def test_a_value_too_large_for_the_server_stays_here(bucket: FakeBucket, remote: RemoteStore, shop: Shop) -> None:
    for _ in range(2):
        kept = remote.put(address_of(1), entry_of(np.arange(300_000.0)))

    assert kept.value()[299_999] == 299_999
    assert bucket.blobs == {}
    assert len(shop.said) == 1


def test_entries_swapped_by_the_server_are_not_believed(bucket: FakeBucket, remote: RemoteStore) -> None:
    remote.put(address_of(1), entry_of(["one"]))
    remote.put(address_of(2), entry_of(["two"]))
    first, second = bucket.blobs
    bucket.blobs[first], bucket.blobs[second] = bucket.blobs[second], bucket.blobs[first]

    assert remote.get(address_of(1)) is None
    assert remote.find(address_of(1)) is None
    assert list(remote.entries()) == []


def test_strict_trust_makes_a_tampered_entry_an_error(bucket: FakeBucket, remote: RemoteStore, shop: Shop) -> None:
    remote.put(address_of(1), entry_of(1))
    (name,) = bucket.blobs
    bucket.blobs[name] = bucket.blobs[name][:-1]
    strict = RemoteStore(bucket, "fake://", shop.keyring, clock=shop.clock, trust="strict", warn=shop.said.append)

    with pytest.raises(UntrustedEntryError, match="fake://"):
        strict.get(address_of(1))


def test_a_clear_while_an_entry_is_sent_is_not_undone(bucket: FakeBucket, remote: RemoteStore) -> None:
    mark = remote.mark(address_of(1))
    write = bucket.write

    def slow_write(*arguments: Any) -> None:
        remote.clear("m.f")
        write(*arguments)

    bucket.write = slow_write  # type: ignore[method-assign]

    remote.put(address_of(1), entry_of(1), mark)

    assert bucket.blobs == {}


def test_behind_a_disk_the_server_is_asked_once(bucket: FakeBucket, remote: RemoteStore, shop: Shop) -> None:
    remote.put(address_of(1), entry_of([1]))
    tiers = TieredStore([MemoryStore(clock=shop.clock), shop.open(), remote])
    bucket.asked.clear()

    for _ in range(3):
        found = tiers.get(address_of(1))
        assert found is not None
        assert found.value() == [1]

    assert bucket.asked == ["read"]
    assert shop.open().get(address_of(1)) is not None


def test_a_server_that_is_down_costs_the_other_tiers_nothing(
    bucket: FakeBucket, remote: RemoteStore, shop: Shop
) -> None:
    bucket.error = OSError("down")
    tiers = TieredStore([MemoryStore(clock=shop.clock), shop.open(), remote])

    tiers.put(address_of(1), entry_of([1]))

    found = shop.open().get(address_of(1))
    assert found is not None
    assert len(shop.said) == 1
    assert [row.tier for row in tiers.entries()] == ["memory"]


# -- URLs


@pytest.mark.parametrize(
    ("url", "package", "remedy"),
    [
        ("redis://localhost:1/0", "redis", "nbcache[redis]"),
        ("memory://x", "fsspec", "pip install fsspec"),
        ("s3://bucket/x", "s3fs", "nbcache[s3]"),
    ],
)
def test_a_missing_package_is_named(
    monkeypatch: pytest.MonkeyPatch, shop: Shop, url: str, package: str, remedy: str
) -> None:
    # What is None among the modules cannot be imported.
    monkeypatch.setitem(sys.modules, package, None)  # type: ignore[arg-type]
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "s3", raising=False)

    with pytest.raises(MissingExtraError) as raised:
        open_remote(url, shop.keyring)

    assert remedy in str(raised.value)


def test_without_its_package_nothing_is_sent_in_clear_text(monkeypatch: pytest.MonkeyPatch, shop: Shop) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)  # type: ignore[arg-type]
    with pytest.raises(MissingExtraError, match="nbcache\\[encrypted\\]"):
        open_remote("file:///nowhere", shop.keyring, encrypted=True)


def test_a_url_that_means_nothing_is_an_error(shop: Shop) -> None:
    with pytest.raises(InvalidParameterError, match="NBCACHE_STORE"):
        open_remote("nonsense://x", shop.keyring)


def test_a_password_is_in_no_message(shop: Shop, clock: Any) -> None:
    store = open_remote("redis://user:secret@127.0.0.1:1/0", shop.keyring, clock=clock, warn=shop.said.append)

    assert store.get(address_of(1)) is None

    assert len(shop.said) == 1
    assert "redis://127.0.0.1" in shop.said[0]
    assert "secret" not in shop.said[0]
