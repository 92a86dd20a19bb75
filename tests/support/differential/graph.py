"""The names of a session as text that two sessions can be compared by: values, types, and which share objects."""

from __future__ import annotations

import hashlib
import re
import types
from typing import Any

_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")


def described(names: dict[str, Any], unstable: Any = ()) -> dict[str, str]:
    """A text for each name; names that are one object have the same mark.

    Parameters
    ----------
    unstable : names that differ between two plain runs, and are left out
    """
    first: dict[int, str] = {}
    found = {}
    for name in sorted(names):
        if name in unstable:
            continue
        value = names[name]
        found[name] = _text(value, first, name, 0)
    return found


def _text(value: Any, first: dict[int, str], place: str, depth: int) -> str:
    kind = type(value)
    if kind in (int, float, bool, str, bytes, type(None), complex):
        return f"{kind.__name__} {value!r}"[:2000]
    if isinstance(value, types.ModuleType):
        return f"module {value.__name__}"
    if isinstance(value, types.FunctionType | type):
        return f"{kind.__name__} {value.__module__}.{value.__qualname__}"
    known = first.get(id(value))
    if known is not None and kind not in (tuple, frozenset):
        return f"the object of {known}"
    first[id(value)] = place
    name = f"{kind.__module__}.{kind.__qualname__}"
    if depth > 12:
        return name
    if kind.__name__ == "ndarray" and value.dtype != object:
        return f"{name} {value.dtype} {value.shape} {_digest(value.tobytes())}"
    if isinstance(value, list | tuple):
        parts = [_text(part, first, f"{place}[{number}]", depth + 1) for number, part in enumerate(value[:300])]
        return f"{name} {len(value)} [{', '.join(parts)}]"
    if isinstance(value, dict):
        items = sorted(value.items(), key=lambda item: repr(item[0]))[:300]
        parts = [f"{key!r}: {_text(part, first, f'{place}[{key!r}]', depth + 1)}" for key, part in items]
        return f"{name} {len(value)} {{{', '.join(parts)}}}"
    if isinstance(value, set | frozenset):
        return f"{name} {sorted(map(repr, value))[:300]}"
    if isinstance(getattr(value, "__dict__", None), dict) and kind.__module__ == "__main__":
        return f"{name} {_text(vars(value), first, place + '.', depth + 1)}"
    return f"{name} {_shown(value)}"


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except Exception as error:  # an object whose own repr fails fails in both sessions
        text = type(error).__name__
    return _ADDRESS.sub("0x", text)[:3000]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
