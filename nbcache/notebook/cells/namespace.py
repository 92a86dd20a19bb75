"""Names of a notebook turned into one pickle, and bound again: aliases hold, functions come back alive.

Five things set it apart from an ordinary pickle. Functions that live in the notebook come back on the notebook's own
namespace, so that they see later changes of its globals. Classes of the notebook are named where they are alive,
so that instances stay instances of the very class. Every object that was there before the run is referred to by its
place, so that whatever holds it still holds the same object, and what a module holds by its import. Arrays that lie in
one memory come back in one memory. And what could only be stored as something else (an open file, a widget) is refused.
"""

from __future__ import annotations

import gc
import importlib
import io
import linecache
import pickle
from collections.abc import Iterable, Sequence
from typing import Any

from nbcache.errors import UnstorableResultError, text_of
from nbcache.hashing.deadline import DeadlineError
from nbcache.notebook.cells.objects.imported import fetch
from nbcache.notebook.cells.objects.places import Finder
from nbcache.notebook.cells.objects.views import laid_out, owned
from nbcache.notebook.cells.objects.weak import refer
from nbcache.notebook.cells.outcome import KnownObjects, Outcome, PickledNames
from nbcache.notebook.cells.plain_data import PlainReader, PlainWriter

__all__ = ["load_pickler", "pack", "size_of", "unpack", "without_values"]


def pack(outcome: Outcome, known: KnownObjects) -> PickledNames:
    """Pickle an outcome; what is `known` is referred to.

    Raises
    ------
    UnstorableResultError
        The message names the first variable that cannot be stored, and the type that is to blame.
    """
    try:
        return _proved(outcome.parts(), outcome, known)
    except DeadlineError:
        raise
    except Exception as error:
        blamed = _culprit(outcome, known) or (_whole(outcome), error)
        raise UnstorableResultError(f"{blamed[0]} cannot be stored ({_short(blamed[1])})") from error


def size_of(packed: PickledNames) -> int:
    """Bytes of an outcome, buffers included."""
    return len(packed[0]) + sum(buffer.raw().nbytes for buffer in packed[1])


def without_values(outcome: Outcome, known: KnownObjects) -> PickledNames | None:
    """Pickle everything but the values of last expressions, where only these cannot be; else return `None`."""
    if outcome.values is None and outcome.result is None:
        return None
    outcome.values, outcome.result = None, None
    try:
        return _proved(outcome.parts(), outcome, known)
    except DeadlineError:
        raise
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
            _proved(value, outcome, known)
        except DeadlineError:
            raise
        except Exception as error:
            return name, error
    return None


def _whole(outcome: Outcome) -> str:
    """What to call an outcome whose parts can be stored one by one, and not together."""
    names = ", ".join(outcome.changed[:3])
    return f"what it changes in {names}" if names else "the result"


def _short(error: Exception) -> str:
    text = " ".join(text_of(error).split())
    return text if len(text) <= 100 else text[:97] + "..."


def _pickled(value: object, outcome: Outcome, known: KnownObjects) -> tuple[PickledNames, PlainWriter]:
    from nbcache.notebook.cells.pickling import pickled

    return pickled(value, outcome, known)


def load_pickler() -> None:
    """Load what pickles, cloudpickle included, if that has not been done."""
    importlib.import_module("nbcache.notebook.cells.pickling")


def _proved(value: object, outcome: Outcome, known: KnownObjects) -> PickledNames:
    """Pickle, and load what was pickled, once and for nothing: much can be pickled that cannot be unpickled."""
    packed, plain = _pickled(value, outcome, known)
    if not plain.is_all and len(packed[0]) <= _LARGEST:
        proof = _Proof(packed, plain, outcome, known)
        loaded = proof.load()
        if proof.weak:
            gc.collect()
            if any(one() is None for one in proof.weak):
                raise pickle.PicklingError("a weak reference to what nothing else in the result holds")
        del loaded
    return packed


_LARGEST = 64 << 20
# Makers of classes in cloudpickle: with an identity in this place they give the class of that identity that is alive,
# and fill it anew. A cell that runs again makes a new class.
_MAKERS = {"_make_skeleton_class": 4, "_make_skeleton_enum": 5, "_make_typevar": 5}


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: bytes, buffers: Sequence[Any], namespace: dict[str, Any]) -> None:
        super().__init__(io.BytesIO(stream), buffers=buffers)
        self._namespace = namespace
        self._finder = Finder(namespace)
        self._plain = PlainReader()

    def persistent_load(self, pid: Any) -> Any:
        if not pid:
            return self._namespace
        if pid[0] is False:
            return self._plain.read(pid)
        return fetch(pid[1], pid[2]) if pid[0] is None else self._finder.find(pid)

    def find_class(self, module: str, name: str) -> Any:
        found = super().find_class(module, name)
        place = _MAKERS.get(name) if module.startswith("cloudpickle") else None
        if place is None:
            return found

        def make(*arguments: Any) -> Any:
            return found(*arguments[:place], None, *arguments[place + 1 :])

        return make


class _Proof(_Unpickler):
    def __init__(self, packed: PickledNames, plain: PlainWriter, outcome: Outcome, known: KnownObjects) -> None:
        super().__init__(packed[0], [buffer.raw() for buffer in packed[1]], known.namespace)
        self._written = plain
        self._copies: dict[int, Any] = {}
        self._own = outcome.bound
        self._there = known.reached.placed()
        self.weak: list[Any] = []

    def persistent_load(self, pid: Any) -> Any:
        if pid and type(pid[0]) is str:
            return self._there[pid]
        if pid and pid[0] is False:
            if pid[1] not in self._copies:
                self._copies[pid[1]] = self._written.copied(pid)
            return self._copies[pid[1]]
        return super().persistent_load(pid)

    def find_class(self, module: str, name: str) -> Any:
        if module == self._namespace.get("__name__", "__main__") and name.partition(".")[0] in self._own:
            raise LookupError(f"only the name {name} leads to it, which does not exist before the cell is restored")
        found = super().find_class(module, name)
        return self._referring if found is refer else laid_out if found is owned else found

    def _referring(self, kind: Any, value: Any) -> Any:
        made = refer(kind, value)
        if value is not None:
            self.weak.append(made)
        return made
