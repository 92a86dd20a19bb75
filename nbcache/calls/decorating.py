"""Decorate: a function, and what stands for one. And everything decorated, as one thing."""

from __future__ import annotations

import functools
from typing import Any, Generic, ParamSpec, TypeVar

from nbcache import registry
from nbcache.calls.bound import BoundCachedFunction
from nbcache.calls.function import CachedFunction
from nbcache.calls.parameters import Parameters, check_function
from nbcache.inspection.listing import entry_rows, function_rows
from nbcache.inspection.rows import EntryInfo, FunctionInfo

P = ParamSpec("P")
R = TypeVar("R")


def decorated(function: Any, parameters: Parameters) -> Any:
    """Cache a function, and what stands for one: a classmethod, a staticmethod, a property, a cached function."""
    match function:
        case CachedFunction() | BoundCachedFunction():
            return decorated(function.__wrapped__, parameters)
        case staticmethod():
            return staticmethod(decorated(function.__func__, parameters))
        case classmethod():
            return CachedClassMethod(decorated(function.__func__, parameters))
        case property():
            if function.fget is None:
                check_function(None)
            return property(decorated(function.fget, parameters), function.fset, function.fdel, function.__doc__)
        case functools.cached_property():
            return property(decorated(function.func, parameters), doc=function.__doc__)
    check_function(function)
    return CachedFunction(function, parameters)


class CachedClassMethod(Generic[P, R]):
    """A cached classmethod: reached through a class or an instance, it is bound to the class."""

    def __init__(self, function: CachedFunction[..., R]) -> None:
        self.__func__ = function
        self.__wrapped__ = function.__wrapped__
        self.__doc__ = function.__doc__

    def __get__(self, instance: Any, owner: type | None = None) -> BoundCachedFunction[P, R]:
        return BoundCachedFunction(self.__func__, type(instance) if owner is None else owner)


class Everything:
    """All cached functions and cells, as `cache_data` speaks of them."""

    def clear(self) -> int:
        """Forget everything in memory and on disk; return how many entries are gone."""
        return registry.the_cache().clear()

    def info(self) -> list[FunctionInfo]:
        """A row per function and cell."""
        return function_rows(registry.the_cache(), (function.owner for function in registry.alive()))

    def entries(self) -> list[EntryInfo]:
        """A row per entry."""
        return entry_rows(registry.the_cache())
