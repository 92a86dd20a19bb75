"""Methods that an instance has put in the place of its class's own, which its pickle may leave out."""

from __future__ import annotations

from types import FunctionType
from typing import Any

from nbcache.hashing.attributes import held_by

__all__ = ["with_overridden"]


def with_overridden(value: Any) -> tuple[Any, ...] | None:
    """Describe an instance as its class does, and add what that leaves out; `None` where nothing is left out."""
    kind: Any = type(value)
    if kind.__reduce_ex__ is object.__reduce_ex__ and getattr(kind, "__getstate__", None) is _STATE:
        return None
    held = held_by(value) or {}
    found = {name: part for name, part in held.items() if callable(part) and _is_method(kind, name)}
    if not found:
        return None
    reduced: Any = value.__reduce_ex__(5)
    if isinstance(reduced, str):
        return None
    make, arguments, state, items, pairs, put = (*reduced, None, None, None, None)[:6]
    told = state[0] if type(state) is tuple and len(state) == 2 else state
    lost = {name: part for name, part in found.items() if type(told) is not dict or name not in told}
    if not lost:
        return None
    return make, arguments, (state, lost, put), items, pairs, _put


_STATE = getattr(object, "__getstate__", None)


def _is_method(kind: type, name: str) -> bool:
    return any(isinstance(vars(base).get(name), FunctionType) for base in kind.__mro__)


def _put(value: Any, given: tuple[Any, dict[str, Any], Any]) -> None:
    state, lost, put = given
    if put is not None:
        put(value, state)
    elif hasattr(type(value), "__setstate__"):
        value.__setstate__(state)
    elif state is not None:
        attributes, slots = state if type(state) is tuple else (state, None)
        vars(value).update(attributes or {})
        for name, part in (slots or {}).items():
            setattr(value, name, part)
    vars(value).update(lost)
