"""Weak references: one comes back where something else in the result holds what it refers to."""

from __future__ import annotations

import pickle
import weakref
from typing import Any

__all__ = ["reduced_weak", "refer"]

_PROXIES = (weakref.ProxyType, weakref.CallableProxyType)


def reduced_weak(value: Any) -> tuple[Any, ...] | None:
    """Describe a weak reference; `None` for any other value.

    Raises
    ------
    pickle.PicklingError
        It does more than to refer: it tells somebody when its object is gone, or stands for the object.
    """
    kind = type(value)
    if kind is weakref.ref and value.__callback__ is None:
        return refer, (kind, value())
    if kind is weakref.WeakMethod and not _tells(value):
        return refer, (kind, value())
    if issubclass(kind, weakref.ref):
        raise pickle.PicklingError("a weak reference that tells somebody when its object is gone")
    if kind in _PROXIES:
        raise pickle.PicklingError("a weak proxy")
    if kind is weakref.finalize:
        raise pickle.PicklingError("a finalizer")
    return None


def refer(kind: Any, value: Any) -> Any:
    """Make a weak reference of a kind; `None`: to an object that is gone."""
    return kind(_Gone().method if kind is weakref.WeakMethod else _Gone()) if value is None else kind(value)


class _Gone:
    """Nobody holds it."""

    def method(self) -> None:
        """Stands for a method of an object that is gone."""


def _tells(method: weakref.WeakMethod[Any]) -> bool:
    """Whether a weak method calls something of the user's in the end: of its own it calls one function always."""
    own: Any = method.__callback__
    if own is None:  # gone already
        return False
    held = dict(zip(own.__code__.co_freevars, own.__closure__ or (), strict=True))
    return "callback" not in held or held["callback"].cell_contents is not None
