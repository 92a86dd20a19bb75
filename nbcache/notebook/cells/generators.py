"""The global random generators: which of them a run rests on, and in which state it leaves them.

A run rests on the state of a generator that it draws from, and not on one that it seeds before it draws: such a cell
is the same cell in a new kernel. To know in which order that happened, the functions that seed are replaced while a
cell runs.
"""

from __future__ import annotations

import functools
import random
import sys
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any

__all__ = ["Generators", "set_states", "states_of"]

_SEEDS = {
    "random": (("random", "seed"), ("random", "setstate")),
    "numpy": (("numpy.random", "seed"), ("numpy.random", "set_state")),
    "torch": (("torch", "manual_seed"), ("torch", "set_rng_state"), ("torch.random", "manual_seed")),
}


def states_of(names: Iterable[str] = tuple(_SEEDS)) -> dict[str, Any]:
    """The states of generators, by the names of their libraries; those that are not loaded have none."""
    states = {name: _state(name) for name in names}
    return {name: state for name, state in states.items() if state is not None}


def _state(name: str) -> Any:
    if name == "random":
        return random.getstate()
    if name == "numpy" and (numpy_random := sys.modules.get("numpy.random")) is not None:
        kind, keys, *rest = numpy_random.get_state()
        return (kind, keys.tobytes(), *rest)
    torch: Any = sys.modules.get("torch") if name == "torch" else None
    if hasattr(torch, "get_rng_state"):
        return torch.get_rng_state().numpy().tobytes()
    return None


def set_states(states: dict[str, Any]) -> None:
    """Set generators whose libraries are loaded."""
    if "random" in states:
        random.setstate(states["random"])
    numpy: Any = sys.modules.get("numpy")
    if "numpy" in states and numpy is not None:
        kind, keys, *rest = states["numpy"]
        numpy.random.set_state((kind, numpy.frombuffer(keys, "uint32"), *rest))
    torch: Any = sys.modules.get("torch")
    if "torch" in states and torch is not None:
        torch.set_rng_state(torch.frombuffer(bytearray(states["torch"]), dtype=torch.uint8))


class Generators:
    """The generators during one run.

    Attributes
    ----------
    before : their states when it began
    drawn : those that it drew from as it had found them
    seeded : those that it seeded first, so that their states before did not matter
    """

    def __init__(self) -> None:
        self.before: dict[str, Any] = {}
        self.drawn: set[str] = set()
        self.seeded: set[str] = set()
        self._replaced: list[tuple[Any, str, Any, Any]] = []
        self._over = False

    @property
    def moved(self) -> set[str]:
        """Those whose states the run has to leave behind."""
        return self.drawn | self.seeded

    def __enter__(self) -> Generators:
        self.before = states_of()
        for name, places in _SEEDS.items():
            for module, function in places:
                owner = sys.modules.get(module)
                if name in self.before and hasattr(owner, function):
                    seed = getattr(owner, function)
                    ours = self._noting(name, seed)
                    setattr(owner, function, ours)
                    self._replaced.append((owner, function, seed, ours))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for owner, function, seed, ours in self._replaced:
            if getattr(owner, function) is ours:
                setattr(owner, function, seed)
        self._over = True
        now = states_of(self.before)
        self.drawn |= {name for name, state in self.before.items() if now.get(name) != state} - self.seeded

    def put_back(self, bound: dict[str, Any], namespace: dict[str, Any]) -> None:
        """Bind what the run imported by name (`from random import seed`) to the function itself."""
        seeds = {id(ours): seed for _, _, seed, ours in self._replaced}
        for name, value in bound.items():
            if id(value) in seeds:
                bound[name] = namespace[name] = seeds[id(value)]

    def _noting(self, name: str, seed: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(seed)
        def noted(*arguments: Any, **options: Any) -> Any:
            if not self._over and name not in self.drawn and name not in self.seeded:
                given = [one for one in (*arguments, *options.values()) if one is not None]
                # Without a seed it comes from the system, and no run is like another.
                untouched = _state(name) == self.before[name]
                (self.seeded if given and untouched else self.drawn).add(name)
            return seed(*arguments, **options)

        return noted
