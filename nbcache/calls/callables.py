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


def main_for(module: str) -> str:
    """The name of a module in the process that a script was started as: spawned workers know the script otherwise."""
    return "__main__" if module == "__mp_main__" else module


def module_of(described_as: Any, function: Any) -> str:
    return main_for(getattr(described_as, "__module__", None) or type(function).__module__ or "builtins")


def is_async(function: Any) -> bool:
    return inspect.iscoroutinefunction(function) or (
        not inspect.isroutine(function)
        and not isinstance(function, type)
        and inspect.iscoroutinefunction(inspect.getattr_static(type(function), "__call__", None))
    )
