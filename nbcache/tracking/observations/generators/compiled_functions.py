"""The generators that functions compiled by numba draw from: in which state are they, and has somebody seeded them?

Such a function has numbers of its own, as numpy's and as those of `random`, for each thread. What seeds them is
compiled too, and so nothing announces it: it shows in the state, or in the code of what was compiled.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
import threading
from array import array
from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any

from nbcache.tracking.observations.after_import import when_imported
from nbcache.tracking.observations.generators import mersenne_twister

__all__ = ["LIKE_NUMPY", "LIKE_RANDOM", "MODULE", "CompiledGenerator"]

MODULE = "numba._helperlib"
# The place in the words, the words, and the second of two normal numbers, after whether there is one.
_SIZE = 2512
_WORDS = slice(4, 2500)
_KEPT, _NOTHING_KEPT = slice(2500, None), bytes(12)
_TURNS, _TURNS_AT_FIRST = 2, 16
_REMEMBERED = 100

#: Whether a function was compiled whose code names a seed.
_seeding = threading.Event()


class _Known(threading.local):
    """What is known of the generator of this thread.

    Attributes
    ----------
    unseeded : words that no seed has led to, the last of them last
    seeded : whether it was given a seed, and all words but those come from it
    """

    def __init__(self) -> None:
        self.unseeded: dict[bytes, None] = {}
        self.seeded = False

    def add(self, words: bytes) -> None:
        """Note words that no seed has led to."""
        self.unseeded[words] = None
        if len(self.unseeded) > _REMEMBERED:
            del self.unseeded[next(iter(self.unseeded))]


class CompiledGenerator:
    """One of the two generators, that of the thread which asks.

    Parameters
    ----------
    pointer : the function of `numba._helperlib` that tells where it lies
    """

    def __init__(self, pointer: str) -> None:
        self._pointer = pointer
        self._known = _Known()

    def state(self) -> bytes:
        """Its place, words and kept number; what is not known yet of seeds is found out now."""
        if not _lies_as_expected():
            return b""
        found = ctypes.string_at(self._place(), _SIZE)
        if not any(found[_KEPT][:4]):
            found = found[: _KEPT.start] + _NOTHING_KEPT
        self.was_seeded(found)
        return found

    def put(self, state: bytes) -> None:
        """Give it a state."""
        ctypes.memmove(self._place(), state, _SIZE)
        self._known.seeded = True

    def fresh(self) -> None:
        """Give it words from the system."""
        words = os.urandom(_WORDS.stop - _WORDS.start)
        ctypes.memmove(self._place(), struct.pack("<i", 624) + words + _NOTHING_KEPT, _SIZE)
        self._known.add(words)
        self._known.seeded = False

    def was_seeded(self, state: bytes) -> bool:
        """Whether a state comes from a seed, as far as it can be told."""
        known, words = self._known, state[_WORDS]
        if not words or words in known.unseeded:
            return False
        if not known.seeded:
            known.seeded = self._comes_from_a_seed(words)
            if not known.seeded:
                known.add(words)
        return known.seeded

    def _comes_from_a_seed(self, words: bytes) -> bool:
        last = next(reversed(self._known.unseeded), b"")
        unseeded = list(array("I", last))[1:]
        for beginning in mersenne_twister.beginnings(words, _TURNS if unseeded else _TURNS_AT_FIRST):
            if beginning == unseeded:
                return False
            if mersenne_twister.come_from_one_number(beginning):
                return True
        # Too far to tell. The first look finds words of the system, unless nbcache came late.
        return bool(unseeded) and _seeding.is_set()

    def pristine(self) -> bool:
        """Whether nothing was ever drawn from it."""
        state = self.state()
        return not self.was_seeded(state) and state[:4] == struct.pack("<i", 624)

    def _place(self) -> int:
        place: int = getattr(sys.modules[MODULE], self._pointer)()
        return place


@cache
def _lies_as_expected() -> bool:
    """Whether the state lies in memory as numba has kept it so far."""
    helper: Any = sys.modules[MODULE]
    place = helper.rnd_get_np_state_ptr()
    found = ctypes.string_at(place, _SIZE)
    index, words = helper.rnd_get_state(place)
    return sys.byteorder == "little" and found[:2500] == struct.pack("<i", index) + array("I", words).tobytes()


def _watch_compiling(events: ModuleType) -> None:
    def on_start(_: object, event: Any) -> None:
        code = getattr(getattr(event.data.get("dispatcher"), "py_func", None), "__code__", None)
        if "seed" in getattr(code, "co_names", ()):
            _seeding.set()

    inside = {"on_start": on_start, "on_end": lambda *_: None}
    register: Callable[[str, Any], object] = events.register
    register("numba:compile", type("Listener", (events.Listener,), inside)())


LIKE_NUMPY = CompiledGenerator("rnd_get_np_state_ptr")
LIKE_RANDOM = CompiledGenerator("rnd_get_py_state_ptr")

when_imported("numba.core.event", _watch_compiling)
