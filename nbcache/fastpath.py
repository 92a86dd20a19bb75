"""The function that users really call: generated once per cached function, so that a hit costs next to nothing.

A hit for primitive arguments is one tuple, one dictionary lookup and one guard. Everything else, and every first
call, goes to the slow path with the arguments already bound.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from .keys.arguments import Arguments, Bound
from .slot import Slot

_HIT = """
    try:
        _slot = _fast[({key})]
    except Exception:
        _slot = None
    if _slot is not None and _current():
        _now = _clock()
        {condition}
            {touch}
            _slot.hits += 1
            _slot.used = _now
            _restore = _slot.restore
            if _restore is None:
                return _slot.value
            try:
                return _restore()
            except Exception:
                _slot.hits -= 1  # the slow path says what is wrong with the entry, and computes
    return {wait}_slow(({names}))
"""


class FastPath:
    """The generated function of one cached function.

    Parameters
    ----------
    name : the function's name, which stands in tracebacks and in the TypeError of a wrong call
    slow : receives the bound arguments of every call that is not a plain hit in memory
    expiring : whether entries have a deadline
    touch : told of every hit, where entries are bounded and the least recently used goes first

    Attributes
    ----------
    function : what users call
    slots : fast keys to slots; only `Slot.offer` writes here
    key : the fast key of bound arguments
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
        self._namespace: dict[str, Any] = {
            **arguments.defaults,
            "_fast": self.slots,
            "_slow": slow,
            "_current": _never,
            "_clock": time.time,
            "_touch": touch,
            "_type": type,
        }
        spoken = name if name.isidentifier() and name not in arguments.signature.parameters else "function"
        body = _HIT.format(
            key=arguments.fast_key,
            names=arguments.names,
            condition="if _now < _slot.deadline:" if expiring else "if True:",
            touch="_touch(_slot)" if touch is not None else "pass",
            wait="await " if awaited else "",
        )
        source = (
            f"{'async ' if awaited else ''}def {spoken}({arguments.declaration}):{body}"
            f"def _key(_bound):\n    {_unpacked(arguments.names)}\n    return ({arguments.fast_key})\n"
        )
        exec(compile(source, "<nbcache fast path>", "exec"), self._namespace)
        self.function: Callable[..., Any] = self._namespace[spoken]
        self.key: Callable[[Bound], tuple[Any, ...]] = self._namespace["_key"]

    def guard(self, current: Callable[[], bool], clock: Callable[[], float]) -> None:
        """Hits are valid from now on as long as `current()` holds; those of before are forgotten."""
        if self._namespace["_current"] is not current:
            self.close()
            self._namespace["_current"] = current
        self._namespace["_clock"] = clock

    def close(self) -> None:
        """Send every call to the slow path."""
        for slot in list(self.slots.values()):
            slot.retire()
        self.slots.clear()
        self._namespace["_current"] = _never


def _unpacked(names: str) -> str:
    return f"({names}) = _bound" if names else "pass"


def _never() -> bool:
    return False
