"""What one process removes reaches the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from disk_stores import Shop
from store_contract import address_of, entry_of

from nbcache.stores.disk.invalidations import NOTHING
from nbcache.stores.disk.store import DiskStore
from nbcache.stores.memory import MemoryStore
from nbcache.stores.tiered import TieredStore


def test_a_stamp_changes_with_removals_and_not_with_puts(store: DiskStore) -> None:
    assert store.stamp() == NOTHING
    store.put(address_of(1), entry_of(1))
    store.put(address_of(2), entry_of(1))
    before = store.stamp()
    store.put(address_of(3), entry_of(1))
    assert store.stamp() == before

    seen = {before}
    for change in (
        lambda: store.put(address_of(1), entry_of(2)),
        lambda: store.delete(address_of(1)),
        lambda: store.clear("m.f"),
        lambda: store.clear(),
    ):
        change()
        assert store.stamp() not in seen
        seen.add(store.stamp())


def test_a_clear_elsewhere_reaches_a_computation_here(shop: Shop, store: DiskStore) -> None:
    store.put(address_of(5), entry_of(5))
    for call in ("store.delete(address_of(1))", "store.clear('m.f')", "store.clear()"):
        mark, other = store.mark(address_of(1)), store.mark(address_of(1, "m.g"))
        shop.run(call)
        assert mark.cleared
        assert other.cleared == (call == "store.clear()")


def test_many_removals_do_not_hide_one(shop: Shop, store: DiskStore, monkeypatch: pytest.MonkeyPatch) -> None:
    from nbcache.stores.disk import invalidations

    monkeypatch.setattr(invalidations, "ROTATE_AT", 500)
    store.put(address_of(1), entry_of(1))
    for removals in (5, 40, 200):
        mark, untouched = store.mark(address_of(1)), store.mark(address_of(2))
        store.delete(address_of(1))
        for number in range(removals):
            store.delete(address_of(number + 10))
        assert mark.cleared
        # Once the records are gone for good, nobody knows, and that counts as cleared.
        assert untouched.cleared or removals < 60


def test_a_removal_that_could_not_be_written_down_counts_as_any(
    store: DiskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nbcache.stores.disk import invalidations

    store.put(address_of(1), entry_of(1))
    store.delete(address_of(2))
    mark = store.mark(address_of(1))

    def full(path: Path, content: bytes, flags: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(invalidations, "append", full)
    store.delete(address_of(7))

    assert mark.cleared


def test_a_store_knows_whether_an_entry_is_still_the_published_one(shop: Shop, store: DiskStore) -> None:
    kept = store.put(address_of(1), entry_of([1], created=1.0))
    assert store.holds(address_of(1), kept)

    shop.open().put(address_of(1), entry_of([2], created=2.0))
    assert not store.holds(address_of(1), kept)
    shop.open().clear()
    assert not store.holds(address_of(1), kept)


def test_a_clear_of_one_function_makes_nobody_look_at_the_entries_of_others(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = shop.open()
    here = TieredStore([MemoryStore(), store])
    for number in range(20):
        here.put(address_of(number, f"m.f{number % 4}"), entry_of([number], f"m.f{number % 4}"))
    looked: list[str] = []
    plain = MemoryStore.backed

    def counted(memory: MemoryStore, owner: str) -> Any:
        looked.append(owner)
        return plain(memory, owner)

    monkeypatch.setattr(MemoryStore, "backed", counted)
    shop.open().delete(address_of(2, "m.f2"))

    assert here.refresh() == 1
    assert looked == ["m.f2"]
    assert here.memory.get(address_of(1, "m.f1")) is not None
