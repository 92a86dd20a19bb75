"""What `info` and `entries` say of a function."""

from __future__ import annotations

import pytest

from nbcache import cache_data


def test_info_and_entries_are_frozen_rows(cache, clock):
    @cache_data(ttl=60)
    def foo(bar, mode="fast"):
        return bar

    foo(1), foo(1, mode="slow"), foo(1)
    info = foo.info()
    assert info.name == f"{__name__}.{foo.__qualname__}"
    assert (info.entries, info.hits, info.misses, info.last_used) == (2, 1, 2, clock())
    assert [row.arguments for row in sorted(foo.entries(), key=lambda row: row.arguments)] == ["1", "1, mode='slow'"]
    row = next(row for row in foo.entries() if row.arguments == "1")
    assert (row.created, row.expires, row.hits, row.tier) == (clock(), clock() + 60, 1, "memory")
    assert row.seconds_to_compute >= 0
    with pytest.raises(AttributeError):
        row.hits = 3
    assert info in cache_data.info()


def test_entries_of_earlier_sessions_are_listed(cache, restart):
    @cache_data(persist="disk")
    def foo(bar):
        return bar

    foo(1)
    restart()
    assert [(row.arguments, row.tier) for row in foo.entries()] == [("1", "disk")]
    assert foo.info().entries == 1


def test_time_saved_is_less_what_hits_cost_and_the_table_says_when_caching_does_not_pay(cache):
    from nbcache.notebook.magics.info import functions_table

    @cache_data(track=False)
    def total(numbers):
        return 1

    numbers = list(range(200_000))
    for _ in range(4):
        total(numbers)
    info = total.info()
    assert info.hits == 3
    assert info.seconds_saved < 0
    assert "costs more than it saves" in str(functions_table([info]))
