"""Stores on disk for tests, in this process and in others."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from processes import python_path

from nbcache.entries.signing import Keyring
from nbcache.stores.disk.store import DiskStore

ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
NOBODY = 65534

#: What every program run in another process begins with.
PRELUDE = """
import json, os, signal, sys, time
from pathlib import Path
import numpy as np
from store_contract import address_of, entry_of
from processes import python_path

from nbcache.entries.signing import Keyring
from nbcache.stores.disk.store import DiskStore
folder, key = Path(sys.argv[1]), Path(sys.argv[2])
said = []
store = DiskStore(folder, Keyring.load(key), warn=said.append)
"""


def files_of(folder: Path) -> list[Path]:
    """The files of entries in a store."""
    return sorted(path for path in folder.rglob("*.nbc") if not path.parent.name.startswith("."))


def leftovers_of(folder: Path) -> list[str]:
    """What writers that died have left in a store."""
    names: list[str] = []
    for part in (".tmp", ".trash", ".waits"):
        if (folder / "v1" / part).is_dir():
            names += [f"{part}/{name}" for name in os.listdir(folder / "v1" / part)]
    return names


class Shop:
    """One folder, one key, any number of stores, and what they said."""

    def __init__(self, root: Path, clock: Callable[[], float]) -> None:
        self.folder = root / "store"
        self.key = root / "key"
        self.clock = clock
        self.said: list[str] = []

    def open(self, **options: Any) -> DiskStore:
        return DiskStore(self.folder, self.keyring, **{"clock": self.clock, "warn": self.said.append, **options})

    @property
    def keyring(self) -> Keyring:
        return Keyring.load(self.key)

    def start(self, program: str, *arguments: object, user: int | None = None) -> subprocess.Popen[str]:
        """Run a program on this store in another process, as another user if asked."""
        source = PRELUDE
        if user is not None:
            # Modules are loaded first: what they need may lie where that user cannot look.
            source = source.replace(
                "folder, key",
                "import platformdirs; platformdirs.user_state_path()\n"
                f"os.setgroups([]); os.setgid({user}); os.setuid({user})\nfolder, key",
            )
        return subprocess.Popen(
            [sys.executable, "-c", source + textwrap.dedent(program), str(self.folder), str(self.key)]
            + [str(argument) for argument in arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": python_path()},
        )

    def run(self, program: str, *arguments: object, user: int | None = None) -> str:
        return finished([self.start(program, *arguments, user=user)])[0]


def finished(processes: Sequence[subprocess.Popen[str]]) -> list[str]:
    """What processes printed, after all of them have ended well."""
    outputs = [process.communicate(timeout=60) for process in processes]
    for process, (_, error) in zip(processes, outputs, strict=True):
        assert process.returncode == 0, error
    return [output for output, _ in outputs]
