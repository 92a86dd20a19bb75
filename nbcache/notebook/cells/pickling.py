"""The pickler for a notebook's names: functions and classes of the notebook stay the notebook's.

Loaded at its first use, as it is built on cloudpickle.
"""

from __future__ import annotations

import importlib
import io
import pickle
from collections.abc import Mapping
from types import CellType, CodeType, FunctionType, GeneratorType, ModuleType
from typing import Any

from nbcache.entries import guests
from nbcache.entries.byvalue import ByValuePickler
from nbcache.tracking.fingerprint import code_digest

__all__ = ["NAMESPACE", "NamespacePickler"]

_PLAIN = (int, float, complex, bool, str, bytes, type(None), tuple, frozenset, type, ModuleType, FunctionType)
NAMESPACE = ("namespace",)
"""Stands in a pickle for the namespace itself."""


class NamespacePickler(ByValuePickler):
    """Writes names of a notebook.

    Parameters
    ----------
    buffers : is filled with the buffers beside the stream
    references : values that are written as their names
    own : names that the run has bound, whose classes are written by value

    Attributes
    ----------
    met : other names of the notebook whose objects were met inside
    """

    def __init__(
        self,
        target: io.BytesIO,
        buffers: list[pickle.PickleBuffer],
        namespace: dict[str, Any],
        references: Mapping[str, object],
        own: frozenset[str],
    ) -> None:
        super().__init__(target, dict(guests.reducers()), buffers.append)
        self._namespace = namespace
        self._own = own
        self._pids: dict[int, Any] = {id(value): name for name, value in references.items()}
        self._pids[id(namespace)] = NAMESPACE
        self._others = {
            id(value): name
            for name, value in namespace.items()
            if name not in own and id(value) not in self._pids and type(value) not in _PLAIN and name[0] != "_"
        }
        self.met: set[str] = set()

    def persistent_id(self, value: object) -> Any:
        identity = id(value)
        if identity in self._others:
            self.met.add(self._others[identity])
        return self._pids.get(identity)

    def reducer_override(self, value: Any) -> Any:
        kind = type(value)
        if kind is FunctionType:
            if value.__globals__ is self._namespace:
                return _reduced_function(value)
        elif kind is CellType:
            return CellType, (), _contents(value), None, None, _fill_cell
        elif issubclass(kind, type):
            if _lives_here(value, self._namespace, self._own):
                return _class_named, (self._namespace, value.__qualname__, code_digest(value))
        elif getattr(kind, "__nbcache__", False) is True and hasattr(value, "__wrapped__"):
            return _reduced_cached(value)
        elif issubclass(kind, io.IOBase) and kind not in (io.BytesIO, io.StringIO):
            if value.closed:  # what `with open(...) as file` leaves behind
                return _closed_file, (isinstance(value, io.TextIOBase),)
            raise pickle.PicklingError("an open file")
        elif kind is GeneratorType:
            raise pickle.PicklingError("a live generator")
        elif any(base.__module__ == "ipywidgets.widgets.widget" and base.__name__ == "Widget" for base in kind.__mro__):
            raise pickle.PicklingError("a widget")
        # Past our parent, which writes names where this room has already decided for the content.
        return super(ByValuePickler, self).reducer_override(value)


def _closed_file(text: bool) -> io.IOBase:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw) if text else io.BufferedReader(raw)
    file.close()
    return file


# --- functions


def _reduced_function(function: FunctionType) -> tuple[Any, ...]:
    """Describe a function of the notebook: its code, to be run on whatever the namespace is then."""
    made = (function.__code__, function.__globals__, function.__name__, function.__closure__)
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
    code: CodeType, namespace: dict[str, Any], name: str, closure: tuple[CellType, ...] | None
) -> FunctionType:
    return FunctionType(code, namespace, name, None, closure)


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
