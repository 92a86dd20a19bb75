"""cloudpickle for what pickle cannot name: lambdas, and classes and functions made inside functions.

Everything that can be named is still named, also in ``__main__``: a value that comes back must be an instance of
the very class the notebook has, not of a copy.
"""

from __future__ import annotations

import io
import pickle
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

import cloudpickle

from nbcache.entries.guests import Reducer

__all__ = ["ByValuePickler", "copied"]

# cloudpickle would store an open file as its text and a memoryview as bytes: the value would come back as another.
_REFUSED = (io.TextIOWrapper, memoryview)
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
        return super().reducer_override(obj)


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
