"""A class in `hash_funcs` is known by its name too, wherever it was defined, and however often."""

from __future__ import annotations

import threading
from typing import Any

from nbcache import cache_data


def _connection() -> type:
    class Connection:
        def __init__(self, url: str) -> None:
            self.url, self.handle = url, iter([threading.Lock()])

    return Connection


def test_a_class_that_is_defined_again_is_still_hashed_by_the_function_for_it(cache: Any) -> None:
    before, again = _connection(), _connection()

    @cache_data(hash_funcs={before: lambda connection: connection.url})
    def query(connection: Any) -> str:
        return str(connection.url)

    assert (query(before("a")), query(again("a")), query(again("b"))) == ("a", "a", "b")


def test_a_class_within_a_function_may_be_named(cache: Any) -> None:
    kind = _connection()

    @cache_data(hash_funcs={f"{kind.__module__}.{kind.__qualname__}": lambda connection: connection.url})
    def query(connection: Any) -> str:
        return str(connection.url)

    assert (query(kind("a")), query(kind("b"))) == ("a", "b")
