"""Calls as users write them, for mypy: checked with the package, never run. Each ignored line has to be an error."""

from __future__ import annotations

from typing import assert_type

from nbcache import FunctionInfo, cache_data


@cache_data
def foo(bar: int, mode: str = "fast") -> list[int]:
    """A function with a default."""
    return [bar]


@cache_data(ttl="1h", persist="disk", max_entries=3, hash_funcs={int: id, "module.Type": id})
def goo(x: float) -> str:
    """A function with options."""
    return str(x)


@cache_data
async def soon(x: int) -> int:
    """A coroutine function."""
    return x


class Account:
    """Methods in the orders that type checkers follow."""

    @cache_data
    def method(self, x: int) -> str:
        """A method."""
        return str(x)

    @property
    @cache_data
    def balance(self) -> int:
        """A property."""
        return 1

    @staticmethod
    @cache_data
    def static(x: int) -> str:
        """A static method."""
        return str(x)


def calls() -> None:
    """What the types of calls are."""
    assert_type(foo(1), list[int])
    assert_type(foo(1, mode="slow"), list[int])
    assert_type(foo.refresh(1), list[int])
    assert_type(foo.map([1, 2], n_jobs=2), list[list[int]])
    assert_type(foo.is_cached(1), bool)
    assert_type(foo.info(), FunctionInfo)
    assert_type(cache_data.info(), list[FunctionInfo])
    assert_type(foo.__wrapped__(1), list[int])
    assert_type(goo(1.0), str)
    assert_type(Account().method(1), str)
    assert_type(Account().balance, int)
    assert_type(Account.static(1), str)
    foo("1")  # type: ignore[arg-type]
    foo(1, nope=2)  # type: ignore[call-arg]
    foo.is_cached("1")  # type: ignore[arg-type]
    foo.explain()  # type: ignore[call-arg]


async def awaited() -> None:
    """What the types of awaited calls are."""
    assert_type(await soon(1), int)
    assert_type(await soon.refresh(1), int)
