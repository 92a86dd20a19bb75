"""A function changed in place is seen without asking its attributes."""

from __future__ import annotations

import gc
import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

from nbcache.tracking import watch
from nbcache.tracking.fingerprint import Tracker
from nbcache.tracking.watch import Watched, changes


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


@pytest.mark.parametrize("change", [_code, _defaults, _keyword_defaults])
def test_every_change_in_place_is_heard_and_seen(change: Callable[[types.FunctionType], None]) -> None:
    function = _function()
    watched = Watched()
    watched.add(function)
    assert watched.seen == changes

    change(function)

    assert watched.seen != changes
    assert not watched.unchanged()


def test_taking_defaults_away_is_heard_too() -> None:
    function = _function()
    watched = Watched()
    watched.add(function)

    del function.__kwdefaults__

    assert watched.seen != changes
    assert not watched.unchanged()


def test_a_change_of_another_function_costs_one_look() -> None:
    function = _function()
    watched = Watched()
    watched.add(function)

    _code(_function())

    assert watched.seen != changes
    assert watched.unchanged()
    assert watched.seen == changes


def test_a_guard_asks_for_nothing_audited() -> None:
    space: dict[str, Any] = {"__name__": "__main__"}
    exec("def h(x=1): return x\ndef foo(): return h()", space)
    current = Tracker({"": space["foo"]}).state().current
    heard: list[str] = []
    listening = [False]
    assert current()  # it is compiled at its first use

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


def test_the_hook_is_silent_while_a_program_ends(python: Callable[..., str]) -> None:
    printed = python(
        """
        import sys
        from nbcache import cache_data

        @cache_data(show_spinner=False)
        def first_line(x):
            with open(__file__) as file:
                return file.readline()[:x]

        first_line(1)
        # what is written while modules are torn down has to be seen from outside
        print(__import__("subprocess").run([sys.executable, "-c", LATE], capture_output=True, text=True).stderr)
        """.replace("LATE", repr(_LATE))
    )
    assert "audit hook" not in printed


_LATE = """
from nbcache import cache_data

@cache_data(show_spinner=False)
def first_line(x):
    return x

first_line(1)

class Late:
    def __del__(self, f=lambda: 0, get=open):
        f.__defaults__ = (1,)
        get("late.txt", "w").close()

import os  # a module that is torn down after those of nbcache
os.late = Late()
"""


def test_a_listener_hears_of_the_events_that_it_named_and_of_no_other(monkeypatch):
    heard = []

    def listener(event, arguments):
        heard.append((event, arguments))

    monkeypatch.setitem(watch._listeners, "nbcache.one", ())
    for _ in range(2):
        watch.listen(listener, ["nbcache.one"])
    sys.audit("nbcache.one", 1)
    sys.audit("nbcache.other", 2)
    id(heard)
    assert heard == [("nbcache.one", (1,))]
