"""What functions under `lru_cache` remember. No hit can fill it: this matters where some cell asks for it.

A cell that calls `f.cache_info()` runs, and `f` is noted; from then on cells that fill what `f` remembers run too.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable, Mapping
from typing import Any

from nbcache import registry

__all__ = ["asked_for", "asks_for", "fills", "note"]

_LRU = functools._lru_cache_wrapper
_OWNER, _ASKED = "cells", "cache_info"


def asks_for(nodes: Iterable[ast.AST], namespace: Mapping[str, Any]) -> list[str]:
    """The names from which statements reach functions whose `cache_info` they look at."""
    found = []
    for statement in nodes:
        for node in ast.walk(statement):
            if isinstance(node, ast.Attribute) and node.attr == "cache_info":
                root, value = _meant(node.value, namespace)
                if isinstance(value, _LRU):
                    found.append(root)
    return found


def _meant(node: ast.expr, namespace: Mapping[str, Any]) -> tuple[str, Any]:
    if isinstance(node, ast.Name):
        return node.id, namespace.get(node.id)
    if isinstance(node, ast.Attribute):
        root, value = _meant(node.value, namespace)
        return root, vars(value).get(node.attr) if hasattr(value, "__dict__") else None
    return "", None


def note(names: list[str], disk: bool) -> None:
    """Note the functions whose memory a cell asks for."""
    profiles = registry.the_cache().profiles
    known = profiles.get(_OWNER, _ASKED, disk)
    if not set(names) <= set(known):
        profiles.put(_OWNER, _ASKED, sorted({*known, *names}), disk)


def asked_for(names: Iterable[str], disk: bool) -> str:
    """The first of some names whose memory a cell has asked for; empty for none."""
    wanted = sorted(names)
    known = registry.the_cache().profiles.get(_OWNER, _ASKED, disk) if wanted else ()
    return next((name for name in wanted if name in known), "")


def fills(bound: Mapping[str, Any]) -> list[str]:
    """The names of new functions that have been called already."""
    return [name for name, value in bound.items() if type(value) is _LRU and value.cache_info()[:2] != (0, 0)]
