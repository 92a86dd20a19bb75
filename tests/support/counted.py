"""Cached functions for tests, whose computations are counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbcache import cache_data


def cached(function: Callable[[], Any], calls: Any) -> Any:
    """Cache a function without arguments; `calls` counts."""

    @cache_data(show_spinner=False)
    def foo() -> Any:
        calls()
        return function()

    return foo
