"""Rows about what is cached: their order, and what is left out of them."""

from __future__ import annotations

from typing import Any

from nbcache import cache_data
from nbcache.engine.cache import Cache


def test_rows_come_by_function_the_newest_first_and_those_of_one_moment_by_arguments(cache: Cache, clock: Any) -> None:
    @cache_data
    def later(x: int) -> int:
        return x

    @cache_data
    def early(x: int) -> int:
        return x

    later(1)
    early(7)
    early(5)
    clock.move(10)
    early(6)

    rows = [(row.function.rpartition(".")[2], row.arguments) for row in cache_data.entries()]

    assert rows == [("early", "6"), ("early", "5"), ("early", "7"), ("later", "1")]
