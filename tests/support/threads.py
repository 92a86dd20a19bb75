"""Work in other threads: in one, or in several that begin together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Part = TypeVar("Part")
Result = TypeVar("Result")

PATIENCE = 60


def in_thread(work: Callable[[], object]) -> None:
    """Do something in a thread of its own, and wait for it."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def together(work: Callable[[Part], Result], parts: Iterable[Part]) -> list[Result]:
    """Do each part in a thread of its own, all from the same moment; return the results in order.

    What the first of them raised is raised.
    """
    parts = list(parts)
    start = threading.Barrier(len(parts))

    def begin(part: Part) -> Result:
        start.wait(PATIENCE)
        return work(part)

    with ThreadPoolExecutor(len(parts)) as pool:
        return [future.result(PATIENCE) for future in [pool.submit(begin, part) for part in parts]]
