"""The code of one call's arguments: classes, functions and modules that are values, and what the call changes there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import FunctionType
from typing import Any

from nbcache.hashing import hasher
from nbcache.tracking import classes
from nbcache.tracking.code.bytecode import short_digest
from nbcache.tracking.code.facts import facts_of
from nbcache.tracking.contents import in_order, outline
from nbcache.tracking.dependencies import name_of
from nbcache.tracking.fingerprint import code_digest, tracker_of, tracker_of_several
from nbcache.tracking.origins import UNCHANGED, Origins, Running
from nbcache.tracking.state import State

# Between a label in the user's words and a mark of the code that is meant.
_MARK = " #"


class ArgumentCode:
    """Digests the code of one call's arguments, such as the class of ``self``, and knows what the call changes there.

    Parameters
    ----------
    origins : as what the contents count that runs of the called function have left
    asked : what the called function asks functions and classes for, such as "__doc__"
    """

    __slots__ = ("_asked", "_met", "_origins", "_several")

    def __init__(self, origins: Origins = UNCHANGED, asked: frozenset[str] = frozenset()) -> None:
        self._origins = origins
        self._asked = asked
        self._met: dict[int, tuple[object, State]] = {}
        self._several: dict[tuple[int, ...], tuple[FunctionType, ...]] = {}

    def __call__(self, value: object) -> bytes:
        known = self._met.get(id(value))
        if known is None:
            several = type(value) is tuple
            tracker = tracker_of_several(value, self._asked) if several else tracker_of(value, self._asked)  # type: ignore[arg-type]
            known = self._met[id(value)] = (value, tracker.state(self._origins, partial(_ending, value)))
        return known[1].digest

    def together(self, functions: tuple[FunctionType, ...]) -> bytes:
        """Digest several functions that may reach each other by one walk over all that they reach."""
        return self(self._several.setdefault(tuple(map(id, functions)), functions))

    def counted(self) -> Mapping[str, bytes]:
        """As what all contents count, by label."""
        return {label: digest for _, state in self._met.values() for label, digest in state.counted.items()}

    def note(self, run: Running, *, apart: bool = False) -> bool:
        """Right after the run: what it left counts as what it found; tell whether it changed anything."""
        noted = [state.note(self._origins, run, apart=apart) for _, state in self._met.values()]
        return any(changes.mine for changes in noted)


def in_words(label: str) -> str:
    """A label in the user's words alone."""
    return label.partition(_MARK)[0]


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
    functions = tuple(in_order(met.values()))
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
    return f" in {name_of(value)}{_MARK}{short_digest(*codes).hex()[:12]}"


def _plain(member: object) -> object:
    if type(member) in (staticmethod, classmethod):
        return member.__func__  # type: ignore[attr-defined]
    if type(member) is property:
        return member.fget
    return member.__wrapped__ if getattr(type(member), "__nbcache__", False) is True else member  # type: ignore[attr-defined]
