"""Names of a notebook turned into one pickle, and bound again: aliases hold, functions come back alive.

Four things set it apart from an ordinary pickle. Functions that live in the notebook come back on the notebook's own
namespace, so that they see later changes of its globals. Classes of the notebook are named where they are alive,
so that instances stay instances of the very class. Inputs that did not change are referred to by name, so that
what holds them still holds the same object. And what could only be stored as something else (an open file, a
widget) is refused.
"""

from __future__ import annotations

import importlib
import io
import linecache
import pickle
from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import CellType, CodeType, FunctionType, GeneratorType
from typing import Any

import cloudpickle

from ..entries import guests
from ..errors import UnstorableResultError
from ..keys.fingerprint import code_digest

__all__ = ["Outcome", "Packed", "pack", "unpack", "without_values"]

Packed = tuple[bytes, list[pickle.PickleBuffer]]
"""A pickle stream and the buffers beside it; unpickled, the buffers are memory views."""

_REFUSED = (io.TextIOWrapper, memoryview)
_NAMESPACE = ("namespace",)


@dataclass(slots=True)
class Outcome:
    """What a run did to its namespace.

    Attributes
    ----------
    bound : names and the values they got
    contents : inputs changed in place, by name: how, and the new content
    replaced : inputs changed in place that come back as new objects, under every name that was bound to the old one
    deleted : names that are gone
    values : the values of last expressions, as they were shown
    result : the value of the last expression of a cell whose own magic takes it
    states : the end state of random number generators
    sources : the code of the cell by file name, for tracebacks and `inspect.getsource`
    """

    bound: dict[str, Any] = field(default_factory=dict)
    contents: dict[str, tuple[str, Any]] = field(default_factory=dict)
    replaced: dict[str, Any] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    values: list[Any] | None = field(default_factory=list)
    result: Any = None
    states: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)

    def parts(self) -> tuple[Any, ...]:
        shown = (self.values, self.result)
        return self.bound, self.contents, self.replaced, self.deleted, *shown, self.states, self.sources


def pack(outcome: Outcome, namespace: dict[str, Any], references: Mapping[str, object]) -> Packed:
    """Pickle an outcome; `references` are the inputs that are stored as their names.

    Raises
    ------
    UnstorableResultError
        The message names the first variable that cannot be stored, and the type that is to blame.
    """
    try:
        return _pickled(outcome.parts(), namespace, references, frozenset(outcome.bound))
    except Exception as error:
        blamed = _culprit(outcome, namespace, references) or ("the result", error)
        raise UnstorableResultError(f"{blamed[0]} cannot be stored ({_short(blamed[1])})") from error


def without_values(outcome: Outcome, namespace: dict[str, Any], references: Mapping[str, object]) -> Packed | None:
    """Pickle everything but the values of last expressions, where only these cannot be; else return `None`."""
    if outcome.values is None and outcome.result is None:
        return None
    outcome.values, outcome.result = None, None
    try:
        return _pickled(outcome.parts(), namespace, references, frozenset(outcome.bound))
    except Exception:  # a name cannot be stored either, and `pack` has said which
        return None


def unpack(packed: tuple[bytes, Sequence[Any]], namespace: dict[str, Any]) -> Outcome:
    """Load an outcome; nothing is bound by that.

    Raises
    ------
    LookupError
        A class or an input that it refers to is not there, or no longer what it was.
    """
    stream, buffers = packed
    outcome = Outcome(*_Unpickler(stream, buffers, namespace).load())
    for filename, source in outcome.sources.items():
        lines = source.splitlines(keepends=True)
        linecache.cache.setdefault(filename, (len(source), None, lines, filename))
    return outcome


def _culprit(
    outcome: Outcome, namespace: dict[str, Any], references: Mapping[str, object]
) -> tuple[str, Exception] | None:
    named: Iterable[tuple[str, Any]] = (
        *outcome.bound.items(),
        *((name, content) for name, (_, content) in outcome.contents.items()),
        *outcome.replaced.items(),
        ("the value shown", (outcome.values, outcome.result)),
    )
    for name, value in named:
        try:
            _pickled(value, namespace, references, frozenset(outcome.bound))
        except Exception as error:
            return name, error
    return None


def _short(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 100 else text[:97] + "..."


def _pickled(value: object, namespace: dict[str, Any], references: Mapping[str, object], own: frozenset[str]) -> Packed:
    target = io.BytesIO()
    buffers: list[pickle.PickleBuffer] = []
    _Pickler(target, buffers, namespace, references, own).dump(value)
    return target.getvalue(), buffers


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    def __init__(
        self,
        target: io.BytesIO,
        buffers: list[pickle.PickleBuffer],
        namespace: dict[str, Any],
        references: Mapping[str, object],
        own: frozenset[str],
    ) -> None:
        kept = {kind: reduce for kind, reduce in cloudpickle.Pickler.dispatch_table.items() if kind not in _REFUSED}
        self.dispatch_table = ChainMap(dict(guests.reducers() or {}), kept)  # read by the constructor
        super().__init__(target, protocol=5, buffer_callback=buffers.append)
        self._namespace = namespace
        self._own = own
        self._pids: dict[int, Any] = {id(value): name for name, value in references.items()}
        self._pids[id(namespace)] = _NAMESPACE

    def persistent_id(self, value: object) -> Any:
        return self._pids.get(id(value))

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
        return super().reducer_override(value)


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: bytes, buffers: Sequence[Any], namespace: dict[str, Any]) -> None:
        super().__init__(io.BytesIO(stream), buffers=buffers)
        self._namespace = namespace

    def persistent_load(self, pid: Any) -> Any:
        return self._namespace if pid == _NAMESPACE else self._namespace[pid]


def _closed_file(text: bool) -> io.IOBase:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw) if text else io.BufferedReader(raw)  # type: ignore[type-var]
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
    luggage = reduced[1][0]
    return _cached_again, (luggage.kind, function.__wrapped__, luggage.parameters)


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
