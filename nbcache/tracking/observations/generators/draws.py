"""The global random generators: which of them a run draws from, in which state it found them, and how it leaves them.

Where this session has seeded a generator, its state counts, and a hit leaves it where the run left it, so that what
is drawn afterwards is what it would have been. Where nobody has, a run's numbers are as good as any other's: the state
does not count, and it is only noted that it was drawn from. A run that seeds a generator before it draws from it does
not rest on the state before, and still leaves one behind.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

from nbcache.tracking.code.bytecode import short_digest
from nbcache.tracking.observations import context
from nbcache.tracking.observations.generators import objects
from nbcache.tracking.observations.generators.global_generators import ALL, Generator
from nbcache.tracking.observations.generators.objects import Within
from nbcache.tracking.observations.observation import Observation, Observer

__all__ = [
    *("ANY_STATE", "GENERATORS", "SEEDED_STATE", "UNSEEDED"),
    *("counted", "leave", "tell_original", "unmoved", "unseeded"),
]

_KIND = "generator"
_ARGUMENT = "generator argument"
# Stands in the names of generators that are objects of the user's.
_OBJECT = ":"
_FORCED = "generator state"
#: The digest of a generator that nobody has seeded.
UNSEEDED = b"not seeded"


# -- what is known of seeds

#: Whether the last seed that was seen came from the user; no item where none was seen.
_seeded: dict[str, bool] = {}
#: In which state a generator was before somebody seeded it, by digest.
_left: dict[str, bytes] = {}
#: The last state of each that was digested, and its digest.
_digests: dict[str, tuple[bytes, bytes]] = {}
_followed: set[str] = set()
_originals: dict[int, object] = {}


def tell_original(value: object) -> object:
    """The library's own function, for one that stands in for it to see seeds; any other value as it is."""
    return _originals.get(id(value), value)


def _is_there(name: str) -> bool:
    generator = ALL[name]
    if generator.module not in sys.modules:
        return False
    if name not in _followed:
        _followed.add(name)
        objects.follow_numpy()
        for functions, wrap in ((generator.seeds, _seeing_seeds), (generator.puts, _seeing_states)):
            for module, function in functions:
                owner = sys.modules.get(module)
                original = getattr(owner, function, None)
                if original is not None and id(original) not in _originals:
                    ours = wrap(name, original)
                    ours.__module__, ours.__qualname__ = module, function  # a pickle finds it there
                    _originals[id(ours)] = original
                    setattr(owner, function, ours)
    return True


def _present() -> list[tuple[str, Generator]]:
    """Those whose libraries are loaded."""
    loaded = sys.modules
    return [(name, one) for name, one in ALL.items() if one.module in loaded and (name in _followed or _is_there(name))]


def _state_of(generator: Generator) -> bytes:
    """The state of a global generator; empty for one of a version with another inside, which never seems to move."""
    try:
        return generator.state()
    except Exception:
        return b""


def _is_seeded(name: str) -> bool:
    generator, known = ALL[name], _seeded.get(name)
    if known or (known is False and not generator.by_state):
        return known
    return generator.was_seeded(_state_of(generator))


def _seeing_seeds(name: str, seed: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(seed)
    def seeing(*arguments: Any, **options: Any) -> Any:
        given = any(one is not None for one in arguments) or any(
            one is not None for key, one in options.items() if key != "version"
        )
        with suppress(Exception):  # whatever a library's generator is like: the user's call goes on
            _before_a_seed(name, given)
        result = seed(*arguments, **options)
        _seeded[name] = given
        return result

    return seeing


def _seeing_states(name: str, put: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(put)
    def seeing(*arguments: Any, **options: Any) -> Any:
        with suppress(Exception):
            _before_a_seed(name, True)
        result = put(*arguments, **options)
        if put.__name__ == "set_bit_generator":
            _seeded.pop(name, None)  # it tells itself
        else:
            _seeded[name] = short_digest(_state_of(ALL[name])) != _left.get(name)
        return result

    return seeing


def _before_a_seed(name: str, given: bool) -> None:
    recorder = context.current() if given else None
    began = None if recorder is None else recorder.kept.get(_KIND)
    known = _seeded.get(name, False)
    if known and began is None:
        return
    state = ALL[name].state()
    if not known:
        _left[name] = short_digest(state)
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
        if _OBJECT in name:
            value = objects.found(name)
            return b"gone" if value is None else _digest_of(value, objects.state_of(value))
        if name not in ALL or not _is_there(name) or not (self._forced or _is_seeded(name)):
            return UNSEEDED
        state = _state_of(ALL[name])
        before = _digests.get(name)
        if before is not None and before[0] == state:
            return before[1]
        digest = short_digest(b"generator", state)
        _digests[name] = state, digest
        return digest

    def stamp(self, name: str) -> object:
        return None

    def label(self, name: str) -> str:
        return f"random generator {name.rpartition(_OBJECT)[2]}"

    def outline(self, name: str) -> str:
        if self._forced:
            return ""
        return "not seeded, its state does not count" if self.digest(name) == UNSEEDED else "seeded"


def _digest_of(value: object, state: bytes) -> bytes:
    """Digest a generator that is an object of the user's, in a state."""
    return short_digest(b"generator", state) if objects.was_seeded(value, state) else UNSEEDED


SEEDED_STATE = _States(False)
ANY_STATE = _States(True)


def unseeded(recorded: Mapping[Observation, bytes]) -> bool:
    """Whether a run drew from a generator that nobody had seeded, given the digests it recorded."""
    return any(seen.kind == _KIND and digest == UNSEEDED for seen, digest in recorded.items())


def leave(name: str, state: bytes) -> None:
    """Leave a generator as a run left it; an empty state: with a new seed from the system."""
    if _OBJECT in name:
        value = objects.found(name)
        if value is not None:
            objects.put(value, state)
        return
    if name not in ALL:
        return
    if state and not _is_there(name):  # the run has loaded its library, and the caller may do so at any time
        importlib.import_module(ALL[name].module)
    if not _is_there(name):
        return
    if state:
        ALL[name].put(state)
    else:
        ALL[name].fresh()
    _seeded[name] = bool(state)


@contextmanager
def unmoved() -> Iterator[None]:
    """Leave the global generators as they are, whatever methods of the user's are called inside."""
    before = {name: _state_of(one) for name, one in _present()}
    known = dict(_seeded)
    try:
        yield
    finally:
        for name, state in before.items():
            if state and _state_of(ALL[name]) != state:
                ALL[name].put(state)
        _seeded.update(known)
        for name in _seeded.keys() - known.keys():
            del _seeded[name]


# -- the watch


class _Began:
    """The generators at the beginning of one run.

    Attributes
    ----------
    states : what they were in
    seeded : whether somebody had seeded them; None where that is still to be asked
    drawn, own : those that it drew from before it gave them a seed; those that it seeded first
    objects : those of the user's that its code reaches, by name, and their states
    given : those among its arguments, by parameter, and their states
    """

    def __init__(self, outer: _Began | None, forced: bool, within: Within) -> None:
        self.outer = outer
        self.forced = forced
        self.states: dict[str, bytes] = {}
        self.seeded: dict[str, bool | None] = {}
        for name, one in _present():
            self.states[name] = _state_of(one)
            known = _seeded.get(name)
            self.seeded[name] = known if known is not None or one.by_state else _is_seeded(name)
        self.drawn: set[str] = set()
        self.own: set[str] = set()
        self.token: Any = None
        self.objects = _states_of({name: objects.found(name) for name in within.names}) if within.names else {}
        self.given = _states_of(within.given) if within.given else {}

    def digest(self, name: str) -> bytes:
        """What a generator was then."""
        return short_digest(b"generator", self.states[name]) if self.forced or self.was_seeded(name) else UNSEEDED

    def was_seeded(self, name: str) -> bool:
        """Whether somebody had seeded it then."""
        return bool(self.seeded.get(name)) or (ALL[name].by_state and ALL[name].was_seeded(self.states[name]))


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
        began = observer.kept[_KIND] = _Began(_innermost.get(), _counted.get(), observer.generators)
        began.token = _innermost.set(began)
        return began

    def end(self, observer: Observer, began: _Began) -> None:
        _innermost.reset(began.token)
        if began.objects or began.given:
            _note_objects(observer, began)
        for name, generator in _present():
            now = _state_of(generator)
            if now != began.states.get(name) or name in began.drawn or name in began.own:
                _note(observer, began, name, generator, now)


def _note(observer: Observer, began: _Began, name: str, generator: Generator, now: bytes) -> None:
    """Note what a run has done with a generator."""
    before = began.states.get(name)
    kind = _FORCED if began.forced else _KIND
    seeded = _is_seeded(name) if before != now or name in began.own else False
    if name in began.own or (before is None and seeded):
        observer.own(kind, name, here=True)
    elif before is None:  # loaded in this very run
        if generator.pristine():
            return
        observer.observe(kind, name, UNSEEDED, here=True)
    else:
        observer.observe(kind, name, began.digest(name), here=True)
    if seeded or began.forced:
        observer.effect(_KIND, name, now)
    elif before != now and began.was_seeded(name):
        observer.effect(_KIND, name, b"")


def _states_of(values: Mapping[str, Any]) -> dict[str, tuple[Any, bytes]]:
    """Those of the values that can be told their states, with these."""
    found = {}
    for name, value in values.items():
        try:
            found[name] = value, objects.state_of(value)
        except Exception:  # gone, or of a version with another inside
            continue
    return found


def _note_objects(observer: Observer, began: _Began) -> None:
    """Note what a run has done with generators that are objects of the user's."""
    for name, (value, before) in began.objects.items():
        now = _states_of({name: value}).get(name, (value, before))[1]
        if now == before or objects.found(name) is not value:
            continue
        digest = _digest_of(value, before)
        observer.observe(_KIND, name, digest, here=True)
        if digest != UNSEEDED:
            observer.effect(_KIND, name, now)
        outer = began.outer
        while outer is not None:  # runs around did not know that they reach it
            outer.objects.setdefault(name, (value, before))
            outer = outer.outer
    for parameter, (_, now) in _states_of({name: value for name, (value, _) in began.given.items()}).items():
        if now != began.given[parameter][1]:
            observer.effect(_ARGUMENT, parameter, now, here=True)


GENERATORS = _Generators()

objects.follow_numpy()
# Now, so that names imported later are those of the functions that see seeds.
for _name in ALL:
    _is_there(_name)
