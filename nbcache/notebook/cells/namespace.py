"""Names of a notebook turned into one pickle, and bound again: aliases hold, functions come back alive.

Four things set it apart from an ordinary pickle. Functions that live in the notebook come back on the notebook's own
namespace, so that they see later changes of its globals. Classes of the notebook are named where they are alive,
so that instances stay instances of the very class. Inputs that did not change are referred to by name, so that
what holds them still holds the same object. And what could only be stored as something else (an open file, a
widget) is refused.
"""

from __future__ import annotations

import io
import linecache
import pickle
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nbcache.errors import UnstorableResultError
from nbcache.notebook.cells.file_outputs import FileOutput

__all__ = ["Outcome", "Packed", "pack", "size_of", "unpack", "without_values"]

Packed = tuple[bytes, list[pickle.PickleBuffer]]
"""A pickle stream and the buffers beside it; unpickled, the buffers are memory views."""


@dataclass(slots=True)
class Outcome:
    """What a run did to its namespace.

    Attributes
    ----------
    bound : names and the values they got
    contents : inputs changed in place, by name: how, and the new content
    replaced : inputs changed in place that come back as new objects, under every name that was bound to the old one
    shared : objects met inside of those that other names of the notebook were bound to; they are bound anew where
        that is so again
    deleted : names that are gone
    values : the values of last expressions, as they were shown
    result : the value of the last expression of a cell whose own magic takes it
    sources : the code of the cell by file name, for tracebacks and `inspect.getsource`
    modules : what it imported, be it for what that does: `import xml.etree.ElementTree` binds no more than `xml`
    files : what it wrote
    """

    bound: dict[str, Any] = field(default_factory=dict)
    contents: dict[str, tuple[str, Any]] = field(default_factory=dict)
    replaced: dict[str, Any] = field(default_factory=dict)
    shared: dict[str, Any] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    values: list[Any] | None = field(default_factory=list)
    result: Any = None
    sources: dict[str, str] = field(default_factory=dict)
    modules: list[str] = field(default_factory=list)
    files: list[FileOutput] = field(default_factory=list)

    def parts(self) -> tuple[Any, ...]:
        shown = (self.values, self.result)
        changed = (self.contents, self.replaced, self.shared)
        return self.bound, *changed, self.deleted, *shown, self.sources, self.modules, self.files


def pack(outcome: Outcome, namespace: dict[str, Any], references: Mapping[str, object]) -> Packed:
    """Pickle an outcome; `references` are the inputs that are stored as their names.

    Raises
    ------
    UnstorableResultError
        The message names the first variable that cannot be stored, and the type that is to blame.
    """
    try:
        packed, met = _pickled(outcome.parts(), namespace, references, frozenset(outcome.bound))
        if met and (outcome.contents or outcome.replaced):
            outcome.shared = {name: namespace[name] for name in met if name not in outcome.replaced}
            packed, _ = _pickled(outcome.parts(), namespace, references, frozenset(outcome.bound))
        return packed
    except Exception as error:
        blamed = _culprit(outcome, namespace, references) or ("the result", error)
        raise UnstorableResultError(f"{blamed[0]} cannot be stored ({_short(blamed[1])})") from error


def size_of(packed: Packed) -> int:
    """Bytes of an outcome, buffers included."""
    return len(packed[0]) + sum(buffer.raw().nbytes for buffer in packed[1])


def without_values(outcome: Outcome, namespace: dict[str, Any], references: Mapping[str, object]) -> Packed | None:
    """Pickle everything but the values of last expressions, where only these cannot be; else return `None`."""
    if outcome.values is None and outcome.result is None:
        return None
    outcome.values, outcome.result = None, None
    try:
        return _pickled(outcome.parts(), namespace, references, frozenset(outcome.bound))[0]
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


def _pickled(
    value: object, namespace: dict[str, Any], references: Mapping[str, object], own: frozenset[str]
) -> tuple[Packed, set[str]]:
    from nbcache.notebook.cells.pickling import NamespacePickler

    target = io.BytesIO()
    buffers: list[pickle.PickleBuffer] = []
    pickler = NamespacePickler(target, buffers, namespace, references, own)
    pickler.dump(value)
    return (target.getvalue(), buffers), pickler.met


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: bytes, buffers: Sequence[Any], namespace: dict[str, Any]) -> None:
        super().__init__(io.BytesIO(stream), buffers=buffers)
        self._namespace = namespace

    def persistent_load(self, pid: Any) -> Any:
        return self._namespace[pid] if isinstance(pid, str) else self._namespace
