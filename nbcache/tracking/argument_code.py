"""The code of one call's arguments: classes, functions and modules that are values, and what the call changes there."""

from __future__ import annotations

from types import FunctionType

from nbcache.tracking import classes
from nbcache.tracking.code.bytecode import short_digest
from nbcache.tracking.code.facts import facts_of
from nbcache.tracking.dependencies import name_of
from nbcache.tracking.fingerprint import MARK, State, tracker_of

_NOTHING: frozenset[str] = frozenset()


class ArgumentCode:
    """Digests the code of one call's arguments, such as the class of ``self``, and knows what the call changes there.

    Parameters
    ----------
    without : labels, as `changed` gives them, of what calls are known to change themselves
    """

    __slots__ = ("_met", "_without")

    def __init__(self, without: frozenset[str] = _NOTHING) -> None:
        self._without = without
        self._met: dict[int, tuple[object, State]] = {}

    def __call__(self, value: object) -> bytes:
        known = self._met.get(id(value))
        if known is None:
            ending = _ending(value) if self._without else ""
            own = frozenset(label.removesuffix(ending) for label in self._without if label.endswith(ending))
            known = self._met[id(value)] = (value, tracker_of(value).state(own))
        return known[1].digest

    def changed(self) -> frozenset[str]:
        """Taken right after the run: the labels of what it changed; that goes on counting as it was before."""
        found = set()
        for value, state in self._met.values():
            labels = state.changed()
            state.note_origins(labels)
            if labels:
                ending = _ending(value)
                found |= {label + ending for label in labels}
        return frozenset(found)


def _ending(value: object) -> str:
    """Tell what changes a thing, by name and by a mark of the code, so that other code of that name is not meant."""
    members = classes.dict_of(value).values() if issubclass(type(value), type) else (value,)  # type: ignore[arg-type]
    codes = [facts_of(plain.__code__).digest for member in members if type(plain := _plain(member)) is FunctionType]
    return f" in {name_of(value)}{MARK}{short_digest(*codes).hex()[:12]}"


def _plain(member: object) -> object:
    if type(member) in (staticmethod, classmethod):
        return member.__func__  # type: ignore[attr-defined]
    if type(member) is property:
        return member.fget
    return member.__wrapped__ if getattr(type(member), "__nbcache__", False) is True else member  # type: ignore[attr-defined]
