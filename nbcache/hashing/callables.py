"""Functions, classes and modules as values.

With a code hook, the user's code is what the hook says. Without one, a function counts by its own code object,
defaults and closure, a class by its attributes; the globals they reach are nobody's business here.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

from nbcache.hashing import attributes
from nbcache.hashing.containers import write_attributes
from nbcache.hashing.objects import is_users
from nbcache.hashing.walk import Family, Walk, name_of

_UNSAID = frozenset(
    {
        "__dict__",
        "__weakref__",
        "__module__",
        "__doc__",
        "__firstlineno__",
        "__static_attributes__",
        "__annotate__",
        "__annotate_func__",
        "__annotations_cache__",
        "__abstractmethods__",
        "__slotnames__",
        "_abc_impl",
    }
)
"""Attributes of a class that say nothing of what it does, or that Python fills in as it is used."""


def _hooked(values: list[Any], walk: Walk) -> bool:
    if walk.code is None:
        return False
    for value in values:
        walk.buffer(walk.code(value))
    return True


def _functions(walk: Walk, values: list[Any]) -> None:
    # A library's is known by its full name as well; where the user keeps a function is not what it does.
    walk.facts(*[() if is_users(value.__module__) else (value.__module__, value.__qualname__) for value in values])
    if _hooked(values, walk):
        write_attributes(walk, [_given(value) for value in values])
        return
    for value in values:
        named = zip(value.__code__.co_freevars, value.__closure__ or (), strict=False)
        # From 3.14 on, the annotations of a class are a function with all that is in the class.
        cells = [_content(cell) for name, cell in named if name != "__classdict__"]
        attributes = {name: part for name, part in value.__dict__.items() if name != "__wrapped__"}
        walk.facts("__main__" if value.__module__ == "__mp_main__" else value.__module__, value.__qualname__)
        walk.below.append((value.__code__, value.__defaults__, value.__kwdefaults__, cells, attributes))


def _given(function: types.FunctionType) -> dict[str, Any]:
    """Give what the user hung on a function; decorators of libraries keep their caches there."""
    if not function.__dict__ or not is_users(function.__module__):
        return {}
    given = attributes.lean(function.__dict__, frozenset({"__wrapped__"}))
    return {name: part for name, part in given.items() if not callable(part)}


def _content(cell: types.CellType) -> tuple[object, ...]:
    try:
        return (cell.cell_contents,)
    except ValueError:  # still empty
        return ()


def _cells(walk: Walk, values: list[Any]) -> None:
    walk.below.extend(map(_content, values))


def _codes(walk: Walk, values: list[Any]) -> None:
    for code in values:
        walk.facts(code.co_name, code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
        walk.facts(code.co_code, code.co_exceptiontable, code.co_names)
        walk.facts(code.co_varnames, code.co_freevars, code.co_cellvars)
        walk.below.append(code.co_consts)


def _classes(walk: Walk, values: list[Any]) -> None:
    for value in values:
        walk.facts(name_of(value))
        if value.__module__ is None:  # made by a library while it runs: what it was given is among its attributes
            walk.below.append({name: part for name, part in vars(value).items() if _counts(name, part)})
            continue
        if not value.__flags__ & (1 << 9) or not is_users(value.__module__):
            continue
        if walk.code is not None:
            walk.buffer(walk.code(value))
            continue
        attributes = {name: part for name, part in vars(value).items() if name not in _UNSAID}
        walk.below.append((value.__bases__, type(value), attributes))


def _counts(name: str, part: object) -> bool:
    return name not in _UNSAID and not callable(part) and not isinstance(part, types.GetSetDescriptorType)


def _modules(walk: Walk, values: list[Any]) -> None:
    for value in values:
        walk.facts(value.__name__, str(getattr(value, "__version__", "")))
        path = getattr(value, "__file__", None)
        if not is_users(value.__name__):
            continue
        if walk.code is not None:
            walk.buffer(walk.code(value))
        elif path is not None:
            with open(path, "rb") as source:
                walk.buffer(source.read())
        else:
            walk.below.append({name: part for name, part in vars(value).items() if not name.startswith("__")})


def _builtins(walk: Walk, values: list[Any]) -> None:
    for value in values:
        owner = value.__self__
        named = owner is None or isinstance(owner, types.ModuleType)
        walk.facts(str(value.__module__), value.__qualname__, named)
        if not named:
            walk.below.append(owner)


def _descriptors(walk: Walk, values: list[Any]) -> None:
    for value in values:
        walk.facts(name_of(value.__objclass__), value.__name__)


def _method_wrappers(walk: Walk, values: list[Any]) -> None:
    for value in values:
        walk.facts(value.__name__)
        walk.below.append(value.__self__)


def _methods(walk: Walk, values: list[Any]) -> None:
    for value in values:
        walk.below.extend((value.__func__, value.__self__))


def _partials(walk: Walk, values: list[Any]) -> None:
    for value in values:
        walk.below.append((value.func, value.args, value.keywords, getattr(value, "__dict__", {})))


def _wrappers(walk: Walk, values: list[Any]) -> None:
    for value in values:
        walk.below.append((value.__wrapped__, attributes.given_to(value)))


def _remembering(walk: Walk, values: list[Any]) -> None:
    for value in values:
        given = attributes.given_to(value) if is_users(value.__module__) else {}
        walk.below.append((value.__wrapped__, value.cache_parameters(), given))


def _properties(walk: Walk, values: list[Any]) -> None:
    for value in values:
        walk.below.append((value.fget, value.fset, value.fdel))


def _wrapped_functions(walk: Walk, values: list[Any]) -> None:
    for value in values:
        walk.below.append(value.__func__)


def _aliases(walk: Walk, values: list[Any]) -> None:
    for value in values:
        walk.below.extend((value.__origin__, value.__args__))


_RULES: dict[type, tuple[Callable[[Walk, list[Any]], None], bool]] = {
    types.FunctionType: (_functions, True),
    types.CodeType: (_codes, False),
    types.CellType: (_cells, True),
    types.BuiltinFunctionType: (_builtins, False),
    types.MethodType: (_methods, False),
    types.MethodWrapperType: (_method_wrappers, False),
    types.MethodDescriptorType: (_descriptors, False),
    types.WrapperDescriptorType: (_descriptors, False),
    types.ClassMethodDescriptorType: (_descriptors, False),
    types.GetSetDescriptorType: (_descriptors, False),
    types.MemberDescriptorType: (_descriptors, False),
    types.GenericAlias: (_aliases, False),
    functools.partial: (_partials, True),
    functools.partialmethod: (_partials, True),
    functools._lru_cache_wrapper: (_remembering, True),
    property: (_properties, False),
    staticmethod: (_wrapped_functions, False),
    classmethod: (_wrapped_functions, False),
}


def family_of(walk: Walk, kind: type) -> Family | None:
    """Find the rule for functions, classes, modules and their like, if `kind` is one of those."""
    if getattr(kind, "__nbcache__", False) is True:
        return Family(b"code:cached", _wrappers, True)
    if issubclass(kind, type):
        return Family(b"code:class", _classes, True)
    if issubclass(kind, types.ModuleType):
        return Family(b"code:module", _modules, True)
    rule = _RULES.get(kind)
    return Family(f"code:{kind.__qualname__}".encode(), *rule) if rule is not None else None
