"""What is known of a callable of any kind: where its name stands, its module, whether it is awaited."""

from __future__ import annotations

import functools
import inspect
from typing import Any


def described(function: Any) -> Any:
    """Where the name of a callable stands: for a partial, or an object with ``__call__``, elsewhere."""
    while isinstance(function, functools.partial) and not hasattr(function, "__name__"):
        function = function.func
    return function if isinstance(getattr(function, "__name__", None), str) else type(function)


def module_of(told: Any, function: Any) -> str:
    return getattr(told, "__module__", None) or type(function).__module__ or "builtins"


def is_async(function: Any) -> bool:
    return inspect.iscoroutinefunction(function) or (
        not inspect.isroutine(function)
        and not isinstance(function, type)
        and inspect.iscoroutinefunction(inspect.getattr_static(type(function), "__call__", None))
    )
