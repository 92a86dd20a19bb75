"""The code of one call's arguments: classes, functions and modules that are values, and what the call changes there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

from nbcache.hashing import hasher
from nbcache.tracking import classes
from nbcache.tracking.code.bytecode import short_digest
from nbcache.tracking.code.facts import facts_of
from nbcache.tracking.contents import outline
from nbcache.tracking.dependencies import name_of
from nbcache.tracking.fingerprint import MARK, State, code_digest, tracker_of, tracker_of_several

_NOTHING: frozenset[str] = frozenset()


class ArgumentCode:
    """Digests the code of one call's arguments, such as the class of ``self``, and knows what the call changes there.

    Parameters
    ----------
    without : labels, as `changed` gives them, of what calls are known to change themselves
    """

    __slots__ = ("_met", "_several", "_without")

    def __init__(self, without: frozenset[str] = _NOTHING) -> None:
        self._without = without
        self._met: dict[int, tuple[object, State]] = {}
        self._several: dict[tuple[int, ...], tuple[FunctionType, ...]] = {}

    def __call__(self, value: object) -> bytes:
        known = self._met.get(id(value))
        if known is None:
            ending = _ending(value) if self._without else ""
            own = frozenset(label.removesuffix(ending) for label in self._without if label.endswith(ending))
            tracker = tracker_of_several(value) if type(value) is tuple else tracker_of(value)
            known = self._met[id(value)] = (value, tracker.state(own))
        return known[1].digest

    def together(self, functions: tuple[FunctionType, ...]) -> bytes:
        """Digest several functions that may reach each other by one walk over all that they reach."""
        return self(self._several.setdefault(tuple(map(id, functions)), functions))

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


def digest_followed(
    value: object, hash_funcs: Mapping[Any, Callable[[Any], Any]] | None = None, code: ArgumentCode | None = None
) -> bytes:
    """Digest a value, and all the code that functions, classes and modules inside reach.

    Functions are outlined where they are met, and followed together afterwards: those of one object often lead back
    to it, and each by itself would walk over all of it again.

    Raises
    ------
    UnhashableValueError, UserHashError
        As for `hasher.digest`.
    """
    met: dict[int, tuple[bytes, FunctionType]] = {}

    def outlined(part: object) -> bytes:
        if type(part) is not FunctionType:
            return code_digest(part) if code is None else code(part)
        known = met.get(id(part))
        if known is None:
            known = met[id(part)] = (outline(part), part)
        return known[0]

    digest = hasher.digest(value, hash_funcs, code=outlined)
    if not met:
        return digest
    # Sets have no order of their own: what was met is put in order of its outline.
    functions = tuple(function for _, function in sorted(met.values(), key=lambda pair: pair[0]))
    if len(functions) == 1:
        followed = code_digest(functions[0]) if code is None else code(functions[0])
    else:
        followed = tracker_of_several(functions).state().digest if code is None else code.together(functions)
    return short_digest(b"followed", digest, followed)


def _ending(value: object) -> str:
    """Tell what changes a thing, by name and by a mark of the code, so that other code of that name is not meant."""
    if type(value) is tuple:
        members: Any = value
    else:
        members = classes.dict_of(value).values() if issubclass(type(value), type) else (value,)  # type: ignore[arg-type]
    codes = [facts_of(plain.__code__).digest for member in members if type(plain := _plain(member)) is FunctionType]
    return f" in {name_of(value)}{MARK}{short_digest(*codes).hex()[:12]}"


def _plain(member: object) -> object:
    if type(member) in (staticmethod, classmethod):
        return member.__func__  # type: ignore[attr-defined]
    if type(member) is property:
        return member.fget
    return member.__wrapped__ if getattr(type(member), "__nbcache__", False) is True else member  # type: ignore[attr-defined]
