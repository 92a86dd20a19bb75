"""One computation per key, whatever number of threads and tasks ask for it at the same time.

The first caller leads, the others wait for it. A caller never waits where that could not end: not for a computation
it is itself part of (recursion), not where two computations would wait for each other, and not, after a fork, for a
thread that exists only in the parent process.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum

Name = tuple[str, str]
"""What is computed: an owner, and the text of a key, or of what several keys have in common."""


class Ending(Enum):
    """How a flight ended, for those who waited."""

    STORED = "stored"
    UNSTORED = "unstored"
    FAILED = "failed"


@dataclass(eq=False, slots=True)
class Flight:
    """One computation under way.

    Attributes
    ----------
    key : where it is computed: there is one at a time
    text : what is computed
    cancelled : whether the key was cleared meanwhile, so that the result must not be stored
    waits_for : the flights that something inside this computation waits for
    """

    key: Name
    text: str
    cancelled: bool = False
    waits_for: list[Flight] = field(default_factory=list)
    _done: Future[Ending] | None = None

    @property
    def done(self) -> Future[Ending]:
        """For those whom `join` told to wait: resolved with an `Ending`."""
        assert self._done is not None
        return self._done

    def awaited(self) -> Flight:
        """Say that somebody is going to wait; hardly ever anybody does."""
        if self._done is None:
            self._done = Future()
        return self

    def end(self, ending: Ending) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_result(ending)


#: The computations that the running code is part of; tasks inherit it from the task that started them.
_inside: ContextVar[tuple[Flight, ...]] = ContextVar("nbcache_inside", default=())


def inside() -> tuple[Flight, ...]:
    """The computations that the running code is part of, as far as this thread or task knows."""
    return _inside.get()


class Flights:
    """The computations under way in one process.

    Parameters
    ----------
    inherited : for a thread that belongs to no computation by itself, those of the thread that started it

    Notes
    -----
    Thread-safe. A process forked while a computation runs starts with none.
    """

    def __init__(self, inherited: Callable[[], tuple[Flight, ...]] = tuple) -> None:
        self._inherited = inherited
        self._lock = threading.Lock()
        self._flights: dict[Name, Flight] = {}
        _all_flights.add(self)

    def reset(self) -> None:
        """Forget everything: the threads that led do not exist in a forked child."""
        self._lock = threading.Lock()
        self._flights = {}

    def join(self, key: Name, text: str = "") -> tuple[Flight | None, Flight | None]:
        """Become the leader of a key, or learn whom to wait for.

        Parameters
        ----------
        text : what is computed, if the key stands for more than that

        Returns
        -------
        (mine, None) for the leader, who must call `leave`; (None, theirs) for those who must `wait`;
        (None, None) for a caller that must compute by itself, because waiting could not end.
        """
        with self._lock:
            flight = self._flights.get(key)
            if flight is None:
                mine = self._flights[key] = Flight(key, text or key[1])
                return mine, None
            around = self._around()
            if _leads_to(flight, around):
                return None, None
            for outer in around:
                outer.waits_for.append(flight)
            return None, flight.awaited()

    def _around(self) -> tuple[Flight, ...]:
        return _inside.get() or self._inherited()

    def stop_waiting(self, theirs: Flight) -> None:
        """Withdraw what `join` noted about a wait that has ended."""
        with self._lock:
            for outer in self._around():
                if theirs in outer.waits_for:
                    outer.waits_for.remove(theirs)

    def leave(self, mine: Flight, ending: Ending) -> None:
        """End a computation and wake those who waited."""
        with self._lock:
            if self._flights.get(mine.key) is mine:
                del self._flights[mine.key]
        mine.end(ending)

    def cancel(
        self,
        owner: str | None = None,
        text: str | None = None,
        place: str = "",
        whose: Callable[[str], bool] | None = None,
    ) -> None:
        """Mark running computations as cleared, so that their results are not stored.

        Those who call from now on start a computation of their own.

        Parameters
        ----------
        owner : only computations whose key is (owner, ...); None for all
        text : only the computation of that; None for all of the owner
        place : and the one that runs there, whatever its text
        whose : of the owner's, only those whose text it accepts
        """
        with self._lock:
            for key, flight in list(self._flights.items()):
                meant = owner is None or (key[0] == owner and (text in (None, flight.text) or key[1] == place))
                if meant and (whose is None or whose(flight.text)):
                    flight.cancelled = True
                    del self._flights[key]

    def running(self, owner: str | None = None) -> set[str]:
        """What is being computed for an owner, or for everybody."""
        with self._lock:
            return {flight.text for key, flight in self._flights.items() if owner is None or key[0] == owner}

    def within(self, mine: Flight) -> Within:
        """Run a computation as part of a flight, so that recursion and cycles are seen."""
        return Within((*self._around(), mine))


class Within:
    """A context in which the running code is part of some computations."""

    __slots__ = ("_flights", "_token")

    def __init__(self, flights: tuple[Flight, ...]) -> None:
        self._flights = flights

    def __enter__(self) -> None:
        self._token = _inside.set(self._flights)

    def __exit__(self, *error: object) -> None:
        _inside.reset(self._token)


def _leads_to(start: Flight, targets: tuple[Flight, ...]) -> bool:
    """Whether waiting for `start` would be waiting for one of `targets`."""
    seen: list[Flight] = []
    ahead = [start]
    while ahead:
        flight = ahead.pop()
        if flight in targets:
            return True
        if flight not in seen:
            seen.append(flight)
            ahead += flight.waits_for
    return False


_all_flights: weakref.WeakSet[Flights] = weakref.WeakSet()


def _after_fork() -> None:
    for flights in _all_flights:
        flights.reset()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
