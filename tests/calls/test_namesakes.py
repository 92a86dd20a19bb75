"""Functions of one name in one session neither evict, expire nor clear each other."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from nbcache import cache_data
from nbcache.calls.function import CachedFunction

Decorate = Callable[[Callable[..., Any], dict[str, Any]], CachedFunction[..., Any]]
Pair = tuple[CachedFunction[..., Any], CachedFunction[..., Any]]


def _lambdas(**one: Any) -> Pair:
    return cache_data(lambda x: x + 1, **one), cache_data(lambda x: x * 100)


def _closures(**one: Any) -> Pair:
    def made(name: str, **options: Any) -> CachedFunction[..., Any]:
        @cache_data(**options)
        def load(x: int) -> Any:
            return name, x

        return load

    return made("one", **one), made("other")


def _closures_over_tables(**one: Any) -> Pair:
    def made(table: dict[str, list[int]], **options: Any) -> CachedFunction[..., Any]:
        @cache_data(**options)
        def load(x: int) -> Any:
            return [*table["column"], x]

        return load

    return made({"column": [1]}, **one), made({"column": [2]})


def _defaults(**one: Any) -> Pair:
    made = []
    for number, options in enumerate((one, {})):

        @cache_data(**options)
        def load(x: int, factor: int = number) -> int:
            return x * factor

        made.append(load)
    return made[0], made[1]


def _undecorated_wrappers(**one: Any) -> Pair:
    def plain(function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(x: int) -> Any:
            return function(x)

        return wrapper

    def double(x: int) -> int:
        return 2 * x

    def triple(x: int) -> int:
        return 3 * x

    return cache_data(plain(double), **one), cache_data(plain(triple))


def _named_in_a_loop(**one: Any) -> Pair:
    source = "made = []\nfor number, options in enumerate((one, {})):\n    @cache_data(**options)\n"
    source += "    def load(x, factor=number):\n        return x * factor\n    made.append(load)\n"
    space = {"cache_data": cache_data, "one": one, "__name__": "__main__"}
    exec(source, space)
    first, second = space["made"]
    assert first.owner == "__main__.load"
    return first, second


def _partials(**one: Any) -> Pair:
    def load(factor: int, x: int) -> int:
        return factor * x

    return cache_data(functools.partial(load, 2), **one), cache_data(functools.partial(load, 3))


PAIRS = [
    _lambdas, _closures, _closures_over_tables, _defaults, _undecorated_wrappers, _named_in_a_loop, _partials,
]  # fmt: skip


@pytest.mark.parametrize("persist", [False, True])
@pytest.mark.parametrize("pair", PAIRS)
class TestNamesakes:
    def test_a_bound_evicts_only_ones_own(self, cache: Any, pair: Callable[..., Pair], persist: bool) -> None:
        one, other = pair(max_entries=1, persist=persist)
        assert one.owner == other.owner
        for x in (1, 2, 3):
            other(x)
        one(1)
        one(2)
        assert [other.is_cached(x) for x in (1, 2, 3)] == [True] * 3
        assert [one.is_cached(x) for x in (1, 2)] == [False, True]

    def test_a_clear_removes_only_ones_own(self, cache: Any, pair: Callable[..., Pair], persist: bool) -> None:
        one, other = pair(persist=persist)
        one(1)
        other(1)
        one.clear()
        assert (one.is_cached(1), other.is_cached(1)) == (False, True)
        one(1)
        one.clear_where(x=1)
        assert (one.is_cached(1), other.is_cached(1)) == (False, True)

    def test_a_ttl_drops_only_ones_own(self, cache: Any, clock: Any, pair: Callable[..., Pair], persist: bool) -> None:
        one, other = pair(ttl=10, persist=persist)
        other(1)
        one(1)
        clock.move(11)
        cache.tiers.look()
        assert (one.is_cached(1), other.is_cached(1)) == (False, True)


def test_each_of_two_functions_of_one_name_shows_its_own_numbers(cache: Any, clock: Any) -> None:
    one, other = cache_data(lambda x: x + 1), cache_data(lambda x: x * 100)
    one(1), one(1), one(1), one(2)
    clock.move(5)
    other(1), other(1)

    told = [(row.entries, row.hits, row.misses, row.last_used) for row in (one.info(), other.info())]

    assert told == [(2, 2, 2, clock() - 5), (1, 1, 1, clock())]
    assert [sorted(row.arguments for row in function.entries()) for function in (one, other)] == [["1", "2"], ["1"]]
    assert [(row.entries, row.hits, row.misses) for row in cache_data.info() if row.entries] == [(3, 3, 3)]
    one.clear()
    assert [(row.info().entries, row.info().hits) for row in (one, other)] == [(0, 2), (1, 1)]


def test_a_function_that_is_defined_again_shows_what_it_was(cache: Any) -> None:
    space: dict[str, Any] = {"__name__": "__main__", "cache_data": cache_data}
    for body in ("return x", "return x + 1"):
        exec(f"@cache_data\ndef foo(x):\n    {body}\nfoo(1), foo(1)", space)

    assert (space["foo"].info().entries, space["foo"].info().hits) == (2, 2)


def test_a_look_at_the_numbers_survives_what_a_function_depends_on(cache: Any) -> None:
    broken: list[int] = []

    def version() -> int:
        return 1 // len(broken or [1]) if not broken else 1 // 0

    foo = cache_data(depends_on=version)(lambda x: x)
    foo(1)
    broken.append(1)

    assert (foo.info().entries, len(foo.entries())) == (1, 1)


def test_a_clear_covers_what_a_run_made_of_a_closure(cache: Any) -> None:
    seen: list[int] = []

    @cache_data
    def foo(x: int) -> int:
        seen.append(x)
        return x

    foo(1)
    foo(2)
    foo.clear()
    assert [foo.is_cached(x) for x in (1, 2)] == [False, False]
    foo(1)
    assert seen == [1, 2, 1]


def test_a_clear_covers_all_states_that_a_function_had_in_this_session(cache: Any) -> None:
    factor = 1

    @cache_data
    def foo(x: int) -> int:
        return x * factor

    foo(1)
    factor = 2
    foo(1)
    assert len(foo.entries()) == 2
    foo.clear()
    assert foo.entries() == []


def test_a_bound_holds_for_all_states_that_a_function_had_in_this_session(cache: Any) -> None:
    factor = 1

    @cache_data(max_entries=2)
    def foo(x: int) -> int:
        return x * factor

    for number in range(5):
        factor = number
        foo(1)
    assert len(foo.entries()) == 2


def test_a_clear_of_a_name_removes_former_versions_too(cache: Any) -> None:
    space: dict[str, Any] = {"cache_data": cache_data, "__name__": "__main__"}
    for number in (1, 2):
        exec(f"@cache_data\ndef foo(x):\n    return x + {number}\nold{number} = foo", space)
        space["foo"](1)
    assert len(space["foo"].entries()) == 2
    space["foo"].clear()
    assert space["foo"].entries() == []
