"""What observations cost: a hit that has to ask the world again, and a run whose opens are recorded."""

from __future__ import annotations

import decimal
import itertools
import os
import random
import time
import timeit
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from systems import System

from .case import Case

FILES = 100
#: What the run that opens files takes without the cache, in seconds.
RUN = 0.01


def nothing(x: int) -> int:
    return x


def variable(x: int) -> str | None:
    return os.environ.get("HOME")


def file(x: int) -> str:
    with open("0.txt") as opened:
        return opened.read()


def existence(x: int) -> bool:
    return os.path.exists("0.txt")


def generator(x: int) -> float:
    return random.random()


def numpys_generator(x: int) -> float:
    return float(np.random.rand())


def option_of_numpy(x: int) -> str:
    return str(np.float64(x))


def option_of_decimal(x: int) -> str:
    return str(decimal.Decimal(x) / 3)


HITS: dict[str, tuple[Callable[[int], Any], Callable[[], object] | None]] = {
    "nothing": (nothing, None),
    "variable": (variable, None),
    "file": (file, None),
    "existence": (existence, None),
    "generator": (generator, lambda: random.seed(1)),
    "generator of numpy": (numpys_generator, lambda: np.random.seed(1)),
    "options of numpy": (option_of_numpy, None),
    "options of decimal": (option_of_decimal, None),
}


def _hits(system: System, folder: Path) -> dict[str, float]:
    _make_files(folder)
    numbers = {}
    for name, (function, settle) in HITS.items():
        names = {"f": system.decorate(function, folder / "cache"), "settle": settle}
        statement = "settle(); f(7)" if settle is not None else "f(7)"
        for _ in range(3):  # a miss, a hit that finds it, and one that is ready
            exec(statement, names)
        numbers[name] = _best(statement, names)
        if settle is not None:
            numbers[name] -= _best("settle()", names)
    return {"time": numbers["nothing"], **{name: seconds - numbers["nothing"] for name, seconds in numbers.items()}}


def _best(statement: str, names: dict[str, Any]) -> float:
    """Seconds for one execution, on the time of this thread alone: what else the machine does counts for nothing."""
    timer = timeit.Timer(statement, timer=time.thread_time, globals=names)
    number = max(1, int(0.002 / max(timer.timeit(100) / 100, 1e-8)))
    return min(timer.repeat(100, number)) / number


def _make_files(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    for number in range(FILES):
        Path(f"{number}.txt").write_text("x" * number)
    time.sleep(0.3)  # what was changed this very moment may change again unseen, and is read again


def reading(x: int, rounds: int) -> int:
    total = 0
    for number in range(FILES):
        with open(f"{number}.txt") as opened:
            total += len(opened.read())
    for number in range(rounds):
        total += number * number
    return total


def _recording(system: System, folder: Path) -> dict[str, float]:
    """Runs with and without the cache, in turns, each the best of many, on the time of this thread alone."""
    _make_files(folder)
    cached, numbers = system.decorate(reading, folder / "cache"), itertools.count()
    rounds = _rounds()
    fastest = {"plain": float("inf"), "recorded": float("inf")}
    for _ in range(60):
        for name, function in (("plain", reading), ("recorded", cached)):
            fastest[name] = min(fastest[name], _once(function, next(numbers), rounds))
    return {"time": fastest["recorded"] / fastest["plain"], **fastest}


def _rounds() -> int:
    some = 20_000
    opens = min(_once(reading, 0, 0) for _ in range(5))
    both = min(_once(reading, 0, some) for _ in range(5))
    return int(some * (RUN - opens) / (both - opens))


def _once(function: Callable[[int, int], Any], x: int, rounds: int) -> float:
    started = time.thread_time()
    function(x, rounds)
    return time.thread_time() - started


def _follows(system: System) -> bool:
    return system.module == "nbcache" and not system.on_disk


CASES = [
    Case("hit with observations", "T16", _hits, takes_part=_follows, rounds=3),
    Case("run that opens 100 files", "T16", _recording, takes_part=_follows, unit="", rounds=3),
]
