"""Equal cells of several names, or of none: under which of them is an entry found?"""

from __future__ import annotations

from collections.abc import Iterator

from nbcache.engine.cache import Cache
from nbcache.engine.job import Job

__all__ = ["make_known", "other_owners"]

_ALIASES = "cells"
_REMEMBERED = 8


def other_owners(cache: Cache, job: Job) -> Iterator[str]:
    """The other owners that have stored a result under the key of this job."""
    for owner in cache.profiles.get(_ALIASES, job.text, job.policy.disk):
        if owner != job.key.owner:
            yield owner


def make_known(cache: Cache, job: Job) -> None:
    """Let equal cells of another name, or of none, find the entry of this job."""
    owners = cache.profiles.get(_ALIASES, job.text, job.policy.disk)
    if job.key.owner not in owners:
        cache.profiles.put(_ALIASES, job.text, (*owners, job.key.owner)[-_REMEMBERED:], job.policy.disk)
