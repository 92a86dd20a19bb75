"""Which facets does an object have: by its class, and by where it comes from; none for what has no identity to keep."""

from __future__ import annotations

import collections
import enum
import functools
import sys
import types
import typing
import weakref
from typing import Any

from nbcache.notebook.cells.objects import facets, libraries
from nbcache.notebook.cells.objects.facets import Facet
from nbcache.notebook.cells.objects.imported import name_in_modules
from nbcache.notebook.cells.objects.live_views import VIEWS

__all__ = ["ATOMS", "MAIN", "facets_of", "is_plain"]

MAIN = "__main__"
_Facets = tuple[Facet, ...]

ATOMS: frozenset[type] = frozenset(
    {type(None), bool, int, float, complex, str, bytes, range, slice, type(Ellipsis), type(NotImplemented)}
    | {types.CodeType, types.ModuleType, weakref.ref, types.GenericAlias, types.UnionType}
    | {types.MemberDescriptorType, types.GetSetDescriptorType, types.WrapperDescriptorType, types.MethodWrapperType}
    | {types.MethodDescriptorType, types.ClassMethodDescriptorType}
)
# Classes whose instances never change, by the module that defines them.
_SETTLED_MODULES = frozenset(
    ("datetime", "decimal", "fractions", "uuid", "pathlib", "re", "zoneinfo", "ipaddress", "typing", "logging")
)
_SETTLED = frozenset(
    {"numpy.generic", "numpy.dtype", "numpy.ufunc", "torch.dtype", "torch.device"}
    | {f"pandas.{name}" for name in ("Timestamp", "Timedelta", "Period", "Interval", "api.extensions.ExtensionDtype")}
    | {"pandas._libs.tslibs.timestamps.Timestamp", "pandas._libs.tslibs.timedeltas.Timedelta"}
    | {"pandas._libs.tslibs.nattype.NaTType", "pandas._libs.missing.NAType", "pandas._libs.tslibs.offsets.BaseOffset"}
    | {"pandas._libs.tslibs.period.Period", "pandas._libs.interval.Interval", "pandas.core.dtypes.base.ExtensionDtype"}
)
# What a class written in Python may rest on, and the facets of that.
_SOLID: dict[type, _Facets] = {
    object: (),
    list: (facets.ITEMS,),
    tuple: (facets.FIXED_ITEMS,),
    dict: (facets.PAIRS,),
    collections.OrderedDict: (facets.ORDERED,),
    collections.defaultdict: (facets.PAIRS, facets.DEFAULT),
    set: (facets.MEMBERS,),
    frozenset: (facets.FIXED_MEMBERS,),
    collections.deque: (facets.QUEUE,),
    bytearray: (facets.BYTES,),
    types.SimpleNamespace: (),
}
# Of millions of these nothing else is to be asked.
_COMMON: dict[type, _Facets] = {kind: _SOLID[kind] for kind in (list, dict, set, frozenset)}
_OF_CODE: dict[type, _Facets] = {
    types.CellType: (facets.CELL,),
    types.MethodType: (facets.METHOD,),
    types.BuiltinMethodType: (facets.BOUND,),
    functools.partial: (facets.PARTIAL, facets.ATTRIBUTES),
    functools._lru_cache_wrapper: (facets.WRAPPED,),
    **dict.fromkeys(VIEWS, (facets.LOOKED_AT,)),
    staticmethod: (facets.INNER,),
    classmethod: (facets.INNER,),
    property: (facets.PROPERTY,),
}
_BY_CLASS: weakref.WeakKeyDictionary[type, _Facets | None] = weakref.WeakKeyDictionary()


def is_plain(value: object) -> bool:
    """Tell whether a value is an atom, or a tuple of nothing else."""
    return all(map(is_plain, value)) if type(value) is tuple else type(value) in ATOMS


def facets_of(value: Any) -> _Facets | None:
    """The facets of an object; `None` for an atom, and for what an import gives."""
    kind = type(value)
    if kind in _COMMON:
        return _COMMON[kind]
    if kind in ATOMS or (kind is tuple and is_plain(value)):
        return None
    if kind is types.FunctionType:
        return _of_function(value)
    if issubclass(kind, type):
        return (facets.CLASS_MEMBERS, facets.BASES) if value.__module__ == MAIN else None
    if kind is types.BuiltinMethodType and (value.__self__ is None or type(value.__self__) is types.ModuleType):
        return None
    found = _BY_CLASS.get(kind, ())
    if found == ():
        found = _BY_CLASS[kind] = _of_class(kind)
    if not found:
        return found
    # The generators and the environment that the whole session has: what a run does to them is followed by itself.
    home = str(kind.__module__).partition(".")[0]
    if found[0] in libraries.GENERATORS or (home != "builtins" and home in sys.stdlib_module_names):
        return found if name_in_modules(value) is None else None
    return found


def _of_function(value: types.FunctionType) -> _Facets | None:
    found: Any = sys.modules.get(value.__module__ or "") if value.__module__ != MAIN else None
    for name in value.__qualname__.split("."):
        found = getattr(found, name, None)
    if found is value:
        return None
    return facets.FUNCTION, facets.CLOSURE, facets.ATTRIBUTES


def _of_class(kind: type) -> _Facets | None:
    if kind in _OF_CODE:
        return _OF_CODE[kind]
    if issubclass(kind, types.ModuleType | enum.Enum | weakref.ref):
        return None
    if any(_is_settled(base) for base in kind.__mro__):
        return None
    own = (facets.CLASS,) if kind.__module__ == MAIN else ()
    known = libraries.facets_by_name(kind)
    if known is not None and not issubclass(kind, dict):
        if libraries.EXPRESSION in known:
            return (*known, *_given_to_expression(kind), *own)
        frames = any(str(base.__module__).partition(".")[0] in ("pandas", "polars") for base in kind.__mro__)
        return (*known, *(() if frames else _beside(kind)), *own)  # their attributes are caches, and what pickle writes
    if issubclass(kind, BaseException):
        return (facets.ARGUMENTS, *_beside(kind), *own)
    for base in kind.__mro__:
        if base in _SOLID:
            return (*_SOLID[base], *_beside(kind), *own) if _holds_no_more(kind, base) else (libraries.OPAQUE,)
        if not _is_written_in_python(base):
            break
    return (facets.TYPED,) if f"{kind.__module__}.{kind.__qualname__}" == "array.array" else (libraries.OPAQUE,)


def _is_settled(base: type) -> bool:
    if base is typing.Generic or base is typing.Protocol:  # they say nothing of what an instance holds
        return False
    return base.__module__ in _SETTLED_MODULES or f"{base.__module__}.{base.__qualname__}" in _SETTLED


def _is_written_in_python(base: type) -> bool:
    return bool(base.__flags__ & (1 << 9)) and not base.__flags__ & (1 << 8)


def _beside(kind: type) -> _Facets:
    slots = (facets.SLOTS,) if facets.descriptors_of(kind) else ()
    return (facets.ATTRIBUTES, *slots) if kind.__dictoffset__ else slots


def _given_to_expression(kind: type) -> _Facets:
    """What a class has beside the slots in which sympy keeps what it has deduced."""
    with_slots = [base for base in kind.__mro__ if "__slots__" in vars(base)]
    theirs = all(str(base.__module__).partition(".")[0] == "sympy" for base in with_slots)
    return tuple(facet for facet in _beside(kind) if facet is not facets.SLOTS or not theirs)


def _holds_no_more(kind: type, solid: type) -> bool:
    """Tell whether instances have no memory beside their base, their attributes and their slots, as pickle asks it."""
    size = solid.__basicsize__ + 8 * facets.count_of_slots(kind)
    size += 8 * (kind.__dictoffset__ not in (0, -1) and not solid.__dictoffset__)  # -1: not inside of the object
    size += 8 * (kind.__weakrefoffset__ > 0 and not solid.__weakrefoffset__)
    return kind is solid or kind.__basicsize__ <= size
