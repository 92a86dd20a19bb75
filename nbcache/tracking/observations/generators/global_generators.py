"""The global random generators of `random`, numpy, torch and numba: how to look at each, set it, and tell its seed."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from nbcache.tracking.observations.generators import mersenne_twister
from nbcache.tracking.observations.generators.compiled_functions import (
    LIKE_NUMPY,
    LIKE_RANDOM,
    MODULE,
    CompiledGenerator,
)

__all__ = ["ALL", "Generator"]

_MERSENNE = b"M"
_OTHER = b"O"
# Where numpy's generator stands in its 624 words as long as nothing was drawn.
_FIRST_PLACE = (623).to_bytes(4, "little")
# Seeds that the system gives to torch are random numbers of 64 bits.
_SMALL_SEED = 1 << 40


class Generator(NamedTuple):
    """One global generator.

    Attributes
    ----------
    module : it exists once this is loaded
    seeds, puts : functions that give it a seed or a whole state, as (module, name)
    state, put : what it is in, as bytes, and giving it that
    fresh : gives it a seed from the system
    was_seeded : whether somebody has given it a seed, as far as it shows in the generator, whose state is given
    pristine : whether nothing was ever drawn from it
    by_state : `was_seeded` looks at nothing but the state, and may take a millisecond
    """

    module: str
    seeds: tuple[tuple[str, str], ...]
    puts: tuple[tuple[str, str], ...]
    state: Callable[[], bytes]
    put: Callable[[bytes], None]
    fresh: Callable[[], object]
    was_seeded: Callable[[bytes], bool]
    pristine: Callable[[], bool]
    by_state: bool = False


# -- random

#: Words of a state that no seed has led to; those that follow after 624 numbers are looked at again.
_unseeded_words = [b""]
_WORDS = 4 * 624


def _random_was_seeded(state: bytes) -> bool:
    if state[:_WORDS] == _unseeded_words[0]:
        return False
    if mersenne_twister.was_seeded(state, turns=2 if _unseeded_words[0] else 16):
        return True
    _unseeded_words[0] = state[:_WORDS]
    return False


# -- numpy


def _numpy() -> Any:
    return sys.modules["numpy.random.mtrand"]._rand


def _numpy_state() -> bytes:
    generator: Any = sys.modules["numpy.random.mtrand"]._rand
    if type(generator._bit_generator).__name__ == "MT19937":
        return _MERSENNE + mersenne_twister.of_numpy(generator)
    return _OTHER + json.dumps(generator.get_state(legacy=False), default=lambda item: item.tolist()).encode()


def _put_numpy(state: bytes) -> None:
    if state[:1] == _OTHER:
        _numpy().set_state(json.loads(state[1:]))
    else:
        mersenne_twister.put_into_numpy(_numpy(), state[1:])


def _numpy_was_seeded(_: bytes = b"") -> bool:
    # A seed of the old kind takes the sequence away that the system had given.
    sequence: Any = getattr(_numpy()._bit_generator, "seed_seq", False)
    return sequence is None or (sequence is not False and type(sequence.entropy) is int and sequence.entropy < 1 << 64)


def _numpy_is_pristine() -> bool:
    state = _numpy_state()
    return state[:1] == _MERSENNE and not _numpy_was_seeded() and state[2497:2501] == _FIRST_PLACE


# -- torch


def _torch() -> Any:
    return sys.modules["torch"].default_generator


def _torch_state() -> bytes:
    state: bytes = _torch().get_state().numpy().tobytes()
    return state


def _put_torch(state: bytes) -> None:
    torch: Any = sys.modules["torch"]
    torch.default_generator.set_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))


def _torch_was_seeded(_: bytes) -> bool:
    return bool(_torch().initial_seed() < _SMALL_SEED)


def _torch_is_pristine() -> bool:
    torch: Any = sys.modules["torch"]
    fresh = torch.Generator().manual_seed(_torch().initial_seed())
    return bool(torch.equal(fresh.get_state(), _torch().get_state()))


# -- numba


def _compiled(one: CompiledGenerator) -> Generator:
    return Generator(MODULE, (), (), one.state, one.put, one.fresh, one.was_seeded, one.pristine, by_state=True)


ALL: dict[str, Generator] = {
    "random": Generator(
        "random",
        (("random", "seed"),),
        (("random", "setstate"),),
        lambda: mersenne_twister.of_random(random._inst),
        lambda state: mersenne_twister.put_into_random(random._inst, state),
        lambda: random._inst.seed(),
        _random_was_seeded,
        lambda: False,
        by_state=True,
    ),
    "numpy.random": Generator(
        "numpy.random.mtrand",
        (("numpy.random", "seed"),),
        (("numpy.random", "set_state"), ("numpy.random", "set_bit_generator")),
        _numpy_state,
        _put_numpy,
        lambda: _numpy().seed(),
        _numpy_was_seeded,
        _numpy_is_pristine,
    ),
    "torch": Generator(
        "torch.random",
        (("torch", "manual_seed"), ("torch.random", "manual_seed"), ("torch", "seed"), ("torch.random", "seed")),
        (("torch", "set_rng_state"), ("torch.random", "set_rng_state")),
        _torch_state,
        _put_torch,
        lambda: _torch().seed(),
        _torch_was_seeded,
        _torch_is_pristine,
    ),
    "numpy.random in compiled functions": _compiled(LIKE_NUMPY),
    "random in compiled functions": _compiled(LIKE_RANDOM),
}
