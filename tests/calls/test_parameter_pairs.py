"""Every pair of parameters of `cache_data` stands together at least once, on a real clock, with a small live ttl."""

from __future__ import annotations

import time
from itertools import combinations
from typing import Any

import pytest

from nbcache import cache_data, registry
from nbcache.engine.cache import Cache
from nbcache.engine.tiers import open_tiers
from tests.support.covering import covering

TTL = 0.5
OPTIONS: dict[str, tuple[Any, ...]] = {
    "ttl": (None, TTL),
    "max_entries": (None, 1),
    "max_size": (None, "1MB"),
    "persist": (None, False, "disk"),
    "show_spinner": (True, False, "Loading"),
    "show_time": (False, True),
    "hash_funcs": (None, {"builtins.complex": repr}),
    "scope": ("global", "session"),
    "refresh_mode": ("foreground", "background"),
    "track": (True, False),
    "depends_on": ((), ("a value",)),
    "replay": ("display", "all", "none"),
    "cache_if": (None, lambda result: result is not None),
    "copy": (False, True),
    "outputs": (None, "files"),
}


def _allowed(chosen: dict[str, Any]) -> bool:
    on_disk_for_a_session = chosen.get("persist") == "disk" and chosen.get("scope") == "session"
    endless_background = chosen.get("refresh_mode") == "background" and chosen.get("ttl", TTL) is None
    return not (on_disk_for_a_session or endless_background)


COMBINATIONS = covering(OPTIONS, _allowed)


@pytest.fixture
def live(surroundings: None) -> Cache:
    """The cache of this test, on the real clock."""
    cache = Cache(open_tiers())
    registry.replace_cache(cache)
    return cache


def _until(reached: Any) -> bool:
    end = time.monotonic() + 10
    while not reached():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def test_every_allowed_pair_is_there() -> None:
    for one, other in combinations(OPTIONS, 2):
        there = [(chosen[one], chosen[other]) for chosen in COMBINATIONS]
        wanted = [(a, b) for a in OPTIONS[one] for b in OPTIONS[other] if _allowed({one: a, other: b})]
        assert all(pair in there for pair in wanted), (one, other)


@pytest.mark.parametrize("chosen", COMBINATIONS, ids=[str(number) for number in range(len(COMBINATIONS))])
def test_each_does_what_each_says(live: Cache, chosen: dict[str, Any]) -> None:
    runs: list[Any] = []

    def load(x: Any, _runs: list[Any]) -> list[Any] | None:
        _runs.append(x)
        return None if x == "nothing" else [x, len(_runs)]

    cached = cache_data(load, **chosen)
    first = cached(1j, runs)
    again = cached(1j, runs)
    if chosen["ttl"] is None:
        assert first == again == [1j, 1]
        assert again is not first
    else:  # on a slow machine the ttl may be over between the two calls
        assert again in ([1j, 1], [1j, 2])

    cached("nothing", runs)
    cached("nothing", runs)
    if chosen["cache_if"] is not None:
        assert runs.count("nothing") == 2
    elif chosen["ttl"] is None:
        assert runs.count("nothing") == 1
        assert cached.is_cached(1j, runs) is (chosen["max_entries"] is None)

    if chosen["ttl"] is not None:
        assert _until(lambda: not cached.is_cached(1j, runs))
        if chosen["refresh_mode"] == "background":
            cached(2j, runs)
            assert _until(lambda: cached(2j, runs) is not None and runs.count(2j) >= 2)
        else:
            assert cached(1j, runs)[1] > 1

    with_disk = chosen["persist"] == "disk" and chosen["ttl"] is None
    if with_disk:
        cached(3j, runs)
        fresh = Cache(open_tiers())
        registry.replace_cache(fresh)
        before = len(runs)
        cache_data(load, **chosen)(3j, runs)
        assert len(runs) == before

    cached = cache_data(load, **chosen)
    cached(4j, runs)
    cached.clear()
    assert not cached.is_cached(4j, runs)
    assert cached.entries() == []
