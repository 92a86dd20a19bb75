"""What does a function hold beside its code: defaults, closure, what it wraps, annotations where they act."""

from __future__ import annotations

import inspect
from functools import partial
from operator import getitem
from types import CellType, FunctionType, ModuleType
from typing import Any

from nbcache.tracking import classes
from nbcache.tracking.code.bytecode import short_digest
from nbcache.tracking.code.facts import Facts
from nbcache.tracking.contents import DEFAULT
from nbcache.tracking.packages import Home
from nbcache.tracking.snapshots import fixed
from nbcache.tracking.walker import CodeWalker

__all__ = [
    "SAID",
    "follow_annotations",
    "follow_parts",
    "follow_said",
    "follow_text",
    "local_name",
    "look_through",
    "reads_annotations",
]

#: What functions and classes say of themselves. It changes nothing of what they do, and counts for code that asks.
SAID = frozenset(("__name__", "__qualname__", "__module__", "__doc__"))

# How many classes were registered in the process when a dispatching function was last told of one.
_COUNTED_BY_PYTHON = frozenset(("cache_token",))
# Names whose use tells that code reads annotations.
_READERS = frozenset(("__annotations__", "get_type_hints", "get_annotations", "signature", "getfullargspec"))


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
            reach.content(given, f"{DEFAULT}{name}", (id(function), "__defaults__"), get)
        else:  # one by one: what many functions have for a default is looked at once
            for number, value in enumerate(given):
                get = partial(_default, function, number)
                reach.content(value, f"{DEFAULT}{name}", (id(function), f"__defaults__ {number}"), get)
    if function.__kwdefaults__:
        reach.guards.table(function, function.__kwdefaults__, ordered=False)
        for parameter, value in function.__kwdefaults__.items():
            reach.mark(b"__kwdefaults__", parameter.encode())
            get = partial(getitem, function.__kwdefaults__, parameter)
            reach.content(value, f"{DEFAULT}{name}", (id(function), parameter), get)
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
        if _is_empty(cell) or (home.kind == "stdlib" and name in _COUNTED_BY_PYTHON):
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


def reads_annotations(facts: Facts) -> bool:
    """Tell whether code reads annotations, of whatever function."""
    return not _READERS.isdisjoint(name for chain in (*facts.reads, *facts.free) for name in chain)


def follow_annotations(reach: CodeWalker, function: FunctionType) -> None:
    """Count the annotations of a function, and follow the classes that they name."""
    try:
        written = function.__annotations__
    except Exception:  # from 3.14 on they are made at the first look, by the user's code
        return
    if type(written) is not dict or not written or reach.met(written, b"annotations"):
        return
    texts = [f"{name}: {classes.annotation_text(value)}" for name, value in written.items()]
    digest = short_digest(*[text.encode("utf-8", "surrogatepass") for text in texts])
    reach.part(f"annotations of {function.__code__.co_qualname}", digest, lambda: ", ".join(texts))
    reach.guards.table(function, written, ordered=False)
    reach.guards.attribute(function, "__annotations__", written)
    for value in written.values():
        for found in classes.classes_in(value):
            reach.cls(found)


def follow_said(reach: CodeWalker, value: Any, name: str) -> None:
    """Count what a function of the user's, a cached one, or a class says under one of the names in `SAID`."""
    if type(value) is FunctionType:
        said = getattr(value, name)
        reach.guards.attribute(value, name, said)
    elif getattr(type(value), "__nbcache__", False) is True:
        said = value.__dict__.get(name)
        reach.guards.entry(value.__dict__, name, said)
    elif issubclass(type(value), type):
        said = classes.dict_of(value).get(name)  # guarded with all that is in the class
    else:
        return
    reach.mark(b"said", name.encode(), type(said).__name__.encode(), str(said).encode("utf-8", "surrogatepass"))


def follow_text(reach: CodeWalker, value: Any) -> None:
    """Count the text of a function or class, comments included, for code that asks for it."""
    try:
        text = inspect.getsource(value)
    except Exception:  # its text is not known, and whoever asks meets that too
        text = ""
    reach.mark(b"text", text.encode("utf-8", "surrogatepass"))


def _closure(reach: CodeWalker, function: FunctionType, facts: Facts) -> None:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        if name == "__classdict__":
            continue  # from 3.14 on, annotations of a class are a function with all that is in the class
        place = (id(cell), name)
        reach.mark(b"cell", name.encode())
        try:
            value = cell.cell_contents
        except ValueError:
            reach.guards.content(partial(_is_empty, cell))
            continue
        reach.guards.attribute(cell, "cell_contents", value, place)
        reach.names.attributes_of(value, [chain[1] for chain in facts.free if chain[0] == name and chain[1:]], name)
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
        if type(inner) is FunctionType:
            follow_annotations(reach, inner)  # what the decorator makes of them is its own business


def _is_empty(cell: CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return True
    return False
