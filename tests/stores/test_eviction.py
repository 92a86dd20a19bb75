"""Which entries go when there is no room."""

from __future__ import annotations

from nbcache.stores.eviction import Candidate, notes_to_keep, over_bounds, to_make_room


def test_nothing_goes_while_the_bounds_hold() -> None:
    assert over_bounds([("a", 1), ("b", 1)], 2, 2, max_entries=2, max_size=2) == []
    assert over_bounds([("a", 1), ("b", 1)], 2, 2, max_entries=None, max_size=None) == []


def test_the_oldest_go_until_there_are_few_enough() -> None:
    assert over_bounds([("a", 1), ("b", 1), ("c", 1)], 3, 3, max_entries=1, max_size=None) == ["a", "b"]


def test_the_oldest_go_until_they_are_small_enough() -> None:
    assert over_bounds([("a", 5), ("b", 1), ("c", 1)], 3, 7, max_entries=None, max_size=2) == ["a"]


def test_both_bounds_hold() -> None:
    entries = [("a", 1), ("b", 9), ("c", 1), ("d", 1)]

    assert over_bounds(entries, 4, 12, max_entries=3, max_size=5) == ["a", "b"]


def test_the_last_one_stays_however_large() -> None:
    assert over_bounds([("a", 10**9)], 1, 10**9, max_entries=1, max_size=1) == []
    assert over_bounds([("a", 1), ("b", 10**9)], 2, 10**9 + 1, max_entries=None, max_size=1) == ["a"]


def test_no_more_is_read_than_must_go() -> None:
    read = []

    def oldest_first():
        for number in range(1000):
            read.append(number)
            yield number, 1

    assert over_bounds(oldest_first(), 1000, 1000, max_entries=998, max_size=None) == [0, 1]
    assert len(read) == 3


def test_an_empty_owner_has_nothing_to_evict() -> None:
    assert over_bounds([], 0, 0, max_entries=1, max_size=1) == []


def test_bookkeeping_may_be_twice_the_results() -> None:
    assert notes_to_keep(0) == 16
    assert notes_to_keep(100) == 216


def test_a_store_within_its_bound_loses_only_what_has_expired() -> None:
    kept, expired = Candidate(1, 10, "kept"), Candidate(9, 10, "expired", expires=50)
    later = Candidate(0, 10, "later", expires=101)

    assert to_make_room([kept, expired, later], max_size=100, now=100) == [expired]


def test_a_crowded_store_loses_the_oldest_and_gets_some_air() -> None:
    candidates = [Candidate(used, 10, used) for used in (3, 1, 2, 5, 4)]

    leaving = to_make_room(candidates, max_size=40, now=0)

    assert [candidate.name for candidate in leaving] == [1, 2]


def test_what_has_expired_makes_room_first() -> None:
    old, expired = Candidate(1, 30, "old"), Candidate(9, 30, "expired", expires=5)

    assert to_make_room([old, expired], max_size=40, now=10) == [expired]
