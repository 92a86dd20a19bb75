"""Whether changing a returned value changes what the next caller gets. Systems that share are no fair match."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from systems import System

from .case import Case


def a_list(x: int) -> list[int]:
    return [x, 2, 3]


def a_nested_dict(x: int) -> dict[str, Any]:
    return {"a": {"b": [x]}}


def an_array(x: int) -> np.ndarray:
    return np.full(1000, float(x))


def a_frame(x: int) -> pd.DataFrame:
    return pd.DataFrame({"a": np.full(1000, float(x))})


def _spoil(value: Any) -> None:
    if isinstance(value, list):
        value[0] = 99
    elif isinstance(value, dict):
        value["a"]["b"][0] = 99
    elif isinstance(value, pd.DataFrame):
        value.loc[0, "a"] = 99.0
    else:
        value[0] = 99.0


def _leaks(system: System, folder: Path) -> dict[str, float]:
    leaks = 0
    for function in (a_list, a_nested_dict, an_array, a_frame):
        cached = system.decorate(function, folder)
        expected = function(1)
        _spoil(cached(1))
        _spoil(cached(1))
        leaks += not _equal(cached(1), expected)
    return {"time": float(leaks)}


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, pd.DataFrame):
        return bool(left.equals(right))
    return bool(np.array_equal(left, right)) if isinstance(left, np.ndarray) else bool(left == right)


CASES = [Case("leaks of a changed result (of 4)", "isolation", _leaks, unit="", rounds=1)]
