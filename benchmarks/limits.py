"""What this machine can do: the bounds that no cache gets past, measured in the same run."""

from __future__ import annotations

import gc
import os
import pickle
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import work
import xxhash
from timing import best, empty_wrapper, once


def measure(folder: Path, quick: bool) -> dict[str, float]:
    """Seconds for each limit; a size in the name tells how much is moved."""
    numbers = _small() | _memory(64 if quick else 256, folder)
    if not quick:
        numbers |= _gigabyte()
    return numbers


def _small() -> dict[str, float]:
    twenty, nested = work.twenty("name", 3), work.nested("name")
    pickled = {name: pickle.dumps(value, 5) for name, value in {"dict of 20": twenty, "nested dict": nested}.items()}
    people = pickle.dumps(work.people(100_000), 5)
    numbers = {
        "empty wrapper": best("f(7)", {"f": empty_wrapper(lambda x: x)}),
        "build (x,) and dict.get": best("get((x,))", {"get": {(7,): 7}.get, "x": 7}),
        "copy of a dict of 20": best("copy()", {"copy": twenty.copy}),
    }
    for name, data in pickled.items():
        numbers[f"pickle.loads of a {name}"] = best("loads(data)", {"loads": pickle.loads, "data": data})
    gc.disable()
    numbers["pickle.loads of 1e5 objects, no collector"] = min(once(lambda: pickle.loads(people)) for _ in range(5))
    gc.enable()
    return numbers


def _memory(megabytes: int, folder: Path) -> dict[str, float]:
    size = megabytes * 1_000_000
    source, target = np.ones(size // 8), np.empty(size // 8)
    target[:] = 0.0
    names: dict[str, Any] = {"np": np, "source": source, "target": target, "digest": xxhash.xxh3_128_digest}
    numbers = {
        f"copy {megabytes} MB, pages touched before": best("np.copyto(target, source)", names),
        f"copy {megabytes} MB into fresh pages": best("source.copy()", names),
        f"read {megabytes} MB": best("source.sum()", names),
        f"xxh3-128 of {megabytes} MB": best("digest(source)", names),
    }
    numbers[f"write a file of {megabytes} MB"] = min(once(lambda: _write(folder, source)) for _ in range(3))
    return numbers


def _write(folder: Path, source: Any) -> None:
    descriptor, name = tempfile.mkstemp(dir=folder)
    view = memoryview(source).cast("B")
    while view:
        view = view[os.write(descriptor, view) :]
    os.close(descriptor)
    os.unlink(name)


def _gigabyte() -> dict[str, float]:
    array = work.array(1000)
    return {
        "read a resident array of 1 GB": best("array.sum()", {"array": array}),
        "write to a resident array of 1 GB": best("add(array, 1.0, out=array)", {"add": np.add, "array": array}),
        "copy an array of 1 GB": best("array.copy()", {"array": array}),
    }
