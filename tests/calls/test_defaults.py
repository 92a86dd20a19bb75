"""A default that a function changes in place is a part of the function: a memo in it makes no miss."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from nbcache import cache_data


def positional() -> Callable[..., int]:
    def foo(x: int, acc: list[int] = []) -> int:  # noqa: B006
        acc.append(x)
        return len(acc)

    return foo


def by_keyword() -> Callable[..., int]:
    def foo(x: int, *, acc: list[int] = []) -> int:  # noqa: B006
        acc.append(x)
        return len(acc)

    return foo


def below_a_wrapper() -> Callable[..., int]:
    inner = positional()

    @functools.wraps(inner)
    def wrapper(*args: Any, **kwargs: Any) -> int:
        return inner(*args, **kwargs)

    return wrapper


@pytest.mark.parametrize("make", [positional, by_keyword, below_a_wrapper], ids=lambda one: one.__name__)
class TestDefault:
    def test_what_a_run_leaves_in_it_is_no_miss(self, cache: Any, make: Any, recwarn: Any) -> None:
        foo = cache_data(make())

        assert [foo(1), foo(1), foo(2), foo(1), foo(2)] == [1, 1, 2, 1, 2]
        assert foo.info().misses == 2
        assert not recwarn.list
        assert "not followed: what the function does to default of" in str(foo.explain(1))

    def test_what_anybody_else_puts_into_it_is_a_miss(self, cache: Any, make: Any) -> None:
        made = make()
        foo = cache_data(made)
        foo(1)

        inner = getattr(made, "__wrapped__", made)
        (inner.__kwdefaults__["acc"] if inner.__kwdefaults__ else inner.__defaults__[0]).append(9)

        assert foo(1) == 3

    @pytest.mark.filterwarnings("ignore:foo.. changes its argument")
    def test_an_equal_argument_is_as_the_default_was(self, cache: Any, make: Any) -> None:
        foo = cache_data(make())

        assert (foo(1), foo(1, acc=[]), foo(1, acc=[1]), foo(1, acc=[7, 7])) == (1, 1, 2, 3)
        assert foo.info().misses == 3

    def test_it_holds_without_tracking(self, cache: Any, make: Any) -> None:
        foo = cache_data(track=False)(make())

        assert [foo(1), foo(1)] == [1, 1]


def test_a_memo_in_a_default_lets_a_recursion_hit(cache: Any) -> None:
    @cache_data
    def fib(n: int, memo: dict[int, int] = {}) -> int:  # noqa: B006
        if n not in memo:
            memo[n] = n if n < 2 else fib(n - 1) + fib(n - 2)
        return memo[n]

    assert (fib(12), fib(12), fib(13)) == (144, 144, 233)
    assert fib.info().misses == 14
