"""How long, how much and where values are kept: ttl, bounds, persist."""

from __future__ import annotations

import pytest

import nbcache
from nbcache import CacheWarning, cache_data


def test_a_ttl_counts_from_the_write_and_is_not_sliding(calls, cache, clock):
    @cache_data(ttl="1m")
    def price():
        calls()
        return len(calls)

    assert price() == 1
    clock.move(40)
    assert price() == 1
    clock.move(19)
    assert price() == 1
    clock.move(2)
    assert price() == 2


def test_a_ttl_holds_on_disk_across_a_restart(calls, cache, clock, restart):
    @cache_data(ttl=60, persist="disk")
    def price():
        calls()
        return len(calls)

    price()
    restart()
    clock.move(59)
    assert price() == 1
    restart()
    clock.move(2)
    assert price() == 2


def test_the_ttl_in_force_is_that_of_the_reader(calls, cache, clock, restart):
    def price():
        calls()
        return len(calls)

    cache_data(ttl=1000, persist="disk")(price)()
    clock.move(100)
    assert cache_data(ttl=50, persist="disk")(price)() == 2


def test_a_ttl_of_zero_never_keeps(calls, cache):
    @cache_data(ttl=0)
    def now():
        calls()

    now(), now()
    assert len(calls) == 2
    assert now.info().entries == 0


def test_expired_values_leave_memory_though_nothing_is_called(cache, clock):
    @cache_data(ttl=10)
    def price():
        return bytes(1000)

    price()
    clock.move(11)
    cache.tiers.look()
    assert list(cache.tiers.memory.entries()) == []
    assert cache_data.entries() == []


def test_the_least_recently_used_entry_goes_first(calls, cache, clock):
    @cache_data(max_entries=2)
    def foo(bar):
        calls(bar)

    foo(1), clock.move(1), foo(2), clock.move(1), foo(1), clock.move(1), foo(3)
    foo(1), foo(3)
    assert calls.made == [1, 2, 3]
    foo(2)
    assert calls.made == [1, 2, 3, 2]


def test_max_entries_holds_on_disk_too(calls, cache, clock, restart):
    @cache_data(max_entries=2, persist="disk")
    def foo(bar):
        calls(bar)

    for bar in (1, 2, 3):
        foo(bar)
        clock.move(1)
    restart()
    assert foo.info().entries == 2
    foo(3), foo(2)
    assert calls.made == [1, 2, 3]


def test_max_size_evicts_and_keeps_one_oversized_value_with_one_warning(calls, cache, clock):
    @cache_data(max_size="2KB", track=False)
    def blob(n):
        calls(n)
        return bytes(n)

    blob(900), clock.move(1), blob(901), clock.move(1), blob(902)
    assert blob.info().entries == 2
    with pytest.warns(CacheWarning, match="max_size") as caught:
        blob(5000)
    assert len(caught) == 1
    assert blob.info().entries == 1
    blob(5000)
    assert calls.made == [900, 901, 902, 5000]


def test_persisted_values_survive_a_restart_and_others_do_not(calls, cache, restart):
    @cache_data(persist=True)
    def kept(x):
        calls("kept")
        return {"x": x}

    @cache_data
    def lost(x):
        calls("lost")

    kept(1), lost(1)
    restart()
    assert kept(1) == {"x": 1}
    lost(1)
    assert calls.made == ["kept", "lost", "lost"]


def test_the_setting_persist_decides_for_functions_that_say_nothing(calls, cache, restart):
    @cache_data
    def follows():
        calls("follows")

    @cache_data(persist=False)
    def never():
        calls("never")

    nbcache.NBCache.instance().persist = "disk"
    follows(), never()
    restart()
    follows(), never()
    assert calls.made == ["follows", "never", "never"]


def test_a_session_s_results_never_reach_the_disk(cache, restart):
    nbcache.NBCache.instance().persist = "disk"

    @cache_data(scope="session")
    def secret():
        return "x"

    secret()
    restart()
    assert secret.info().entries == 0


async def test_a_ttl_of_zero_keeps_no_refresh_either(calls, cache):
    @cache_data(ttl=0)
    def foo():
        calls()
        return 1

    @cache_data(ttl=0)
    async def bar():
        calls()
        return 2

    assert (foo.refresh(), await bar.refresh()) == (1, 2)
    assert (len(calls), foo.info().entries, bar.info().entries) == (2, 0, 0)
