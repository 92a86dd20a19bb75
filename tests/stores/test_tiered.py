"""Stores behind each other: the promises of every store, and who has what."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from disk_stores import Shop, files_of
from store_contract import BoundsContract, LastingBoundsContract, LastingContract, StoreContract, address_of, entry_of

from nbcache.engine.tiers import OuterTiers, Tiers
from nbcache.entries.entry import Address, Entry
from nbcache.entries.signing import Keyring
from nbcache.stores.disk import publish
from nbcache.stores.disk.store import DiskStore
from nbcache.stores.disk.writer import Writer
from nbcache.stores.memory import MemoryStore
from nbcache.stores.protocol import Mark, Stored
from nbcache.stores.tiered import TieredStore


@pytest.fixture
def reopened(shop: Shop) -> Callable[[], TieredStore]:
    return lambda: TieredStore([MemoryStore(clock=shop.clock), shop.open()])


@pytest.fixture
def store(reopened: Callable[[], TieredStore]) -> TieredStore:
    return reopened()


@pytest.fixture
def stranger(shop: Shop) -> TieredStore:
    return TieredStore([MemoryStore(clock=shop.clock), DiskStore(shop.folder, Keyring.ephemeral(), clock=shop.clock)])


class TestTieredStore(StoreContract, BoundsContract, LastingContract, LastingBoundsContract):
    """The contract, where only what all tiers say counts."""

    def test_a_new_process_does_not_find_what_was_cleared(
        self, store: TieredStore, reopened: Callable[[], TieredStore]
    ) -> None:
        store.put(address_of(1), entry_of(1))
        reopened().clear()

        store.refresh()

        assert store.get(address_of(1)) is None

    def test_rows_tell_the_facts(self, store: TieredStore, clock: Any) -> None:
        store.put(address_of(1), entry_of(np.arange(100.0)))

        (row,) = store.entries()

        assert (row.address, row.tier, row.used) == (address_of(1), "memory", clock())


class Spy:
    """A store that keeps a diary; it holds entries like a memory store."""

    tier = "remote"

    def __init__(self) -> None:
        self.held = MemoryStore()
        self.diary: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def act(*arguments: Any) -> Any:
            self.diary.append(name)
            return getattr(self.held, name)(*arguments)

        return act

    def entries(self, owner: str | None = None) -> Iterator[Stored]:
        for row in self.held.entries(owner):
            yield row._replace(tier="remote")


def test_a_hit_in_memory_asks_nobody_else(clock: Any) -> None:
    spy = Spy()
    store = TieredStore([MemoryStore(clock=clock), spy])
    store.put(address_of(1), entry_of(1))
    spy.diary.clear()

    assert store.get(address_of(1)) is not None
    assert store.peek(address_of(1)) is not None
    assert spy.diary == []


def test_what_a_slow_tier_has_fills_the_faster_ones(shop: Shop, store: TieredStore) -> None:
    spy = Spy()
    disk = shop.open()
    three = TieredStore([MemoryStore(clock=shop.clock), disk, spy])
    spy.held.put(address_of(1), entry_of(np.arange(300_000.0)))

    found = three.get(address_of(1))

    assert found is not None
    assert found.value()[299_999] == 299_999
    assert disk.find(address_of(1)) is not None
    assert [row.tier for row in three.entries()] == ["memory"]
    spy.diary.clear()
    assert three.get(address_of(1)) is not None
    assert store.get(address_of(1)) is not None
    assert spy.diary == []


def test_a_look_fills_nothing(shop: Shop, store: TieredStore) -> None:
    shop.open().put(address_of(1), entry_of(1))

    assert store.peek(address_of(1)) is not None
    assert store.find(address_of(1)) is not None
    assert [row.tier for row in store.entries()] == ["disk"]


def test_memory_holds_the_mapped_file_and_not_a_copy(shop: Shop, store: TieredStore) -> None:
    store.put(address_of(1), entry_of(np.arange(1_000_000.0)))

    found = store.memory.get(address_of(1))

    assert found is not None
    value = found.value()
    assert value[1] == 1
    assert f" {files_of(shop.folder)[0].stat().st_ino} " in Path("/proc/self/maps").read_text()


def test_what_goes_to_memory_only_is_on_disk_once_it_is_asked_for_here(shop: Shop, store: TieredStore) -> None:
    store.memory.put(address_of(1), entry_of(1))

    assert store.peek(address_of(1)) is not None
    assert files_of(shop.folder) == []
    assert store.get(address_of(1)) is not None
    assert len(files_of(shop.folder)) == 1
    assert store.clear() == 1


def test_counts_are_of_distinct_entries(shop: Shop, store: TieredStore) -> None:
    for number in range(3):
        store.put(address_of(number), entry_of(number))
    store.memory.put(address_of(10), entry_of(10))
    shop.open().put(address_of(20), entry_of(20))

    assert len(list(store.entries())) == 5
    assert store.delete(address_of(0)) == 1
    assert store.clear("m.f") == 4


def test_whatever_leaves_memory_is_told(store: TieredStore) -> None:
    told: list[Address] = []
    store.on_drop = told.append
    store.put(address_of(1), entry_of(1))

    store.delete(address_of(1))

    assert told == [address_of(1)]


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (lambda other: other.delete(address_of(1)), [2, 3]),
        (lambda other: other.clear("m.f"), []),
        (lambda other: other.clear(), []),
        (lambda other: other.put(address_of(2), entry_of("new", created=5.0)), [1, 3]),
        (lambda other: other.clear("m.g"), [1, 2, 3]),
        (lambda other: other.put(address_of(9), entry_of(9)), [1, 2, 3]),
    ],
)
def test_changes_elsewhere_reach_this_memory(
    shop: Shop, store: TieredStore, change: Callable[[DiskStore], object], left: list[int]
) -> None:
    for number in (1, 2, 3):
        store.put(address_of(number), entry_of(number))
    store.memory.put(address_of(4), entry_of("memory only"))
    store.refresh()
    change(shop.open())

    dropped = store.refresh()

    held = [number for number in (1, 2, 3) if store.memory.peek(address_of(number)) is not None]
    assert held == left
    assert dropped == 3 - len(left)
    assert store.memory.peek(address_of(4)) is not None
    assert store.refresh() == 0


def test_a_clear_in_another_process_reaches_this_memory(shop: Shop, store: TieredStore) -> None:
    store.put(address_of(1), entry_of(1))
    shop.run("assert store.clear('m.f') == 1")

    assert store.refresh() == 1
    assert store.get(address_of(1)) is None


def test_what_this_process_puts_again_stays_in_memory(store: TieredStore) -> None:
    for created in range(3):
        store.put(address_of(1), entry_of(created, created=float(created)))

    assert store.refresh() == 0
    assert store.memory.peek(address_of(1)) is not None


def test_uses_in_memory_count_on_disk(shop: Shop, store: TieredStore, clock: Any) -> None:
    for number in range(4):
        store.put(address_of(number), entry_of(number))
        clock.move(1)
    store.get(address_of(0))
    clock.move(1)
    store.close()

    fresh = shop.open()
    fresh.limit("m.f", 2, None)

    assert {row.address for row in fresh.entries()} == {address_of(0), address_of(3)}


def test_a_clear_during_a_lookup_is_not_undone_by_it(shop: Shop, clock: Any) -> None:
    shop.open().put(address_of(1), entry_of("old"))
    memory = MemoryStore(clock=clock)

    class Slow(DiskStore):
        """A disk on which everything is cleared between the reading and the answer."""

        def get(self, address: Address) -> Entry | None:
            found = super().get(address)
            store.clear()
            return found

    store = TieredStore([memory, Slow(shop.folder, shop.keyring, clock=clock)])

    # The lookup began before the clear, so that it may still answer.
    assert store.get(address_of(1)) is not None

    assert memory.peek(address_of(1)) is None
    assert files_of(shop.folder) == []


def test_a_clear_during_a_put_is_not_undone_by_it(shop: Shop, clock: Any) -> None:
    class Slow(DiskStore):
        """A disk on which everything is cleared as soon as something was written."""

        def put(self, address: Address, entry: Entry, since: Mark | None = None) -> Entry:
            kept = super().put(address, entry, since)
            store.clear()
            return kept

    store = TieredStore([MemoryStore(clock=clock), Slow(shop.folder, shop.keyring, clock=clock)])
    mark = store.mark(address_of(1))

    assert store.put(address_of(1), entry_of(1), mark).value() == 1

    assert store.get(address_of(1)) is None


def test_a_disk_that_fails_leaves_memory_at_work(shop: Shop, store: TieredStore) -> None:
    shop.folder.parent.joinpath("store").write_text("a file in the way")

    kept = store.put(address_of(1), entry_of([1]))

    assert kept.value() == [1]
    found = store.get(address_of(1))
    assert found is not None
    assert found.value() == [1]
    assert len(shop.said) == 1
    assert store.refresh() == 0
    assert store.clear() == 1


def test_a_look_of_a_second_thread_is_not_over_before_that_of_the_first(
    shop: Shop, store: TieredStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put(address_of(1), entry_of(1))
    store.put(address_of(2), entry_of(2))
    shop.open().clear()
    left: list[int] = []
    holds = DiskStore.holds

    def while_the_first_looks(disk: DiskStore, address: Address, entry: Entry) -> bool:
        monkeypatch.setattr(DiskStore, "holds", holds)
        store.refresh()
        left.append(len(store.memory))
        return holds(disk, address, entry)

    monkeypatch.setattr(DiskStore, "holds", while_the_first_looks)
    store.refresh()

    assert left == [0] and len(store.memory) == 0


def test_a_clear_elsewhere_after_the_write_to_disk_is_not_undone_in_memory(
    shop: Shop, store: TieredStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = store.mark(address_of(1))
    put = DiskStore.put

    def put_and_cleared(disk: DiskStore, address: Address, entry: Entry, since: Mark | None = None) -> Entry:
        kept = put(disk, address, entry, since)
        shop.open().clear()
        store.refresh()  # the watching thread, before memory has the entry
        return kept

    monkeypatch.setattr(DiskStore, "put", put_and_cleared)
    store.put(address_of(1), entry_of(1), mark)

    assert store.memory.peek(address_of(1)) is None


def test_a_clear_elsewhere_just_before_memory_has_the_entry_is_not_undone_in_memory(
    shop: Shop, store: TieredStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = store.mark(address_of(1))
    own = MemoryStore.own

    def owned_and_cleared(memory: MemoryStore, entry: Entry) -> Entry:
        shop.open().clear()
        store.refresh()  # the watching thread, which finds nothing of this entry
        return own(memory, entry)

    monkeypatch.setattr(MemoryStore, "own", owned_and_cleared)
    store.put(address_of(1), entry_of(1), mark)

    assert store.memory.peek(address_of(1)) is None


def found_and_cleared_elsewhere(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, then: Callable[[], object] = lambda: None
) -> None:
    """Store entry 1, for another process to clear as soon as it was found on disk."""
    shop.open().put(address_of(1), entry_of(1))
    get = DiskStore.get

    def got_and_cleared(disk: DiskStore, address: Address) -> Entry | None:
        found = get(disk, address)
        shop.open().clear()
        then()
        return found

    monkeypatch.setattr(DiskStore, "get", got_and_cleared)


def test_a_clear_elsewhere_after_the_find_on_disk_is_not_undone_in_memory(
    shop: Shop, store: TieredStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    found_and_cleared_elsewhere(shop, monkeypatch, store.refresh)  # the watching thread, before memory has the entry

    assert store.get(address_of(1)) is not None
    assert store.memory.peek(address_of(1)) is None


def test_a_clear_elsewhere_during_a_find_reaches_memory_with_the_next_look(
    shop: Shop, store: TieredStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    found_and_cleared_elsewhere(shop, monkeypatch)
    store.get(address_of(1))

    assert store.refresh() == 1
    assert store.memory.peek(address_of(1)) is None


def test_a_process_that_only_reads_looks_for_clears_elsewhere_too(shop: Shop, clock: Any) -> None:
    shop.open().put(address_of(1), entry_of(1))
    tiers = Tiers(MemoryStore(clock=clock), lambda memory: beyond_of(memory, shop.open()))
    looked = threading.Event()
    tiers.look = looked.set  # type: ignore[method-assign]

    assert tiers.get(address_of(1), True) is not None

    assert looked.wait(60)
    tiers.close()


def beyond_of(memory: MemoryStore, disk: DiskStore) -> OuterTiers:
    return OuterTiers(TieredStore([memory, disk]), disk)


def test_a_clear_tells_everybody_even_when_the_file_is_gone_already(shop: Shop, store: TieredStore) -> None:
    store.put(address_of(1), entry_of(1))
    for path in files_of(shop.folder):
        path.unlink()
    other = shop.open()

    other.delete(address_of(1))
    store.refresh()

    assert store.memory.peek(address_of(1)) is None


def test_what_was_cleared_before_its_file_had_a_name_never_gets_one(
    shop: Shop, store: TieredStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put(address_of(2), entry_of(2))
    mark = store.mark(address_of(1))
    named: list[str] = []
    write, link = Writer.write, publish._link

    def cleared_and_written(writer: Writer, *arguments: Any) -> Any:
        shop.open().delete(address_of(1))
        return write(writer, *arguments)

    monkeypatch.setattr(Writer, "write", cleared_and_written)
    monkeypatch.setattr(publish, "_link", lambda fd, target: named.append(str(target)) or link(fd, target))
    store.put(address_of(1), entry_of(1), mark)

    assert not [name for name in named if name.endswith(".nbc")] and store.get(address_of(1)) is None
