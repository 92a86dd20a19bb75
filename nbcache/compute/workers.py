"""How a function reaches worker processes, once for each of them, and how what they computed comes back.

A function of a notebook travels by value, with the globals that it reads: with every batch of calls, as long as joblib
sends it. Here it is pickled once, and a task only says where it lies. What comes back is pickled by the worker, and
opened so that the classes of the notebook stay as they are: cloudpickle would fill a class that is there already anew,
and its methods would see the worker's globals from then on.
"""

from __future__ import annotations

import hashlib
import operator
import os
import pickle
import secrets
import shutil
import sys
import threading
import traceback
from collections import OrderedDict
from collections.abc import Iterator
from io import BytesIO
from typing import Any, NamedTuple, Protocol

from nbcache.compute.parcels import Parcel, Spill, new_file, received
from nbcache.errors import CallFailedError
from nbcache.tracebacks import without_ours

#: A function up to this size travels with its tasks.
_SMALL = 32 << 10
#: What any pickler writes alike.
_ATOMS = frozenset({type(None), bool, int, float})
#: So many functions are kept in a worker process.
_KEPT = 8
#: How joblib calls the folders of its views, and in how long containers they are looked for.
_OF_JOBLIB, _LOOKED_INTO = "joblib_memmapping_folder", 1000
#: Backends whose workers run on this machine, and can read its files.
_HERE = frozenset({"loky", "multiprocessing"})


class Outcome(NamedTuple):
    """What became of one call.

    Attributes
    ----------
    kind : "value"; "stored", in a store that both processes share; "apart", something for the first process to keep;
        "error"
    payload : the value; the key under which it is stored, empty if nobody knows; what is to be kept; or the exception
    """

    kind: str
    payload: Any = None


class Worker(Protocol):
    """A cached function, as it is used in a worker process."""

    def compute_apart(self, *args: Any) -> Outcome:
        """Call it, for another process that keeps the result."""

    def compute_here(self, *args: Any) -> Outcome:
        """Call it in the process that keeps the result."""


class Sent:
    """A function on its way to workers.

    Parameters
    ----------
    backend : of joblib; elsewhere than on this machine the function travels with every task
    """

    def __init__(self, function: Worker, backend: str) -> None:
        self.function = function
        self.home = os.getpid()
        self._by_file = backend in _HERE
        self._folder = ""
        self._packed: tuple[str, str, bytes | None, str, str] | None = None
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        with self._lock:
            if self._packed is None:
                self._packed = self._pack()
        return _arrived, (self.home, *self._packed)

    def _pack(self) -> tuple[str, str, bytes | None, str, str]:
        import cloudpickle

        content: bytes = cloudpickle.dumps(self.function)
        # each map begins with the function as it is in the notebook, whatever runs of an earlier map did to it
        name, digest = secrets.token_hex(8), hashlib.sha256(content).hexdigest()
        if not self._by_file:
            return name, digest, content, "", ""
        import tempfile

        self._folder = tempfile.mkdtemp(prefix=f"nbcache-{self.home}-")  # that only this user can enter
        if len(content) <= _SMALL:
            return name, digest, content, "", self._folder
        path = os.path.join(self._folder, "function")
        with new_file(path) as file:
            file.write(content)
        return name, digest, None, path, self._folder

    def close(self) -> None:
        """Take the files away again; workers that have read the function need its file no more."""
        if self._folder and self.home == os.getpid():
            shutil.rmtree(self._folder, ignore_errors=True)


class _Arrived:
    """A function that has reached a worker.

    Attributes
    ----------
    folder : where large results go; empty where they are sent
    """

    def __init__(self, function: Worker, home: int, folder: str) -> None:
        self.function = function
        self.home = home
        self.folder = folder


_functions: OrderedDict[str, Worker] = OrderedDict()
_loading = threading.Lock()


def _arrived(home: int, name: str, digest: str, content: bytes | None, path: str, folder: str) -> _Arrived:
    with _loading:
        function = _functions.get(name)
        if function is None:
            if content is None:
                with open(path, "rb") as file:
                    content = file.read()
                if hashlib.sha256(content).hexdigest() != digest:
                    raise ValueError(f"{path} is not what was sent")
            function = _functions[name] = pickle.loads(content)
            while len(_functions) > _KEPT:
                _functions.popitem(last=False)
        if home != os.getpid():
            name_classes()
        return _Arrived(function, home, folder)


def name_classes() -> None:
    """In a worker: let the classes of the notebook, which came by value, be found by their names.

    So they are written into entries, and read from them, as names, which the notebook finds as well. By value they
    would come back as other classes, or fill the notebook's own anew.
    """
    for name, cls in _classes_of_main():
        setattr(sys.modules["__main__"], name, cls)


def name_missing_classes() -> None:
    """The same where an engine of others has started the process: only under free names, and not where somebody types.

    Ray, Spark and the workers of dask on other machines are no children of the process that they work for.
    """
    if hasattr(sys, "ps1"):
        return
    for name, cls in _classes_of_main():
        if not hasattr(sys.modules["__main__"], name):
            setattr(sys.modules["__main__"], name, cls)


def _classes_of_main() -> Iterator[tuple[str, type]]:
    """The classes of a notebook's own namespace that have come by value."""
    from cloudpickle import cloudpickle

    if "__main__" in sys.modules:
        for cls in list(cloudpickle._DYNAMIC_CLASS_TRACKER_BY_ID.values()):
            if cls.__module__ == "__main__" and cls.__qualname__.isidentifier():
                yield cls.__qualname__, cls


def run(sent: Sent | _Arrived, place: int, arguments: tuple[Any, ...]) -> tuple[int, Outcome | bytes | Parcel]:
    """One call, in whatever process it runs; an error would take the results of its whole batch with it."""
    elsewhere = os.getpid() != sent.home
    try:
        if not elsewhere:
            return place, sent.function.compute_here(*arguments)
        outcome = sent.function.compute_apart(*map(_as_given, arguments))
    except Exception as error:
        if not elsewhere:
            return place, Outcome("error", error)
        lines = traceback.format_exception(type(error), error, without_ours(error.__traceback__))
        error.add_note(f"In a worker process:\n{''.join(lines)}")
        outcome = Outcome("error", error)
    return place, _packed(outcome, sent.folder if isinstance(sent, _Arrived) else "")


def _as_given(value: Any, depth: int = 2) -> Any:
    """An argument as the notebook gave it: joblib hands large arrays over as views of files that will be gone."""
    kind = type(value)
    if kind.__name__ == "memmap" and _OF_JOBLIB in str(getattr(value, "filename", "")):
        return value.view(kind.__base__)
    if not depth or kind not in (list, tuple, dict) or len(value) > _LOOKED_INTO:
        return value
    if kind is dict:
        for key, item in value.items():  # its own copy: it was unpickled here
            value[key] = _as_given(item, depth - 1)
        return value
    if kind is list:
        value[:] = [_as_given(item, depth - 1) for item in value]
        return value
    given = tuple([_as_given(item, depth - 1) for item in value])
    return value if all(map(operator.is_, given, value)) else given


def nothing() -> tuple[int, None]:
    """A task that only lets whoever waits for results have a look."""
    return -1, None


def _packed(outcome: Outcome, folder: str) -> bytes | Parcel:
    if type(outcome.payload) in _ATOMS:
        return pickle.dumps(tuple(outcome), protocol=5)
    import cloudpickle

    spill = Spill("" if outcome.kind == "error" else folder)
    try:
        cloudpickle.dump(tuple(outcome), spill)
        content = spill.content()
        if isinstance(content, bytes) and outcome.kind == "error":
            pickle.loads(content)  # one whose constructor takes more than a text fails only when it is loaded
        return content
    except Exception as error:
        spill.discard()
        lost = outcome.payload if outcome.kind == "error" else error
        told = f"{type(lost).__name__}: {lost}"
        kept = CallFailedError(told if outcome.kind == "error" else f"its result cannot be sent back ({told})")
        for note in getattr(lost, "__notes__", ()):
            kept.add_note(str(note))
        plain: bytes = pickle.dumps(("error", kept))
        return plain


def opened(content: Outcome | bytes | Parcel) -> Outcome:
    """What a worker has computed; classes that this process has already stay as they are."""
    if isinstance(content, Outcome):
        return content
    if isinstance(content, bytes):
        return Outcome(*_Unpickler(BytesIO(content)).load())
    with received(content) as file:
        return Outcome(*_Unpickler(file).load())


class _Unpickler(pickle.Unpickler):
    """Loads what cloudpickle has written, without filling live classes anew."""

    def __init__(self, file: Any) -> None:
        super().__init__(file)
        self._alive: dict[int, type] = {}

    def find_class(self, module: str, name: str) -> Any:
        found = super().find_class(module, name)
        if module == "cloudpickle.cloudpickle":
            if name in ("_make_skeleton_class", "_make_skeleton_enum"):
                return lambda *given: self._skeleton(found, *given)
            if name == "_class_setstate":
                return lambda cls, state: cls if id(cls) in self._alive else found(cls, state)
        return found

    def _skeleton(self, make: Any, *given: Any) -> type:
        from cloudpickle import cloudpickle

        known = any(isinstance(one, str) and one in cloudpickle._DYNAMIC_CLASS_TRACKER_BY_ID for one in given)
        cls: type = make(*given)
        if known:
            self._alive[id(cls)] = cls
        return cls
