"""The call is the decorated function's: below a decorator, the wrapper's own signature decides what a call means."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

from nbcache import cache_data


def test_a_wrappers_own_default_decides(cache: Any) -> None:
    def from_config(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(region: Any = None) -> Any:
            return function(region if region is not None else "from-config")

        return wrapper

    @cache_data
    @from_config
    def sales(region: str = "EU") -> str:
        return region

    assert (sales(), sales(), sales("US")) == ("from-config", "from-config", "US")


def test_a_wrapper_may_inject_arguments_and_have_options_of_its_own(cache: Any) -> None:
    def injected(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(q: str = "all", *, verbose: bool = False) -> Any:
            return function("CONN", q), verbose

        return wrapper

    @cache_data
    @injected
    def query(_con: str, q: str = "all") -> str:
        return q

    assert query("a") == ("a", False)
    assert query("b", verbose=True) == ("b", True)
    assert query() == ("all", False)


def test_a_wrapper_of_any_call_may_inject_arguments(cache: Any) -> None:
    def connected(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function("CONN", *args, **kwargs)

        return wrapper

    @cache_data
    @connected
    def query(_con: str, sql: str) -> tuple[str, str]:
        return _con, sql

    assert (query("a"), query("b"), query("a")) == (("CONN", "a"), ("CONN", "b"), ("CONN", "a"))
    assert query.info().hits == 1


def test_nothing_is_filled_in_for_the_caller(cache: Any) -> None:
    def noticing(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs) if args or kwargs else "nothing given"

        return wrapper

    @cache_data
    @noticing
    def shown(x: str = "d") -> str:
        return x

    assert (shown(), shown("e"), shown(x="e"), shown("e")) == ("nothing given", "e", "e", "e")
    assert shown.info().hits == 1  # a wrapper that looks at how it is called may do so for another answer


def test_an_old_value_in_memory_is_served_while_a_new_one_is_computed_after_an_idle_second() -> None:
    runs: list[int] = []

    @cache_data(ttl=1, refresh_mode="background", persist=False, track=False, show_spinner=False)
    def source(_runs: Any) -> int:
        _runs.append(1)
        return len(_runs)

    assert source(runs) == 1
    time.sleep(1.9)
    assert source(runs) == 1
    source.clear()
