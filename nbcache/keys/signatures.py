"""By which signature is a function called: its own, or that of what it wraps, where callers cannot tell the two apart.

What a function says of its signature to those who ask (``__signature__``) need not be how it is called.
"""

from __future__ import annotations

import functools
import inspect
import keyword
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from nbcache.keys.handing_on import Use, use_of_arguments

__all__ = ["POSITIONAL", "STARS", "left_out", "signature_of"]

STARS: dict[object, str] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)

_ANY_CALL = inspect.Signature(
    [
        inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL),
        inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD),
    ]
)


def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """The signature of a function; ``(*args, **kwargs)`` for builtins that do not tell theirs."""
    try:
        signature = _own(function)
        # step by step: a wrapper further inside may have a signature of its own
        while _hands_on(signature) and _hands_to(function, Use.PASSED):
            function = _wrapped_by(function)
            signature = _own(function)
    except (TypeError, ValueError):
        return _ANY_CALL
    # A name that cannot be written in source ("x.1", "lambda"), or is one of ours, would break generated code.
    if any(_unspeakable(name) for name in signature.parameters):
        return _ANY_CALL
    return signature


def left_out(function: Callable[..., Any]) -> frozenset[int]:
    """The places in ``*args`` whose parameters, of the function that gets them in the end, begin with an underscore."""
    if not _hands_on(signature_of(function)):
        return frozenset()
    try:
        while _hands_on(inspect.signature(function, follow_wrapped=False)):
            if not _hands_to(function, Use.PASSED, Use.SEEN):
                return frozenset()
            function = _wrapped_by(function)
        parameters = inspect.signature(function, follow_wrapped=False).parameters.values()
    except (TypeError, ValueError):
        return frozenset()
    by_place = [parameter.name for parameter in parameters if parameter.kind in POSITIONAL]
    return frozenset(place for place, name in enumerate(by_place) if name.startswith("_"))


def _own(function: Any) -> inspect.Signature:
    """The signature by which a call of this very object is bound, whatever it says of itself."""
    plain = _plain(function)
    if plain is None:  # code in C, around something else
        return _ANY_CALL
    return inspect.signature(plain, follow_wrapped=False)


def _plain(function: Any) -> Any:
    """What is called the same way and says nothing of its signature; None where only code in C knows."""
    kind = type(function)  # a proxy says that its class is that of what it wraps
    if kind is MethodType:
        inner = _plain(function.__func__)
        return inner if inner is None else MethodType(inner, function.__self__)
    if kind is FunctionType:
        if "__signature__" not in function.__dict__:
            return function
        bare = FunctionType(function.__code__, {}, function.__name__, function.__defaults__, function.__closure__)
        bare.__kwdefaults__ = function.__kwdefaults__
        return bare
    if issubclass(kind, functools.partial):
        inner = _plain(function.func)
        return inner if inner is None else functools.partial(inner, *function.args, **function.keywords)
    if issubclass(kind, type | BuiltinFunctionType):
        return function
    called = inspect.getattr_static(kind, "__call__", None)
    if type(called) is FunctionType:
        return MethodType(_plain(called), function)
    return None if hasattr(function, "__wrapped__") else function


def _hands_on(signature: inspect.Signature) -> bool:
    """Whether it is that of a wrapper which takes any call, ``(*args, **kwargs)``; then what it wraps tells more."""
    return [parameter.kind for parameter in signature.parameters.values()] == list(STARS)


def _hands_to(function: Callable[..., Any], *uses: Use) -> bool:
    """Whether a function wraps another, and uses the arguments of a call for it in one of these ways."""
    return hasattr(function, "__wrapped__") and use_of_arguments(function) in uses


def _wrapped_by(function: Any) -> Any:
    wrapped = function.__wrapped__
    return MethodType(wrapped, function.__self__) if type(function) is MethodType else wrapped


def _unspeakable(name: str) -> bool:
    return not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_nbcache_")
