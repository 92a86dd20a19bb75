"""Clearing, looking and refreshing: the methods of a cached function."""

from __future__ import annotations

import pytest

from nbcache import cache_data


def test_clear_forgets_all_or_one_call(calls, cache):
    @cache_data
    def foo(bar):
        calls(bar)
        return bar

    foo(1), foo(2)
    assert foo.clear(1) is None
    foo(1), foo(2)
    assert calls.made == [1, 2, 1]
    foo.clear()
    foo(1), foo(2)
    assert calls.made == [1, 2, 1, 1, 2]


def test_clear_of_everything_reaches_every_function_and_the_disk(calls, cache, restart):
    @cache_data(persist="disk")
    def foo(bar):
        calls(bar)
        return bar

    @cache_data
    def other():
        calls("other")

    foo(1), other()
    cache_data.clear()
    restart()
    foo(1), other()
    assert calls.made == [1, "other", 1, "other"]


def test_clear_where_finds_entries_by_some_of_their_arguments(calls, cache):
    @cache_data
    def load(year, month=1):
        calls((year, month))
        return year * month

    load(2023), load(2024), load(2024, 2)
    load.clear_where(year=2024)
    load(2023), load(2024), load(2024, month=2)
    assert calls.made == [(2023, 1), (2024, 1), (2024, 2), (2024, 1), (2024, 2)]
    with pytest.raises(TypeError, match="week"):
        load.clear_where(week=1)


def test_is_cached_looks_without_counting_or_computing(calls, cache):
    @cache_data
    def foo(bar):
        calls()

    assert not foo.is_cached(1)
    foo(1)
    assert foo.is_cached(1)
    assert (foo.info().hits, foo.info().misses, len(calls)) == (0, 1, 1)


def test_refresh_computes_and_stores_and_keeps_the_old_value_when_it_fails(calls, cache):
    @cache_data(track=False)
    def feed():
        calls()
        if len(calls) == 3:
            raise OSError("down")
        return len(calls)

    assert (feed(), feed.refresh(), feed()) == (1, 2, 2)
    with pytest.raises(OSError, match="down"):
        feed.refresh()
    assert feed() == 2
