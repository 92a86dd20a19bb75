"""The line of a map: how many calls were cached, computed, and have failed. Gone when the map is over."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape

from nbcache.notebook.display.quantities import duration
from nbcache.notebook.display.spinner import spinner

_WIDTH = 24
_PARTS = " ▏▎▍▌▋▊▉█"


class Progress:
    """Counts calls; the line is drawn by a spinner's thread, so that counting costs nothing.

    Parameters
    ----------
    total : how many calls there are; None where nobody knows
    clock : a monotonic clock in seconds
    """

    def __init__(self, total: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.total = total
        self.done: Counter[str] = Counter()
        self._clock = clock
        self._began = clock()

    def advance(self, what: str) -> None:
        """Count one call: a "hit", "computed", or "failed"."""
        self.done[what] += 1

    def __str__(self) -> str:
        bar = "" if self.total is None else f"{_bar(sum(self.done.values()), self.total)} "
        return bar + self.log_line()

    def markup(self) -> str:
        """The same with a bar of the browser's."""
        far = "" if self.total is None else f' max="{max(1, self.total)}" value="{sum(self.done.values())}"'
        return f"<div><progress{far}></progress> {escape(self.log_line())}</div>"

    def log_line(self) -> str:
        """The numbers alone."""
        done = sum(self.done.values())
        if self.total is None:
            parts = [f"{done:,} call{'s' if done != 1 else ''}"]
        else:
            parts = [f"{done:,} of {self.total:,} calls"]
        names = (("hit", "cached"), ("computed", "computed"), ("failed", "failed"))
        parts += [f"{self.done[what]:,} {word}" for what, word in names if self.done[what]]
        if left := self._left(done):
            parts.append(left)
        return " · ".join(parts)

    def _left(self, done: int) -> str:
        """The time that the rest will take, if as many of it as before have to be computed."""
        made = self.done["computed"] + self.done["failed"]
        if self.total is None or not made or done >= self.total:
            return ""
        return f"about {duration((self._clock() - self._began) / done * (self.total - done))} left"


def _bar(done: int, total: int) -> str:
    whole, part = divmod(round(done / max(1, total) * _WIDTH * 8), 8)
    return ("█" * whole + (_PARTS[part] if part else "")).ljust(_WIDTH)[:_WIDTH] + "▏"


@contextmanager
def progress(total: int | None) -> Iterator[Progress]:
    """Show how many of `total` calls are done, while the context lasts."""
    count = Progress(total)
    with spinner(count, "", True, time.monotonic):
        yield count
