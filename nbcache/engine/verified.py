"""Hand out a value that rests on observations: what they are now is asked first, at some hundred nanoseconds each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nbcache.tracking.observations import context
from nbcache.tracking.observations.effects import repeat
from nbcache.tracking.observations.kinds import KINDS
from nbcache.tracking.observations.observation import Effect, Observation


class OutdatedError(Exception):
    """Something is not what it was, or has to be told to a run under way: the slow path does the rest."""


class Verified:
    """Makes the value of one entry, for callers who have not looked at what it rests on.

    Parameters
    ----------
    made : makes the value; None where there is one for all
    value : the one for all
    digests : what each observation was when the entry was found
    effects : what a hit leaves behind

    Raises
    ------
    OutdatedError
        When called: something is another now. Whatever a kind raises means the same.
    """

    __slots__ = ("_effects", "_seen", "_value", "made")

    def __init__(
        self,
        made: Callable[[], Any] | None,
        value: Any,
        digests: Mapping[Observation, bytes],
        effects: Iterable[tuple[str, str, bytes]],
    ) -> None:
        self.made = made
        self._value = value
        self._seen = tuple([(KINDS[seen.kind].digest, seen.name, digest) for seen, digest in digests.items()])
        self._effects = tuple([Effect(*effect) for effect in effects])

    def __call__(self) -> Any:
        if context.recorders and context.current() is not None:
            raise OutdatedError
        for digest, name, was in self._seen:
            if digest(name) != was:
                raise OutdatedError
        value = self._value if self.made is None else self.made()
        if self._effects:
            repeat(self._effects)
        return value
