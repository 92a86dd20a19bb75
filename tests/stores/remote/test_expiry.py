"""Where a store knows no lifetimes, entries past their ttl are removed by whoever meets them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from disk_stores import Shop
from store_contract import address_of, entry_of

from nbcache.entries.signing import Keyring
from nbcache.stores.remote.folder import FolderBucket
from nbcache.stores.remote.leases import Leases, Note
from nbcache.stores.remote.outbox import Outbox
from nbcache.stores.remote.store import RemoteStore, open_remote

S3 = pytest.param("s3", marks=pytest.mark.server)


@pytest.fixture(params=["file", "memory", "encrypted", S3])
def remote(request: pytest.FixtureRequest, shop: Shop, tmp_path: Path) -> Iterator[RemoteStore]:
    url = f"file://{tmp_path}/shared"
    if request.param == "memory":
        url = "memory://nbcache-tests/expiry"
    elif request.param == "s3":
        url = request.getfixturevalue("s3_url")
    elif request.param == "encrypted":
        pytest.importorskip("cryptography")
    sealed = request.param == "encrypted"
    yield open_remote(url, shop.keyring, clock=shop.clock, warn=shop.said.append, encrypted=sealed)
    if request.param == "memory":
        fsspec.filesystem("memory").store.clear()


@pytest.fixture
def folder(shop: Shop, tmp_path: Path) -> RemoteStore:
    return open_remote(f"file://{tmp_path}/shared", shop.keyring, clock=shop.clock, warn=shop.said.append)


def names(store: RemoteStore) -> set[str]:
    return {blob.name for blob in store.bucket.list("v1/")}


def put(store: RemoteStore, clock: Any, number: int, ttl: float | None) -> None:
    expires = None if ttl is None else clock() + ttl
    store.put(address_of(number), entry_of([number], created=clock(), expires=expires))


@pytest.mark.parametrize("met", ["get", "peek", "find", "get_many", "entries"])
def test_whoever_meets_an_entry_past_its_lifetime_removes_it(
    met: str, remote: RemoteStore, shop: Shop, clock: Any
) -> None:
    put(remote, clock, 1, 100)
    put(remote, clock, 2, None)
    clock.move(199)
    assert remote.get(address_of(1)) is not None  # it may be served while a new one is computed
    clock.move(2)

    if met == "get_many":
        assert remote.get_many([address_of(1)]) == {address_of(1): None}
    elif met == "entries":
        assert [row.address for row in remote.entries()] == [address_of(2)]
    else:
        assert getattr(remote, met)(address_of(1)) is None

    assert len(names(remote)) == 1
    assert remote.get(address_of(2)) is not None
    assert shop.said == []


def test_what_is_computed_anew_takes_the_place_of_what_has_expired(remote: RemoteStore, clock: Any) -> None:
    put(remote, clock, 1, 100)
    clock.move(1000)
    assert remote.get(address_of(1)) is None
    put(remote, clock, 1, 100)

    clock.move(50)
    found = remote.get(address_of(1))
    assert found is not None and found.meta.expires == clock() + 50
    assert len(list(remote.entries())) == 1


class ReadOnly(FolderBucket):
    """A folder from which one may not delete."""

    asked = 0

    def delete(self, names: Any) -> list[str]:
        self.asked += 1
        raise PermissionError(13, "Permission denied")


def test_who_may_not_delete_reads_and_writes_on_and_is_told_nothing(shop: Shop, clock: Any, tmp_path: Path) -> None:
    bucket = ReadOnly(f"file://{tmp_path}/shared")
    store = RemoteStore(bucket, "file:///x", shop.keyring, clock=clock, warn=shop.said.append)
    for number in range(3):
        put(store, clock, number, 100)
    clock.move(1000)

    assert [store.get(address_of(number)) for number in range(3)] == [None] * 3
    assert bucket.asked == 1 and shop.said == []
    put(store, clock, 7, 100)
    assert store.get(address_of(7)) is not None


def test_an_entry_of_a_stranger_is_left_alone(folder: RemoteStore, shop: Shop, clock: Any, tmp_path: Path) -> None:
    stranger = open_remote(f"file://{tmp_path}/shared", Keyring.ephemeral(), clock=clock, warn=shop.said.append)
    put(stranger, clock, 1, 100)
    clock.move(1000)

    assert folder.get(address_of(1)) is None and list(folder.entries()) == []
    assert len(names(folder)) == 1


def test_what_a_killed_writer_left_goes_after_a_day(folder: RemoteStore, clock: Any, tmp_path: Path) -> None:
    put(folder, clock, 1, None)
    (path,) = (tmp_path / "shared").rglob("*.nbc")
    recent, old = (path.with_name(f"{path.name}.{name}.tmp") for name in ("0" * 16, "1" * 16))
    recent.touch()
    old.touch()
    os.utime(old, (time.time() - 100_000,) * 2)

    assert len(list(folder.entries())) == 1

    assert recent.exists() and not old.exists()


def test_a_clear_of_everything_removes_the_leases_of_machines_that_died(
    folder: RemoteStore, shop: Shop, tmp_path: Path
) -> None:
    box = Outbox(folder)
    for name, age in (("lease/a/b.0", 5000.0), ("lease/a/c.0", 0.0), ("lease-waits/d", 5000.0)):
        content = box.leases.written(name, Note("token", "chain", time.time() - age))
        folder.bucket.write(name, [content], len(content), None)
    other = Leases(folder.bucket, Keyring.ephemeral(), lambda: True, lambda call: None)
    content = other.written("lease/a/e.0", Note("token", "chain", 0.0))
    folder.bucket.write("lease/a/e.0", [content], len(content), None)

    box.clear("m.f")
    assert len(list(folder.bucket.list("lease/"))) == 3
    box.clear()

    assert {blob.name for blob in folder.bucket.list("lease/")} == {"lease/a/c.0", "lease/a/e.0"}
    assert list(folder.bucket.list("lease-waits/")) == []
    box.close()
