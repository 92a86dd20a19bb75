"""What observations are at this moment."""

from __future__ import annotations

from collections.abc import Iterable

from nbcache.tracking.observations.kinds import digest_of, state_digest
from nbcache.tracking.observations.observation import Observation


def state_now(observations: Iterable[Observation]) -> bytes:
    """Digest what observations are now, in whatever order, and however often each is among them."""
    return state_digest({seen: digest_of(seen) for seen in observations})
