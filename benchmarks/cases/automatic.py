"""What automatic caching costs where it cannot win: many tiny cells, many prints, big inputs, many names."""

from __future__ import annotations

import gc
import io
import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from systems import System

from .case import Case, Measure
from .notebook import SUPPORT, ours, shell_with_nbcache

_TINY = 1_000
_NAMES = 5_000
_ON = "%cache_cells on --min-time 2s"
_FIRST = "from math import sqrt as first\nfirst(len('it loads what watches cells'))"


def _beside_plain(cells: Callable[[], Iterable[str]], before: str = "pass") -> Measure:
    """The processor's time for cells in a shell with automatic caching, and without."""

    def measure(system: System, folder: Path) -> dict[str, float]:
        os.chdir(folder)
        os.environ["NBCACHE_DIR"] = str(folder / "store")
        shell = shell_with_nbcache()
        screen, sys.stdout = sys.stdout, io.StringIO()
        try:
            shell.run_cell(before)
            _took(shell, cells())  # memory that nobody has touched yet costs whoever is the first
            plain = _took(shell, cells())
            shell.run_cell(_ON, store_history=True)
            shell.run_cell(_FIRST, store_history=True)
            watched = _took(shell, cells())
        finally:
            sys.stdout = screen
        return {"time": watched, "plain": plain}

    return measure


def _took(shell: Any, cells: Iterable[str]) -> float:
    gc.collect()  # what was loaded before is looked through by whoever comes next: not these cells' doing
    began = time.process_time()
    for source in cells:
        shell.run_cell(source, store_history=True)
    return time.process_time() - began


def _tiny() -> Iterable[str]:
    return (f"x{number} = len(str({number}))" for number in range(_TINY))


def _many_names() -> Iterable[str]:
    return (f"y = len(str(name_{number}))" for number in range(100))


def _big_inputs() -> Iterable[str]:
    return (f"total = {number} * sum(float(one.sum()) for one in arrays)" for number in range(10))


def _prints(system: System, folder: Path) -> dict[str, float]:
    """A cell of a hundred thousand prints in a real kernel, with automatic caching and without."""
    sys.path.append(str(SUPPORT))
    from live import live

    prints = "import time\nbegan = time.process_time()\nfor n in range(100_000): print(n)\n"
    found = {}
    with live(folder, NBCACHE_DIR=str(folder / "store")) as nb:
        for name, line in (("plain", "%cache_cells off"), ("time", _ON)):
            nb(line)
            nb(_FIRST)
            nb(f"{prints}took = time.process_time() - began; {name} = took")
            found[name] = float(nb.eval("took")) / 100_000
    return found


CASES = [
    Case("1,000 tiny cells", "cells", _beside_plain(_tiny), takes_part=ours),
    Case("cells among 5,000 names", "cells",
         _beside_plain(_many_names, f"globals().update({{f'name_{{n}}': [n] for n in range({_NAMES})}})"),
         takes_part=ours),
    Case("cells over 2 GB of inputs", "cells",
         _beside_plain(_big_inputs, "import numpy\narrays = [numpy.ones(62_500_000) for _ in range(4)]"),
         takes_part=ours, in_quick=False),
    Case("a print that automatic caching watches", "cells", _prints, takes_part=ours),
]  # fmt: skip
