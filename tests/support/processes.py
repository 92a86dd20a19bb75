"""Other Pythons for tests: what they find, and what they report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SUPPORT = Path(__file__).resolve().parent


def python_path() -> str:
    """What this process finds, for the variable ``PYTHONPATH`` of another."""
    return os.pathsep.join(path for path in sys.path if path)


def without_settings() -> dict[str, str]:
    """The environment of this process, without what is set for nbcache."""
    return {name: value for name, value in os.environ.items() if not name.startswith("NBCACHE_")}


def reports_of(
    script: str,
    phases: Sequence[str],
    *arguments: object,
    options: Sequence[str] = (),
    cwd: Path | None = None,
    **environment: str,
) -> dict[str, dict[str, Any]]:
    """Run a script of this folder once for each phase, one after the other; return what each printed as JSON.

    Every process has another hash seed, and the settings in `environment` only.
    """
    found = {}
    for number, phase in enumerate(phases):
        done = subprocess.run(
            [sys.executable, *options, str(SUPPORT / script), phase, *map(str, arguments)],
            env={**without_settings(), "PYTHONHASHSEED": str(number), "PYTHONPATH": python_path(), **environment},
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found[phase] = json.loads(done.stdout)
    return found
