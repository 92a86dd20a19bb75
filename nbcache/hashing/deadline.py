"""How long may it take to digest a value: a bound that whoever asks for digests can set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter

__all__ = ["DeadlineError", "check", "within"]

_NEVER = 0.0
_until: ContextVar[float] = ContextVar("nbcache_digest_deadline", default=_NEVER)


class DeadlineError(Exception):
    """Digesting took longer than it was allowed to."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Stop digests inside that take longer than this.

    Raises
    ------
    DeadlineError
        The time was over, also where code in between has caught the error that was raised there.
    """
    until = perf_counter() + seconds
    token = _until.set(until)
    try:
        yield
    finally:
        _until.reset(token)
    if perf_counter() > until + seconds:
        raise DeadlineError


def check(ahead: float = 0.0) -> None:
    """Raise where the time is over, or will be in `ahead` seconds; called now and then by whatever digests."""
    until = _until.get()
    if until and perf_counter() + ahead > until:
        raise DeadlineError
