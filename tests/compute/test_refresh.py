"""Refresh in the background: an expired value is served once more while a new one is computed."""

from __future__ import annotations

import asyncio

import pytest

from nbcache import CacheWarning, cache_data
from nbcache.compute.refresh import PAUSE, WORKERS, Refresher


class Later:
    """Starts nothing until told, so that a test sees both sides of a refresh."""

    def __init__(self):
        self.waiting = []

    def __call__(self, run):
        self.waiting.append(run)
        return True

    def run_all(self):
        while self.waiting:
            self.waiting.pop(0)()


@pytest.fixture
def later(cache):
    later = Later()
    cache.background.refresher._start = later
    return later


def test_an_expired_value_is_served_and_refreshed_once(calls, cache, clock, later):
    @cache_data(ttl=10, refresh_mode="background", track=False)
    def price():
        calls()
        return len(calls)

    assert price() == 1
    clock.move(11)
    assert [price(), price(), price()] == [1, 1, 1]
    assert len(later.waiting) == 1
    later.run_all()
    assert (price(), len(calls)) == (2, 2)


def test_after_one_more_ttl_the_value_is_computed_at_once(calls, cache, clock, later):
    @cache_data(ttl=10, refresh_mode="background", track=False)
    def price():
        calls()
        return len(calls)

    price()
    clock.move(20)
    assert price() == 2
    assert later.waiting == []


def test_it_works_with_persist_and_after_a_restart(calls, cache, clock, restart):
    @cache_data(ttl=10, refresh_mode="background", persist="disk", track=False)
    def price():
        calls()
        return len(calls)

    price()
    clock.move(11)
    fresh, later = restart(), Later()
    fresh.background.refresher._start = later
    assert price() == 1
    later.run_all()
    assert price() == 2


def test_a_failed_refresh_keeps_the_value_warns_and_rests_for_a_minute(calls, cache, clock, later):
    @cache_data(ttl=100, refresh_mode="background", track=False)
    def price():
        calls()
        if len(calls) > 1:
            raise OSError("exchange closed")
        return 1

    price()
    clock.move(101)
    assert price() == 1
    with pytest.warns(CacheWarning, match="exchange closed"):
        later.run_all()
    assert price() == 1
    assert later.waiting == []


async def test_an_async_function_is_refreshed_by_a_task(calls, cache, clock):
    @cache_data(ttl=10, refresh_mode="background", track=False)
    async def price():
        calls()
        return len(calls)

    assert await price() == 1
    clock.move(11)
    assert await price() == 1
    for _ in range(5):
        await asyncio.sleep(0)
    assert await price() == 2


async def test_refresh_of_an_async_function_is_awaitable(calls, cache):
    @cache_data(track=False)
    async def price():
        calls()
        return len(calls)

    assert [await price(), await price.refresh(), await price()] == [1, 2, 2]


def test_one_refresh_per_key_and_a_few_at_a_time():
    later = Later()
    refresher = Refresher(lambda: 0.0, later)
    assert refresher.submit("a", int, print)
    assert not refresher.submit("a", int, print)
    assert [refresher.submit(key, int, print) for key in "bcde"].count(True) == WORKERS - 1
    later.run_all()
    assert refresher.submit("a", int, print)


def test_a_failure_rests_the_key_for_a_minute():
    now, later, errors = [0.0], Later(), []
    refresher = Refresher(lambda: now[0], later)
    refresher.submit("a", lambda: 1 / 0, errors.append)
    later.run_all()
    assert [type(error) for error in errors] == [ZeroDivisionError]
    assert not refresher.submit("a", int, errors.append)
    now[0] = PAUSE + 1
    assert refresher.submit("a", int, errors.append)


def test_where_no_thread_can_be_started_nothing_is_left_running():
    refresher = Refresher(lambda: 0.0, lambda run: False)
    assert not refresher.submit("a", int, print)
    assert refresher.begin("a")
