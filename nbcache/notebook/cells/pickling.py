"""The pickler for a notebook's names: functions and classes of the notebook stay the notebook's.

Loaded at its first use, as it is built on cloudpickle.
"""

from __future__ import annotations

import importlib
import io
import pickle
import sys
from concurrent.futures import Executor
from types import CellType, CodeType, FunctionType, GeneratorType, NoneType
from typing import Any

from nbcache.entries import guests
from nbcache.entries.byvalue import ByValuePickler, keep_slots
from nbcache.entries.whole_stack import with_whole_stack
from nbcache.hashing.deadline import check
from nbcache.notebook.cells.objects.facets import UNSAID
from nbcache.notebook.cells.objects.imported import MUTABLE, Imported, fetch
from nbcache.notebook.cells.objects.kinds import facets_of
from nbcache.notebook.cells.objects.libraries import ARRAY
from nbcache.notebook.cells.objects.live_views import reduced_view
from nbcache.notebook.cells.objects.overridden import is_simple, with_overridden
from nbcache.notebook.cells.objects.tensors import Memory
from nbcache.notebook.cells.objects.views import Overlaps, exporter_of, reduced_array
from nbcache.notebook.cells.objects.weak import reduced_weak
from nbcache.notebook.cells.outcome import KnownObjects, Outcome, PickledNames
from nbcache.notebook.cells.plain_data import ATOMIC, PlainWriter
from nbcache.notebook.cells.wrapped_functions import reduced_wrapper
from nbcache.tracking.fingerprint import code_digest
from nbcache.tracking.packages import is_users

__all__ = ["pickled"]

_NAMESPACE = ()
"""The place of the namespace itself."""


def pickled(value: object, outcome: Outcome, known: KnownObjects) -> tuple[PickledNames, PlainWriter]:
    """Pickle a part of an outcome, or all of it; and tell which containers of plain data are in it."""
    overlaps = _overlaps(outcome, known)
    written = with_whole_stack(_pass, value, outcome, known, overlaps)
    return with_whole_stack(_pass, value, outcome, known, overlaps) if overlaps.plan() else written


def _pass(value: object, outcome: Outcome, known: KnownObjects, overlaps: Overlaps) -> tuple[PickledNames, PlainWriter]:
    target = io.BytesIO()
    buffers: list[pickle.PickleBuffer] = []
    pickler = NamespacePickler(target, buffers, outcome, known, overlaps)
    pickler.dump(value)
    return (target.getvalue(), buffers), pickler.plain


def _overlaps(outcome: Outcome, known: KnownObjects) -> Overlaps:
    """The arrays that are there already; the content of one that changed is written by itself, to be put into it."""
    nodes = known.reached.nodes.values()
    there = [node.value for node in nodes if any(facet is ARRAY for facet in node.facets)]
    overlaps = Overlaps([array for array in there if known.reached.place_of(array) is not None])
    for _, facets in outcome.contents:
        if ARRAY.name in facets:
            overlaps.leave(facets[ARRAY.name])
    return overlaps


class NamespacePickler(ByValuePickler):
    """Writes names of a notebook.

    Parameters
    ----------
    buffers : is filled with the buffers beside the stream
    overlaps : the arrays that lie in the memory of others

    Attributes
    ----------
    plain : the containers of plain data that it has written in one piece
    """

    def __init__(
        self,
        target: io.BytesIO,
        buffers: list[pickle.PickleBuffer],
        outcome: Outcome,
        known: KnownObjects,
        overlaps: Overlaps,
    ) -> None:
        super().__init__(target, dict(guests.reducers()), buffers.append)
        self._namespace = known.namespace
        self._own = frozenset(outcome.bound)
        self._reached = known.reached
        self._replaced = {id(value) for _, value in outcome.replaced}
        self._imported = Imported(known.modules)
        self._overlaps = overlaps
        self.plain = PlainWriter()
        self._instances: set[type] = set()
        self._asked = 0
        others = known.namespace.keys() - outcome.bound.keys()
        self._others = {
            id(value): name
            for name in others
            if name[0] != "_" and _is_somebodys(value := known.namespace[name]) and id(value) not in known.reached.nodes
        }
        self._dicts = {id(one) for one in outcome.bound.values() if type(one) is dict}
        self._memory = Memory(node.value for node in self._reached.nodes.values())
        numpy: Any = sys.modules.get("numpy")
        self._array: type = numpy.ndarray if numpy is not None else NoneType

    def persistent_id(self, value: object) -> Any:
        kind = type(value)
        if kind in ATOMIC:
            return None
        self._asked += 1
        if not self._asked & 0xFF:
            check()
        identity = id(value)
        if identity in self._reached.nodes and identity not in self._replaced:
            place = self._reached.place_of(value)
            if place is None:
                raise pickle.PicklingError("it holds a part of an input that cannot be located")
            return place
        if kind in MUTABLE:  # no reducer is asked about these
            if value is self._namespace:
                return _NAMESPACE
            if (found := self._imported.held.get(identity)) is not None:
                return (None, *found[1:])
        if identity in self._others:
            raise pickle.PicklingError(f"it holds {self._others[identity]}, which the cell does not read by name")
        return self.plain.write(value)

    def reducer_override(self, value: Any) -> Any:
        kind = type(value)
        self.plain.is_all = False
        if kind in self._instances:
            return NotImplemented
        found = self._imported.place_of(value)
        if found is not None:
            return fetch, found
        if self._memory.holds(value):
            raise pickle.PicklingError("it lies in the memory of a tensor that was there before")
        if issubclass(kind, self._array):
            laid = self._overlaps.meet(value) if kind is self._array or kind not in self.dispatch_table else None
            if kind is not self._array and self._loses_attributes(value):
                raise pickle.PicklingError("its attributes, which arrays leave out when they are pickled")
            if laid is not None and kind is not self._array:
                raise pickle.PicklingError("an array of a subclass that shares the memory of another")
            if laid is not None:
                return laid
            if self._lies_in_input(value):
                raise pickle.PicklingError("it lies in the memory of an input")
            if kind is self._array and (made := reduced_array(value)) is not None:
                return made
        if (view := reduced_view(value)) is not None:
            return view
        wrapper = reduced_wrapper(value, self._namespace, self._own)
        if wrapper is not None:
            return wrapper
        if kind is FunctionType:
            if value.__globals__ is self._namespace:
                return _reduced_function(value)
            if (module := _module_around(value)) is not None:
                return _reduced_function(value, module)
            if id(value.__globals__) in self._reached.nodes:  # made by `exec` in a dict of the notebook's
                return _reduced_function(value)
            if id(value.__globals__) in self._dicts:
                raise pickle.PicklingError("a function whose globals are a dict of the notebook")
        elif kind is CellType:
            return CellType, (), _contents(value), None, None, _fill_cell
        elif issubclass(kind, type):
            if _lives_here(value, self._namespace, self._own):
                return _class_named, (self._namespace, value.__qualname__, code_digest(value))
            if value.__module__ == self._namespace.get("__name__") and (told := _told_of_making(value)):
                raise pickle.PicklingError(f"making {value.__name__} again would call {told}")
        elif getattr(kind, "__nbcache__", False) is True and hasattr(value, "__wrapped__"):
            return _reduced_cached(value)
        elif issubclass(kind, io.IOBase) and kind not in (io.BytesIO, io.StringIO):
            if value.closed:  # what `with open(...) as file` leaves behind
                return _closed_file, (kind.__name__, getattr(value, "name", None), getattr(value, "mode", None))
            raise pickle.PicklingError("an open file")
        elif kind.__name__ in ("BlockManager", "SingleBlockManager") and kind.__module__ == _MANAGERS:
            self._leave(value)
        elif issubclass(kind, Executor) and getattr(value, "_shutdown", getattr(value, "_shutdown_thread", False)):
            return _closed_executor, (kind,)
        elif kind is GeneratorType:
            raise pickle.PicklingError("a live generator")
        elif any(base.__module__ == "ipywidgets.widgets.widget" and base.__name__ == "Widget" for base in kind.__mro__):
            raise pickle.PicklingError("a widget")
        if any(str(base.__module__).startswith("numba.experimental.jitclass") for base in kind.__mro__):
            raise pickle.PicklingError("a class that numba compiles, or an object of one")
        if (weak := reduced_weak(value)) is not None:
            return weak
        # Past our parent, which writes names where this room has already decided for the content.
        reduced = super(ByValuePickler, self).reducer_override(value)
        if reduced is NotImplemented and kind not in self.dispatch_table:
            if is_simple(kind):
                self._instances.add(kind)
            return with_overridden(value) or reduced
        return _with_all_members(value, reduced) if issubclass(kind, type) else reduced

    def _lies_in_input(self, array: Any) -> bool:
        exporter = exporter_of(array)
        return exporter is not None and id(exporter) in self._reached.nodes and not self._overlaps.leaves(array)

    def _loses_attributes(self, value: Any) -> bool:
        """Tell whether an array of a subclass is pickled as a plain one, and has attributes that no new one has."""
        kind, array = type(value), self._array
        held = getattr(value, "__dict__", None)
        if not held or kind.__reduce__ is not array.__reduce__ or kind.__reduce_ex__ is not array.__reduce_ex__:
            return False
        new = vars(array.__new__(kind, (0,)))
        return any(name not in new or not (new[name] is part or new[name] == part) for name, part in held.items())

    def _leave(self, manager: Any) -> None:
        """Frames that copy on write are values: memory that two of them lie in is no concern of the user's."""
        if not _copies_on_write():
            return
        for array in manager.arrays:
            parts = [array, *(getattr(array, name, None) for name in ("_ndarray", "_data", "_mask"))]
            for part in parts:
                if isinstance(part, self._array):
                    self._overlaps.leave(part)


def _with_all_members(kind: type, reduced: Any) -> Any:
    """Put back what cloudpickle leaves out of a class: members that its base has as well, and where it was made."""
    match reduced:
        case (_, _, (dict() as members, _), *_):
            keep_slots(kind, reduced)
            inherited = [vars(base) for base in kind.__mro__[1:]]
            for name, part in vars(kind).items():
                if name not in members and name not in UNSAID and any(other.get(name) is part for other in inherited):
                    members[name] = part
            if kind.__qualname__ != kind.__name__:
                members["__qualname__"] = kind.__qualname__
    return reduced


def _told_of_making(kind: type) -> str:
    """What code of the user's a class is made with: it may count or register each class that it is told of."""
    for base in kind.__mro__[1:]:
        if "__init_subclass__" in vars(base) and is_users(base):
            return f"{base.__name__}.__init_subclass__"
    metaclass: Any = type(kind)
    for meta in metaclass.__mro__:
        if is_users(meta) and not vars(meta).keys().isdisjoint(("__new__", "__init__", "__prepare__")):
            return f"its metaclass {meta.__name__}"
    return ""


_MANAGERS = "pandas.core.internals.managers"


def _copies_on_write() -> bool:
    pandas: Any = sys.modules["pandas"]
    return int(pandas.__version__.partition(".")[0]) >= 3 or pandas.options.mode.copy_on_write is True


def _is_somebodys(value: object) -> bool:
    """Tell whether another name's object has an identity that a copy would not have."""
    return not isinstance(value, FunctionType | type) and facets_of(value) is not None


def _closed_executor(kind: type[Executor]) -> Executor:
    executor = kind()
    executor.shutdown()
    return executor


class _Raw(io.BytesIO):
    """Below a closed file: what is left of it is its name."""

    name: Any = None
    mode: Any = None


def _closed_file(kind: str, name: Any, mode: Any) -> Any:
    raw: Any = _Raw()
    raw.name, raw.mode = name, mode
    if kind == "TextIOWrapper":
        text: Any = io.TextIOWrapper(io.BufferedRandom(raw))
        text.mode = mode
        text.close()
        return text
    made = getattr(io, kind, io.BufferedReader)(raw)
    made.close()
    return made


# --- functions


def _module_around(function: FunctionType) -> str | None:
    """The name of the module in which a function was made that cannot be found there, as inside of another one."""
    name = function.__globals__.get("__name__")
    module = sys.modules.get(name) if isinstance(name, str) else None
    if module is None or vars(module) is not function.__globals__ or facets_of(function) is None:
        return None
    return name


def _reduced_function(function: FunctionType, module: str | None = None) -> tuple[Any, ...]:
    """Describe a function: its code, to be run on whatever the globals are then, and what it has closed over.

    Parameters
    ----------
    module : where its globals are; `None` for the notebook
    """
    where = function.__globals__ if module is None else module
    made = (function.__code__, where, function.__name__, function.__closure__)
    state = {
        "__defaults__": function.__defaults__,
        "__kwdefaults__": function.__kwdefaults__,
        "__qualname__": function.__qualname__,
        "__module__": function.__module__,
        "__doc__": function.__doc__,
        "__annotations__": dict(function.__annotations__),
        "__type_params__": getattr(function, "__type_params__", ()),
    }
    return _make_function, made, (state, vars(function)), None, None, _fill


def _make_function(
    code: CodeType, where: dict[str, Any] | str, name: str, closure: tuple[CellType, ...] | None
) -> FunctionType:
    names = vars(importlib.import_module(where)) if isinstance(where, str) else where
    return FunctionType(code, names, name, None, closure)


def _fill(function: FunctionType, state: tuple[dict[str, Any], dict[str, Any]]) -> None:
    attributes, own = state
    for name, value in attributes.items():
        if name != "__type_params__" or value:
            setattr(function, name, value)
    vars(function).update(own)


def _contents(cell: CellType) -> tuple[Any, ...]:
    try:
        return (cell.cell_contents,)
    except ValueError:  # not filled yet
        return ()


def _fill_cell(cell: CellType, contents: tuple[Any, ...]) -> None:
    for content in contents:
        cell.cell_contents = content


def _reduced_cached(function: Any) -> tuple[Any, ...]:
    """Describe a cached function by what it wraps, which may live in the notebook."""
    reduced = function.__reduce_ex__(5)
    if isinstance(reduced, str):  # it can be imported
        return _imported, (function.__module__, reduced)
    state = reduced[1][0]
    return _cached_again, (state.kind, function.__wrapped__, state.parameters)


def _imported(module: str, qualname: str) -> Any:
    found: Any = importlib.import_module(module)
    for name in qualname.split("."):
        found = getattr(found, name)
    return found


def _cached_again(kind: Any, function: Any, parameters: Any) -> Any:
    shell = kind()
    shell.fill(function, parameters)
    return shell


# --- classes


def _lives_here(kind: type, namespace: dict[str, Any], own: frozenset[str]) -> bool:
    """Tell whether a class is one of the notebook's, found under its name, and not made by this very run."""
    if kind.__module__ != namespace.get("__name__", "__main__"):
        return False
    first, *rest = kind.__qualname__.split(".")
    if first in own:
        return False
    found = namespace.get(first)
    for name in rest:
        found = getattr(found, name, None)
    return found is kind


def _class_named(namespace: dict[str, Any], qualname: str, digest: bytes) -> type:
    first, *rest = qualname.split(".")
    found: Any = namespace[first]
    for name in rest:
        found = getattr(found, name)
    if not isinstance(found, type) or code_digest(found) != digest:
        raise LookupError(f"class {qualname} is not what it was")
    return found
