"""Type checkers see the signatures of cached functions, and misspelt parameters. `dev.py lint` asks mypy the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_pyright_sees_the_types_of_calls() -> None:
    pytest.importorskip("pyright")
    told = subprocess.run(
        [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "tests/product/annotated_calls.py"],
        capture_output=True, text=True, cwd=ROOT, timeout=110,
    )  # fmt: skip
    if "informations" not in told.stdout:
        pytest.skip(f"pyright could not be fetched: {told.stderr.strip()[-200:]}")
    assert "0 errors, 0 warnings" in told.stdout, told.stdout


def test_the_package_says_that_it_has_types() -> None:
    assert (ROOT / "nbcache" / "py.typed").exists()
