"""How wrappers around functions of the notebook are pickled: by what they wrap, made again around it.

Their own pickles name them, and a name of the notebook leads nowhere before its cell has been restored. What a wrapper
remembers (`lru_cache`) begins empty, as it does not change what it answers.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping
from types import FunctionType
from typing import Any, TypeVar

from nbcache.hashing.attributes import attribute_of

__all__ = ["reduced_wrapper"]

_LRU = type(functools.lru_cache(abs))
_Reduced = tuple[Any, ...]
# Partial functions whose own pickle looks the function up by the name of its module.
_PARTIALS = frozenset({"toolz.functoolz.curry", "cytoolz.functoolz.curry"})


def reduced_wrapper(value: Any, namespace: Mapping[str, Any], own: Collection[str]) -> _Reduced | None:
    """Describe a wrapper by what it wraps; `None` for anything else, and for what is alive under its name.

    Parameters
    ----------
    own : the names that the run has bound
    """
    kind = type(value)
    home = namespace.get("__name__", "__main__")
    name = attribute_of(value, "__name__")
    if isinstance(name, str) and name not in own and namespace.get(name) is value:
        return None
    if kind is _LRU:
        return _lru_again, (value.__wrapped__, value.cache_parameters()), None, None, None, None
    if kind is functools.cached_property:
        state = {"attrname": value.attrname, "__doc__": value.__doc__}
        return functools.cached_property, (value.func,), state, None, None, _set_attributes
    if kind is FunctionType:
        return _reduced_dispatcher(value)
    if hasattr(kind, "py_func") or (str(kind.__module__).startswith("numba.") and hasattr(value, "py_func")):
        options = getattr(value, "targetoptions", None)
        library = str(kind.__module__).partition(".")[0]
        return None if options is None else (_jit_again, (library, value.py_func, dict(options)))
    if f"{kind.__module__}.{kind.__qualname__}" in _PARTIALS:
        return _partial_again, (kind, value.func, value.args, value.keywords)
    if getattr(value, "__module__", None) == home and not isinstance(value, type):
        return _reduced_by_state(value)
    return None


def _lru_again(wrapped: Any, parameters: dict[str, Any]) -> Any:
    return functools.lru_cache(**parameters)(wrapped)


def _partial_again(kind: Any, function: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    return kind(function, *arguments, **keywords)


def _set_attributes(value: Any, state: dict[str, Any]) -> None:
    for name, one in state.items():
        setattr(value, name, one)


def _reduced_dispatcher(function: Any) -> _Reduced | None:
    """A function under `functools.singledispatch`, with all that was registered."""
    if not (hasattr(function, "registry") and hasattr(function, "dispatch") and hasattr(function, "_clear_cache")):
        return None
    registered = [(kind, one) for kind, one in function.registry.items() if kind is not object]
    return _dispatcher_again, (function.registry[object], registered)


def _dispatcher_again(plain: Callable[..., Any], registered: list[tuple[type, Callable[..., Any]]]) -> Any:
    function = functools.singledispatch(plain)
    for kind, one in registered:
        function.register(kind, one)
    return function


def _jit_again(library: str, function: Callable[..., Any], options: dict[str, Any]) -> Any:
    import importlib

    given = {name: value for name, value in options.items() if value is not None}
    return importlib.import_module(library).jit(**given)(function)


def _reduced_by_state(value: Any) -> _Reduced | None:
    """What pickles by its name alone, such as `typing.NewType` and `toolz.curry`: by what it holds instead."""
    kind = type(value)
    if kind.__module__ in ("builtins", "__main__") or kind is FunctionType:
        return None
    if kind is TypeVar:
        bounds = {"bound": value.__bound__, "covariant": value.__covariant__, "contravariant": value.__contravariant__}
        return _type_variable, (value.__name__, value.__constraints__, bounds, value.__module__)
    try:
        own = value.__reduce_ex__(4)
    except Exception:  # it will say so again, where that is reported
        return None
    if not isinstance(own, str) or not hasattr(value, "__dict__"):
        return None
    return kind.__new__, (kind,), dict(vars(value)), None, None, _set_attributes


def _type_variable(name: str, constraints: tuple[Any, ...], bounds: dict[str, Any], module: str) -> Any:
    made = TypeVar(name, *constraints, **bounds)  # type: ignore[misc]
    made.__module__ = module
    return made
