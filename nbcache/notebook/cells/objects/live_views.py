"""Views of a live dict: which dict is looked at, and how a view of it is made again. A copy would follow no change."""

from __future__ import annotations

import gc
from collections import OrderedDict
from types import MappingProxyType
from typing import Any

__all__ = ["VIEWS", "looked_at", "reduced_view"]

_VIEWS: dict[type, tuple[type, str]] = {
    type(getattr(kind(), name)()): (kind, name) for kind in (dict, OrderedDict) for name in ("keys", "values", "items")
}
VIEWS = (*_VIEWS, MappingProxyType)
_OF_CLASSES = frozenset(("__module__", "__doc__"))


def looked_at(view: Any) -> list[Any]:
    """The dict below a view, alone in a list; empty for what a class shows of its members."""
    mapping = view.mapping if type(view) in _VIEWS else view
    if not _OF_CLASSES.isdisjoint(mapping):
        return []
    return gc.get_referents(mapping)[:1]  # nothing else tells which dict a proxy is made of


def reduced_view(view: Any) -> tuple[Any, ...] | None:
    """Describe a view by what it looks at; `None` for anything else."""
    kind = type(view)
    if kind is not MappingProxyType and kind not in _VIEWS:
        return None
    below = looked_at(view)
    if not below:
        return None
    return (MappingProxyType, (below[0],)) if kind is MappingProxyType else (_view, (*_VIEWS[kind], below[0]))


def _view(kind: type, name: str, mapping: Any) -> Any:
    return getattr(kind, name)(mapping)
