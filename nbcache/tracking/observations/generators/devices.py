"""Random generators on devices such as GPUs: their states do not count, and a run that drew from one says so."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

from nbcache.tracking.observations.observation import Observer
from nbcache.tracking.observations.processes.unseen import UNSEEN_KIND

__all__ = ["DEVICES"]

#: Modules of torch that hold a generator for each device, once the first is used.
_OF_TORCH = ("cuda", "xpu")
_SEED_BYTES = 8  # a state is the seed, and how much was drawn since

States = dict[str, tuple[bytes, ...]]


class _Devices:
    def begin(self, observer: Observer) -> States:
        return _states() if "torch" in sys.modules else {}

    def end(self, observer: Observer, began: States) -> None:
        for name, states in _states().items() if "torch" in sys.modules else ():
            before = began.get(name)
            drawn = any(any(state[_SEED_BYTES:]) for state in states) if before is None else before != states
            if drawn:
                observer.observe(UNSEEN_KIND, f"random numbers that are drawn on a device ({name})", b"")


def _states() -> States:
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return {}
    found: States = {}
    for name in _OF_TORCH:
        with suppress(Exception):  # another version, with another inside, or in the middle of its import
            device = getattr(torch, name)
            if device.is_initialized():
                found[f"torch.{name}"] = tuple([state.numpy().tobytes() for state in device.get_rng_state_all()])
    with suppress(Exception):  # the same
        if torch._C._has_mps and torch.backends.mps.is_available():
            found["torch.mps"] = (torch.mps.get_rng_state().numpy().tobytes(),)
    return found


DEVICES = _Devices()
