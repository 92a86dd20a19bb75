"""The global random generators: which of them a run draws from, in which state it found them, and how it leaves them.

Where this session has seeded a generator, its state counts, and a hit leaves it where the run left it, so that what
is drawn afterwards is what it would have been. Where nobody has, a run's numbers are as good as any other's: the state
does not count, and it is only noted that it was drawn from. A run that seeds a generator before it draws from it does
not rest on the state before, and still leaves one behind.
"""

from __future__ import annotations

import functools
import json
import random
import sys
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from nbcache.tracking.code.bytecode import short_digest
from nbcache.tracking.observations import context, twisters
from nbcache.tracking.observations.observation import Observation, Observer

__all__ = ["ANY_STATE", "GENERATORS", "SEEDED_STATE", "UNSEEDED", "counted", "leave", "tell_original", "unseeded"]

_KIND = "generator"
_FORCED = "generator state"
#: The digest of a generator that nobody has seeded.
UNSEEDED = b"not seeded"
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
    if twisters.was_seeded(state, turns=2 if _unseeded_words[0] else 16):
        return True
    _unseeded_words[0] = state[:_WORDS]
    return False


# -- numpy


def _numpy() -> Any:
    return sys.modules["numpy.random.mtrand"]._rand


def _numpy_state() -> bytes:
    generator = _numpy()
    if type(generator._bit_generator).__name__ == "MT19937":
        return _MERSENNE + twisters.of_numpy(generator)
    return _OTHER + json.dumps(generator.get_state(legacy=False), default=lambda item: item.tolist()).encode()


def _put_numpy(state: bytes) -> None:
    if state[:1] == _OTHER:
        _numpy().set_state(json.loads(state[1:]))
    else:
        twisters.put_into_numpy(_numpy(), state[1:])


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


_ALL: dict[str, Generator] = {
    "random": Generator(
        "random",
        (("random", "seed"),),
        (("random", "setstate"),),
        lambda: twisters.of_random(random._inst),
        lambda state: twisters.put_into_random(random._inst, state),
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
}


# -- what is known of seeds

#: Whether the last seed that was seen came from the user; no item where none was seen.
_seeded: dict[str, bool] = {}
#: In which state a generator was before somebody seeded it, by digest.
_left: dict[str, bytes] = {}
_followed: set[str] = set()
_originals: dict[int, object] = {}


def tell_original(value: object) -> object:
    """The library's own function, for one that stands in for it to see seeds; any other value as it is."""
    return _originals.get(id(value), value)


def _is_there(name: str) -> bool:
    generator = _ALL[name]
    if generator.module not in sys.modules:
        return False
    if name not in _followed:
        _followed.add(name)
        for functions, wrap in ((generator.seeds, _seeing_seeds), (generator.puts, _seeing_states)):
            for module, function in functions:
                owner = sys.modules.get(module)
                original = getattr(owner, function, None)
                if original is not None and id(original) not in _originals:
                    ours = wrap(name, original)
                    _originals[id(ours)] = original
                    setattr(owner, function, ours)
    return True


def _is_seeded(name: str) -> bool:
    generator, known = _ALL[name], _seeded.get(name)
    if known or (known is False and not generator.by_state):
        return known
    return generator.was_seeded(generator.state())


def _seeing_seeds(name: str, seed: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(seed)
    def seeing(*arguments: Any, **options: Any) -> Any:
        given = [one for key, one in (*enumerate(arguments), *options.items()) if one is not None and key != "version"]
        _before_a_seed(name, bool(given))
        result = seed(*arguments, **options)
        _seeded[name] = bool(given)
        return result

    return seeing


def _seeing_states(name: str, put: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(put)
    def seeing(*arguments: Any, **options: Any) -> Any:
        _before_a_seed(name, True)
        result = put(*arguments, **options)
        if put.__name__ == "set_bit_generator":
            _seeded.pop(name, None)  # it tells itself
        else:
            _seeded[name] = short_digest(_ALL[name].state()) != _left.get(name)
        return result

    return seeing


def _before_a_seed(name: str, given: bool) -> None:
    state = _ALL[name].state()
    if not _seeded.get(name, False):
        _left[name] = short_digest(state)
    recorder = context.current() if given else None
    began = None if recorder is None else _begun.get(recorder)
    while began is not None:
        if name not in began.drawn and began.states.get(name, state) == state:
            began.own.add(name)
        elif name not in began.own:
            began.drawn.add(name)
        began = began.outer


# -- the kinds


class _States:
    def __init__(self, forced: bool) -> None:
        self._forced = forced

    def digest(self, name: str) -> bytes:
        if name not in _ALL or not _is_there(name) or not (self._forced or _is_seeded(name)):
            return UNSEEDED
        return short_digest(b"generator", _ALL[name].state())

    def stamp(self, name: str) -> object:
        return None

    def label(self, name: str) -> str:
        return f"random generator {name}"

    def outline(self, name: str) -> str:
        if self._forced:
            return ""
        there = name in _ALL and _is_there(name)
        return "seeded" if there and _is_seeded(name) else "not seeded, its state does not count"


SEEDED_STATE = _States(False)
ANY_STATE = _States(True)


def unseeded(recorded: Mapping[Observation, bytes]) -> bool:
    """Whether a run drew from a generator that nobody had seeded, given the digests it recorded."""
    return any(seen.kind == _KIND and digest == UNSEEDED for seen, digest in recorded.items())


def leave(name: str, state: bytes) -> None:
    """Leave a generator as a run left it; an empty state: with a new seed from the system."""
    if name not in _ALL or not _is_there(name):
        return
    if state:
        _ALL[name].put(state)
    else:
        _ALL[name].fresh()
    _seeded[name] = bool(state)


# -- the watch


class _Began:
    """The generators at the beginning of one run.

    Attributes
    ----------
    states : what they were in
    seeded : whether somebody had seeded them; None where that is still to be asked
    drawn, own : those that it drew from before it gave them a seed; those that it seeded first
    """

    def __init__(self, outer: _Began | None, forced: bool) -> None:
        there = {name: one for name, one in _ALL.items() if _is_there(name)}
        self.outer = outer
        self.forced = forced
        self.states = {name: one.state() for name, one in there.items()}
        self.seeded = {name: _seeded.get(name) if one.by_state else _is_seeded(name) for name, one in there.items()}
        self.drawn: set[str] = set()
        self.own: set[str] = set()
        self.token: Any = None

    def digest(self, name: str) -> bytes:
        """What a generator was then."""
        return short_digest(b"generator", self.states[name]) if self.forced or self.was_seeded(name) else UNSEEDED

    def was_seeded(self, name: str) -> bool:
        """Whether somebody had seeded it then."""
        return bool(self.seeded.get(name)) or (_ALL[name].by_state and _ALL[name].was_seeded(self.states[name]))


_begun: weakref.WeakKeyDictionary[Any, _Began] = weakref.WeakKeyDictionary()
_innermost: ContextVar[_Began | None] = ContextVar("nbcache_generators", default=None)
_counted: ContextVar[bool] = ContextVar("nbcache_generators_counted", default=False)


@contextmanager
def counted(forced: bool) -> Iterator[None]:
    """Let states count in runs that begin inside, whether or not anybody has seeded the generators."""
    token = _counted.set(forced)
    try:
        yield
    finally:
        _counted.reset(token)


class _Generators:
    def begin(self, observer: Observer) -> _Began:
        began = _begun[observer] = _Began(_innermost.get(), _counted.get())
        began.token = _innermost.set(began)
        return began

    def end(self, observer: Observer, began: _Began) -> None:
        _innermost.reset(began.token)
        for name, generator in _ALL.items():
            if _is_there(name):
                _note(observer, began, name, generator)


def _note(observer: Observer, began: _Began, name: str, generator: Generator) -> None:
    """Note what a run has done with a generator."""
    before, now = began.states.get(name), generator.state()
    kind = _FORCED if began.forced else _KIND
    seeded = _is_seeded(name) if before != now else False
    if name in began.own or (before is None and seeded):
        observer.own(kind, name, here=True)
    elif before is None:  # loaded in this very run
        if generator.pristine():
            return
        observer.observe(kind, name, UNSEEDED, here=True)
    elif before == now and name not in began.drawn:
        return
    else:
        observer.observe(kind, name, began.digest(name), here=True)
    if seeded or began.forced:
        observer.effect(_KIND, name, now)
    elif before != now and began.was_seeded(name):
        observer.effect(_KIND, name, b"")


GENERATORS = _Generators()

# Now, so that names imported later are those of the functions that see seeds.
for _name in _ALL:
    _is_there(_name)
