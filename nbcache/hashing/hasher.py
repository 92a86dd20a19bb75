"""A value in, a digest out: on the full content, equal over processes and hash seeds."""

from __future__ import annotations

import marshal
from collections.abc import Callable, Mapping
from typing import Any

from xxhash import xxh3_128_digest

from nbcache.errors import CacheError, UnhashableValueError, explain, findable, told
from nbcache.hashing import arrays, arrow, callables, containers, frames, libraries, objects, repeats, standard
from nbcache.hashing.deadline import DeadlineError
from nbcache.hashing.locate import way_to
from nbcache.hashing.summary import summary
from nbcache.hashing.walk import Family, Walk, name_of

__all__ = ["digest", "digest_of_pickled", "summary", "unexpected"]

_SCALARS = frozenset({int, float, bool, str, bytes, type(None)})
_CONTAINERS = frozenset({list, tuple, dict, set, frozenset})


def digest(
    value: Any,
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
    stream = None
    if not hash_funcs and type(value) in _CONTAINERS and _worth_a_look(value):
        stream = repeats.stream_of(value)
        if stream is not None and (before := repeats.known(stream)) is not None:
            return before
    walk = Walk(_resolve, hash_funcs or None, code)
    try:
        result = _walked(walk, value)
    except UnhashableValueError:
        if not (walk.drops and walk.drops[0]):
            raise
        # Far inside of what a class leaves out of its pickle, something cannot be read: none of that counts then.
        walk = Walk(_resolve, hash_funcs or None, code)
        walk.drops = None
        result = _walked(walk, value)
    if stream is not None:
        repeats.remember(stream, result)
    return result


def digest_of_pickled(value: Any) -> bytes:
    """Digest a value without what classes of the user leave out of its pickle."""
    walk = Walk(_resolve, None, None)
    walk.drops = None
    return _walked(walk, value)


def _walked(walk: Walk, value: Any) -> bytes:
    try:
        return walk.run(value)
    except UnhashableValueError as error:
        met = error.__dict__.pop("value", None)
        if met is not None and not error.path:
            error.path, holder = way_to(value, met)
            error.holder = name_of(holder)
        raise
    except (CacheError, DeadlineError):
        raise
    except Exception as error:  # a property, a descriptor, a library's own code: it may raise anything
        raise unexpected(value, error) from error


def unexpected(value: object, error: Exception) -> UnhashableValueError:
    """Build the error for a value that cannot be read because something in it raised an error of its own."""
    name = name_of(type(value))
    return UnhashableValueError(
        explain(
            f"A value of type {name} has no digest.",
            f"reading its content raised {told(error)}",
            f'leave it out of the key, or pass hash_funcs={{"{findable(name)}": your_function}}.',
        ),
        name,
        holder=name,
    )


def _worth_a_look(value: Any) -> bool:
    # A flat list of texts is walked faster than pickled, where each text is remembered by its identity.
    return not (type(value) is list and len(value) > 64 and type(value[0]) is str)


_GUESTS: Mapping[str, Callable[[Walk, type], Family | None]] = {
    "numpy": arrays.family_of,
    "scipy": arrays.family_of,
    "torch": arrays.family_of,
    "PIL": arrays.family_of,
    "pyarrow": arrow.family_of,
    "polars": arrow.family_of,
    "pandas": frames.family_of,
}


def _resolve(walk: Walk, kind: type) -> Family:
    family = containers.FAMILIES.get(kind)
    if family is not None:
        return family
    if hasattr(kind, "__cache_key__"):
        return objects.family_of(walk, kind)
    homes = {str(base.__module__).partition(".")[0] for base in kind.__mro__}
    for library, family_of in _GUESTS.items():
        if library in homes and (found := family_of(walk, kind)) is not None:
            return found
    if (listed := libraries.family_of(walk, kind)) is not None:
        return listed
    return callables.family_of(walk, kind) or standard.family_of(walk, kind) or objects.family_of(walk, kind)
