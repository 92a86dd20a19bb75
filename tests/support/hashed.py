"""Values of our own to hash, and their digests in another process."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import nbcache

ROOT = str(Path(nbcache.__file__).parents[1])


class Model:
    def __init__(self, **state: Any) -> None:
        self.__dict__.update(state)


class Child(Model):
    pass


def in_another_process(source: str, seed: int) -> str:
    """Run `source`, which prints, where `digest` is at hand and texts hash differently."""
    start = f"""
        import sys, types
        package = types.ModuleType("nbcache"); package.__path__ = [{os.path.join(ROOT, "nbcache")!r}]
        sys.modules["nbcache"] = package
        from nbcache.hashing.hasher import digest
    """
    code = textwrap.dedent(start) + textwrap.dedent(source)
    environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
