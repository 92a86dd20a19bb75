"""Runs of one function at one time: the key of what they leave rests on all that any key rests on."""

from __future__ import annotations

from typing import Any

import pytest

from nbcache.calls.jobs import Jobs
from nbcache.calls.parameters import Parameters
from nbcache.engine.cache import Cache
from nbcache.keys.arguments import Arguments
from nbcache.keys.key import Key
from nbcache.tracking.state import Changes

pd = pytest.importorskip("pandas")
seen: list[int] = []


def shown(frame: Any) -> str:
    seen.append(len(seen))
    return repr(frame)


def _settled(cache: Cache, frame: Any) -> Key:
    """The key if another run has said first as what `seen` counts."""
    arguments = Arguments(shown, {})
    jobs = Jobs(shown, Parameters(), "owner", "shown", arguments)
    state, bound = jobs.state(cache), arguments.bind(frame)
    label = next(label for label in state.counted if "seen" in label)
    key = jobs.settled(jobs.key(bound, state, ()), bound, state, Changes({label: b"of another run"}, ()))
    assert key is not None
    return key


def test_an_option_that_counts_for_an_argument_counts_in_the_key_of_a_run_beside_another(cache: Cache) -> None:
    frame = pd.DataFrame({"a": [1.23456789]})
    plain = _settled(cache, frame)

    with pd.option_context("display.precision", 2):
        other = _settled(cache, frame)

    assert plain == _settled(cache, frame) != other
