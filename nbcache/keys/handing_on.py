"""What does a wrapper that takes any call do with it? Hand it on as it is, look at how it is written, or change it.

Calls that are written differently and mean the same for the function inside are one call only where the wrapper
cannot tell them apart.
"""

from __future__ import annotations

import contextlib
import dis
import enum
import inspect
from collections.abc import Iterator
from types import CodeType, FunctionType, MethodType
from typing import Any

__all__ = ["Use", "use_of_arguments"]

_VARARGS, _VARKEYWORDS = 0x04, 0x08


class Use(enum.Enum):
    """What a wrapper does with ``*args`` and ``**kwargs``."""

    PASSED = "handed on as they are to what it wraps, and nothing else"
    SEEN = "handed on as they are, and looked at"
    CHANGED = "handed on with more, with less, or not at all"


def use_of_arguments(wrapper: Any) -> Use:
    """Say what a wrapper does with the arguments of a call; whoever gets them beside what it wraps may look at them."""
    code = _code_of(wrapper)
    if code is None:
        return Use.PASSED if type(wrapper).__module__.partition(".")[0] in _HANDING_ON_IN_C else Use.SEEN
    if code.co_flags & (_VARARGS | _VARKEYWORDS) != _VARARGS | _VARKEYWORDS:
        return Use.CHANGED
    first = code.co_argcount + code.co_kwonlyargcount
    names = (code.co_varnames[first], code.co_varnames[first + 1])
    wrapper = wrapper.__func__ if type(wrapper) is MethodType else wrapper
    passed = seen = 0
    for part in _codes_with(code, names):
        steps = [_load(step, part, names) for step in dis.get_instructions(part) if step.opname not in _SILENT]
        for place, (step, name) in enumerate(steps):
            if name is None:
                continue
            if not step.opname.startswith("LOAD"):  # bound anew, or deleted
                return Use.CHANGED
            if name == names[0] and _is_call(steps[place : place + 5], names[1]):
                passed += 1
                seen += _callee(wrapper, part, [step for step, _ in steps[:place]]) is not wrapper.__wrapped__
            elif not (name == names[1] and place > 1 and _is_call(steps[place - 2 : place + 3], names[1])):
                seen += 1
    if not passed:
        return Use.CHANGED
    return Use.SEEN if seen else Use.PASSED


#: Memos and compilers whose wrappers have no code to read.
_HANDING_ON_IN_C = frozenset(("functools", "numba", "jaxlib"))
_SILENT = frozenset(("CACHE", "EXTENDED_ARG", "NOP", "RESUME", "PRECALL", "PUSH_NULL"))
_Step = tuple[dis.Instruction, "str | None"]


def _code_of(wrapper: Any) -> CodeType | None:
    if type(wrapper) not in (FunctionType, MethodType):  # a proxy says that its class is that of what it wraps
        wrapper = inspect.getattr_static(type(wrapper), "__call__", None)
    code = getattr(wrapper, "__code__", None)
    return code if isinstance(code, CodeType) else None


def _codes_with(code: CodeType, names: tuple[str, str]) -> Iterator[CodeType]:
    """The code itself, and what is defined in it and reads the same names."""
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType) and any(name in inner.co_freevars for name in names):
            yield from _codes_with(inner, names)


def _load(step: dis.Instruction, code: CodeType, names: tuple[str, str]) -> _Step:
    """An instruction, with the name of the two that it reads or binds."""
    if not step.opname.startswith(("LOAD_", "STORE_", "DELETE_")):
        return step, None
    told = step.argval if isinstance(step.argval, tuple) else (step.argval,)
    for name in names:
        # a cell is loaded by its name too where a function is made, which reads nothing
        shared = name in code.co_cellvars or name in code.co_freevars
        if name in told and ("DEREF" in step.opname if shared else "FAST" in step.opname):
            return step, name
    return step, None


def _is_call(steps: list[_Step], keywords: str) -> bool:
    """Whether instructions are those of ``(*args, **kwargs)``, from the load of the former on."""
    opnames = [step.opname for step, _ in steps[1:]]
    return (
        len(steps) == 5
        and opnames[0] == "BUILD_MAP"
        and steps[1][0].arg == 0
        and steps[2][1] == keywords
        and opnames[2:] == ["DICT_MERGE", "CALL_FUNCTION_EX"]
    )


def _callee(wrapper: Any, code: CodeType, before: list[dis.Instruction]) -> object:
    """What the instructions load last: from the closure of a wrapper, or from the attributes of an object."""
    attributes: list[str] = []
    while before and before[-1].opname in ("LOAD_ATTR", "LOAD_METHOD"):
        attributes.insert(0, before.pop().argval)
    loaded = before[-1] if before else None
    closure = getattr(wrapper, "__closure__", None)
    found: Any = None
    if loaded is None:
        return None
    if loaded.opname == "LOAD_DEREF" and closure and loaded.argval not in code.co_cellvars:
        cells = dict(zip(wrapper.__code__.co_freevars, closure, strict=True))
        with contextlib.suppress(KeyError, ValueError):  # a name of the wrapper's own, or nothing there yet
            found = cells[loaded.argval].cell_contents
    elif "FAST" in loaded.opname and type(wrapper) is not FunctionType and loaded.argval == code.co_varnames[0]:
        found = wrapper
    for attribute in attributes:
        found = inspect.getattr_static(found, attribute, None)
    return found
