"""cloudpickle for what pickle cannot name: lambdas, and classes and functions made inside functions.

Everything that can be named is still named, also in ``__main__``: a value that comes back must be an instance of
the very class the notebook has, not of a copy. So a class that is alive stays as it is, where cloudpickle would fill
it anew, and its methods would see a copy of the notebook's globals from then on. A function that comes back sees the
globals of its module, if all that it reads is there.
"""

from __future__ import annotations

import contextlib
import io
import logging
import pickle
import sys
import types
import weakref
from collections.abc import Callable, Mapping
from typing import Any

import cloudpickle
from cloudpickle import cloudpickle as _whole

from nbcache.entries.guests import Reducer

__all__ = ["ByValuePickler", "copied", "keep_slots"]

# cloudpickle would store an open file as its text and a memoryview as bytes: the value would come back as another.
# It would also write a logger that is not registered by a name that leads to another.
_REFUSED = (io.TextIOWrapper, memoryview, logging.Logger, logging.RootLogger)
_NO_FILE = "<dynamic-code>"


class ByValuePickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Writes a value to `target`, naming what has a name and copying the rest.

    Attributes
    ----------
    blobs : keeper of large byte strings, or `None`
    """

    def __init__(
        self, target: io.BytesIO, table: Mapping[type, Reducer], collect: Callable[[pickle.PickleBuffer], Any]
    ) -> None:
        own = {kind: reduce for kind, reduce in cloudpickle.Pickler.dispatch_table.items() if kind not in _REFUSED}
        own[types.CodeType] = _reduce_code
        self.dispatch_table = {**own, **table}  # read by the constructor
        super().__init__(target, protocol=5, buffer_callback=collect)
        self.blobs: Any = None

    def persistent_id(self, obj: object) -> int | None:
        return None if self.blobs is None else self.blobs.rank(obj)

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, (type, types.FunctionType)) and _has_a_name(obj):
            return NotImplemented
        reduced = super().reducer_override(obj)
        if type(reduced) is not tuple or len(reduced) != 6:
            return reduced
        make, arguments, state, _, _, fill = reduced
        if fill is _whole._class_setstate:
            keep_slots(obj, reduced)
            return _alive_or_new, (make, *arguments), state, None, None, _fill_new
        if fill is _whole._function_setstate and _sees_its_module(obj):
            names = tuple(state[1]["__globals__"])
            return _function, (obj.__module__, names, *arguments), state, None, None, _complete
        return reduced


def keep_slots(cls: type, reduced: tuple[Any, ...]) -> None:
    """Have the class made with its ``__slots__``: cloudpickle sets them as a member, which makes no slots.

    The descriptors of slots are left out, as they come with the slots. cloudpickle looks for them under the names that
    ``__slots__`` gives, and a name of two leading underscores is mangled.
    """
    make, arguments, (members, _) = reduced[:3]
    if make is not _whole._make_skeleton_class or "__slots__" not in members:
        return
    arguments[3]["__slots__"] = members.pop("__slots__")
    for name in [name for name, part in members.items() if type(part) is types.MemberDescriptorType]:
        if members[name].__objclass__ is cls:
            del members[name]


#: Classes that were made here and are not filled yet.
_new: weakref.WeakSet[type] = weakref.WeakSet()


def _alive_or_new(make: Callable[..., type], *arguments: Any) -> type:
    """The class of an identity, the last argument but one; `make` may give a new class where one is alive."""
    alive = _whole._DYNAMIC_CLASS_TRACKER_BY_ID.get(arguments[-2])
    cls = make(*arguments)
    if cls is not alive:
        _new.add(cls)
    return cls


def _fill_new(cls: type, state: Any) -> None:
    if cls in _new:
        _whole._class_setstate(cls, state)
        _new.discard(cls)


def _sees_its_module(function: types.FunctionType) -> bool:
    return function.__globals__ is _globals_of(function.__module__)


def _globals_of(module: Any) -> dict[str, Any] | None:
    return getattr(sys.modules.get(module), "__dict__", None)


def _function(
    module: str, names: tuple[str, ...], code: types.CodeType, copy: dict[str, Any], *rest: Any
) -> types.FunctionType:
    """A function over the globals of its module, or over a copy where any that it reads is not there."""
    live = _globals_of(module)
    if live is None or not all(name in live for name in names):
        made: types.FunctionType = _whole._make_function(code, copy, *rest)
        return made
    return types.FunctionType(code, live, *rest)


def _complete(function: types.FunctionType, state: tuple[dict[str, Any], dict[str, Any]]) -> None:
    if function.__globals__ is not _globals_of(function.__globals__.get("__name__", "")):
        _whole._function_setstate(function, state)
        return
    attributes, slots = state
    function.__dict__.update(attributes)
    for cell, sent in zip(function.__closure__ or (), slots["__closure__"] or (), strict=True):
        with contextlib.suppress(ValueError):  # an empty cell
            cell.cell_contents = sent.cell_contents
    for name, value in slots.items():
        if name not in _APART:
            setattr(function, name, value)


#: What cloudpickle sends beside the attributes of a function.
_APART = frozenset({"__globals__", "__closure__", "_cloudpickle_submodules"})


class _Copier(cloudpickle.Pickler):  # type: ignore[misc]
    """cloudpickle as it is, but for the file names of code."""

    def __init__(self, target: io.BytesIO) -> None:
        self.dispatch_table = {**cloudpickle.Pickler.dispatch_table, types.CodeType: _reduce_code}
        super().__init__(target)


def copied(function: Any) -> bytes:
    """Write a function for any process, with all of ``__main__`` that it needs."""
    target = io.BytesIO()
    _Copier(target).dump(function)
    return target.getvalue()


def _reduce_code(code: types.CodeType) -> tuple[Any, ...]:
    """Keep the file name, which cloudpickle 3.1.3 began to replace: tracebacks and `inspect` go by it."""
    make, arguments = cloudpickle.Pickler.dispatch_table[types.CodeType](code)
    return make, tuple(code.co_filename if each == _NO_FILE else each for each in arguments)


def _has_a_name(thing: Any) -> bool:
    found: Any = sys.modules.get(getattr(thing, "__module__", None) or "")
    for name in thing.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is thing
