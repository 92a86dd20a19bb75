"""Measure a statement beside an empty wrapper, in the same process."""

from __future__ import annotations

import time
import timeit
from collections.abc import Callable
from typing import Any

BATCHES = 7
#: Where a busy machine compares like with like, `time.process_time` takes its place.
clock = time.perf_counter


def empty_wrapper(function: Callable[..., Any]) -> Callable[..., Any]:
    """What any decorator costs that does nothing at all."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def best(statement: str, names: dict[str, Any], batch_seconds: float = 0.02, budget: float = 3.0) -> float:
    """Seconds for one execution: the best of some batches, within a budget. The garbage collector stays on."""
    timer = timeit.Timer(statement, "import gc; gc.enable()", clock, globals=names)
    once = timer.timeit(1)
    number = max(1, min(200_000, int(batch_seconds / max(once, 1e-8))))
    spent, fastest = once, once if number == 1 else float("inf")
    for _ in range(BATCHES):
        seconds = timer.timeit(number)
        fastest = min(fastest, seconds / number)
        spent += seconds
        if spent > budget:
            break
    return fastest


def beside_empty_wrapper(statement: str, names: dict[str, Any]) -> dict[str, float]:
    """The statement's time, and that of an empty wrapper measured around it."""
    wrapped = {"f": empty_wrapper(lambda x: x)}
    before = best("f(7)", wrapped, budget=0.3)
    seconds = best(statement, names)
    return {"time": seconds, "empty": min(before, best("f(7)", wrapped, budget=0.3))}


def once(function: Callable[[], Any]) -> float:
    """Seconds for a single call."""
    started = clock()
    function()
    return clock() - started
