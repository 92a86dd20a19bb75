"""What the tests of security share."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attacks import PRELUDE


@pytest.fixture
def attacked(python: Callable[..., str], tmp_path: Path) -> Callable[[str], list[dict[str, Any]]]:
    """Run a program that shows outcomes, and make sure that nothing planted ran."""

    def run(program: str) -> list[dict[str, Any]]:
        canary = tmp_path / "canary"
        outcomes: list[dict[str, Any]] = json.loads(python(PRELUDE + program, CANARY=str(canary)))
        assert outcomes
        assert not canary.exists()
        return outcomes

    return run


@pytest.fixture
def ground() -> Iterator[Path]:
    """A folder that every user can look into; those of pytest are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="nbcache-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
