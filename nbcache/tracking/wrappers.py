"""What does an object only wrap: the functions inside descriptors, memos, compiled and cached functions."""

from __future__ import annotations

import gc
from functools import cached_property, singledispatchmethod
from types import FunctionType, MethodType

from nbcache.hashing.attributes import held_by
from nbcache.hashing.objects import is_users

__all__ = ["DESCRIPTORS", "inner_functions"]

# Where descriptors of the standard library keep the function of the user's.
_INNER = {
    property: ("fget", "fset", "fdel"),
    staticmethod: ("__func__",),
    classmethod: ("__func__",),
    cached_property: ("func",),
    singledispatchmethod: ("dispatcher",),
}
# What `functools.cmp_to_key` makes: nothing but the garbage collector knows which function it holds.
_IN_C = frozenset(("KeyWrapper",))
_WRAPPED = ("__wrapped__", "py_func")

DESCRIPTORS = tuple(_INNER)


def inner_functions(value: object) -> list[object]:
    """Give the functions inside an object that only wraps them: descriptors, lru_cache, numba, our own; or nothing."""
    cls = type(value)
    for kind, attributes in _INNER.items():
        if issubclass(cls, kind):
            return [part for part in (getattr(value, attribute) for attribute in attributes) if part is not None]
    if getattr(cls, "__nbcache__", False) is True:
        return [value.__wrapped__]  # type: ignore[attr-defined]
    if cls.__name__ in _IN_C and cls.__module__ in ("functools", "_functools"):
        return [part for part in gc.get_referents(value) if type(part) in (FunctionType, MethodType)]
    content = held_by(value)
    if content is None or is_users(cls.__module__):  # how the user's own class calls what it wraps is its code
        return []
    found = [content[name] for name in _WRAPPED if type(content.get(name)) in (FunctionType, MethodType, type)]
    return found[:1]
