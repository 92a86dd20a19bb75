"""One computation per key: threads, tasks, recursion, cycles, clears and forks."""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from threads import together

from nbcache import cache_data
from nbcache.compute.singleflight import Ending, Flights

PATIENCE = 20


class Stage:
    """Events and the like that a cached function of a test uses, and that are no part of any key."""

    def __init__(self, **things: Any) -> None:
        self.__dict__.update(things)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

    def __cache_key__(self) -> str:
        return "stage"


def test_eight_threads_on_one_cold_key_compute_once(calls, cache):
    release = threading.Event()

    @cache_data(track=False)
    def slow():
        calls()
        release.wait(0.2)
        return [len(calls)]

    results = together(lambda _: slow(), range(8))
    assert results == [[1]] * 8
    assert len(calls) == 1
    assert len({id(result) for result in results}) == 8


def test_if_the_computing_caller_fails_one_waiter_retries(calls, cache):
    inside = threading.Barrier(2)

    @cache_data(track=False)
    def flaky():
        calls()
        if len(calls) == 1:
            inside.wait(PATIENCE)
            raise OSError("first")
        return "second"

    with ThreadPoolExecutor(5) as pool:
        first = pool.submit(flaky)
        inside.wait(PATIENCE)
        others = [pool.submit(flaky) for _ in range(4)]
        with pytest.raises(OSError, match="first"):
            first.result(PATIENCE)
        assert [other.result(PATIENCE) for other in others] == ["second"] * 4
    assert len(calls) == 2


async def test_eight_tasks_on_one_cold_key_compute_once(calls, cache):
    @cache_data(track=False)
    async def slow():
        calls()
        await asyncio.sleep(0)
        return [1]

    results = await asyncio.gather(*(slow() for _ in range(8)))
    assert results == [[1]] * 8
    assert len(calls) == 1
    results[0].append(2)
    assert await slow() == [1]


def held(calls):
    """A cached coroutine function that waits on a stage, and the stage."""
    stage = Stage(started=asyncio.Event(), go_on=asyncio.Event())

    @cache_data(track=False)
    async def slow():
        calls()
        stage.started.set()
        await stage.go_on.wait()
        return 1

    return slow, stage


async def test_when_the_computing_task_is_cancelled_the_waiters_finish(calls, cache):
    slow, stage = held(calls)
    leader = asyncio.create_task(slow())
    await stage.started.wait()
    waiters = [asyncio.create_task(slow()) for _ in range(3)]
    await asyncio.sleep(0)
    leader.cancel()
    stage.go_on.set()
    assert await asyncio.wait_for(asyncio.gather(*waiters), PATIENCE) == [1, 1, 1]
    assert len(calls) == 2


async def test_a_cancelled_waiter_leaves_the_others_alone(calls, cache):
    slow, stage = held(calls)
    leader = asyncio.create_task(slow())
    await stage.started.wait()
    waiter, other = asyncio.create_task(slow()), asyncio.create_task(slow())
    await asyncio.sleep(0)
    waiter.cancel()
    stage.go_on.set()
    assert await asyncio.wait_for(asyncio.gather(leader, other), PATIENCE) == [1, 1]
    assert len(calls) == 1


async def test_async_recursion_through_gathered_children_does_not_hang(cache):
    @cache_data(track=False)
    async def walk(name, _depth=0):
        if _depth == 2:
            return 1
        return sum(await asyncio.gather(walk(name, _depth + 1), walk(name, _depth + 1)))

    assert await asyncio.wait_for(walk("a"), PATIENCE) == 4


def test_two_functions_that_wait_for_each_other_from_two_threads_do_not_hang(cache):
    meet = threading.Barrier(2)

    @cache_data(track=False)
    def first(_inner=False):
        if not _inner:
            meet.wait(PATIENCE)
            return 1 + second(_inner=True)
        return 10

    @cache_data(track=False)
    def second(_inner=False):
        if not _inner:
            meet.wait(PATIENCE)
            return 1 + first(_inner=True)
        return 100

    with ThreadPoolExecutor(2) as pool:
        results = [pool.submit(first).result, pool.submit(second).result]
        assert {results[0](PATIENCE), results[1](PATIENCE)} <= {101, 11, 12, 102, 10, 100}


def test_a_function_that_calls_itself_from_a_thread_of_its_own_does_not_hang(cache):
    @cache_data(track=False)
    def spread(name, _depth=0):
        if _depth:
            return 1
        with ThreadPoolExecutor(2) as pool:
            return sum(pool.map(lambda _: spread(name, 1), range(2)))

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(spread, "a").result(PATIENCE) == 2


def test_a_clear_during_a_computation_returns_the_value_and_stores_nothing(calls, cache):
    for how in (lambda f: f.clear(), lambda f: f.clear(1), lambda f: cache_data.clear()):
        computing, cleared = threading.Event(), threading.Event()

        @cache_data(track=False)
        def slow(x):
            calls()
            computing.set()
            assert cleared.wait(PATIENCE)
            return [x]

        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(slow, 1)
            assert computing.wait(PATIENCE)
            how(slow)
            cleared.set()
            assert running.result(PATIENCE) == [1]
        assert not slow.is_cached(1)


def test_a_clear_of_another_call_does_not_disturb_a_computation(cache):
    computing, cleared = threading.Event(), threading.Event()

    @cache_data(track=False)
    def slow(x):
        computing.set()
        assert cleared.wait(PATIENCE)
        return [x]

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(slow, 1)
        assert computing.wait(PATIENCE)
        slow.clear(2)
        cleared.set()
        running.result(PATIENCE)
    assert slow.is_cached(1)


def test_waiters_for_a_result_that_is_not_kept_compute_for_themselves(calls, cache):
    @cache_data(track=False, cache_if=lambda value: False)
    def never():
        calls()
        return 1

    assert together(lambda _: never(), range(4)) == [1] * 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_forked_during_a_computation_computes_by_itself(cache):
    computing, go_on = threading.Event(), threading.Event()

    @cache_data(track=False)
    def slow():
        if threading.current_thread() is not threading.main_thread():
            computing.set()
            assert go_on.wait(PATIENCE)
        return 7

    thread = threading.Thread(target=slow)
    thread.start()
    assert computing.wait(PATIENCE)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if slow() == 7 else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    go_on.set()
    thread.join(PATIENCE)
    assert os.waitstatus_to_exitcode(status) == 0


def test_only_the_leader_joins_without_anybody_to_wait_for():
    flights = Flights()
    mine, theirs = flights.join(("f", "1"))
    assert mine is not None and theirs is None
    assert flights.join(("f", "1")) == (None, mine)
    flights.leave(mine, Ending.STORED)
    assert mine.done.result(PATIENCE) is Ending.STORED
    assert flights.join(("f", "1"))[0] is not mine


def test_a_cancelled_flight_makes_room_for_a_new_one():
    flights = Flights()
    mine, _ = flights.join(("f", "1"))
    other, _ = flights.join(("g", "1"))
    flights.cancel("f")
    assert (mine.cancelled, other.cancelled) == (True, False)
    fresh, _ = flights.join(("f", "1"))
    assert fresh is not mine
    flights.leave(mine, Ending.FAILED)
    assert flights.join(("f", "1")) == (None, fresh)
