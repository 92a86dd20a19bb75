"""Does the stack reach for a nested value? Pickle goes into a value by recursion, on what the caller left of the limit.

Whether a result can be stored must not depend on how deep in a recursion the call happened to be, so what did not fit
is tried again on a stack of its own.
"""

from __future__ import annotations

import contextvars
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, ParamSpec, TypeVar

__all__ = ["with_whole_stack"]

T = TypeVar("T")
P = ParamSpec("P")

_LONGEST = 30.0
_NEARLY_ALL = 40


def with_whole_stack(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do some work; once more on a stack of its own, where this one did not reach.

    The work must be fit to be begun twice. Locks that the caller holds are not held by the other thread, so it is not
    waited for without end.
    """
    try:
        return work(*args, **kwargs)
    except RecursionError:
        if _depth() <= _NEARLY_ALL:
            raise
        done: list[T] = []
        failed: list[BaseException] = []
        again = partial(contextvars.copy_context().run, _into, partial(work, *args, **kwargs), done, failed)
        there = threading.Thread(target=again, name="nbcache-stack", daemon=True)
        there.start()
        there.join(_LONGEST)
        if done:
            return done[0]
        if failed:
            raise failed[0] from None
        raise


def _into(work: Callable[[], Any], done: list[Any], failed: list[BaseException]) -> None:
    try:
        done.append(work())
    except BaseException as error:
        failed.append(error)


def _depth() -> int:
    depth, frame = 0, sys._getframe(1)
    while frame.f_back is not None and depth <= _NEARLY_ALL:
        depth, frame = depth + 1, frame.f_back
    return depth
