"""What importing costs in a kernel that already holds the usual libraries."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from systems import System
from timing import once

from .case import Case


def _warm_kernel() -> None:
    import ipykernel.zmqshell
    import ipywidgets
    import numpy
    import pandas

    assert all((ipykernel.zmqshell, ipywidgets, numpy, pandas))


def _import(system: System, folder: Path) -> dict[str, float]:
    _warm_kernel()
    before = set(sys.modules)
    seconds = once(lambda: importlib.import_module(system.module))
    added = {name for name in set(sys.modules) - before if name.split(".")[0] != system.module}
    return {"time": seconds, "other modules": float(len(added))}


def _load_extension(system: System, folder: Path) -> dict[str, float]:
    _warm_kernel()
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    return {"time": once(lambda: shell.run_line_magic("load_ext", "nbcache"))}


CASES = [
    Case("import", "T13", _import, takes_part=lambda system: " " not in system.name),
    Case("%load_ext", "T13", _load_extension, takes_part=lambda system: system.name == "nbcache"),
]
