"""A circuit breaker: a server that fails is left alone for a while."""

from __future__ import annotations

import threading

from nbcache.stores.protocol import Clock

FIRST_PAUSE = 30.0
LONGEST_PAUSE = 600.0


class Breaker:
    """Says whether a server may be asked.

    Notes
    -----
    Thread-safe. Each failure in a row doubles the pause; one success ends it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failed_at: float | None = None
        self._pause = FIRST_PAUSE

    def renew(self) -> None:
        self._lock = threading.Lock()

    @property
    def closed(self) -> bool:
        """Whether requests may go through."""
        failed_at = self._failed_at
        return failed_at is None or not 0 <= self._clock() - failed_at < self._pause

    def failed(self) -> float:
        """Note a failure; returns for how many seconds the server is left alone."""
        with self._lock:
            again = self._failed_at is not None
            self._pause = min(LONGEST_PAUSE, 2 * self._pause) if again else FIRST_PAUSE
            self._failed_at = self._clock()
            return self._pause

    def succeeded(self) -> bool:
        """Note a success; returns whether it ends a trouble."""
        if self._failed_at is None:
            return False
        with self._lock:
            self._failed_at = None
            self._pause = FIRST_PAUSE
        return True


# Names of classes, because the libraries are guests: what a server says when it has understood and will not.
_ANSWERS = frozenset({"ResponseError"})
_UNREACHABLE = frozenset({"ConnectionError", "TimeoutError", "EndpointConnectionError", "ConnectTimeoutError"})


def is_answer(error: BaseException) -> bool:
    """Whether a server has answered with a no, which says nothing about the next question."""
    return any(kind.__name__ in _ANSWERS for kind in type(error).__mro__)


def is_unreachable(error: BaseException) -> bool:
    """Whether a server could not be asked at all, so that every other question would fail too."""
    return any(kind.__name__ in _UNREACHABLE for kind in type(error).__mro__)
