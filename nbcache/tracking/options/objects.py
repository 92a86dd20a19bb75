"""What has a user set on a library's object or class, which code reads through a module: `string.Template.delimiter`.

The object comes with its package, and so does what it keeps to itself. Counted is only what code can be told of by a
name: plain data under the attribute that it reads, the plain object that a module's function is bound to, and a
generator that the object draws from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MethodType, ModuleType
from typing import Any

from nbcache.hashing.attributes import held_by
from nbcache.tracking import bindings, classes
from nbcache.tracking.code.facts import Chain
from nbcache.tracking.observations.generators.objects import is_generator, is_of_a_kind, name_of
from nbcache.tracking.walker import CodeWalker

__all__ = ["follow_library_object"]

Namespace = dict[str, Any]


def follow_library_object(reach: CodeWalker, module: Namespace, name: str, rest: Chain, label: str) -> None:
    """Follow what stands under a name of a library's module, and of which code reads the attribute that is next."""
    value = module[name]
    kind = type(value)
    if issubclass(kind, ModuleType) or issubclass(kind, bindings.C_CALLABLES):
        return
    if issubclass(kind, type):
        if rest:
            _of_class(reach, value, rest[0], label)
        return
    if kind is MethodType:
        owner = value.__self__
        if not issubclass(type(owner), type | ModuleType) and _is_plain(owner):
            get: Callable[[], object] = partial(getattr, value, "__self__")
            reach.content(owner, f"object of {label}", (id(value), "__self__"), get, paths=False)
        return
    held = held_by(value)
    if held is None:
        return
    for attribute, one in list(held.items()):
        if is_of_a_kind(one):
            reach.guards.attribute(value, attribute, one)
            if is_generator(one) and (known := name_of(id(module), name)):
                reach.mark(b"generator", known.encode(), attribute.encode())
                reach.generators[f"{known}.{attribute}"] = None
    if rest and rest[0] in held:
        _attribute(reach, held, rest[0], label)
    elif rest and not hasattr(kind, rest[0]):
        reach.guards.absent(held, rest[0])


def _of_class(reach: CodeWalker, cls: type, name: str, label: str) -> None:
    """Follow what code reads of a class; what is not there, or comes from a base, is looked for again."""
    tables = [classes.dict_of(one) for one in type.__dict__["__mro__"].__get__(cls)]
    holder = next((content for content in tables if name in content), None)
    if holder is None:
        reach.guards.absent(tables[0], name)
    elif _attribute(reach, holder, name, label):
        for content in tables[: tables.index(holder)]:
            reach.guards.absent(content, name)


def _attribute(reach: CodeWalker, content: Mapping[str, Any], name: str, label: str) -> bool:
    """Count plain data under a name; whether it is that."""
    value = content[name]
    is_data = bindings.kind_of(value) == bindings.DATA
    if is_data:
        reach.guards.entry(content, name, value)
        get = partial(content.__getitem__, name)
        reach.content(value, f"global {label}.{name}", (id(content), name), get, paths=False)
    return is_data


def _is_plain(value: object) -> bool:
    """Tell whether an object keeps plain data and nothing else."""
    held = held_by(value)
    return held is not None and bool(held) and all(bindings.kind_of(one) == bindings.DATA for one in held.values())
