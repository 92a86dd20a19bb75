"""The line of a map: how many calls are done. Gone when the map is over."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from nbcache.notebook.display.spinner import spinner


class Progress:
    """Counts calls; the line is drawn by a spinner's thread, so that counting costs nothing."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = 0

    def advance(self) -> None:
        self.done += 1

    def __str__(self) -> str:
        return f"{self.done:,} of {self.total:,} calls"


@contextmanager
def progress(total: int) -> Iterator[Progress]:
    """Show how many of `total` calls are done, while the context lasts."""
    count = Progress(total)
    with spinner(count, "", True, time.monotonic):
        yield count
