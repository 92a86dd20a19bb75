"""Numbers that follow the cache: look for changes a few times a second, and only while somebody sees them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_SHARE = 0.1
_SLOWEST = 30.0
_PATIENCE = 20


class Live:
    """Calls `look` again and again while the panel is watched.

    Parameters
    ----------
    look : draws what changed; returns whether anything had
    interval : seconds between two looks
    clock : a monotonic clock in seconds

    Notes
    -----
    One daemon thread per watched panel, none for a panel that nobody sees. Looking costs at most a tenth of one
    processor, however long it takes. A front end that vanished (a closed browser tab says nothing) is noticed
    by its silence: after some changes without an answer the looks become rarer, down to one in half a minute.
    """

    def __init__(
        self,
        look: Callable[[], bool],
        *,
        interval: float = 0.5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look = look
        self._interval = interval
        self._clock = clock
        self._unanswered = 0
        self._lock = threading.Lock()
        self._rest = threading.Event()
        self._woken = threading.Event()
        self._rest.set()

    @property
    def watched(self) -> bool:
        """Whether somebody sees the panel, as far as is known."""
        return not self._rest.is_set()

    def watch(self) -> None:
        """Somebody sees the panel: look from now on."""
        with self._lock:
            self._unanswered = 0
            if not self._rest.is_set():
                self._woken.set()
                return
            self._rest = threading.Event()
            self._woken = threading.Event()
            run = threading.Thread(target=self._run, args=(self._rest, self._woken), daemon=True)
            try:
                run.start()
            except RuntimeError:
                # Pyodide has no threads: the panel follows clicks only.
                self._rest.set()

    def rest(self) -> None:
        """Nobody sees the panel any more: the thread ends."""
        self._rest.set()
        self._woken.set()

    def answered(self) -> None:
        """The front end is there: look as often as at first."""
        if self._unanswered >= _PATIENCE:
            self._woken.set()
        self._unanswered = 0

    def step(self) -> float:
        """Look once; return the seconds to wait before the next look."""
        began = self._clock()
        if self._look():
            self._unanswered += 1
        took = self._clock() - began
        doublings = max(0, self._unanswered - _PATIENCE)
        patience = min(_SLOWEST, self._interval * 2.0 ** min(doublings, 10))
        return max(patience, took / _SHARE)

    def _run(self, rest: threading.Event, woken: threading.Event) -> None:
        while not rest.is_set():
            woken.wait(self.step())
            woken.clear()
