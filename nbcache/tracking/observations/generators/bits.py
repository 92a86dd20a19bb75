"""The state of numpy's bit generators: what they draw next, and how many children they have spawned."""

from __future__ import annotations

from typing import Any

__all__ = ["fits", "put", "state_of"]

_CHILDREN = "children spawned"


def state_of(bits: Any) -> dict[str, Any]:
    """Give the state of a bit generator, with the count of its children where it has any."""
    state: dict[str, Any] = bits.state
    count = _children_of(bits)
    return {**state, _CHILDREN: count} if count else state


def fits(bits: Any, state: dict[str, Any]) -> bool:
    """Whether a bit generator can be given a state: it has not spawned more children."""
    return _children_of(bits) <= int(state.get(_CHILDREN, 0))


def put(bits: Any, state: dict[str, Any]) -> None:
    """Give a bit generator a state; the next child that it spawns is another one than those that it had."""
    bits.state = {name: part for name, part in state.items() if name != _CHILDREN}
    missing = int(state.get(_CHILDREN, 0)) - _children_of(bits)
    if missing > 0:
        bits.seed_seq.spawn(missing)


def _children_of(bits: Any) -> int:
    """How many children there are; the count is read-only, and there is none for a sequence of the user's own."""
    return int(getattr(getattr(bits, "seed_seq", None), "n_children_spawned", 0))
