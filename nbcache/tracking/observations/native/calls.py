"""Be told of calls of a function of a library, whatever name it was bound to before.

From Python 3.12 on the interpreter tells when the code of a function starts. Before, a Python function gets another
code, which hands on to the old one. Either is seen through every name and every `from library import function as f`.
Of a function in C the attribute of its module or class is replaced.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any

Listener = Callable[[tuple[Any, ...], dict[str, Any]], object]

_LISTENER, _OLD = "what is told of the call", "the function that is called"
_NEITHER = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
#: Numbers of tools that nobody has reserved: debuggers, coverage and profilers have theirs.
_TOOLS = (3, 4)

_observed: dict[CodeType, Listener] = {}
_tool: list[int] = []


def observe_calls(holder: Any, name: str, listener: Listener, *, sees_callers: bool = False) -> None:
    """Call `listener` with the arguments before each call of an attribute of a module or class.

    Parameters
    ----------
    sees_callers : whether the function looks at the code that calls it, so that nothing may stand in between

    Raises
    ------
    AttributeError, TypeError
        There is no such function, or it cannot be replaced.
    """
    function = inspect.getattr_static(holder, name)
    if isinstance(function, staticmethod | classmethod):
        function = function.__func__
    if type(function) is FunctionType:
        if not function.__code__.co_flags & _NEITHER and not _monitored(function, listener) and not sees_callers:
            _replace_code(function, listener)
    elif not isinstance(function, type) and callable(function) and not sees_callers:
        setattr(holder, name, _around(function, listener))


def _around(function: Callable[..., Any], listener: Listener) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        listener(arguments, options)
        return function(*arguments, **options)

    return call


# -- Python 3.12 and later ---------------------------------------------------------------------------------------------


def _monitored(function: FunctionType, listener: Listener) -> bool:
    monitoring: Any = getattr(sys, "monitoring", None)
    if monitoring is None or not (_tool or _take_a_tool(monitoring)):
        return False
    _observed[function.__code__] = listener
    monitoring.set_local_events(_tool[0], function.__code__, monitoring.events.PY_START)
    return True


def _take_a_tool(monitoring: Any) -> bool:
    for number in _TOOLS:
        try:
            monitoring.use_tool_id(number, "nbcache")
        except ValueError:  # somebody else's
            continue
        monitoring.register_callback(number, monitoring.events.PY_START, _started)
        _tool.append(number)
        return True
    return False


def _started(code: CodeType, offset: int) -> None:
    listener = _observed.get(code)
    if listener is not None:
        names = sys._getframe(1).f_locals
        listener(tuple([names[name] for name in code.co_varnames[: _parameters(code)] if name in names]), {})


def _parameters(code: CodeType) -> int:
    starred = bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    return code.co_argcount + code.co_kwonlyargcount + starred


# -- Python 3.11 -------------------------------------------------------------------------------------------------------


def _replace_code(function: FunctionType, listener: Listener) -> None:
    code = function.__code__
    old = FunctionType(code, function.__globals__, function.__name__, function.__defaults__, function.__closure__)
    old.__kwdefaults__ = function.__kwdefaults__
    new = _forwarding(code)
    function.__code__ = new.replace(
        co_consts=tuple(listener if one == _LISTENER else old if one == _OLD else one for one in new.co_consts),
        co_filename=code.co_filename,
        co_name=code.co_name,
        co_qualname=code.co_qualname,
        co_firstlineno=code.co_firstlineno,
    )


def _forwarding(code: CodeType) -> CodeType:
    """Compile a function with the same parameters and free names, which hands its arguments on."""
    count, only = code.co_argcount, code.co_kwonlyargcount
    plain, by_name = code.co_varnames[:count], code.co_varnames[count : count + only]
    rest = list(code.co_varnames[count + only :])
    starred = f"*{rest.pop(0)}" if code.co_flags & inspect.CO_VARARGS else ""
    mapped = f"**{rest.pop(0)}" if code.co_flags & inspect.CO_VARKEYWORDS else ""
    before, after = plain[: code.co_posonlyargcount], plain[code.co_posonlyargcount :]
    parameters = [*before, "/"] if before else []
    parameters += [*after, starred or ("*" if by_name else ""), *by_name, mapped]
    places = "".join(f"{one}, " for one in (*plain, starred) if one)
    options = ", ".join(one for one in (*[f"{name}={name}" for name in by_name], mapped) if one)
    free = ", ".join(code.co_freevars)
    source = (
        f"def around({free}):\n"
        f"    def function({', '.join(filter(None, parameters))}):\n"
        f"        {f'if 0: {free}' if free else 'pass'}\n"
        f"        {_LISTENER!r}.__call__(({places}), dict({options}))\n"
        f"        return {_OLD!r}.__call__({places}{options})\n"
    )
    around = next(one for one in compile(source, "<nbcache>", "exec").co_consts if isinstance(one, CodeType))
    return next(one for one in around.co_consts if isinstance(one, CodeType))
