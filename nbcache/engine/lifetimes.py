"""How long entries live: the ttl in force is the one of the function that reads, of functions of one name each its own.

A branch is what keys of one function begin with. Of a name that means one function at a time (``foo``, not a lambda),
entries of former versions live as long as the present one says.
"""

from __future__ import annotations

from math import inf

from nbcache.engine.job import Job
from nbcache.engine.policy import Policy
from nbcache.entries.entry import Address, Meta
from nbcache.keys.key import branch_of, is_name


class Lifetimes:
    """The ttl of every function that was called in this process, and how long memory keeps its values."""

    def __init__(self) -> None:
        # by owner and branch
        self._ttls: dict[str, dict[str, float]] = {}
        self._kept: dict[str, dict[str, float]] = {}
        self._last: tuple[Policy | None, str, str] = (None, "", "")

    def note(self, job: Job) -> None:
        """Note how long a function or cell that is asked for now keeps its results."""
        policy, owner, branch = job.policy, job.key.owner, job.key.branch
        last = self._last
        if last[0] is policy and last[1] == owner and last[2] == branch:
            return
        self._last = policy, owner, branch
        ttl = inf if policy.ttl is None else policy.ttl
        # an expired value that is served once more must not leave memory before that
        kept = 2 * ttl if policy.background else ttl
        for name in (branch, "") if is_name(owner) else (branch,):
            self._ttls.setdefault(owner, {})[name] = ttl
            self._kept.setdefault(owner, {})[name] = kept

    def expiry(self, meta: Meta, address: Address) -> float | None:
        """When an entry expires; None for never."""
        ttl = _of(self._ttls, address)
        return meta.expires if ttl is None else None if ttl == inf else meta.created + ttl

    def kept(self, address: Address) -> float | None:
        """How many seconds memory keeps an entry; None where it is not known."""
        return _of(self._kept, address)


def _of(known: dict[str, dict[str, float]], address: Address) -> float | None:
    owner, key = address
    branches = known.get(owner)
    if branches is None:
        return None
    found = branches.get(branch_of(key))
    return branches.get("") if found is None else found
