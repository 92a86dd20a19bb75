"""A clear that can be taken back: for this process it is done at once, for the stores when its time is over."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from nbcache import cache_data
from nbcache.engine.cache import Cache
from nbcache.engine.pending import PendingClear
from nbcache.engine.tiers import open_tiers


class Timer:
    """Time handed in: what was asked for later is done when a test says so."""

    def __init__(self) -> None:
        self.waiting: list[tuple[float, Callable[[], None]]] = []
        self.rings_in_runs = False

    def __cache_key__(self) -> str:
        return "timer"

    def __call__(self, seconds: float, act: Callable[[], None]) -> Callable[[], None]:
        self.waiting.append((seconds, act))
        return lambda: None

    def ring(self) -> None:
        waiting, self.waiting = self.waiting, []
        for _, act in waiting:
            act()


@pytest.fixture
def timer() -> Timer:
    return Timer()


@pytest.fixture(params=["memory", "disk"])
def load(request: pytest.FixtureRequest, cache: Cache, calls: Any) -> Any:
    @cache_data(persist=request.param == "disk", show_spinner=False)
    def load(x):
        calls(x)
        return x

    load(1), load(2), load(2)
    calls.made.clear()
    return load


def clear(cache: Cache, function: Any, timer: Timer, number: int | None = None) -> PendingClear:
    """Clear a function, or one call of it, so that it can be taken back."""
    rows = [row for row in cache.entries(function.owner) if row.meta.arguments == str(number)]
    return cache.clear_later(function.owner, rows[0].address.key if rows else None, 8.0, timer)


def listed(function: Any) -> list[str]:
    return sorted(row.arguments for row in function.entries())


def test_what_was_cleared_is_found_and_listed_by_nobody_in_this_process(cache, load, calls, timer):
    clear(cache, load, timer, 2)

    assert (load.is_cached(1), load.is_cached(2)) == (True, False)
    assert not load.explain(2).hit
    assert listed(load) == ["1"]
    assert load.info().entries == 1
    assert (load(1), load(2), calls.made) == (1, 2, [2])


def test_undo_brings_every_entry_back_without_computing(cache, load, calls, timer):
    pending = clear(cache, load, timer)
    assert not load.is_cached(2)

    assert pending.undo()

    assert (load(1), load(2), calls.made) == (1, 2, [])
    assert listed(load) == ["1", "2"]


@pytest.mark.parametrize("number", [None, 1, 2])
def test_when_its_time_is_over_the_entries_leave_the_stores(cache, load, timer, number):
    pending = clear(cache, load, timer, number)

    timer.ring()

    assert not pending.undo()
    left = [] if number is None else [str(3 - number)]
    assert listed(load) == left
    assert sum(row.meta.kind == "value" for store in cache.tiers.stores() for row in store.entries(load.owner)) == (
        len(left) * (2 if cache.tiers.has_disk() else 1)
    )


def test_what_is_computed_meanwhile_is_kept_after_the_time_and_after_an_undo(cache, load, calls, timer):
    clear(cache, load, timer)
    load(1), load(3)
    timer.ring()
    assert (listed(load), load(1), load(3)) == (["1", "3"], 1, 3)
    assert calls.made == [1, 3]

    pending = clear(cache, load, timer)
    load(1)
    pending.undo()
    assert (listed(load), load(1), load(3)) == (["1", "3"], 1, 3)
    assert calls.made == [1, 3, 1]


def test_a_run_that_goes_on_when_the_time_is_over_is_kept(cache, calls, timer):
    @cache_data(persist="disk", show_spinner=False, track=False)
    def load(x):
        calls(x)
        if timer.rings_in_runs:
            timer.ring()
        return x

    load(1), load(2)
    clear(cache, load, timer)
    timer.rings_in_runs = True
    load(1)
    timer.rings_in_runs = False

    assert load.is_cached(1)
    assert not load.is_cached(2)
    timer.ring()
    assert (load(1), load(2), calls.made) == (1, 2, [1, 2, 1, 2])


def test_a_traced_call_is_cleared_kept_and_taken_back_like_any_other(cache, calls, timer, tmp_path):
    @cache_data(persist="disk", show_spinner=False)
    def read(name):
        calls(name)
        return (tmp_path / name).read_text()

    (tmp_path / "a").write_text("old")
    read("a")
    clear(cache, read, timer).undo()
    assert (read("a"), len(calls)) == ("old", 1)

    clear(cache, read, timer)
    read("a")
    timer.ring()
    assert (read("a"), len(calls)) == ("old", 2)

    clear(cache, read, timer)
    timer.ring()
    assert not read.is_cached("a")


def test_another_process_has_the_entries_until_the_time_is_over_and_none_of_them_then(cache, clock, timer):
    @cache_data(persist="disk", show_spinner=False)
    def load(x):
        return x

    load(1)
    theirs = Cache(open_tiers(clock), clock)
    clear(cache, load, timer)
    assert [row.meta.arguments for row in theirs.entries()] == ["1"]

    timer.ring()

    assert list(theirs.entries()) == []


def test_a_killed_process_has_lost_nothing(python):
    program = """
        import os
        from nbcache import cache_data, registry
        @cache_data(persist="disk", show_spinner=False)
        def load(x): return x
        print(load.is_cached(1), end=" ")
        load(1)
        registry.the_cache().clear_later(load.owner, None, 60.0)
        print(load.is_cached(1), flush=True)
        {end}
    """
    assert python(program.format(end="os._exit(0)")) == "False False\n"
    assert python(program.format(end="")) == "True False\n"
    assert python(program.format(end="")) == "False False\n", "an orderly end finishes the clear"


def test_clear_refresh_and_the_next_click_finish_what_waits(cache, load, timer):
    pending = clear(cache, load, timer)
    load.refresh(1)
    assert not pending.undo()

    pending = clear(cache, load, timer)
    assert load.forget_all() == 0
    assert not pending.undo()

    load(1)
    first = clear(cache, load, timer)
    load(2)
    second = clear(cache, load, timer)
    assert (first.undo(), second.undo(), listed(load)) == (False, True, ["2"])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_sees_the_clear_and_leaves_its_end_to_its_parent(python):
    program = """
        import os, sys
        from pathlib import Path
        from nbcache import cache_data, registry
        @cache_data(persist="disk", show_spinner=False)
        def load(x): return x
        load(1)
        pending = registry.the_cache().clear_later(load.owner, None, 60.0)
        child = os.fork()
        if child == 0:
            sys.exit(load.is_cached(1))
        kept = len(list(Path(os.environ["NBCACHE_DIR"]).rglob("*.nbc")))
        print(os.waitpid(child, 0)[1], pending.undo(), load.is_cached(1))
        print(len(list(Path(os.environ["NBCACHE_DIR"]).rglob("*.nbc"))) - kept)
    """
    assert python(program) == "0 True True\n0\n"


def test_where_nothing_can_be_done_later_the_clear_is_done_at_once(cache, load):
    def never(seconds: float, act: Callable[[], None]) -> Callable[[], None]:
        raise RuntimeError("no threads here")

    pending = cache.clear_later(load.owner, None, 8.0, never)

    assert not pending.waiting
    assert listed(load) == []
    assert not cache.tiers._pending


def test_computing_counts_as_use_and_a_clear_does_not_undo_it(cache, load, clock):
    assert load.info().last_used == clock()
    used = clock()
    clock.move(60)

    load.clear()

    assert load.info().last_used == used
