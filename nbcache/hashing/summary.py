"""One short line about a value, for people: ``DataFrame 1000x3``, ``ndarray (3, 4) float64``, ``0.1``."""

from __future__ import annotations

import re
import sys
from itertools import islice
from typing import Any

from nbcache.hashing.attributes import attribute_of

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_SHORT = frozenset({float, bool, type(None)})
_PLAIN = (int, float, complex, bool, type(None))


def summary(value: object, limit: int = 80) -> str:
    """Describe a value in one line of at most `limit` characters; never fails, and never looks at all of it."""
    if type(value) in _SHORT or (type(value) is int and value.bit_length() <= 64):
        return repr(value)
    try:
        text = _ADDRESS.sub("", " ".join(_describe(value, limit).split()))
    except Exception as error:  # a user's repr or property may do anything
        text = f"{type(value).__name__} ({type(error).__name__} in its repr)"
    return text if len(text) <= limit else text[: max(limit - 3, 0)] + "..."


def _describe(value: Any, limit: int) -> str:
    kind: Any = type(value)
    if kind is int and value.bit_length() > 256:
        return f"int of {value.bit_length()} bits"
    if kind in _PLAIN:
        return repr(value)
    if kind in (str, bytes):
        return repr(value) if len(value) <= limit else f"{value[:limit]!r}"
    if kind in (list, tuple, dict, set, frozenset):
        return _small_or_size(value, limit)
    shape = attribute_of(value, "shape")
    if isinstance(shape, tuple):
        return _shaped(value, shape)
    if isinstance(value, type):
        return f"class {value.__qualname__}"
    if callable(value) and attribute_of(value, "__qualname__") is not None:
        return f"function {value.__qualname__}"
    if kind is type(sys):
        return f"module {value.__name__}"
    if kind.__repr__ is object.__repr__:
        return _instance(value)
    size = getattr(kind, "__len__", None)
    if size is not None and size(value) > limit:
        return f"{kind.__name__} of {size(value)}"
    return _own_repr(value)


def _small_or_size(value: Any, limit: int) -> str:
    kind = type(value)
    if len(value) <= 8:
        parts = [*value, *value.values()] if kind is dict else value
        if all(type(part) in _PLAIN or (type(part) in (str, bytes) and len(part) <= limit) for part in parts):
            return repr(value)
    return f"{kind.__name__} of {len(value)}"


def _shaped(value: Any, shape: tuple[Any, ...]) -> str:
    name = type(value).__name__
    if name in ("DataFrame", "Table", "RecordBatch"):
        return f"{name} " + "x".join(map(str, shape))
    kind = getattr(value, "dtype", "")
    label = getattr(value, "name", None)
    named = f" {label!r}" if isinstance(label, str) else ""
    return f"{name}{named} {tuple(shape)!r} {kind}".rstrip()


def _instance(value: Any) -> str:
    state = getattr(value, "__dict__", None)
    names = [str(name) for name in islice(state, 5)] if isinstance(state, dict) else []
    shown = ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
    return f"{type(value).__qualname__}({shown})"


def _own_repr(value: Any) -> str:
    # Objects with many attributes may print them all: a dataclass of arrays, a fitted pipeline.
    state = getattr(value, "__dict__", None)
    if isinstance(state, dict) and any(hasattr(part, "__len__") and len(part) > 100 for part in state.values()):
        return _instance(value)
    return repr(value)
