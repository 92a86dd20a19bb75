"""The memory store: the promises of every store, and its own."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from store_contract import BoundsContract, StoreContract, address_of, entry_of

from nbcache.entries.entry import Address
from nbcache.stores.memory import MemoryStore


@pytest.fixture
def store(clock: Any) -> MemoryStore:
    return MemoryStore(clock=clock)


class TestMemoryStore(StoreContract, BoundsContract):
    """The contract."""


@pytest.fixture
def dropped(store: MemoryStore) -> list[Address]:
    told: list[Address] = []
    store.on_drop = told.append
    return told


def test_whatever_leaves_is_told(store: MemoryStore, dropped: list[Address], clock: Any) -> None:
    for number in range(6):
        store.put(address_of(number), entry_of(number, expires=clock() + 5))
        clock.move(1)
    assert dropped == []

    store.limit("m.f", 5, None)
    store.delete(address_of(1))
    store.put(address_of(2), entry_of("replaced"))
    clock.move(4)
    store.sweep(clock(), lambda address: None)
    store.clear("m.f")

    assert dropped[:3] == [address_of(0), address_of(1), address_of(2)]
    assert set(dropped[3:6]) == {address_of(3), address_of(4), address_of(5)}
    assert dropped[6:] == [address_of(2)]


def test_a_listener_may_use_the_store(store: MemoryStore) -> None:
    found: list[object] = []
    store.on_drop = lambda address: found.append(store.get(address))
    store.put(address_of(1), entry_of(1))

    store.clear()

    assert found == [None]


def test_a_sweep_follows_the_ttl_in_force(store: MemoryStore, clock: Any) -> None:
    store.put(address_of(1), entry_of(1, created=clock(), expires=clock() + 10))
    store.put(address_of(1, "m.g"), entry_of(1, "m.g", created=clock(), expires=clock() + 10))
    store.put(address_of(1, "m.h"), entry_of(1, "m.h", created=clock()))
    clock.move(11)

    swept = store.sweep(clock(), lambda address: {"m.g": 1000.0}.get(address.owner))

    assert swept == 1
    assert [row.address.owner for row in store.entries()] == ["m.g", "m.h"]


def test_a_sweep_drops_at_the_very_end_of_the_ttl_and_not_before(store: MemoryStore, clock: Any) -> None:
    store.put(address_of(1), entry_of(1, created=clock()))

    assert store.sweep(clock() + 9.999, lambda address: 10.0) == 0
    assert store.sweep(clock() + 10.0, lambda address: 10.0) == 1


def test_large_buffers_go_to_a_nameless_file(clock: Any, tmp_path: Path) -> None:
    scratch = tmp_path / "store" / "scratch"
    store = MemoryStore(clock=clock, scratch=scratch)

    kept = store.put(address_of(1), entry_of(np.arange(500_000.0)))

    assert kept.value()[499_999] == 499_999
    assert os.listdir(scratch) == []
    assert scratch.stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "store" / ".gitignore").read_text().endswith("*\n")


def test_without_a_place_for_files_buffers_stay_in_memory(clock: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = MemoryStore(clock=clock, scratch=tmp_path / "file" / "scratch")

    kept = store.put(address_of(1), entry_of(np.arange(500_000.0)))

    assert kept.value()[499_999] == 499_999


def test_an_entry_is_dropped_only_if_it_is_still_the_one_meant(store: MemoryStore) -> None:
    old = store.put(address_of(1), entry_of("old"))
    new = store.put(address_of(1), entry_of("new"))

    assert not store.drop(address_of(1), old)
    assert store.drop(address_of(1), new)
    assert len(store) == 0


def test_uses_told_late_count(store: MemoryStore, clock: Any) -> None:
    for number in range(3):
        store.put(address_of(number), entry_of(number))
        clock.move(10)
    store.touch(address_of(1), clock() - 1)
    store.touch(address_of(0), clock() - 25)

    store.limit("m.f", 2, None)

    assert {row.address for row in store.entries()} == {address_of(1), address_of(2)}


def test_a_forked_child_does_not_wait_for_threads_it_does_not_have(store: MemoryStore) -> None:
    store.put(address_of(1), entry_of(7))
    with store._lock:
        pid = os.fork()
        if pid == 0:
            from threading import Thread

            # Another thread, because the lock is re-entrant for the one that forked.
            thread = Thread(target=lambda: store.get(address_of(1)), daemon=True)
            thread.start()
            thread.join(5)
            os._exit(1 if thread.is_alive() else 0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_work_does_not_grow_with_the_number_of_owners_and_entries(store: MemoryStore) -> None:
    for owner in range(20):
        for number in range(50):
            store.put(address_of(number, f"m.f{owner}"), entry_of(number))
    steps = 0

    def count(frame: Any, event: str, argument: Any) -> Any:
        nonlocal steps
        steps += event == "line"
        return count

    def lines_of(work: Any) -> int:
        nonlocal steps
        steps = 0
        gc.collect()
        gc.disable()  # what others left to the collector is no work of the store
        sys.settrace(count)
        try:
            work()
        finally:
            sys.settrace(None)
            gc.enable()
        return steps

    few = MemoryStore()
    few.put(address_of(1, "m.f1"), entry_of(1))
    few.put(address_of(2, "m.f1"), entry_of(2))

    for work in (
        lambda s: s.get(address_of(1, "m.f1")),
        lambda s: s.limit("m.f1", 1000, None),
        lambda s: s.delete(address_of(1, "m.f1")),
        lambda s: s.put(address_of(1, "m.f1"), entry_of(1)),
    ):
        # A comparison of two runs of the same code, not of times.
        assert abs(lines_of(lambda: work(store)) - lines_of(lambda: work(few))) <= 3


def test_bookkeeping_takes_less_than_a_kilobyte_for_an_entry(store: MemoryStore) -> None:
    import tracemalloc

    entries = [(address_of(number), entry_of(number)) for number in range(2000)]
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for address, entry in entries:
            store.put(address, entry)
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()

    assert taken / len(entries) < 1024


def test_bookkeeping_leaves_with_the_results_that_expire(store: MemoryStore, clock: Any) -> None:
    for number in range(100):
        store.put(address_of(number), entry_of(number, created=clock()))
        store.put(address_of(number + 1000), entry_of("trace", kind="trace"))

    store.sweep(clock() + 10, lambda address: 10.0)

    assert len(store) <= 16
