"""What is measured: each case runs for each system in a process of its own."""

from __future__ import annotations

from . import (
    arguments,
    automatic,
    cold,
    growth,
    hits,
    imports,
    isolation,
    memory,
    misses,
    notebook,
    observations,
    panel,
    stampede,
)
from .case import Case

CASES: dict[str, Case] = {
    case.name: case
    for room in (
        *(isolation, hits, arguments, cold, memory, stampede, imports, misses, growth, notebook, automatic, panel),
        observations,
    )
    for case in room.CASES
}

__all__ = ["CASES", "Case"]
