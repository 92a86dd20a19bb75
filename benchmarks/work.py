"""The functions that every system caches: at module level, as their users would write them."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

ROWS = 1_000_000
EPOCHS = 3
OFFSET = 1


@dataclass
class Person:
    """A small object with an object inside."""

    name: str
    scores: list[int]


def same_int(x: int) -> int:
    return x


def twenty(name: str, count: int, *, flag: bool = False) -> dict[str, Any]:
    return {f"{name}{index}": count + index for index in range(20)}


def nested(name: str) -> dict[str, Any]:
    return {f"{name}{index}": {"values": [index, index + 1], "tags": ["a", "b"]} for index in range(20)}


def array(megabytes: int) -> np.ndarray:
    return np.arange(megabytes * 1_000_000 // 8, dtype=np.float64)


def frame(seed: int) -> pd.DataFrame:
    values = np.random.default_rng(seed).random((ROWS, 8))
    return pd.DataFrame(values, columns=list("abcdefgh"))


def strings(seed: int) -> pd.DataFrame:
    return pd.DataFrame({"text": pd.Series([f"row {seed + index}" for index in range(ROWS)], dtype="str")})


def polars_frame(seed: int) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    columns: dict[str, Any] = {name: random.random(ROWS) for name in "abcd"}
    return pl.DataFrame(columns | {"text": [f"row {index}" for index in range(ROWS)]})


def people(count: int) -> dict[int, Person]:
    return {index: Person(f"person {index}", [index, index + 1]) for index in range(count)}


def ints(count: int) -> list[int]:
    return list(range(count))


def tree(count: int) -> dict[str, Any]:
    return {f"key {index}": {"id": index, "tags": ["a", str(index)]} for index in range(count)}


def size_of(value: Any) -> int:
    """The function of the rows about large arguments: a cheap result of a big value."""
    return len(value)


def _one(x: int) -> int:
    return x + OFFSET


def _two(x: int) -> int:
    return x * EPOCHS


def with_three_dependencies(x: int) -> int:
    return _one(_two(x)) + ROWS


C0, C1, C2, C3, C4, C5, C6, C7, C8, C9 = range(10)
D0, D1, D2, D3, D4, D5, D6, D7, D8, D9 = range(10)


def with_twenty_dependencies(x: int) -> int:
    return x + C0 + C1 + C2 + C3 + C4 + C5 + C6 + C7 + C8 + C9 + D0 + D1 + D2 + D3 + D4 + D5 + D6 + D7 + D8 + D9


def slow(x: int) -> int:
    """Leave one byte in the file named by the environment for each execution, then sleep."""
    descriptor = os.open(os.environ["BENCHMARK_EXECUTIONS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, b".")
    os.close(descriptor)
    time.sleep(0.5)
    return x


async def slow_task(x: int) -> int:
    descriptor = os.open(os.environ["BENCHMARK_EXECUTIONS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, b".")
    os.close(descriptor)
    await asyncio.sleep(0.5)
    return x
