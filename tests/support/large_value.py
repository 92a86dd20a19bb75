"""A program that stores a large value in a shared store, and then finds it there as another machine would.

``python large_value.py`` prints by how much the process grew at most, for either, as shares of the size of the value.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

from nbcache import NBCache, cache_data, registry

SIZE = 64 << 20
computed: list[int] = []


@cache_data(persist="disk", show_spinner=False, track=False)
def load(x: int) -> np.ndarray:
    computed.append(x)
    made = np.arange(SIZE // 8, dtype="f8")
    made += x
    return made


@cache_data(persist="disk", show_spinner=False, track=False)
def small(x: int) -> int:
    return x


def settle() -> None:
    registry.the_cache().tiers.outer.tiered.close()  # sends what waits


def memory(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) << 10


def growth() -> float:
    """By how much the process grows at most while it calls the function."""
    small(1)  # the libraries of the store are loaded, and connected
    settle()
    Path("/proc/self/clear_refs").write_text("5")  # the peak is what is there now
    before = memory("VmRSS")
    value = load(1)
    settle()
    assert value[-1] == SIZE // 8
    return (memory("VmHWM") - before) / SIZE


if __name__ == "__main__":
    stored = growth()
    NBCache.instance().dir = os.environ["NBCACHE_DIR"] + " of another machine"
    registry.replace_cache(None)
    found = growth()
    assert computed == [1]
    print(stored, found)
