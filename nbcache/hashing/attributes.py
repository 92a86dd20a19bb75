"""Attributes that do not count as they stand: caches, locks, and what users hang on objects of built-in types.

And those that do, though a class of the user leaves them out of its pickle: functions read them all the same.
"""

from __future__ import annotations

import _thread
import copyreg
import functools
import sys
from collections.abc import Callable, Iterable, Mapping
from types import FunctionType, MappingProxyType
from typing import Any

from nbcache.hashing.containers import write_attributes
from nbcache.hashing.deadline import DeadlineError
from nbcache.hashing.walk import Column, Walk

_LOCKS: frozenset[type] = frozenset({_thread.LockType, _thread.RLock})

# What libraries keep inside an object for themselves, by the class that keeps it: caches, and marks of this process.
_PRIVATE: Mapping[str, tuple[str, ...]] = {
    "threading.Condition": ("_waiters",),  # who waits at this moment
    "asyncio.mixins._LoopBoundMixin": ("_loop", "_waiters", "_getters", "_putters"),
    "sklearn.feature_extraction.text._VectorizerMixin": ("_stop_words_id",),
    "sklearn.feature_extraction.text.CountVectorizer": ("_stop_words_id",),
    "sklearn.utils._bunch.Bunch": ("_deprecated_key_to_warnings",),
    "scipy.spatial._qhull.Delaunay": ("_transform", "_vertex_to_simplex", "_vertex_neighbor_vertices"),
    "scipy.signal._short_time_fft.ShortTimeFFT": ("_dual_win",),
    "matplotlib.artist.Artist": ("_stale", "stale_callback", "_remove_method"),
    "matplotlib.colors.Colormap": ("_lut", "_isinit"),
    # Who is told of changes goes by addresses, and what was worked out of the other attributes is worked out again.
    "matplotlib.transforms.TransformNode": ("_parents", "_invalid", "_inverted"),
    "matplotlib.transforms.TransformedBbox": ("_points",),
    "matplotlib.transforms.LockableBbox": ("_points",),
    "matplotlib.transforms.BlendedGenericTransform": ("_affine",),
    "matplotlib.transforms.BlendedAffine2D": ("_mtx",),
    "matplotlib.transforms.CompositeAffine2D": ("_mtx",),
    "matplotlib.transforms.BboxTransform": ("_mtx",),
    "matplotlib.transforms.BboxTransformTo": ("_mtx",),
    "matplotlib.transforms.BboxTransformFrom": ("_mtx",),
    "matplotlib.transforms.ScaledTranslation": ("_mtx",),
    "matplotlib.transforms.TransformedPath": ("_transformed_path", "_transformed_points"),
    "dask.blockwise.Blockwise": ("_cached_dict", "_dims"),
    "bs4.builder.TreeBuilder": ("soup",),
    "httpx.Headers": ("_encoding",),
    "formulaic.parser.types.term.Term": ("_hash",),  # of texts, which is another in each process
    "pyparsing.core.ParserElement": ("streamlined", "_defaultName"),
    "astropy.modeling.core.Model": ("_parameters",),  # room for the values that its parameters have, not yet written
}
_PRIVATE_IN_PACKAGE: Mapping[str, str] = {"pandas": "_cache", "statsmodels": "_cache"}
_OF_CACHED = ("owner",)
_ATTRS_HASH = "_attrs_cached_hash"
_SAYS = ("__reduce_ex__", "__reduce__", "__getstate__")
_LOOKED_INTO = 20
_LOOKED_AT = 500


def left_out(kind: type) -> frozenset[str]:
    """Give the names in the state of an instance that say nothing: filled in when it is used, and made anew."""
    names: set[str] = set()
    for base in kind.__mro__:
        names.update(_PRIVATE.get(f"{base.__module__}.{base.__qualname__}", ()))
        if (cache := _PRIVATE_IN_PACKAGE.get(str(base.__module__).partition(".")[0])) is not None:
            names.add(cache)
        for name, member in vars(base).items():
            if isinstance(member, functools.cached_property):
                names.add(member.attrname or name)
    if "__attrs_attrs__" in vars(kind):
        names.add(_ATTRS_HASH)
    return frozenset(names)


def lean(state: Mapping[Any, Any], names: frozenset[str]) -> Mapping[Any, Any]:
    """Give a state without the names that say nothing, and without locks, which have no content."""
    if names.isdisjoint(state) and _LOCKS.isdisjoint(map(type, state.values())):
        return state
    return {name: part for name, part in state.items() if name not in names and not _is_lock(part)}


def _is_lock(part: object) -> bool:
    """Tell whether something is a lock, or takes or frees one."""
    return type(part) in _LOCKS or type(getattr(part, "__self__", None)) in _LOCKS


def held_by(value: object) -> dict[str, Any] | None:
    """Give the attributes of an instance, without what its class makes of a look at them.

    None where it has none, or where a property of that name raises or gives something else.
    """
    try:
        found = object.__getattribute__(value, "__dict__")
    except Exception:
        return None
    return found if type(found) is dict else None


def attribute_of(value: object, name: str) -> Any:
    """Give an attribute that a value or its class has; None where only `__getattr__` would give one.

    A class that answers to any name may note the question: many dictionaries make an item of it.
    """
    known = any(name in vars(base) for base in type(value).__mro__)
    if not known and name not in (held_by(value) or ()):
        return None
    return getattr(value, name, None)


def public(value: object, known: Iterable[str] = ()) -> dict[str, Any]:
    """Give the attributes that users set on an instance of a library's class: neither internal nor written already."""
    state = held_by(value) or {}
    return {name: part for name, part in state.items() if str(name)[:1] != "_" and name not in known}


def given_to_member(member: object) -> dict[str, Any]:
    """Give what a member of an Enum has beside its name and value, which Python keeps under names of its own."""
    held = getattr(member, "__dict__", {})
    return {name: part for name, part in held.items() if not (name[:1] == "_" and name[-1:] == "_")}


def given_to(wrapper: object) -> dict[str, Any]:
    """Give what users hang on an object around a function, such as a memo, a partial or a cached function.

    A function that is the wrapper itself keeps there what it offers, such as ways to clear or to register.
    """
    kept = _OF_CACHED if getattr(type(wrapper), "__nbcache__", False) is True else ()
    found = {name: part for name, part in vars(wrapper).items() if name[:1] != "_" and name not in kept}
    if type(wrapper) is not FunctionType:
        return found
    return {name: part for name, part in found.items() if not callable(part) and type(part) is not MappingProxyType}


def beside_public(column: Column, *known: str) -> Column:
    """Let a column write the public attributes of its values too, but for those that it writes itself."""

    def with_attributes(walk: Walk, values: list[Any]) -> None:
        column(walk, values)
        write_attributes(walk, [public(value, known) for value in values])

    return with_attributes


def reduced_by_python(kind: type) -> bool:
    """Tell whether a class of the standard library says what pickle takes, which knows nothing of its subclasses."""
    for base in kind.__mro__:
        if "__reduce_ex__" in vars(base) or "__reduce__" in vars(base):
            return base is not object and str(base.__module__).partition(".")[0] in sys.stdlib_module_names
    return False


def reduces_in_c(kind: type) -> bool:
    """Tell whether what pickle takes of an instance is said by code in C, which may know nothing of its `__dict__`."""
    for base in kind.__mro__:
        for name in ("__reduce_ex__", "__reduce__"):
            member: Callable[..., Any] | None = vars(base).get(name)
            if member is not None:
                return base is not object and type(member) is not FunctionType
    return False


def says_itself(kind: Any) -> type:
    """Find the class that says what pickle takes of an instance: `object` where Python does."""
    homes: tuple[type, ...] = kind.__mro__
    return next(base for base in homes if kind in copyreg.dispatch_table or any(name in vars(base) for name in _SAYS))


def dropped(walk: Walk, value: Any, state: Any, names: frozenset[str]) -> dict[str, Any]:
    """Give what an instance has beside the state that pickle takes, as far as it can be read.

    What cannot be read is left out of pickles for that reason.

    Parameters
    ----------
    names : attributes that say nothing
    """
    slots = [name for name in copyreg._slotnames(type(value)) if hasattr(value, name)]  # type: ignore[attr-defined]
    held = {name: getattr(value, name) for name in slots} | (held_by(value) or {})
    halves = state if type(state) is tuple and len(state) == 2 else (state,)
    said = {name: part for half in halves if type(half) is dict for name, part in half.items()}
    left = {
        name: part
        for name, part in lean(held, names).items()
        if name not in said or said[name] is not part  # a connection is often put there as None
    }
    if isinstance(value, (list, dict)):
        left["items"] = list.copy(value) if isinstance(value, list) else dict(dict.items(value))
    return {name: part for name, part in left.items() if _can_be_read(walk, part)}


def _can_be_read(walk: Walk, part: object) -> bool:
    """Look at the first values in a part. `digest` starts again without such parts where one further inside cannot."""
    drops, walk.drops = walk.drops or [0], None
    drops[0] += 1
    try:
        if drops[0] <= _LOOKED_AT:
            walk.apart(part, _LOOKED_INTO)
    except DeadlineError:
        raise
    except Exception:  # whatever its class leaves it out for
        return False
    finally:
        walk.drops = drops
    return True
