"""The function that users really call: generated once per cached function, so that a hit costs next to nothing.

A hit for primitive arguments is one tuple, one dictionary lookup and one guard. Everything else, and every first
call, goes to the slow path with the arguments already bound.
"""

from __future__ import annotations

import keyword
import os
import threading
import time
from collections.abc import Callable
from typing import Any, Final, cast

from nbcache.calls.boundary import trim
from nbcache.engine.slot import Slot
from nbcache.keys.arguments import Arguments, Bound
from nbcache.tracking.state import State

# Names that no parameter has: see `signature_of`.
_HIT = """
    try:
        if {guard}:
            _nbcache_slot = _nbcache_fast[({key})]
            {fresh}
            if _nbcache_slot.restore is None:
                {counted}
                return _nbcache_slot.value
            _nbcache_made = _nbcache_slot.restore()
            {counted}
            return _nbcache_made
    except _nbcache_error:
        pass  # not here yet, or something is wrong with the entry: the slow path says what, and computes
    try:
        return {wait}{slow}(({names}))
    except _nbcache_raised as _nbcache_problem:
        _nbcache_trim(_nbcache_problem)
        raise
"""
_COUNTED = "_nbcache_slot.hits += 1; _nbcache_slot.used = "
_FRESH = "if _nbcache_slot.deadline <= (_nbcache_now := _nbcache_clock()): raise _nbcache_error"


#: A guard that asks the state; its checks are written into the function after so many hits.
_GUARD = "_nbcache_current()"
_HITS = 32

#: Held while guard and slots of a function become those of another state: a slot belongs to the state it was found in.
#: Re-entrant, because a finalizer run by the garbage collector may call a cached function anywhere.
_installing = threading.RLock()


def _renew() -> None:
    global _installing
    _installing = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)

#: What `peek` returns for a call that is no plain hit in memory.
MISSING: Final = object()


class FastPath:
    """The generated function of one cached function.

    Parameters
    ----------
    name : the function's name, which stands in tracebacks and in the TypeError of a wrong call
    slow : receives the bound arguments of every call that is not a plain hit in memory
    awaited : whether the function is an ``async def`` one
    expiring : whether entries have a deadline
    touch : told of every hit, where entries are bounded and the least recently used goes first; else None

    Attributes
    ----------
    function : what users call; stays the same object
    slots : fast keys to slots; only `Slot.offer` writes here
    key : the fast key of bound arguments

    Notes
    -----
    The function is compiled when it is decorated, with a guard that asks the state. To write the checks themselves into
    it takes a tenth of a millisecond, which a function that is called a few times does not earn back.
    """

    def __init__(
        self,
        arguments: Arguments,
        *,
        name: str,
        slow: Callable[[Bound], Any],
        awaited: bool,
        expiring: bool,
        touch: Callable[[Slot], None] | None,
    ) -> None:
        self.slots: dict[Any, Slot] = {}
        self._arguments = arguments
        usable = name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("_nbcache_")
        self._shown_name = name if usable and name not in arguments.signature.parameters else "function"
        self._awaited, self._expiring, self._touched = awaited, expiring, touch is not None
        self._namespace: dict[str, Any] = {
            **arguments.defaults,
            "_nbcache_fast": self.slots,
            "_nbcache_slow": slow,
            "_nbcache_clock": time.time,
            "_nbcache_touch": touch,
            "_nbcache_current": _never,
            "_nbcache_type": type,
            "_nbcache_map": map,
            "_nbcache_error": Exception,
            "_nbcache_raised": BaseException,
            "_nbcache_trim": trim,
        }
        self._state: State | None = None
        self._guard = _GUARD
        self._peek: Callable[..., Any] | None = None
        self.function: Callable[..., Any] = self._made(self._guard)
        self._general = self.function.__code__
        key = f"def _key(_bound):\n    {_unpacked(arguments.names)}\n    return ({arguments.fast_key})\n"
        self._run(key)
        self.key: Callable[[Bound], tuple[Any, ...]] = self._namespace["_key"]

    def take(self, state: State, clock: Callable[[], float], offer: Callable[[], None]) -> None:
        """Hits are valid from now on as long as this state is current; those of before are forgotten.

        Parameters
        ----------
        offer : adds a slot that was found in this state
        """
        with _installing:
            if self._state is not state:
                self.close()
                self._state = state
                self._namespace["_nbcache_current"] = _Looks(self, state)
                if self._guard != _GUARD:
                    self.function.__code__ = self._general
                    self._guard, self._peek = _GUARD, None
            self._namespace["_nbcache_clock"] = clock
            offer()

    def settle(self, state: State) -> None:
        """Write the checks of a state that is called often into the function itself: a call costs as much as them."""
        with _installing:
            guard = state.simple
            # Made now of what was seen then; so it has to be what is there now.
            if self._state is not state or not state.current():
                return
            if guard is None:
                self._namespace["_nbcache_current"] = state.compiled()
                return
            self._namespace.update(state.names)
            self.function.__code__ = self._made(guard).__code__
            self._guard, self._peek = guard, None

    @property
    def peek(self) -> Callable[..., Any]:
        """Does the same for a plain hit, awaits nothing, and returns `MISSING` for any other call."""
        if self._peek is None:
            self._namespace["_nbcache_missing"] = _missing
            self._peek = self._made(self._guard, slow="_nbcache_missing")
        return self._peek

    def close(self) -> None:
        """Send every call to the slow path."""
        for slot in list(self.slots.values()):
            slot.retire()
        self.slots.clear()
        self._state = None

    def _made(self, guard: str, slow: str = "_nbcache_slow") -> Callable[..., Any]:
        awaited = self._awaited and slow == "_nbcache_slow"
        now = "_nbcache_now" if self._expiring else "_nbcache_clock()"
        body = _HIT.format(
            key=self._arguments.fast_key,
            guard=guard,
            names=self._arguments.names,
            fresh=_FRESH if self._expiring else "",
            counted=f"{_COUNTED}{now}{'; _nbcache_touch(_nbcache_slot)' if self._touched else ''}",
            wait="await " if awaited else "",
            slow=slow,
        )
        self._run(f"{'async ' if awaited else ''}def {self._shown_name}({self._arguments.declaration}):{body}")
        made: Any = self._namespace.pop(self._shown_name)
        made.__qualname__ = self._arguments.qualname
        if self._arguments.keyword_defaults is not None:
            made.__kwdefaults__ = self._arguments.keyword_defaults  # what is changed in place there is changed here
        return cast("Callable[..., Any]", made)

    def _run(self, source: str) -> None:
        exec(compile(source, "<nbcache fast path>", "exec"), self._namespace)


class _Looks:
    """The guard of a state until it has been asked some times."""

    __slots__ = ("_left", "_path", "_state")

    def __init__(self, path: FastPath, state: State) -> None:
        self._path = path
        self._state = state
        self._left = _HITS

    def __call__(self) -> bool:
        if not self._state.current():
            return False
        self._left -= 1
        if not self._left:
            self._path.settle(self._state)
        return True


def _never() -> bool:
    return False


def _missing(bound: Bound) -> object:
    return MISSING


def _unpacked(names: str) -> str:
    return f"({names}) = _bound" if names else "pass"
