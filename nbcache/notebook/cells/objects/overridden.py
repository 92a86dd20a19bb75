"""Methods that an instance has put in the place of its class's own, which its pickle may leave out."""

from __future__ import annotations

from types import FunctionType
from typing import Any

from nbcache.hashing.attributes import held_by

__all__ = ["is_simple", "with_overridden"]

_STATE = getattr(object, "__getstate__", None)
_ASKED = ("__nbcache__", "py_func")


def is_simple(kind: type) -> bool:
    """Tell whether there is nothing to ask about instances of a class: the notebook's own, pickled as objects are."""
    own = all(base is object or base.__module__ == "__main__" for base in kind.__mro__)
    return own and type(kind) is type and _pickled_as_object(kind) and not any(hasattr(kind, name) for name in _ASKED)


def _pickled_as_object(kind: Any) -> bool:
    """Tell whether instances of a class are pickled with all their attributes."""
    return kind.__reduce_ex__ is object.__reduce_ex__ and getattr(kind, "__getstate__", None) is _STATE


def with_overridden(value: Any) -> tuple[Any, ...] | None:
    """Describe an instance as its class does, and add the methods that this leaves out; `None` where there are none.

    Marks that are true or false come along: such methods note in them that they were called.
    """
    kind: Any = type(value)
    if _pickled_as_object(kind):
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
    known = told if type(told) is dict else {}
    if found.keys() <= known.keys():
        return None
    lost = {name: part for name, part in held.items() if name not in known and (name in found or type(part) is bool)}
    return make, arguments, (_State(value, state, put), lost), items, pairs, _add


def _is_method(kind: type, name: str) -> bool:
    return any(isinstance(vars(base).get(name), FunctionType) for base in kind.__mro__)


class _State:
    """The state as the class tells it; loading this puts it into the instance.

    So it is there before the methods are loaded: a class that is used first may change its own methods then.
    """

    def __init__(self, *parts: Any) -> None:
        self._parts = parts

    def __reduce__(self) -> tuple[Any, ...]:
        return _put, self._parts


def _put(value: Any, state: Any, put: Any) -> None:
    if put is not None:
        put(value, state)
    elif hasattr(type(value), "__setstate__"):
        value.__setstate__(state)
    elif state is not None:
        attributes, slots = state if type(state) is tuple else (state, None)
        vars(value).update(attributes or {})
        for name, part in (slots or {}).items():
            setattr(value, name, part)


def _add(value: Any, given: tuple[None, dict[str, Any]]) -> None:
    vars(value).update(given[1])
