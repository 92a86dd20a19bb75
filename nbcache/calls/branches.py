"""Which entries are a function's own, where several functions of one session have one name?

Lambdas, closures, functions that a loop or a decorator makes are told apart by their branch: a digest of their own
code, defaults and closure, with which their keys begin. What a function bounds and clears is:

- of a lambda, or a function written in another one: its own branches, those that it has had in this session;
- of any other: everything of its name, former versions included, but what other living functions have that were made
  from the very same code, as a loop makes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

from nbcache import registry
from nbcache.calls.parameters import Parameters
from nbcache.keys.key import BRANCH, branch_of, combine, is_name
from nbcache.stores.protocol import Whose
from nbcache.tracking.fingerprint import Tracker
from nbcache.tracking.origins import Origins
from nbcache.tracking.state import State


class Branches:
    """The branches of one function.

    Parameters
    ----------
    origins : as what the contents count that its runs have left

    Notes
    -----
    Thread-safe: what two threads find at the same time is the same.
    """

    def __init__(self, function: Callable[..., Any], owner: str, parameters: Parameters, origins: Origins) -> None:
        self.code = function.__code__ if type(function) is FunctionType else None
        self._owner = owner
        self._origins = origins
        self._had: dict[str, None] = {}
        self._known: tuple[State | None, State | None, str] = (None, None, "")
        self._tracker: Tracker | None = None
        if self.code is None or _holds_more(function):  # type: ignore[arg-type]
            self._tracker = Tracker({"": function}, track=False, hash_funcs=parameters.hash_funcs)

    def of(self, state: State, changed: Mapping[str, bytes] | None = None) -> str:
        """The branch of a function in a state.

        Parameters
        ----------
        changed : as what contents count that a run has changed, by label
        """
        known, own, branch = self._known
        if known is not state:
            own = None if self._tracker is None else self._tracker.state(self._origins)
            branch = _text(state.outline if own is None else own.digest)
            self._known = state, own, branch
        if changed and own is not None:
            branch = _text(own.digest_where(changed))
        self._had[branch] = None
        return branch

    def whose(self) -> Whose | None:
        """Which entries of the name are this function's, by their keys; None for all."""
        if not is_name(self._owner):
            mine = self._had
            return lambda key: branch_of(key) in mine
        others = {
            branch
            for branches in registry.namesakes(self._owner)
            if isinstance(branches, Branches) and branches is not self and branches.code is self.code is not None
            for branch in list(branches._had)
        }
        foreign = others.difference(self._had)
        return (lambda key: branch_of(key) not in foreign) if foreign else None


def _holds_more(function: FunctionType) -> bool:
    """Whether a function is more than its code."""
    return bool(function.__closure__ or function.__defaults__ or function.__kwdefaults__ or function.__dict__)


def _text(digest: bytes) -> str:
    return combine(digest)[:BRANCH]
