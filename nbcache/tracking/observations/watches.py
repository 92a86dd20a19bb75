"""What is looked at before and after each recorded run, because nothing announces it in between."""

from __future__ import annotations

from typing import Any, Protocol

from nbcache.tracking.observations.generators.devices import DEVICES
from nbcache.tracking.observations.generators.draws import GENERATORS
from nbcache.tracking.observations.handles.databases import TABLES
from nbcache.tracking.observations.native.opens import NATIVE_OPENS
from nbcache.tracking.observations.observation import Observer
from nbcache.tracking.observations.processes.programs import PROGRAMS
from nbcache.tracking.observations.styles import STYLES
from nbcache.tracking.observations.warning_filters import WARNINGS


class Watch(Protocol):
    """Something that is compared, or switched on, around a run; it costs nothing where there is nothing to see."""

    def begin(self, observer: Observer) -> Any:
        """Begin, in the thread of the run; what is returned is given to `end`."""

    def end(self, observer: Observer, began: Any) -> None:
        """End, and note what was seen; the recording is still under way."""


WATCHES: tuple[Watch, ...] = (NATIVE_OPENS, PROGRAMS, GENERATORS, DEVICES, STYLES, TABLES, WARNINGS)
