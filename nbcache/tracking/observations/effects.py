"""What a hit does beside handing out a value: it leaves behind what the run left."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from nbcache.tracking.observations.context import current
from nbcache.tracking.observations.generators import draws, objects
from nbcache.tracking.observations.observation import Effect

#: By kind: does it again, given the name and what the kind wrote down.
EFFECTS: Mapping[str, Callable[[str, bytes], None]] = {
    "generator": draws.leave,
    "generator argument": objects.leave_argument,
}
# Those of one call alone: a run around it has arguments of its own.
_OF_THE_CALL = frozenset({"generator argument"})


def repeat(effects: Iterable[Effect]) -> None:
    """Leave behind what a run left, and tell a recording under way here; unknown kinds do nothing."""
    recorder = current()
    for effect in effects:
        apply = EFFECTS.get(effect.kind)
        if apply is None:
            continue
        apply(effect.name, effect.data)
        if recorder is not None and effect.kind not in _OF_THE_CALL:
            recorder.effect(effect.kind, effect.name, effect.data)
