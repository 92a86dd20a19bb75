"""Many objects made at once: none is garbage yet, and the collector would look at all of them again and again.

What is made and gone again inside of a block does not count towards the next collection either, which would look at all
that the user holds.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["uncollected"]


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the garbage collector out of this block, in all threads."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
