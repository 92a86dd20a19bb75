"""What a system adds to a computation whose result it stores."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
from systems import System
from timing import best, once

from .case import Case

ELEMENTS = 256_000_000 // 8
#: Bytes of memory that are at hand while large values are stored.
FREE = 4_000_000_000


def tiny(x: int) -> int:
    return x


def filled(x: int) -> np.ndarray:
    return np.full(ELEMENTS, float(x))


def _tiny(system: System, folder: Path) -> dict[str, float]:
    cached, numbers = system.decorate(tiny, folder), itertools.count()
    cached(next(numbers))
    return {"time": best("f(next(numbers))", {"f": cached, "numbers": numbers}, batch_seconds=0.2, budget=2.0)}


def _large(system: System, folder: Path) -> dict[str, float]:
    cached = system.decorate(filled, folder)
    cached(0)
    # A virtual machine gets memory from its host when it is first touched, at a tenth of the later speed: who is
    # measured should not pay for that by chance.
    np.ones(FREE // 8)
    computing, storing = [], []
    for x in range(1, 5):
        computing.append(once(lambda x=x: filled(x)))  # type: ignore[misc]
        storing.append(once(lambda x=x: cached(x)))  # type: ignore[misc]
    return {"time": max(0.0, min(storing) - min(computing))}


CASES = [
    Case("miss: int", "T14", _tiny, rounds=3),
    Case("miss: array 256 MB", "T14", _large, in_quick=False, rounds=3),
]
