"""Has the function below a cached one been given other code or other defaults, so that it is called otherwise?

What a call means was compiled into the cached function when it was made. `foo.__defaults__ = (2,)` changes that, as
it does for the plain function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbcache.keys.defaults import functions_below
from nbcache.tracking.watch import parts_of, tell

__all__ = ["Below", "PartOfFunction"]


class Below:
    """The functions that decide how a cached one is called: its own, and those that it wraps.

    Attributes
    ----------
    functions : from the outermost to the innermost
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.functions = tuple(functions_below(function))
        self._parts = self._now()

    def _now(self) -> list[tuple[Any, ...]]:
        return [parts_of(function) for function in self.functions]

    def changed(self) -> bool:
        """Whether one of them is no longer what it was at the last time that this was true."""
        now = self._now()
        if all(map(_same, now, self._parts)):
            return False
        self._parts = now
        return True

    def listen(self, act: Callable[[], None]) -> None:
        """Call `act` before each change."""
        for function in self.functions:
            tell(function, act)


class PartOfFunction:
    """`foo.__defaults__` of a cached function is that of the function below, to read and to change."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, cached: Any, owner: type | None = None) -> Any:
        return self if cached is None else getattr(cached.__wrapped__, self._name)

    def __set__(self, cached: Any, value: Any) -> None:
        setattr(cached.__wrapped__, self._name, value)

    def __delete__(self, cached: Any) -> None:
        delattr(cached.__wrapped__, self._name)


def _same(now: tuple[Any, ...], then: tuple[Any, ...]) -> bool:
    return all(new is old for new, old in zip(now, then, strict=True))
