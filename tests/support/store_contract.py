"""The promises of `Store`, run against every store: a new one adds a fixture called `store`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from threads import together

from nbcache.entries.entry import Address, Entry, Meta
from nbcache.stores.protocol import Store


def address_of(number: int, owner: str = "m.f") -> Address:
    return Address(owner, f"{number:040x}")


def entry_of(
    value: object,
    owner: str = "m.f",
    *,
    created: float = 1_700_000_000.0,
    expires: float | None = None,
    kind: str = "value",
    recording: bytes = b"",
) -> Entry:
    return Entry.of(value, Meta(owner, "text", created, expires, 0.5, kind), recording)


class StoreContract:
    """What every store keeps. Subclasses give the fixture `store`, on the clock of the test."""

    def test_what_is_put_is_got(self, store: Store) -> None:
        store.put(address_of(1), entry_of({"a": [1, 2]}))

        found = store.get(address_of(1))

        assert found is not None
        assert found.value() == {"a": [1, 2]}

    def test_put_returns_an_entry_that_can_be_used(self, store: Store) -> None:
        kept = store.put(address_of(1), entry_of([1, [2]]))

        assert kept.value() == [1, [2]]

    def test_the_facts_and_the_recording_come_back(self, store: Store) -> None:
        entry = entry_of(1, expires=1_800_000_000.0, recording=b'["printed"]')
        store.put(address_of(1), entry)

        found = store.get(address_of(1))

        assert found is not None
        assert found.meta == entry.meta
        assert found.recording == b'["printed"]'

    def test_values_do_not_change_with_the_object_they_were_made_of(self, store: Store) -> None:
        array = np.arange(300_000.0)
        store.put(address_of(1), entry_of(array))

        array[:] = -1
        found = store.get(address_of(1))

        assert found is not None
        assert found.value()[299_999] == 299_999

    def test_values_are_independent_of_each_other(self, store: Store) -> None:
        store.put(address_of(1), entry_of([[1]]))
        first = store.get(address_of(1))
        assert first is not None

        first.value()[0].append(2)
        second = store.get(address_of(1))

        assert second is not None
        assert second.value() == [[1]]

    def test_nothing_is_found_where_nothing_was_put(self, store: Store) -> None:
        store.put(address_of(1), entry_of(1))

        assert store.get(address_of(2)) is None
        assert store.peek(address_of(2)) is None
        assert store.find(address_of(2)) is None
        assert store.get(address_of(1, "m.g")) is None
        assert store.delete(address_of(2)) == 0
        assert store.clear("m.g") == 0

    def test_a_second_put_replaces_the_first(self, store: Store) -> None:
        store.put(address_of(1), entry_of("old"))
        store.put(address_of(1), entry_of("new", created=1_700_000_001.0))

        found = store.get(address_of(1))

        assert found is not None
        assert found.value() == "new"
        assert len(list(store.entries())) == 1

    def test_a_result_replaces_bookkeeping_and_the_other_way_round(self, store: Store) -> None:
        for kind in ("trace", "value", "trace"):
            store.put(address_of(1), entry_of(kind, kind=kind))
            found = store.get(address_of(1))
            assert found is not None
            assert found.value() == kind
        assert [row.meta.kind for row in store.entries()] == ["trace"]

    def test_none_and_nothing_are_values(self, store: Store) -> None:
        for number, value in enumerate((None, "", b"", [], np.empty(0))):
            store.put(address_of(number), entry_of(value))

        assert [store.get(address_of(n)) is not None for n in range(5)] == [True] * 5

    def test_names_of_any_kind_are_only_names(self, store: Store) -> None:
        hostile = ["../../escape", "/absolute", "nul\0byte", "x" * 5000, "", ".", "ключ", "\ud800", "a b\nc"]
        for number, name in enumerate(hostile):
            store.put(Address(name, name), entry_of(number, name))

        found = [store.get(Address(name, name)) for name in hostile]

        assert [entry.value() for entry in found if entry is not None] == list(range(len(hostile)))
        assert {row.address for row in store.entries()} == {Address(name, name) for name in hostile}

    def test_delete_removes_one_entry_and_says_so(self, store: Store) -> None:
        store.put(address_of(1), entry_of(1))
        store.put(address_of(2), entry_of(2))

        assert store.delete(address_of(1)) == 1

        assert store.get(address_of(1)) is None
        assert store.get(address_of(2)) is not None
        assert store.delete(address_of(1)) == 0

    @pytest.mark.parametrize("count", [2, 20])
    def test_many_entries_are_removed_at_once(self, store: Store, count: int) -> None:
        for number in range(count + 2):
            store.put(address_of(number), entry_of(number))
        wanted = [address_of(number) for number in range(1, count + 1)]
        mark, other = store.mark(wanted[0]), store.mark(address_of(1, "m.g"))

        assert store.delete_all([*wanted, address_of(999)]) == set(wanted)

        assert {row.address for row in store.entries()} == {address_of(0), address_of(count + 1)}
        assert mark.cleared and not other.cleared
        assert store.delete_all(wanted) == store.delete_all([]) == set()

    def test_clear_of_an_owner_leaves_the_others(self, store: Store) -> None:
        for number in range(3):
            store.put(address_of(number), entry_of(number))
            store.put(address_of(number, "m.g"), entry_of(number, "m.g"))

        assert store.clear("m.f") == 3

        assert [store.get(address_of(n)) for n in range(3)] == [None] * 3
        assert all(store.get(address_of(n, "m.g")) is not None for n in range(3))
        assert store.clear("m.f") == 0

    def test_clear_of_everything_leaves_nothing(self, store: Store) -> None:
        store.put(address_of(1), entry_of(1))
        store.put(address_of(1, "m.g"), entry_of(1, "m.g"))
        store.put(address_of(2), entry_of("trace", kind="trace"))

        assert store.clear() == 2

        assert list(store.entries()) == []
        assert store.get(address_of(2)) is None

    def test_after_a_clear_the_store_works_as_before(self, store: Store) -> None:
        store.put(address_of(1), entry_of(1))
        store.clear()

        store.put(address_of(1), entry_of("again"))

        found = store.get(address_of(1))
        assert found is not None
        assert found.value() == "again"

    def test_a_computation_that_began_before_a_clear_is_not_stored(self, store: Store) -> None:
        store.put(address_of(9), entry_of(9))
        for remove in (
            lambda: store.clear("m.f"),
            lambda: store.clear(),
            lambda: store.delete(address_of(1)),
        ):
            mark = store.mark(address_of(1))
            assert not mark.cleared
            remove()

            kept = store.put(address_of(1), entry_of([1]), mark)

            assert mark.cleared
            assert kept.value() == [1]
            assert store.get(address_of(1)) is None

    def test_a_computation_is_stored_if_only_others_were_cleared(self, store: Store) -> None:
        store.put(address_of(2), entry_of(2))
        store.put(address_of(1, "m.g"), entry_of(1, "m.g"))
        mark = store.mark(address_of(1))
        store.delete(address_of(2))
        store.clear("m.g")
        store.put(address_of(3), entry_of(3))

        store.put(address_of(1), entry_of(1), mark)

        assert store.get(address_of(1)) is not None

    def settle(self, store: Store) -> None:
        """Wait for what the store does in the background."""

    def test_rows_tell_the_facts(self, store: Store, clock: Any) -> None:
        store.put(address_of(1), entry_of(np.arange(100.0)))
        self.settle(store)

        (row,) = store.entries()

        assert row.address == address_of(1)
        assert row.meta == entry_of(0).meta
        assert row.size >= 800
        assert row.used == pytest.approx(clock(), abs=0.001)
        assert row.tier in ("memory", "disk", "remote")
        assert store.find(address_of(1)) == row

    def test_rows_of_one_owner(self, store: Store) -> None:
        store.put(address_of(1), entry_of(1))
        store.put(address_of(2, "m.g"), entry_of(2, "m.g"))

        assert [row.address for row in store.entries("m.g")] == [address_of(2, "m.g")]
        assert list(store.entries("m.h")) == []

    def test_threads_may_do_everything_at_once(self, store: Store) -> None:
        def work(seed: int) -> None:
            for step in range(40):
                number = (seed * 7 + step) % 6
                store.put(address_of(number), entry_of([number]))
                found = store.get(address_of((number + 1) % 6))
                assert found is None or found.value() == [(number + 1) % 6]
                if step % 10 == 9:
                    store.delete(address_of(number))
                    store.limit("m.f", 4, None)
                if step % 20 == 19:
                    store.clear("m.f")
                list(store.entries())

        together(work, range(4))

    def test_a_closed_store_can_still_be_used(self, store: Store) -> None:
        store.put(address_of(1), entry_of(1))
        store.close()

        assert store.get(address_of(1)) is not None


class BoundsContract:
    """What stores keep that evict, which is all but those whose server does. Subclasses give `store`."""

    def test_the_least_recently_used_go_first(self, store: Store, clock: Any) -> None:
        for number in range(5):
            store.put(address_of(number), entry_of(number))
            clock.move(1)
        store.get(address_of(0))
        clock.move(1)
        store.touch(address_of(1))

        assert store.limit("m.f", 3, None) == 2

        assert {row.address for row in store.entries()} == {address_of(0), address_of(1), address_of(4)}

    def test_looking_does_not_count_as_use(self, store: Store, clock: Any) -> None:
        for number in range(3):
            store.put(address_of(number), entry_of(number))
            clock.move(1)
        store.peek(address_of(0))
        store.find(address_of(0))
        list(store.entries())

        store.limit("m.f", 2, None)

        assert store.get(address_of(0)) is None

    def test_a_bound_on_bytes_holds(self, store: Store, clock: Any) -> None:
        for number in range(6):
            store.put(address_of(number), entry_of(np.full(12_500, float(number))))
            clock.move(1)
        rows = {row.address: row.size for row in store.entries()}

        evicted = store.limit("m.f", None, 350_000)

        left = [row.address for row in store.entries()]
        assert sum(rows[address] for address in left) <= 350_000
        assert evicted == 6 - len(left) >= 3
        assert address_of(5) in left and address_of(0) not in left

    def test_a_bound_holds_put_by_put(self, store: Store, clock: Any) -> None:
        for number in range(12):
            store.put(address_of(number), entry_of(number))
            store.limit("m.f", 4, None)
            clock.move(1)
            assert len(list(store.entries("m.f"))) == min(4, number + 1)

        assert {row.address for row in store.entries()} == {address_of(n) for n in range(8, 12)}

    def test_the_latest_stays_even_if_it_alone_is_too_large(self, store: Store, clock: Any) -> None:
        store.put(address_of(1), entry_of(1))
        clock.move(1)
        store.put(address_of(2), entry_of(np.arange(50_000.0)))

        assert store.limit("m.f", None, 1000) == 1

        assert [row.address for row in store.entries()] == [address_of(2)]

    def test_bounds_of_one_owner_leave_the_others(self, store: Store, clock: Any) -> None:
        for number in range(3):
            store.put(address_of(number), entry_of(number))
            store.put(address_of(number, "m.g"), entry_of(number, "m.g"))

        store.limit("m.f", 1, None)

        assert len(list(store.entries("m.g"))) == 3

    def test_bookkeeping_does_not_count_for_bounds(self, store: Store, clock: Any) -> None:
        for number in range(4):
            store.put(address_of(number + 100), entry_of("trace", kind="trace"))
            clock.move(1)
            store.put(address_of(number), entry_of(number))
            clock.move(1)

        assert store.limit("m.f", 4, None) == 0
        assert store.limit("m.f", 2, None) == 2

        kinds = [row.meta.kind for row in store.entries()]
        assert sorted(kinds) == ["trace"] * 4 + ["value"] * 2

    def test_bookkeeping_does_not_grow_without_bound(self, store: Store, clock: Any) -> None:
        for number in range(60):
            store.put(address_of(number + 1000), entry_of("trace", kind="trace"))
            store.put(address_of(number), entry_of(number))
            store.limit("m.f", 2, None)
            clock.move(1)

        assert len(list(store.entries())) <= 2 + 2 * 2 + 16


class LastingContract:
    """What stores keep beyond their process. Subclasses give `store`, and `reopened()`, the same store opened anew."""

    def test_a_new_process_finds_what_was_put(self, store: Store, reopened: Any) -> None:
        store.put(address_of(1), entry_of({"a": np.arange(200_000.0)}))

        found = reopened().get(address_of(1))

        assert found is not None
        assert found.value()["a"][199_999] == 199_999

    def test_a_new_process_does_not_find_what_was_cleared(self, store: Store, reopened: Any) -> None:
        store.put(address_of(1), entry_of(1))
        store.put(address_of(2), entry_of(2))
        store.delete(address_of(1))
        assert reopened().get(address_of(1)) is None

        reopened().clear()

        assert store.get(address_of(2)) is None

    def test_entries_under_another_key_are_not_there(self, store: Store, stranger: Store) -> None:
        store.put(address_of(1), entry_of("mine"))

        assert stranger.get(address_of(1)) is None
        assert list(stranger.entries()) == []
        stranger.put(address_of(1), entry_of("theirs"))
        stranger.clear()

        found = store.get(address_of(1))
        assert found is not None
        assert found.value() == "mine"


class LastingBoundsContract:
    """What stores keep that last and evict. Subclasses give `store` and `reopened`."""

    def test_the_order_of_use_lasts(self, store: Store, reopened: Any, clock: Any) -> None:
        for number in range(4):
            store.put(address_of(number), entry_of(number))
            clock.move(1)
        store.get(address_of(0))
        clock.move(1)
        store.close()

        again = reopened()
        again.limit("m.f", 2, None)

        assert {row.address for row in again.entries()} == {address_of(0), address_of(3)}
