"""Runs of one function at one time: each finds what the others have left, under a key that rests on all it should."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from nbcache import cache_data
from nbcache.calls.jobs import Jobs
from nbcache.calls.parameters import Parameters
from nbcache.engine.cache import Cache
from nbcache.keys.arguments import Arguments
from nbcache.keys.key import Key
from nbcache.tracking.state import Changes


class Gate:
    """Counts the runs, and lets each end when it is told to."""

    def __init__(self) -> None:
        self.runs = 0
        self.begun, self.ending = threading.Event(), threading.Event()

    def __call__(self) -> None:
        self.runs += 1
        self.begun.set()
        assert self.ending.wait(10)

    def __cache_key__(self) -> str:
        return "gate"


gate = Gate()
memo: dict[int, int] = {}
seen: list[int] = []


def remembers(x: int) -> int:
    memo[x] = 1
    gate()
    return x


def shown(frame: Any) -> str:
    seen.append(len(seen))
    return repr(frame)


def test_a_call_that_looked_while_a_run_changed_things_takes_the_result_of_that_run(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = cache_data(show_spinner=False)(remembers)
    first, second = threading.Thread(target=cached, args=(1,)), threading.Thread(target=cached, args=(1,))
    join = cache._flights.join

    def after_the_first(*asked: Any) -> Any:
        if threading.current_thread() is second and first.is_alive():
            gate.ending.set()
            first.join()
        return join(*asked)

    monkeypatch.setattr(cache._flights, "join", after_the_first)

    first.start()
    assert gate.begun.wait(10)
    second.start()
    second.join(20)

    assert not second.is_alive() and gate.runs == 1


def _settled(cache: Cache, frame: Any) -> Key:
    """The key if another run has said first as what `seen` counts."""
    arguments = Arguments(shown, {})
    jobs = Jobs(shown, Parameters(), "owner", "shown", arguments)
    state, bound = jobs.state(cache), arguments.bind(frame)
    label = next(label for label in state.counted if "seen" in label)
    beside = jobs.beside(bound, state)
    key = jobs.settled(jobs.key(state, (), beside), beside, state, Changes({label: b"of another run"}, ()))
    assert key is not None
    return key


def test_an_option_that_counts_for_an_argument_counts_in_the_key_of_a_run_beside_another(cache: Cache) -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [1.23456789]})
    plain = _settled(cache, frame)

    with pd.option_context("display.precision", 2):
        other = _settled(cache, frame)

    assert plain == _settled(cache, frame) != other
