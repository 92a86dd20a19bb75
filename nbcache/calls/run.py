"""One run of a cached function: under a spinner, with its outputs and what it observes recorded."""

from __future__ import annotations

import inspect
from collections.abc import Coroutine, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from time import perf_counter
from types import CoroutineType, GeneratorType, TracebackType
from typing import Any

from nbcache.compute.recursion import SHALLOW, give_back, make_room
from nbcache.compute.singleflight import inside
from nbcache.config import error_text, settings
from nbcache.engine.hooks import SILENCE, UNRECORDED, Recorded, hooks
from nbcache.engine.job import Computed
from nbcache.errors import AwaitableResultError, explain
from nbcache.keys.key import Key
from nbcache.tracking.observations import executors
from nbcache.tracking.observations.files import Signature
from nbcache.tracking.observations.generators.objects import Within
from nbcache.tracking.observations.kinds import digest_of, state_digest
from nbcache.tracking.observations.native import readers
from nbcache.tracking.observations.observation import Effect, Observation
from nbcache.tracking.observations.processes import workers
from nbcache.tracking.observations.recorder import recording
from nbcache.tracking.written.file_outputs import FileOutput
from nbcache.tracking.written.files_written import FilesWritten

_NOTHING = nullcontext()
#: Whether what listens to pools and readers is in place.
_in_place: list[bool] = []
_NO_GENERATORS = Within()


@dataclass(slots=True)
class Run:
    """What is known of a run once it is over."""

    seconds: float = 0.0
    recorded: Recorded = SILENCE
    observations: tuple[Observation, ...] = ()
    state: bytes = b""
    steady: bool = True
    effects: tuple[Effect, ...] = ()
    overlooked: str = ""
    digests: Mapping[Observation, bytes] = field(default_factory=dict)
    found: Mapping[Observation, Signature | None] = field(default_factory=dict)
    files: tuple[FileOutput, ...] = ()
    refused: str = ""

    def computed(self, value: Any, recording: bytes, key: Key | None) -> Computed:
        """The outcome of the run, for the cache to keep; `key` is another than the one asked for, if not None."""
        return Computed(
            *(value, recording, self.observations, self.seconds, key),
            storable=self.steady,
            state=self.state,
            effects=self.effects,
            overlooked=self.overlooked,
            digests=self.digests,
            found=self.found,
            files=self.files,
            refused=self.refused,
        )


class Watched:
    """A context around a run, which says afterwards how long it took, what it showed and what it observed.

    Parameters
    ----------
    message : the spinner's text; None for no spinner
    what : "display", "all" or "none": which outputs to record
    named : files that arguments and constants name; they count as read unless the run wrote them
    track : whether observations count at all
    uses : the distributions that the run's code reaches, normalised: "numpy", "scikit_learn"
    generators : the random generators within its reach
    written : finds the files that it writes, where they are outputs

    Notes
    -----
    A class, because a generator behind `contextlib.contextmanager` costs a small run two microseconds more.
    """

    __slots__ = ("_before", "_named", "_outputs", "_room", "_run", "_seen", "_spinner", "_start", "_track", "_written")

    def __init__(
        self,
        message: str | None,
        show_time: bool,
        what: str,
        named: tuple[Observation, ...],
        track: bool,
        uses: frozenset[str] = frozenset(),
        generators: Within = _NO_GENERATORS,
        written: FilesWritten | None = None,
    ) -> None:
        self._spinner = _NOTHING if message is None else hooks.spinner(message, show_time)
        self._outputs = UNRECORDED if what == "none" else hooks.record(what)
        self._seen = recording(uses, generators)
        if not _in_place:
            workers.install()
            executors.install()
            readers.install()
            _in_place.append(True)
        self._named = named
        self._track = track
        self._written = written
        self._run = Run()

    def __enter__(self) -> Run:
        run, seen = self._run, self._seen
        self._before = {seen: digest_of(seen) for seen in self._named} if self._named else {}
        self._spinner.__enter__()
        try:
            run.recorded = self._outputs.__enter__()
            try:
                seen.__enter__()
            except BaseException as error:
                self._outputs.__exit__(type(error), error, error.__traceback__)
                raise
        except BaseException as error:
            self._spinner.__exit__(type(error), error, error.__traceback__)
            raise
        seen.scope = scope = inside()  # threads that the run starts are part of the same computations
        self._room = make_room(len(scope)) if len(scope) > SHALLOW else 0
        if self._written is not None:
            self._begin_to_note(self._written)
        self._start = perf_counter()
        return run

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run.seconds = perf_counter() - self._start
        if self._room:
            give_back(self._room)
        if self._written is not None and not self._run.refused:
            self._end_noting(self._written)
        self._seen.__exit__()
        try:
            self._outputs.__exit__(kind, error, trace)
        finally:
            self._spinner.__exit__(kind, error, trace)
        if kind is None and self._track and (self._named or self._seen.any()):
            try:
                self._settle()
            except Exception:  # looking at the world must not stop the user's call: the result is not kept
                self._run.steady = False
        if kind is None and self._written is not None and not self._run.refused:
            self._take_files_down(self._written)

    def _begin_to_note(self, written: FilesWritten) -> None:
        try:
            written.__enter__()
        except Exception as error:  # a folder that cannot be looked at must not stop the user's call
            self._run.refused = f"what it writes cannot be seen ({error_text(error)})"

    def _end_noting(self, written: FilesWritten) -> None:
        try:
            written.__exit__(None, None, None)
        except Exception as error:
            self._run.refused = f"what it wrote cannot be seen ({error_text(error)})"

    def _take_files_down(self, written: FilesWritten) -> None:
        """Keep what the run wrote, or say why a hit could not write it again."""
        try:
            self._run.refused = written.trouble(seen.name for seen in self._seen.observations if seen.kind == "file")
            if not self._run.refused:
                self._run.files = tuple(written.outputs(settings().written_bound))
        except Exception as error:
            self._run.refused = f"its files cannot be read again ({error_text(error)})"

    def _settle(self) -> None:
        """Find what the run rests on, and whether that stayed as it was."""
        run, seen = self._run, self._seen
        # what the run writes where it was pointed at is its output, no input; what it only looked at, it did not read
        named = tuple(one for one in self._named if not seen.wrote(one.name) and not seen.only_looked(one))
        run.observations = tuple(dict.fromkeys((*seen.observations, *named)))
        run.effects = seen.effects
        run.overlooked = seen.failed
        # digested before it is looked whether all still is what the run saw: a later change is another state
        run.digests = seen.digests(run.observations)
        run.found = seen.found
        run.state = state_digest(run.digests)
        # any other file that changed meanwhile moved under it
        run.steady = seen.steady() and all(digest_of(one) == self._before[one] for one in named)


def refuse_awaitable(value: Any, name: str) -> None:
    """Refuse what is used up by awaiting it: a coroutine, which is closed first, a future, a task.

    Collections of dask can be awaited too, again and again; like anything else they are kept if they can be stored.

    Raises
    ------
    AwaitableResultError
        `value` can be awaited only once.
    """
    if type(value) is CoroutineType:
        value.close()
    elif not _is_used_up(value):
        return
    raise AwaitableResultError(
        explain(
            f"{name}() returned an awaitable ({type(value).__name__}) and cannot be cached.",
            "an awaitable can be awaited only once, so a second call would get a used one.",
            "define it with async def and decorate that.",
        )
    )


def _is_used_up(value: Any) -> bool:
    kind = type(value)  # what a value itself says of its class may be anything
    future = hasattr(kind, "_asyncio_future_blocking")
    # whether it is a coroutine takes the abstract class a microsecond to say
    return future or (hasattr(kind, "__await__") and issubclass(kind, Coroutine)) or _is_generator_to_await(value)


def _is_generator_to_await(value: Any) -> bool:
    return type(value) is GeneratorType and bool(value.gi_code.co_flags & inspect.CO_ITERABLE_COROUTINE)
