"""The bounds of the folder: what goes, when, and at which cost."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import numpy as np
import pytest
from disk_stores import Shop, files_of
from store_contract import address_of, entry_of

from nbcache.stores.disk import collection, lru_order
from nbcache.stores.disk.store import DiskStore


def test_the_whole_folder_is_bounded(shop: Shop, clock: Any) -> None:
    store = shop.open(max_size=400_000)
    for number in range(60):
        store.put(address_of(number, f"m.f{number % 3}"), entry_of(np.full(2_000, number), f"m.f{number % 3}"))
        clock.move(1)
        assert sum(path.stat().st_blocks * 512 for path in files_of(shop.folder)) <= 400_000

    left = {row.address.key for row in store.entries()}
    assert address_of(59).key in left and address_of(0).key not in left
    assert len(left) >= 10


def test_what_is_used_stays_when_room_is_made(shop: Shop, clock: Any) -> None:
    store = shop.open(max_size=200_000)
    store.put(address_of(0), entry_of("precious"))
    for number in range(1, 100):
        store.put(address_of(number), entry_of(np.full(2_000, number)))
        clock.move(1)
        assert store.get(address_of(0)) is not None


def test_a_full_store_is_not_scanned_for_every_put(shop: Shop, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from nbcache.stores.disk import collection

    scans: list[float] = []
    collect = collection.collect
    monkeypatch.setattr(collection, "collect", lambda *a: scans.append(clock()) or collect(*a))
    store = shop.open(max_size=2_000_000)

    for number in range(300):
        store.put(address_of(number), entry_of(np.full(2_000, number)))

    # 300 entries of 20 kB: each scan frees a tenth of the bound, ten entries.
    assert 5 <= len(scans) <= 32


def test_room_that_cannot_be_made_is_not_looked_for_at_every_put(
    shop: Shop, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nbcache.stores.disk import collection

    scans: list[float] = []
    monkeypatch.setattr(collection, "collect", lambda *a: scans.append(clock()) or (0, 10**9))
    store = shop.open(max_size=100_000)
    for number in range(100):
        store.put(address_of(number), entry_of(np.full(2_000, number)))
        clock.move(1)

    assert len(scans) <= 3


def test_a_value_larger_than_the_folder_may_hold_is_returned_with_one_warning(shop: Shop) -> None:
    store = shop.open(max_size=100_000)

    kept = [store.put(address_of(n), entry_of(np.arange(100_000.0))) for n in range(2)]

    assert kept[1].value()[99_999] == 99_999
    assert list(store.entries()) == []
    assert len(shop.said) == 1
    assert "max_disk_size" in shop.said[0]


def test_expired_entries_are_collected_once_nobody_can_be_served_with_them(shop: Shop, clock: Any) -> None:
    store = shop.open()
    store.put(address_of(1), entry_of(1, created=clock(), expires=clock() + 100))
    store.put(address_of(2), entry_of(2, created=clock()))
    store.close()
    clock.move(150)
    assert shop.open().collect() == 0

    clock.move(51)

    assert shop.open().collect() == 1
    assert [row.address for row in store.entries()] == [address_of(2)]


def test_expired_entries_are_looked_for_once_a_day(shop: Shop, clock: Any) -> None:
    store = shop.open()
    store.put(address_of(1), entry_of(1, created=clock(), expires=clock() + 100))
    store.close()
    clock.move(90_000)

    shop.open().put(address_of(2), entry_of(2))

    assert [row.address for row in store.entries()] == [address_of(2)]


def test_entries_of_lost_keys_make_room_too(shop: Shop, stranger: DiskStore, clock: Any) -> None:
    for number in range(20):
        stranger.put(address_of(number), entry_of(np.full(2_000, number)))
    clock.move(1)
    store = shop.open(max_size=200_000)

    store.put(address_of(1), entry_of(1))
    store.collect()

    assert sum(path.stat().st_blocks * 512 for path in files_of(shop.folder)) <= 200_000
    assert store.get(address_of(1)) is not None


def test_a_damaged_journal_is_ignored(shop: Shop, store: DiskStore, clock: Any) -> None:
    for number in range(4):
        store.put(address_of(number), entry_of(number))
        clock.move(2)
        store.get(address_of(number))
    store.close()
    (journal,) = shop.folder.rglob(".recent")
    journal.write_bytes(b"\xff\x00nonsense\n" + address_of(0).key.encode() + b" nan\n" + b"x" * 100 + b" 1e999 1 1\n")

    again = shop.open()

    assert again.limit("m.f", 2, None) == 2
    assert {row.address for row in again.entries()} == {address_of(2), address_of(3)}
    assert shop.said == []


def test_a_damaged_count_is_ignored(shop: Shop, clock: Any) -> None:
    store = shop.open(max_size=100_000)
    store.put(address_of(1), entry_of(1))
    (shop.folder / "v1" / ".usage").write_bytes(b"\x00garbage\n+12x\n" + b"9" * 5000 + b"\n-5\n")

    for number in range(60):
        store.put(address_of(number), entry_of(np.full(2_000, number)))
        clock.move(1)

    assert sum(path.stat().st_blocks * 512 for path in files_of(shop.folder)) <= 100_000
    assert shop.said == []


def test_a_journal_stays_short(shop: Shop, store: DiskStore, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from nbcache.stores.disk import use_journal

    monkeypatch.setattr(use_journal, "LONGEST", 2000)
    store.put(address_of(1), entry_of(1))
    for _ in range(200):
        clock.move(2)
        store.get(address_of(1))

    (journal,) = shop.folder.rglob(".recent")
    assert journal.stat().st_size < 2200


def test_a_bound_of_many_entries_costs_no_scan_for_each_put(
    store: DiskStore, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(300):
        store.put(address_of(number), entry_of(number))
        clock.move(1)
    store.limit("m.f", 290, None)
    listed: list[str] = []
    listdir = os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: listed.append(str(path)) or listdir(path))
    began = time.monotonic()

    for number in range(300, 340):
        store.put(address_of(number), entry_of(number))
        assert store.limit("m.f", 290, None) == 1
        clock.move(1)

    assert len(listed) <= 2 + 2 * (time.monotonic() - began)


def test_a_call_does_not_wait_until_room_is_made_for_all(
    shop: Shop, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    going_on = threading.Event()
    entered = threading.Event()
    plain = collection.collect

    def slow(*given: Any) -> tuple[int, int]:
        entered.set()
        going_on.wait(30)
        return plain(*given)

    monkeypatch.setattr(collection, "collect", slow)
    store = shop.open(max_size=20_000)
    for number in range(12):
        clock.move(1)
        store.put(address_of(number), entry_of(os.urandom(4000)))

    assert entered.is_set()  # and every put came back all the same
    going_on.set()
    for thread in threading.enumerate():
        if thread.name == "nbcache-collect":
            thread.join(30)
    assert len(list(store.entries())) < 12


def test_a_bound_of_many_entries_costs_no_scan_for_each_put_though_others_write(
    shop: Shop, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, other = shop.open(), shop.open()
    for number in range(300):
        mine.put(address_of(number), entry_of(number))
    ticks = iter(range(1_000_000))
    monkeypatch.setattr(lru_order.time, "monotonic", lambda: float(next(ticks)))
    read: list[object] = []
    plain = lru_order.list_names
    monkeypatch.setattr(lru_order, "list_names", lambda folder: read.append(folder) or plain(folder))
    for number in range(300, 360):
        clock.move(1)
        other.put(address_of(number + 1000), entry_of(number))
        mine.put(address_of(number), entry_of(number))
        mine.limit("m.f", 300, None)

    assert 2 <= len(read) <= 8
    for _ in range(100):  # time passes
        next(ticks)
    mine.limit("m.f", 300, None)
    assert len(list(mine.entries("m.f"))) == 300


def test_uses_that_are_told_in_their_order_cost_no_sorting(
    store: DiskStore, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(10):
        clock.move(1)
        store.put(address_of(number), entry_of(number))
    store.limit("m.f", 9, None)
    sorts: list[object] = []
    plain = lru_order.LruOrder._sort
    monkeypatch.setattr(lru_order.LruOrder, "_sort", lambda order: sorts.append(order) or plain(order))

    for number in range(10, 20):
        clock.move(1)
        store.put(address_of(number), entry_of(number))
        clock.move(1)
        store.touch(address_of(number - 5))
        store.touch(address_of(number), clock() + 0.5)
        assert store.limit("m.f", 9, None) == 1
    in_order = len(sorts)
    store.touch(address_of(18), clock() + 2)
    store.touch(address_of(17), clock() + 1)
    store.limit("m.f", 2, None)

    assert (in_order, len(sorts)) == (0, 1)
    assert {row.address for row in store.entries()} == {address_of(17), address_of(18)}


def test_of_a_journal_that_grew_only_what_is_new_is_read(
    shop: Shop, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, other = shop.open(), shop.open()
    for number in range(30):
        clock.move(1)
        mine.put(address_of(number), entry_of(number))
    mine.limit("m.f", 29, None)
    read: list[int] = []
    plain = lru_order.use_journal.read
    monkeypatch.setattr(
        lru_order.use_journal, "read", lambda folder, *last: read.append(len(found := plain(folder, *last))) or found
    )
    for number in range(30, 40):
        clock.move(2)
        other.get(address_of(2))
        other.close()
        mine.put(address_of(number), entry_of(number))
        mine.limit("m.f", 29, None)

    assert read and max(read) == 1
    assert address_of(2) in {row.address for row in mine.entries()}
