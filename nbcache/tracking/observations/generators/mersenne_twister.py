"""The state of a Mersenne Twister as bytes, and whether somebody has given it a seed.

`random` and numpy's global generator are two of them. Their own ways to tell their state make 625 numbers of it, which
takes longer than a hit may; where reading and writing memory does the same to a generator made for that test, it is
done.
"""

from __future__ import annotations

import ctypes
import random
import struct
import sys
from array import array
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from typing import Any

__all__ = [
    "beginnings",
    "come_from_one_number",
    "of_numpy",
    "of_random",
    "put_into_numpy",
    "put_into_random",
    "was_seeded",
]

_WORDS = 624
#: Of the words and the place in them, in bytes.
_SIZE = 4 * (_WORDS + 1)
_HEAD = 2 * ctypes.sizeof(ctypes.c_void_p)
_MASK = 0xFFFFFFFF
#: The longest seed, in words; those that the system gives have 624.
_LONGEST_SEED = 100
#: The generator behind the functions of `random`, which each run looks at, and the memory of its state.
_SHARED: random.Random = random._inst
_shared_words: Any = None
#: The last state that was read there and the last that was put there: as it lies in memory, and as it is told.
_read_last: tuple[bytes, bytes] = (b"", b"")
_put_last: tuple[bytes, bytes] = (b"", b"")


def of_random(generator: random.Random) -> bytes:
    """The state of a generator of `random`: 624 words, the place in them, and the number kept for `gauss`."""
    global _read_last
    kept = generator.gauss_next  # type: ignore[attr-defined]
    gauss = b"" if kept is None else struct.pack("<d", kept)
    if generator is _SHARED and (words := _in_shared()) is not None:
        raw: bytes = words.raw
        known, told = _read_last
        if raw != known:
            told = raw[4:] + raw[:4]
            _read_last = raw, told
        return told + gauss
    if _random_in_memory():
        raw = ctypes.string_at(id(generator) + _HEAD, _SIZE)
        return raw[4:] + raw[:4] + gauss
    return _state_of_random(generator) + gauss


def put_into_random(generator: random.Random, state: bytes) -> None:
    """Give a generator the state that `of_random` wrote down."""
    global _put_last
    gauss = struct.unpack("<d", state[_SIZE:])[0] if len(state) > _SIZE else None
    if generator is _SHARED and (words := _in_shared()) is not None:
        raw, told = _put_last
        if state is not told:
            raw = state[4 * _WORDS : _SIZE] + state[: 4 * _WORDS]
            _put_last = raw, state
        words.raw = raw
        generator.gauss_next = gauss  # type: ignore[attr-defined]
    elif _random_in_memory():
        _write_random(generator, state)
        generator.gauss_next = gauss  # type: ignore[attr-defined]
    else:
        generator.setstate((3, tuple(array("I", state[:_SIZE])), gauss))


def _in_shared() -> Any:
    """The words of the shared generator and the place in them, as they lie in memory; None where they do not."""
    global _shared_words
    if _shared_words is None and _random_in_memory():
        _shared_words = (ctypes.c_char * _SIZE).from_address(id(_SHARED) + _HEAD)
    return _shared_words


def _write_random(generator: random.Random, state: bytes) -> None:
    ctypes.memmove(id(generator) + _HEAD, state[4 * _WORDS : _SIZE] + state[: 4 * _WORDS], _SIZE)


def _state_of_random(generator: random.Random) -> bytes:
    return array("I", generator.getstate()[1]).tobytes()


@cache
def _random_in_memory() -> bool:
    """Whether the state of a `random.Random` lies where CPython keeps it."""
    if sys.implementation.name != "cpython" or random.Random.__basicsize__ < _HEAD + 4 * (_WORDS + 1):
        return False
    trial, other = random.Random(1), random.Random(2)
    for _ in range(2):
        raw = ctypes.string_at(id(trial) + _HEAD, _SIZE)
        if raw[4:] + raw[:4] != _state_of_random(trial):
            return False
        trial.random()
    found = _state_of_random(trial)
    _write_random(other, found)
    return _state_of_random(other) == found and other.random() == trial.random()


def of_numpy(generator: Any) -> bytes:
    """The state of a numpy `RandomState` over a Mersenne Twister: 624 words, the place, and the number kept."""
    place = _numpy_in_memory(type(generator))  # type: ignore[arg-type]
    if place is not None:
        return _read_numpy(generator, place)
    return _state_of_numpy(generator)


def put_into_numpy(generator: Any, state: bytes) -> None:
    """Give a `RandomState` the state that `of_numpy` wrote down."""
    place = _numpy_in_memory(type(generator))  # type: ignore[arg-type]
    if place is not None:
        _write_numpy(generator, state, place)
        return
    words = array("I", state[: 4 * _WORDS])
    place, has_kept, kept = struct.unpack("<iixxxxd", state[4 * _WORDS :])
    generator.set_state(("MT19937", words, place, has_kept, kept))


def _read_numpy(generator: Any, place: int) -> bytes:
    words, beside = _in_numpy(generator, place)
    found: bytes = words.raw + beside.raw
    return found


def _write_numpy(generator: Any, state: bytes, place: int) -> None:
    words, beside = _in_numpy(generator, place)
    words.raw = state[:_SIZE]
    beside.raw = state[_SIZE:]


def _in_numpy(generator: Any, place: int) -> tuple[Any, Any]:
    """Where a `RandomState` keeps the words and the place in them, and what it keeps of a pair of numbers."""
    global _last
    known, bits, words, beside = _last
    if known is not generator or bits is not generator._bit_generator:
        bits = generator._bit_generator
        # asking for the address takes longer than reading, so it is remembered for the last one
        words = (ctypes.c_char * _SIZE).from_address(bits.ctypes.state_address)
        beside = (ctypes.c_char * 16).from_address(id(generator) + place)
        _last = (generator, bits, words, beside)
    return words, beside


def _state_of_numpy(generator: Any) -> bytes:
    _, words, place, has_kept, kept = generator.get_state()
    found: bytes = words.astype("<u4").tobytes()
    return found + struct.pack("<iixxxxd", place, has_kept, kept)


#: The generator that was looked at last, with its bits, and the memory of both.
_last: tuple[Any, Any, Any, Any] = (None, None, None, None)


@cache
def _numpy_in_memory(kind: Callable[[int], Any]) -> int | None:
    """Where a `RandomState` keeps the second of two normal numbers, if its state can be read in memory."""
    if sys.implementation.name != "cpython" or sys.byteorder != "little":
        return None
    try:
        trial = kind(1)
        size: int = type(trial).__basicsize__
        raw = ctypes.string_at(id(trial), size)
        pointers = range(0, size - 24, 8)
        inside = [place for place in pointers if 0 < struct.unpack_from("<Q", raw, place)[0] - id(trial) < size]
        for place in (one + 8 for one in inside):
            read = [_read_numpy(trial, place) for _ in range(3) if trial.standard_normal() is not None]
            trial = kind(1)
            found = [_state_of_numpy(trial) for _ in range(3) if trial.standard_normal() is not None]
            if read == found and _is_written(kind, found, place):
                return place
            trial = kind(1)
    except Exception:  # another numpy, with another inside: it is asked instead
        return None
    return None


def _is_written(kind: Callable[[int], Any], states: list[bytes], place: int) -> bool:
    """Whether a generator tells each of the states after it was written into its memory."""
    for state in states:
        trial = kind(2)
        _write_numpy(trial, state, place)
        if _state_of_numpy(trial) != state:
            return False
    return True


def was_seeded(state: bytes, turns: int) -> bool:
    """Whether a state of `random` comes from a seed, and not from the system, as far as it can be told.

    A state is turned back, 624 numbers at a time, and each of its beginnings looked at for a key that repeats, as a
    seed of a few words does, and 624 random words from the system do not.

    Parameters
    ----------
    turns : how many times 624 numbers may have been drawn since; half a millisecond each
    """
    words = list(array("I", state[: 4 * _WORDS]))
    for _ in range(turns + 1):
        if _begins_with_a_seed(words):
            return True
        _turn_back(words)
    return False


def beginnings(words: bytes, turns: int) -> Iterator[list[int]]:
    """What 624 words may have been before 0, 1, 2 … times 624 numbers were drawn; their first is not to be told."""
    state = list(array("I", words))
    yield state[1:]
    for _ in range(turns):
        _turn_back(state)
        yield state[1:]


def come_from_one_number(words: list[int]) -> bool:
    """Whether words, all but the first, come from a single number of 32 bits, as after a seed of the oldest kind."""
    return all(
        (1812433253 * (before ^ (before >> 30)) + i) & _MASK == word
        for i, (before, word) in enumerate(pairwise(words), start=2)
    )


def _turn_back(words: list[int]) -> None:
    """Undo the step that makes the next 624 words."""
    for i in range(_WORDS - 1, -1, -1):
        upper = words[i] ^ words[(i + 397) % _WORDS]
        if upper & 0x80000000:
            upper ^= 0x9908B0DF
        lower = words[i - 1] ^ words[(i + 396) % _WORDS]
        odd = lower >> 31
        if odd:
            lower ^= 0x9908B0DF
        words[i] = (upper << 1) & 0x80000000 | (lower << 1) & 0x7FFFFFFF | odd


def _mixed(word: int, factor: int) -> int:
    return ((word ^ (word >> 30)) * factor) & _MASK


@cache
def _first_words() -> tuple[int, ...]:
    words = [19650218]
    for i in range(1, _WORDS):
        words.append((1812433253 * (words[-1] ^ (words[-1] >> 30)) + i) & _MASK)
    return tuple(words)


def _begins_with_a_seed(words: list[int]) -> bool:
    """Undo the two loops of `init_by_array`, and see whether the key that they were given repeats."""
    second = words.copy()
    second[1] = ((words[1] + 1) & _MASK) ^ _mixed(words[-1], 1566083941)
    for i in range(2, 44 + _LONGEST_SEED):
        before = second[1] if i == 2 else words[i - 1]
        second[i] = ((words[i] + i) & _MASK) ^ _mixed(before, 1566083941)
    first = _first_words()
    key = [(second[i] - (first[i] ^ _mixed(second[i - 1], 1664525))) & _MASK for i in range(3, 44 + _LONGEST_SEED)]
    for length in range(1, _LONGEST_SEED + 1):
        if all(
            (key[i] - (i + 2) % length - key[i + length] + (i + 2 + length) % length) & _MASK == 0 for i in range(40)
        ):
            return True
    return False
