"""A value in, a digest out: on the full content, equal over processes and hash seeds."""

from __future__ import annotations

import marshal
from collections.abc import Callable, Mapping
from typing import Any

from xxhash import xxh3_128_digest

from ..errors import UnhashableValueError

from . import arrays, arrow, callables, containers, frames, objects, standard
from .locate import path_to
from .summary import summary
from .walk import Family, Walk

__all__ = ["digest", "summary"]

_SCALARS = frozenset({int, float, bool, str, bytes, type(None)})


def digest(
    value: object,
    hash_funcs: Mapping[type | str, Callable[[Any], Any]] | None = None,
    *,
    code: Callable[[object], bytes] | None = None,
) -> bytes:
    """Digest the full content of a value into 16 bytes.

    Two values get the same digest when a function could not tell them apart: types, order, shapes and the sharing of
    mutable parts count; the order of dict items and of sets, strides and identities do not.

    Parameters
    ----------
    value : anything readable
    hash_funcs : functions that say what stands for a value, by its type or the "module.Qualname" of one; the exact
        type wins over its bases
    code : digests functions, classes and modules of the user; None: each by its own code alone

    Raises
    ------
    UnhashableValueError
        A part of the value cannot be read: a lock, a socket, a live generator.
    UserHashError
        A function of `hash_funcs`, or a `__cache_key__`, failed.

    Notes
    -----
    Safe in any thread, as long as no other one changes the value meanwhile.
    """
    if type(value) in _SCALARS and not hash_funcs:
        try:
            return xxh3_128_digest(marshal.dumps(value, 2))
        except ValueError:  # a text or number of more than 2 GiB
            pass
    walk = Walk(_resolve, hash_funcs or None, code)
    try:
        return walk.run(value)
    except UnhashableValueError as error:
        met = error.__dict__.pop("value", None)
        if met is not None and not error.path:
            error.path = path_to(value, met)
        raise


def _resolve(walk: Walk, kind: type) -> Family:
    family = containers.FAMILIES.get(kind)
    if family is not None:
        return family
    if hasattr(kind, "__cache_key__"):
        return objects.family_of(walk, kind)
    for room in (arrays, arrow, frames, callables, standard):
        found = room.family_of(walk, kind)
        if found is not None:
            return found
    return objects.family_of(walk, kind)
