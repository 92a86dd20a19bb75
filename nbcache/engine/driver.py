"""The steps in which a result is found or made, and who takes them: a thread, or a task.

`Steps` is a generator. It yields what has to be waited for and is sent the outcome; so the order of things is written
once, for functions that are called and for those that are awaited.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import ExitStack
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple, Protocol

from nbcache.compute.singleflight import Flight
from nbcache.engine.hooks import hooks
from nbcache.engine.job import Fetched, Job


class Wait(NamedTuple):
    """Wait until a computation that runs elsewhere has ended; the outcome is its `Ending`."""

    flight: Flight


class Compute(NamedTuple):
    """Run a job's computation; the outcome is what it computed."""

    job: Job


class Refresh(NamedTuple):
    """Start a refresh of a job in the background; no outcome."""

    job: Job


class Turn(Protocol):
    """What lets one computation of a key run at a time: a lock on this machine, or a lease in a shared store."""

    def wait(self, waiting: Callable[[], None] | None = None) -> None:
        """Wait for it; `waiting` is called once if that is not at once."""

    def release(self) -> None:
        """Give it back."""


class Lock(NamedTuple):
    """Enter what other processes, or machines, respect; leaving it is up to the generator."""

    lock: Turn
    job: Job
    whose: str = "process"


Step = Wait | Compute | Refresh | Lock
Steps = Generator[Step, Any, Fetched]


class _Failed(BaseException):
    """Tells the generator that a step has failed: the error itself, such as StopIteration, may mean something to it."""


def drive(steps: Steps, refresh: Callable[[Job], object]) -> Fetched:
    """Take all steps in this thread; `refresh` starts one in the background."""
    step = _next(steps, None)
    while not isinstance(step, Fetched):
        answer: Any = None
        try:
            if type(step) is Compute:  # what each miss comes to, and most to nothing else
                answer = step[0].compute()
            else:
                match step:
                    case Lock():
                        _wait_for(step)
                    case Wait(flight):
                        answer = flight.done.result()
                    case Refresh(job):
                        refresh(job)
        except BaseException:
            ended = _throw(steps)
            if ended is None:
                raise  # the very error, with its causes and its traceback
            step = ended
        else:
            step = _next(steps, answer)
    return step


async def drive_async(steps: Steps, refresh: Callable[[Job], object]) -> Fetched:
    """Take all steps in this task; the event loop never waits."""
    step = _next(steps, None)
    while not isinstance(step, Fetched):
        answer: Any = None
        try:
            match step:
                case Wait(flight):
                    # shielded: a cancelled waiter must not resolve what the others wait for
                    answer = await asyncio.shield(asyncio.wrap_future(flight.done))
                case Compute(job):
                    answer = await job.compute()  # type: ignore[misc]
                case Lock():
                    await _enter(step)
                case Refresh(job):
                    refresh(job)
        except BaseException:
            ended = _throw(steps)
            if ended is None:
                raise  # the very error, with its causes and its traceback
            step = ended
        else:
            step = _next(steps, answer)
    return step


def _wait_for(step: Lock) -> None:
    """Enter a lock; what takes longer than a moment is said."""
    lock, job, whose = step
    began = perf_counter()
    with ExitStack() as shown:
        text = f"Waiting for another {whose}, which is computing {job.subject}"
        lock.wait(None if job.silent else partial(_show, shown, text))
    job.waited += perf_counter() - began


def _give_back(lock: Turn, entering: asyncio.Future[None]) -> None:
    if entering.exception() is None:
        lock.release()


def _show(shown: ExitStack, text: str) -> None:
    shown.enter_context(hooks.spinner(text, True))


async def _enter(step: Lock) -> None:
    """Enter a lock in a thread of its own; a task cancelled meanwhile leaves it again."""
    entering = asyncio.ensure_future(asyncio.to_thread(_wait_for, step))
    try:
        await asyncio.shield(entering)
    except asyncio.CancelledError:
        entering.add_done_callback(partial(_give_back, step.lock))
        raise


def _next(steps: Steps, answer: Any) -> Step | Fetched:
    try:
        return steps.send(answer)
    except StopIteration as end:
        fetched: Fetched = end.value
        return fetched


def _throw(steps: Steps) -> Step | Fetched | None:
    """Let the generator end what it began; None, unless it knew a way out."""
    try:
        return steps.throw(_Failed())
    except _Failed:
        return None
    except StopIteration as end:
        fetched: Fetched = end.value
        return fetched
