"""Refresh in the background: an old value is served while one thread computes the new one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_background: ContextVar[bool] = ContextVar("nbcache_background", default=False)


def in_background() -> bool:
    """Whether this code runs for a refresh in the background, while the user's own code goes on."""
    return _background.get()


@contextmanager
def background() -> Iterator[None]:
    """A context in which `in_background` is true."""
    token = _background.set(True)
    try:
        yield
    finally:
        _background.reset(token)


#: As many refreshes as run at one time; more are skipped, and tried again by the next call (Streamlit parity).
WORKERS = 4
#: Seconds to wait after a failed refresh (Streamlit parity).
PAUSE = 60.0


class Refresher:
    """Runs refreshes, at most one per key and a few at a time.

    Parameters
    ----------
    clock : seconds, growing
    start : starts a function in the background and returns; False when it could not
    """

    def __init__(self, clock: Callable[[], float], start: Callable[[Callable[[], None]], bool] | None = None) -> None:
        self._clock = clock
        self._start = start or _start_thread
        self._lock = threading.Lock()
        self._running: set[Hashable] = set()
        self._paused: dict[Hashable, float] = {}

    def renew(self) -> None:
        """Start with nothing under way in a forked child."""
        self._lock = threading.Lock()
        self._running = set()

    def begin(self, key: Hashable) -> bool:
        """Whether a refresh of this key may start now; if so it counts as running until `finish`."""
        now = self._clock()
        with self._lock:
            if key in self._running or len(self._running) >= WORKERS or self._paused.get(key, now) > now:
                return False
            self._paused.pop(key, None)
            self._running.add(key)
            return True

    def finish(self, key: Hashable, *, failed: bool) -> None:
        """End a refresh; after a failure the key rests for a minute."""
        with self._lock:
            self._running.discard(key)
            if failed:
                now = self._clock()
                self._paused = {other: until for other, until in self._paused.items() if until > now}
                self._paused[key] = now + PAUSE

    def submit(self, key: Hashable, refresh: Callable[[], object], failed: Callable[[BaseException], None]) -> bool:
        """Run a refresh in the background; False when it is under way, resting, or cannot start.

        Parameters
        ----------
        refresh : computes and stores
        failed : told of an exception of `refresh`, which keeps the old value
        """
        if not self.begin(key):
            return False

        def run() -> None:
            error: BaseException | None = None
            try:
                with background():
                    refresh()
            except BaseException as caught:  # nobody is above a background thread
                error = caught
            self.finish(key, failed=error is not None)
            if error is not None:
                failed(error)

        if self._start(run):
            return True
        self.finish(key, failed=False)
        return False


def _start_thread(run: Callable[[], None]) -> bool:
    try:
        threading.Thread(target=run, name="nbcache-refresh", daemon=True).start()
    except RuntimeError:  # no threads here (Pyodide), or none left
        return False
    return True
