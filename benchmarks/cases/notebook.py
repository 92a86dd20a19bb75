"""What a notebook pays and gains: a recorded print, a cached cell, a whole notebook after a restart of its kernel."""

from __future__ import annotations

import io
import os
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from systems import System
from timing import once

from .case import Case

_PRINTS = 20_000
_EFFORT = 300
SUPPORT = Path(__file__).resolve().parents[2] / "tests" / "support"


def ours(system: System) -> bool:
    """Whether a system is nbcache."""
    return system.name == "nbcache"


def shell_with_nbcache() -> Any:
    """A shell of this process, with the extension."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(config=config)
    shell.run_line_magic("load_ext", "nbcache")
    return shell


def _print(system: System, folder: Path) -> dict[str, float]:
    """One print under a recorder of everything, beside one without; the stream is a file in memory."""
    from nbcache.notebook.display.outputs import record

    def prints() -> None:
        for number in range(_PRINTS):
            print(number)

    screen, sys.stdout = sys.stdout, io.StringIO()
    try:
        plain = min(once(prints) for _ in range(3))
        recorded = []
        for _ in range(3):
            with record("all"):
                recorded.append(once(prints))
    finally:
        sys.stdout = screen
    return {"time": min(recorded) / _PRINTS, "without a recorder": plain / _PRINTS}


def _cell(system: System, folder: Path) -> dict[str, float]:
    """Running one small cell: plain, computed and stored, restored from memory, and seen but not kept."""
    os.chdir(folder)
    os.environ["NBCACHE_DIR"] = str(folder / "store")
    shell = shell_with_nbcache()
    screen, sys.stdout = sys.stdout, io.StringIO()
    try:
        plain = min(once(lambda: shell.run_cell("x = 1 + 1")) for _ in range(20))
        stored = [once(lambda n=n: shell.run_cell(f"%%cache_cell -q\ny = {n} + 1")) for n in range(10)]
        restored = [once(lambda: shell.run_cell("%%cache_cell -q\ny = 0 + 1")) for _ in range(20)]
        shell.run_cell("%cache_cells on --min-time 1h", store_history=True)
        seen = [once(lambda n=n: shell.run_cell(f"z = {n}", store_history=True)) for n in range(20)]
    finally:
        sys.stdout = screen
    found = {"stored": statistics.median(stored), "automatic, not kept": statistics.median(seen)}
    return {"time": min(restored), "plain": plain, **found}


def _kernel_prints(system: System, folder: Path) -> dict[str, float]:
    """One print of a hundred thousand in a real kernel: in a plain cell, in one that is recorded, and shown again."""
    sys.path.append(str(SUPPORT))
    from live import live

    prints = "import time\nbegan = time.perf_counter()\nfor n in range(100_000): print(n)\n"
    found = {}
    with live(folder, NBCACHE_DIR=str(folder / "store")) as nb:
        for name, line in (("plain", ""), ("time", "%%cache_cell -q\n")):
            nb(f"{line}{prints}took = time.perf_counter() - began")
            found[name] = float(nb.eval("took")) / 100_000
        nb("import time; asked = time.perf_counter()")
        nb(f"%%cache_cell -q\n{prints}took = time.perf_counter() - began")
        found["shown again"] = float(nb.eval("time.perf_counter() - asked")) / 100_000
    return found


def _analysis(system: System, folder: Path) -> dict[str, float]:
    """An analysis of thirty cells: without a cache, with automatic caching, and so again in a new kernel.

    The time of a run is that of its cells, imports included; a kernel's own start is not.
    """
    sys.path.append(str(SUPPORT))
    from analysis import with_effort

    cells = with_effort(_EFFORT)
    without, plain = _run_all(cells, folder, "pass")
    first, stored = _run_all(cells, folder, "%cache_cells on")
    second, restored = _run_all(cells, folder, "%cache_cells on")
    assert plain == stored == restored, "the outputs are not the same"
    return {"time": second, "first run": first, "without a cache": without}


def _run_all(cells: Sequence[str], folder: Path, before: str) -> tuple[float, list[Any]]:
    """Run cells in a new kernel; return their seconds, and what they showed."""
    from live import live, seen

    with live(folder, NBCACHE_DIR=str(folder / "store")) as nb:
        nb(before)
        began = time.perf_counter()
        shown = [nb(source) for source in cells]
        took = time.perf_counter() - began
    return took, [seen(one.every) for one in shown]


def _authentication(system: System, folder: Path) -> dict[str, float]:
    """Signing and checking one small entry, beside packing and opening it."""
    from nbcache.entries.entry import Address, Entry, Meta
    from nbcache.entries.signing import Keyring

    keyring = Keyring.load(folder / "key")
    address = Address("__main__.f", "0" * 40)
    meta = Meta(owner="__main__.f", arguments="1", created=1.0, expires=None, seconds=1.0)
    entry = Entry.of({"a": [1, 2, 3]}, meta)
    packed = b"".join(entry.pack(address, keyring))
    mac = keyring.sign(b"entry", packed)
    times = 2000

    def repeated(step: Any) -> float:
        def steps() -> None:
            for _ in range(times):
                step()

        return min(once(steps) for _ in range(3)) / times

    return {
        "time": repeated(lambda: keyring.verify(b"entry", mac, packed)),
        "pack and sign": repeated(lambda: entry.pack(address, keyring)),
        "verify and open": repeated(lambda: Entry.open(packed, address, keyring)),
    }


CASES = [
    Case("authentication of a small entry", "trust", _authentication, takes_part=ours),
    Case("a recorded print", "cells", _print, takes_part=ours),
    Case("a print in a kernel", "cells", _kernel_prints, takes_part=ours),
    Case("a restored cell", "cells", _cell, takes_part=ours),
    Case("30 cells after a restart", "cells", _analysis, takes_part=ours, in_quick=False, rounds=2),
]
