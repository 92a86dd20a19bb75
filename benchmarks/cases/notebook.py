"""What a notebook pays: a recorded print, a cached cell, and the authentication of an entry on disk."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Any

from systems import System
from timing import once

from .case import Case

_PRINTS = 20_000


def _ours(system: System) -> bool:
    return system.name == "nbcache"


def _shell() -> Any:
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(config=config)
    shell.run_line_magic("load_ext", "nbcache")
    return shell


def _print(system: System, folder: Path) -> dict[str, float]:
    """One print under a recorder of everything, beside one without; the stream is a file in memory."""
    from nbcache.notebook.outputs import record

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
    """Running one small cell: plain, computed and stored, and restored from memory."""
    os.chdir(folder)
    os.environ["NBCACHE_DIR"] = str(folder / "store")
    shell = _shell()
    screen, sys.stdout = sys.stdout, io.StringIO()
    try:
        plain = min(once(lambda: shell.run_cell("x = 1 + 1")) for _ in range(20))
        stored = [once(lambda n=n: shell.run_cell(f"%%cache_cell -q\ny = {n} + 1")) for n in range(10)]
        restored = [once(lambda: shell.run_cell("%%cache_cell -q\ny = 0 + 1")) for _ in range(20)]
    finally:
        sys.stdout = screen
    return {"time": min(restored), "plain": plain, "stored": sorted(stored)[len(stored) // 2]}


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
    Case("authentication of a small entry", "trust", _authentication, takes_part=_ours),
    Case("a recorded print", "cells", _print, takes_part=_ours),
    Case("a restored cell", "cells", _cell, takes_part=_ours),
]
