"""Real code over real libraries: no error, no false miss, and no wait."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from functools import cache
from typing import Any

import pytest
from processes import SUPPORT, python_path

from nbcache.tracking.classes import members_of

GUESTS = ("attrs", "matplotlib", "pandas", "polars", "pydantic", "requests", "sklearn", "sqlalchemy")
# All of them, or nothing to test on a light installation.
INSTALLED = all(map(importlib.util.find_spec, GUESTS))
NAMES = ["pandas", "sklearn", "matplotlib", "requests", "sqlalchemy", "pydantic", "attrs", "standard_library"]
if importlib.util.find_spec("torch"):
    NAMES.append("torch")


@cache
def report(seed: str) -> dict[str, Any]:
    """Run the functions in another process, under another hash seed."""
    result = subprocess.run(
        [sys.executable, str(SUPPORT / "real_code.py")],
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": python_path()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.mark.parametrize("name", NAMES if INSTALLED else [])
def test_real_code_has_the_same_fingerprint_after_use_and_in_another_process(name: str) -> None:
    one, other = (report(seed)[f"with_{name}"] for seed in ("1", "2"))

    assert one["changed"] == other["changed"] == []
    assert one["current"]
    assert one["digest"] == other["digest"]


@pytest.mark.parametrize("name", NAMES if INSTALLED else [])
def test_the_first_fingerprint_of_real_code_does_not_read_whole_libraries(name: str) -> None:
    seconds = min(report(seed)[f"with_{name}"]["seconds"] for seed in ("1", "2"))

    assert seconds < 1


def test_what_sympy_deduces_for_a_class_does_not_count_and_what_a_user_calls_so_does() -> None:
    sympy = pytest.importorskip("sympy")
    given = type("Given", (sympy.Function,), {"is_real": True})
    model = type("Model", (), {"default_assumptions": {"real": True}})
    assert "default_assumptions" in vars(given) and "_prop_handler" in vars(given)
    counted = dict(members_of(given))
    assert counted["is_real"] is True and not {"default_assumptions", "_prop_handler"} & counted.keys()
    assert "default_assumptions" in dict(members_of(model))
