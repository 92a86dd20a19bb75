"""Calls as users write them, for mypy and pyright: checked, never run. Each ignored line has to be an error."""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from collections.abc import Iterator
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

    @classmethod
    @cache_data
    def known(cls, x: int) -> str:
        """A class method."""
        return str(x)

    @cache_data
    @classmethod
    def known_too(cls, x: int) -> str:
        """A class method, cached above."""
        return str(x)

    @cache_data(ttl=60)
    @staticmethod
    def static_too(x: int) -> str:
        """A static method, cached above."""
        return str(x)


def calls() -> None:
    """What the types of calls are."""
    assert_type(foo(1), list[int])
    assert_type(foo(1, mode="slow"), list[int])
    assert_type(foo.refresh(1), list[int])
    assert_type(foo.map([1, 2], n_jobs=2), list[list[int]])
    assert_type(foo.map([1, 2], return_as="generator"), Iterator[list[int]])
    assert_type(foo.is_cached(1), bool)
    assert_type(foo.info(), FunctionInfo)
    assert_type(cache_data.info(), list[FunctionInfo])
    assert_type(foo.__wrapped__(1), list[int])
    assert_type(goo(1.0), str)
    assert_type(Account().method(1), str)
    assert_type(Account().balance, int)
    assert_type(Account.static(1), str)
    assert_type(Account.known(1), str)
    assert_type(Account().known_too(1), str)
    assert_type(Account.known_too(1), str)
    assert_type(Account.static_too(1), str)
    assert_type(Account().method.is_cached(1), bool)
    foo.clear()
    foo.clear(1)
    foo.clear(1, mode="slow")
    Account().method.clear()
    Account().method.clear(1)
    foo("1")  # type: ignore[arg-type]
    foo(1, nope=2)  # type: ignore[call-arg]
    foo.is_cached("1")  # type: ignore[arg-type]
    foo.explain()  # type: ignore[call-arg]
    foo.clear("1")  # type: ignore[call-overload]
    foo.clear(1, nope=2)  # type: ignore[call-overload]
    Account().method("1")  # type: ignore[arg-type]
    Account().method.clear("1")  # type: ignore[call-overload]
    Account().known_too("1")  # type: ignore[arg-type]
    foo.map([1], on_error="retrun")  # type: ignore[call-overload]
    foo.map([1], return_as="generatr")  # type: ignore[call-overload]


def parameters() -> None:
    """What misspelt parameters are."""
    cache_data(persist="dsk")  # type: ignore[call-overload]
    cache_data(scope="sesion")  # type: ignore[call-overload]
    cache_data(replay="everything")  # type: ignore[call-overload]
    cache_data(refresh_mode="backgroud")  # type: ignore[call-overload]
    cache_data(outputs="file")  # type: ignore[call-overload]
    cache_data(tttl=3)  # type: ignore[call-overload]
    cache_data("1h")  # type: ignore[call-overload]


async def awaited() -> None:
    """What the types of awaited calls are."""
    assert_type(await soon(1), int)
    assert_type(await soon.refresh(1), int)
