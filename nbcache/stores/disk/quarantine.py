"""Where damaged and altered entries are set aside, so that they can be looked at and do no harm."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from nbcache.stores.folders import list_names, move_aside, remove_tree

MOST_FILES = 20
MOST_BYTES = 64 << 20
DAYS = 7


def set_aside(path: Path, shelter: Path, now: float) -> Path:
    """Move an entry into quarantine, whatever kind of file it is, and let the oldest there go."""
    moved = move_aside(path, shelter, f"{secrets.token_hex(4)}-{path.name}")
    # The age in quarantine counts, not that of the file; a link keeps its own times.
    os.utime(moved, (now, now), follow_symlinks=False)
    trim(shelter, now)
    return moved


def trim(shelter: Path, now: float) -> None:
    """Delete what is too old, and the oldest beyond the bounds."""
    held: list[tuple[float, int, Path]] = []
    for name in list_names(shelter):
        status = os.lstat(shelter / name)
        held.append((status.st_mtime, _occupied(status), shelter / name))
    held.sort(reverse=True)
    total = 0
    for position, (moved, size, path) in enumerate(held):
        total += size
        # The newest stays, so that there is something to look at, unless it is out of all proportion.
        if position >= MOST_FILES or total > MOST_BYTES or now - moved > DAYS * 86400:
            for _ in remove_tree(path):
                break


def _occupied(status: os.stat_result) -> int:
    """The bytes a file takes from the disk: one with holes takes less than its length."""
    return status.st_blocks * 512 if hasattr(status, "st_blocks") else status.st_size
