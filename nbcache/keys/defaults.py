"""Whose defaults does a call get: those of the function itself, or of one that it wraps?"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from inspect import Parameter
from types import FunctionType, MethodType
from typing import Any

__all__ = ["functions_below", "live_keyword_defaults"]

_DEEPEST = 64


def functions_below(function: Any) -> Iterator[FunctionType]:
    """Give the functions that a callable is, wraps or binds, from the outermost to the innermost."""
    for _ in range(_DEEPEST):
        if type(function) is MethodType:
            function = function.__func__
        if type(function) is FunctionType:
            yield function
            function = function.__dict__.get("__wrapped__")
        elif isinstance(function, functools.partial):
            function = function.func
        else:
            function = getattr(function, "__wrapped__", None)
        if function is None:
            return


def live_keyword_defaults(function: Any, parameters: Iterable[Parameter]) -> dict[str, Any] | None:
    """The very dict of a function's keyword defaults, which may be changed in place; None where these are no such."""
    given = {
        parameter.name: parameter.default
        for parameter in parameters
        if parameter.kind is Parameter.KEYWORD_ONLY and parameter.default is not Parameter.empty
    }
    for inner in functions_below(function) if given else ():
        found = inner.__kwdefaults__
        if found and found.keys() == given.keys() and all(found[name] is given[name] for name in given):
            return found
    return None
