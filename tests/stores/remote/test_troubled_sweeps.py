"""A sweep whose shared store dies, hangs or fills up in its midst: right values, each computed once, nothing lost."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nbcache import CacheWarning, NBCache, cache_data, registry
from nbcache.engine.cache import Cache

BEGINS, ENDS, CALLS = 8, 14, 20

Machine = Callable[[str], Cache]


#: What happens within the computations of a test, by their number.
happens: dict[int, Callable[[], Any]] = {}
made: list[int] = []


@cache_data(persist="disk", show_spinner=False, track=False)
def load(x: int) -> list[int]:
    made.append(x)
    happens.get(len(made), int)()
    return [x]


@pytest.fixture
def machine(cache: Cache, restart: Callable[[], Cache], redis_server: Any, tmp_path: Path) -> Iterator[Machine]:
    """Be another machine from now on: with a folder of its own, and the same key and store."""

    def become(name: str) -> Cache:
        chosen = NBCache.instance()
        chosen.store = f"{redis_server.url}?socket_timeout=0.5&socket_connect_timeout=0.5"
        chosen.dir = str(tmp_path / name)
        return restart()

    yield become
    registry.replace_cache(None)  # while there is a server to send to
    made.clear()
    happens.clear()


def killed(server: Any) -> tuple[Callable[[], Any], Callable[[], Any]]:
    return server.kill, server.start


def hanging(server: Any) -> tuple[Callable[[], Any], Callable[[], Any]]:
    return (lambda: server.signal(signal.SIGSTOP)), (lambda: server.signal(signal.SIGCONT))


def full(server: Any) -> tuple[Callable[[], Any], Callable[[], Any]]:
    import redis

    def limit(most: int) -> None:
        with redis.Redis.from_url(server.url) as client:
            client.config_set("maxmemory", most)

    return (lambda: limit(1)), (lambda: limit(0))


@pytest.mark.server
@pytest.mark.parametrize(("trouble", "lost"), [(killed, BEGINS), (hanging, 0), (full, 0)])
def test_a_store_in_trouble_costs_no_value_and_no_computation(
    trouble: Any, lost: int, machine: Machine, redis_server: Any, clock: Any
) -> None:
    begin, end = trouble(redis_server)
    here = machine("one")

    def begins() -> None:
        assert here.tiers.outer.outbox.drain(30)
        begin()

    def ends() -> None:
        end()
        clock.move(1000)

    happens.update({BEGINS + 1: begins, ENDS + 1: ends})
    right = [[x] for x in range(CALLS)]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", CacheWarning)
        assert load.map(range(CALLS), n_jobs=1, backend="sequential", progress=False) == right
    assert made == list(range(CALLS))
    assert len(said) <= 2
    clock.move(1000)
    assert here.tiers.outer.outbox.drain(30)

    machine("two")
    assert load.map(range(CALLS), n_jobs=1, backend="sequential", progress=False) == right
    assert made[CALLS:] == list(range(lost))


@pytest.mark.server
def test_what_the_server_has_evicted_is_computed_again_and_nothing_else(machine: Machine, redis_server: Any) -> None:
    import redis

    here = machine("one")
    right = [load(x) for x in range(CALLS)]
    assert here.tiers.outer.outbox.drain(30)
    with redis.Redis.from_url(redis_server.url) as client:
        names = sorted(client.keys("nbcache/v1/*"))
        assert client.delete(*names[:5]) == 5

    machine("two")
    assert [load(x) for x in range(CALLS)] == right
    assert len(made) == CALLS + 5
