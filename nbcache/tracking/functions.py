"""What does a function hold beside its code: defaults, closure, what it wraps; and what a library's wrapper holds."""

from __future__ import annotations

from functools import partial
from operator import getitem
from types import CellType, FunctionType, ModuleType

from nbcache.tracking import classes
from nbcache.tracking.code.facts import Facts
from nbcache.tracking.packages import Home
from nbcache.tracking.snapshots import fixed
from nbcache.tracking.walker import CodeWalker

__all__ = ["follow_parts", "local_name", "look_through"]


def local_name(function: FunctionType) -> str:
    """The name of a function within the one that it was written in."""
    return function.__code__.co_qualname.rpartition("<locals>.")[2]


def follow_parts(reach: CodeWalker, function: FunctionType, facts: Facts, label: str) -> None:
    """Follow what a function of the user's holds; `facts` are those of its code."""
    name = local_name(function)
    if function.__defaults__:
        reach.mark(b"__defaults__")
        given = function.__defaults__
        if fixed(given):
            get = partial(getattr, function, "__defaults__")
            reach.content(given, f"default of {name}", (id(function), "__defaults__"), get)
        else:  # one by one: what many functions have for a default is looked at once
            for number, value in enumerate(given):
                get = partial(_default, function, number)
                reach.content(value, f"default of {name}", (id(function), f"__defaults__ {number}"), get)
    if function.__kwdefaults__:
        reach.guards.table(function, function.__kwdefaults__, ordered=False)
        for parameter, value in function.__kwdefaults__.items():
            reach.mark(b"__kwdefaults__", parameter.encode())
            get = partial(getitem, function.__kwdefaults__, parameter)
            reach.content(value, f"default of {name}", (id(function), parameter), get)
    _closure(reach, function, facts)
    _wrapped(reach, function, label)


def look_through(reach: CodeWalker, function: FunctionType, label: str, home: Home) -> None:
    """Look through a wrapper that is not the user's for what it wraps and what it was given."""
    reach.mark(b"wrapper", function.__code__.co_qualname.encode())
    _wrapped(reach, function, label)
    if home.kind == "ours":
        return
    wrapped = function.__dict__.get("__wrapped__")
    if home.kind == "package" and type(wrapped) is FunctionType:
        reach.annotations(wrapped)  # the wrapper may go by them
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        if _is_empty(cell):
            continue
        value = cell.cell_contents
        cls = type(value)
        if issubclass(cls, ModuleType) or classes.module_of(cls) in ("weakref", "_weakref", "_thread"):
            continue  # caches and locks of the wrapper's own
        reach.mark(b"cell", name.encode())
        get = partial(getattr, cell, "cell_contents")
        if reach.looks_into(value):
            reach.value(value, str(getattr(value, "__qualname__", name)), (id(cell), name), get)
        else:
            reach.content(value, f"closure {name}", (id(cell), name), get, quiet=True)


def _default(function: FunctionType, number: int) -> object:
    return (function.__defaults__ or ())[number]


def _closure(reach: CodeWalker, function: FunctionType, facts: Facts) -> None:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        place = (id(cell), name)
        reach.mark(b"cell", name.encode())
        try:
            value = cell.cell_contents
        except ValueError:
            reach.guards.content(partial(_is_empty, cell), place)
            continue
        reach.guards.attribute(cell, "cell_contents", value, place)
        if issubclass(type(value), ModuleType):
            for chain in facts.free:
                if chain[0] == name:
                    reach.names.attributes(value, chain[1:], name)
        else:
            reach.value(value, name, place, partial(getattr, cell, "cell_contents"), kind="closure")


def _wrapped(reach: CodeWalker, function: FunctionType, label: str) -> None:
    inner = function.__dict__.get("__wrapped__")
    if inner is not None:
        reach.mark(b"wrapped")
        name = getattr(inner, "__qualname__", None) or label
        reach.value(inner, str(name), (id(function), "__wrapped__"), lambda: inner)


def _is_empty(cell: CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return True
    return False
