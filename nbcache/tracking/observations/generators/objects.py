"""Random generators that are objects of the user's: `rng = np.random.default_rng(42)`, `random.Random(1)`.

One that a module's name stands for is known by that name, "module:name", so that its state can be looked at and put
back at any time. Those among the arguments of a call are known by the parameter, as long as the call lasts.
"""

from __future__ import annotations

import functools
import json
import random
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from contextvars import ContextVar
from itertools import islice
from types import FunctionType, MemberDescriptorType, ModuleType
from typing import Any, NamedTuple

from nbcache.hashing.attributes import held_by
from nbcache.tracking.observations.generators import bits as bit_generators
from nbcache.tracking.observations.generators import mersenne_twister

__all__ = [
    "Moving",
    "Within",
    "among",
    "found",
    "given",
    "global_name",
    "inside",
    "is_generator",
    "is_of_a_kind",
    "leave_argument",
    "name_of",
    "put",
    "state_of",
    "was_seeded",
]

_KINDS = frozenset(
    {
        *("random.Random", "numpy.random._generator.Generator", "numpy.random.mtrand.RandomState"),
        "torch._C.Generator",
    }
)
_GLOBAL = {
    "random": ("random", "_inst"),
    "numpy.random": ("numpy.random.mtrand", "_rand"),
    "torch": ("torch", "default_generator"),
}
_MERSENNE = b"M"
_OTHER = b"O"
# What holds no generator that a call could draw from.
_SIMPLE = frozenset({int, float, complex, bool, str, bytes, type(None)})
_HOLDING_CODE = (type, ModuleType, FunctionType)
_LOOKED_AT = 50
#: Values in a value that are looked at, and steps inside.
_MOST_LOOKED_AT = 200
_DEEPEST = 3
_STEPS = re.compile(r"(?:^|\.)([^.\[\]]+)|\[(\d+)\]")
_NONE: Mapping[str, Any] = {}
_NOTHING = nullcontext()


def is_generator(value: object) -> bool:
    """Whether a value is a generator of a known library, and none of the global ones."""
    return is_of_a_kind(value) and not global_name(value)


def global_name(value: object) -> str:
    """The name of the library whose global generator a value is; empty for any other value."""
    if is_of_a_kind(value):
        for name, (module, attribute) in _GLOBAL.items():
            if value is getattr(sys.modules.get(module), attribute, None):
                return name
    return ""


def is_of_a_kind(value: object) -> bool:
    """Whether a value is a generator of a known library, a global one included."""
    kind = type(value)
    return f"{kind.__module__}.{kind.__qualname__}" in _KINDS


def state_of(value: Any) -> bytes:
    """The state of a generator."""
    if isinstance(value, random.Random):
        return mersenne_twister.of_random(value)
    if hasattr(value, "get_state") and hasattr(value, "device"):
        state: bytes = value.get_state().numpy().tobytes()
        return state
    if not hasattr(value, "get_state"):
        said = bit_generators.state_of(value.bit_generator)
    elif type(value._bit_generator).__name__ == "MT19937":
        return _MERSENNE + mersenne_twister.of_numpy(value)
    else:
        said = value.get_state(legacy=False)
    return _OTHER + json.dumps(said, default=lambda item: item.tolist()).encode()


def put(value: Any, state: bytes) -> None:
    """Give a generator the state that `state_of` wrote down."""
    if isinstance(value, random.Random):
        mersenne_twister.put_into_random(value, state)
    elif hasattr(value, "get_state") and hasattr(value, "device"):
        torch: Any = sys.modules["torch"]
        value.set_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))
    elif state[:1] == _MERSENNE:
        mersenne_twister.put_into_numpy(value, state[1:])
    elif hasattr(value, "set_state"):
        value.set_state(json.loads(state[1:]))
    else:
        bit_generators.put(value.bit_generator, json.loads(state[1:]))


def was_seeded(value: Any, state: bytes) -> bool:
    """Whether somebody has given a generator a seed; one that cannot be told counts as seeded."""
    if isinstance(value, random.Random):
        return mersenne_twister.was_seeded(state, turns=2)
    bits = getattr(value, "_bit_generator", None) or getattr(value, "bit_generator", None)
    sequence: Any = getattr(bits, "seed_seq", None)
    return sequence is None or getattr(sequence, "entropy", None) not in _from_the_system()


@functools.cache
def _from_the_system() -> set[Any]:
    """The numbers that numpy asks the system for from now on, where it was given no seed."""
    given: set[Any] = set()
    module: Any = sys.modules.get("numpy.random.bit_generator")
    ask = getattr(module, "randbits", None)
    if ask is not None:

        def asked(count: int) -> int:
            number: int = ask(count)
            given.add(number)
            return number

        module.randbits = asked
    return given


def follow_numpy() -> None:
    """Note from now on which of numpy's generators get no seed."""
    if "numpy.random.bit_generator" in sys.modules:
        _from_the_system()


class Moving:
    """Which of some generators does a run draw from, of those that somebody has seeded.

    Parameters
    ----------
    held : generators, each with a label
    """

    def __init__(self, held: Iterable[tuple[str, Any]]) -> None:
        self._before = [(label, generator, self._state(generator)) for label, generator in held]

    @staticmethod
    def _state(generator: Any) -> bytes:
        try:
            return state_of(generator)
        except Exception:  # of a version with another inside
            return b""

    def moved(self) -> tuple[str, ...]:
        """The labels of those that are in another state by now."""
        return tuple(
            dict.fromkeys(
                label
                for label, generator, before in self._before
                if self._state(generator) != before and was_seeded(generator, before)
            )
        )


# -- by the name that a module knows it under


def name_of(namespace: int, name: str) -> str:
    """Name a global of a module, given the identity of the module's namespace; empty for any other place."""
    for module, loaded in list(sys.modules.items()):
        if id(getattr(loaded, "__dict__", None)) == namespace:
            return f"{module}:{name}"
    return ""


def inside(value: object) -> dict[str, Any]:
    """The generators in a value of the user's, by the way to each: attributes, items of dicts and places in lists."""
    found: dict[str, Any] = {}
    _collect(found, "", value, _DEEPEST, [_MOST_LOOKED_AT])
    return found


def found(name: str) -> Any:
    """What stands at such a name now; None where there is no generator."""
    module, _, path = name.partition(":")
    value: Any = None
    for number, (attribute, place) in enumerate(_STEPS.findall(path)):
        if number == 0:
            value = getattr(sys.modules.get(module), "__dict__", {}).get(attribute)
        elif place:
            value = value[int(place)] if type(value) in (list, tuple) and int(place) < len(value) else None
        elif attribute == "__self__":
            value = getattr(value, attribute, None)
        else:
            value = (value if type(value) is dict else _attributes_of(value)).get(attribute)
    return value if is_generator(value) else None


def _attributes_of(value: object) -> dict[str, Any]:
    """The attributes of an object, without running any of its code but a property of that name."""
    found = held_by(value) or {}
    kind: Any = type(value)
    slots = _slots_of(kind)
    if slots:
        found = dict(found)
        for name, read in slots:
            with suppress(AttributeError):  # empty
                found[name] = read(value)
    return found


@functools.lru_cache(maxsize=512)
def _slots_of(kind: type) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    """What is kept in slots, and how it is read."""
    tables = [type.__dict__["__dict__"].__get__(one) for one in type.__dict__["__mro__"].__get__(kind)[:-1]]
    return tuple([
        (name, part.__get__) for table in tables for name, part in table.items() if type(part) is MemberDescriptorType
    ])  # fmt: skip


# -- by the parameter of a call


class Within(NamedTuple):
    """The generators within reach of a run.

    Attributes
    ----------
    names : those that stand at names of modules, as "module:name"
    given : those among the arguments, by parameter
    """

    names: tuple[str, ...] = ()
    given: Mapping[str, Any] = {}


_arguments: ContextVar[Mapping[str, Any]] = ContextVar("nbcache_generators_given", default=_NONE)


def among(items: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The generators among the arguments of a call, and some steps inside them: "rng", "self.rng"."""
    found: dict[str, Any] = {}
    for parameter, value in items:
        _collect(found, parameter, value, _DEEPEST, [_MOST_LOOKED_AT])
    return found


def _collect(found: dict[str, Any], path: str, value: Any, depth: int, left: list[int]) -> None:
    kind = type(value)
    if kind in _SIMPLE or issubclass(kind, _HOLDING_CODE) or left[0] <= 0:
        return
    left[0] -= 1
    if is_generator(value):
        found[path] = value
    elif depth and kind in (list, tuple):
        for place, item in enumerate(islice(value, _LOOKED_AT)):
            _collect(found, f"{path}[{place}]", item, depth - 1, left)
    elif depth:
        content = value if kind is dict else _attributes_of(value)
        for place, (name, item) in enumerate(list(islice(content.items(), _LOOKED_AT))):
            _collect(found, f"{path}.{name if type(name) in _SIMPLE else place}", item, depth - 1, left)


@contextmanager
def _known(given: Mapping[str, Any]) -> Iterator[None]:
    token = _arguments.set(given)
    try:
        yield
    finally:
        _arguments.reset(token)


def given(items: Iterable[tuple[str, Any]]) -> AbstractContextManager[None]:
    """A context in which a hit finds the generators among the arguments of its call."""
    found = among(items)
    return _known(found) if found else _NOTHING


def leave_argument(parameter: str, state: bytes) -> None:
    """Leave a generator that the present call was given as a run left it."""
    value = _arguments.get().get(parameter)
    if value is not None:
        put(value, state)
