"""Names of a notebook turned into one pickle, and bound again: aliases hold, functions come back alive.

Five things set it apart from an ordinary pickle. Functions that live in the notebook come back on the notebook's own
namespace, so that they see later changes of its globals. Classes of the notebook are named where they are alive,
so that instances stay instances of the very class. Every object that was there before the run is referred to by its
place, so that whatever holds it still holds the same object, and what a module holds by its import. Arrays that lie in
one memory come back in one memory. And what could only be stored as something else (an open file, a widget) is refused.
"""

from __future__ import annotations

import io
import linecache
import pickle
from collections.abc import Iterable, Sequence
from typing import Any

from nbcache.errors import UnstorableResultError
from nbcache.notebook.cells.objects.places import Finder
from nbcache.notebook.cells.outcome import KnownObjects, Outcome, Packed

__all__ = ["pack", "size_of", "unpack", "without_values"]

def pack(outcome: Outcome, known: KnownObjects) -> Packed:
    """Pickle an outcome; what is `known` is referred to.

    Raises
    ------
    UnstorableResultError
        The message names the first variable that cannot be stored, and the type that is to blame.
    """
    try:
        return _pickled(outcome.parts(), outcome, known)
    except Exception as error:
        blamed = _culprit(outcome, known) or ("the result", error)
        raise UnstorableResultError(f"{blamed[0]} cannot be stored ({_short(blamed[1])})") from error


def size_of(packed: Packed) -> int:
    """Bytes of an outcome, buffers included."""
    return len(packed[0]) + sum(buffer.raw().nbytes for buffer in packed[1])


def without_values(outcome: Outcome, known: KnownObjects) -> Packed | None:
    """Pickle everything but the values of last expressions, where only these cannot be; else return `None`."""
    if outcome.values is None and outcome.result is None:
        return None
    outcome.values, outcome.result = None, None
    try:
        return _pickled(outcome.parts(), outcome, known)
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


def _culprit(outcome: Outcome, known: KnownObjects) -> tuple[str, Exception] | None:
    named: Iterable[tuple[str, Any]] = (
        *outcome.bound.items(),
        *((name, value) for name, (_, value) in zip(outcome.changed, outcome.contents, strict=False)),
        *((place[0], value) for place, value in outcome.replaced),
        ("the value shown", (outcome.values, outcome.result)),
    )
    for name, value in named:
        try:
            _pickled(value, outcome, known)
        except Exception as error:
            return name, error
    return None


def _short(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 100 else text[:97] + "..."


def _pickled(value: object, outcome: Outcome, known: KnownObjects) -> Packed:
    from nbcache.notebook.cells.pickling import pickled

    return pickled(value, outcome, known)


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: bytes, buffers: Sequence[Any], namespace: dict[str, Any]) -> None:
        super().__init__(io.BytesIO(stream), buffers=buffers)
        self._namespace = namespace
        self._finder = Finder(namespace)

    def persistent_load(self, pid: Any) -> Any:
        return self._finder.find(pid) if pid else self._namespace
