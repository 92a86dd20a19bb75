"""Memory maps whose file has become shorter: what lies beyond its end cannot be read, and to try ends the process."""

from __future__ import annotations

import mmap
from typing import Any

__all__ = ["content_of", "cut_off"]

_DEEPEST = 20


def content_of(owner: mmap.mmap) -> bytes:
    """What a map holds, as far as its file still reaches."""
    return owner[: _reach(owner, 0)]


def cut_off(values: Any) -> tuple[mmap.mmap, int] | None:
    """The map that an array lies in, and how much of it is left, if its file no longer reaches to the end."""
    owner = values.base
    for _ in range(_DEEPEST):
        if owner is None or isinstance(owner, mmap.mmap):
            break
        owner = owner.obj if isinstance(owner, memoryview) else getattr(owner, "base", None)
    if not isinstance(owner, mmap.mmap):
        return None
    offset = getattr(values, "offset", 0)
    reach = _reach(owner, offset if type(offset) is int else 0)
    return (owner, reach) if reach < len(owner) else None


def _reach(owner: mmap.mmap, offset: int) -> int:
    """How many bytes of a map, which begins somewhere in its file, can be read."""
    try:
        size = owner.size()
    except (OSError, ValueError):  # closed, or of no file
        return len(owner)
    return max(0, min(len(owner), size - (offset - offset % mmap.ALLOCATIONGRANULARITY)))
