"""A function changed in place is seen without asking its attributes."""

from __future__ import annotations

import gc
import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

from nbcache.keys import watch
from nbcache.keys.fingerprint import Tracker
from nbcache.keys.watch import Watched


def _function() -> types.FunctionType:
    space: dict[str, Any] = {}
    exec("def f(a=1, *, b=2): return a", space)
    function: types.FunctionType = space["f"]
    return function


def _code(function: types.FunctionType) -> None:
    function.__code__ = (lambda a, *, b: 7).__code__


def _defaults(function: types.FunctionType) -> None:
    function.__defaults__ = (3,)


def _keyword_defaults(function: types.FunctionType) -> None:
    function.__kwdefaults__ = {"b": 2}


def _seen(watched: Watched) -> bool:
    return list(map(watched.look, watched.places)) != watched.states


@pytest.mark.parametrize("change", [_code, _defaults, _keyword_defaults])
@pytest.mark.parametrize("in_memory", [True, False])
def test_every_change_in_place_is_seen(
    change: Callable[[types.FunctionType], None], in_memory: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not in_memory:
        monkeypatch.setattr(watch, "_look_in_memory", lambda: None)
    function = _function()
    watched = Watched()
    watched.add(function)
    assert not _seen(watched)

    change(function)

    assert _seen(watched)


def test_this_python_keeps_them_where_they_are_looked_for() -> None:
    assert watch._look_in_memory() is not None


def test_a_guard_asks_for_nothing_audited() -> None:
    space: dict[str, Any] = {"__name__": "__main__"}
    exec("def h(x=1): return x\ndef foo(): return h()", space)
    current = Tracker({"": space["foo"]}).state().current
    heard: list[str] = []
    listening = [False]

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if listening[0]:
            heard.append(event)

    sys.addaudithook(hear)
    listening[0] = True
    unchanged = current()
    listening[0] = False

    assert unchanged
    assert heard == []


def test_a_guard_outlives_the_functions_it_watches() -> None:
    space: dict[str, Any] = {"__name__": "__main__"}
    exec("def h(x=1): return x\ndef foo(): return h()", space)
    current = Tracker({"": space["foo"]}).state().current
    names = [f"g{number}" for number in range(200)]

    exec("h.__code__ = (lambda x: 2).__code__", space)
    gc.collect()
    exec("\n".join(f"def {name}(x=1): return x" for name in names), space)

    assert not current()
