"""What is cached in a stress run, and the truth about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from nbcache import cache_data

from .board import run


@cache_data(persist="disk", show_spinner=False)
def number(n: int) -> int:
    return n * n + 1


@cache_data(persist="disk", show_spinner=False)
def words(n: int) -> dict[str, Any]:
    return {"n": n, "words": [f"{n}-{i}" for i in range(200)], "nested": ({"a": [n]},)}


@cache_data(persist="disk", show_spinner=False)
def array(n: int) -> Any:
    return np.random.default_rng(n).integers(0, 1 << 40, 1 << 18)


@cache_data(persist="disk", show_spinner=False)
def frame(n: int) -> Any:
    return pd.DataFrame({"n": np.arange(500) + n, "text": [f"row {n} {i}" for i in range(500)]})


@cache_data(persist="disk", show_spinner=False, max_entries=5)
def few(n: int) -> list[int]:
    return list(range(n, n + 50))


@cache_data(persist="disk", show_spinner=False, max_size="100KB")
def light(n: int) -> bytes:
    return bytes([n]) * 20_000


@cache_data(persist="disk", show_spinner=False, ttl=0.5)
def brief(n: int) -> tuple[int, str]:
    return n, "brief" * n


@cache_data(persist="disk", show_spinner=False)
def upwards(n: int) -> int:
    return number(n) + (downwards(n - 1) if n > 0 else 0)


@cache_data(persist="disk", show_spinner=False)
def downwards(n: int) -> int:
    return upwards(n - 1) + number(n) if n > 0 else 1


@cache_data(persist="disk", show_spinner=False)
def reading(path: str) -> int:
    with open(path) as file:
        return int(file.read())


@cache_data(persist="disk", show_spinner=False)
def epoch(key: int) -> int:
    return run.board.epoch(key)


def _true_upwards(n: int) -> int:
    return n * n + 1 + (_true_downwards(n - 1) if n > 0 else 0)


def _true_downwards(n: int) -> int:
    return _true_upwards(n - 1) + n * n + 1 if n > 0 else 1


CACHED: list[tuple[Any, Callable[[int], Any]]] = [
    (number, lambda n: n * n + 1),
    (words, words.__wrapped__),
    (array, array.__wrapped__),
    (frame, frame.__wrapped__),
    (few, few.__wrapped__),
    (light, light.__wrapped__),
    (brief, brief.__wrapped__),
    (upwards, _true_upwards),
    (downwards, _true_downwards),
]


TRUE: dict[tuple[str, int], Any] = {}


def true(function: Any, n: int) -> Any:
    """The truth, computed once, before anybody is born."""
    return TRUE[function.__name__, n]


def same(value: Any, truth: Any) -> bool:
    if isinstance(truth, np.ndarray):
        return isinstance(value, np.ndarray) and value.dtype == truth.dtype and bool(np.array_equal(value, truth))
    if isinstance(truth, pd.DataFrame):
        return isinstance(value, pd.DataFrame) and bool(value.equals(truth))
    return type(value) is type(truth) and bool(value == truth)


def spoil(value: Any) -> None:
    """Change a value that was handed out: the entry must not notice."""
    if isinstance(value, np.ndarray):
        value[: 1 << 10] = -1
    elif isinstance(value, pd.DataFrame):
        value.loc[:, "n"] = -1
    elif isinstance(value, dict):
        value["words"].clear()
    elif isinstance(value, list):
        value.append(-1)
