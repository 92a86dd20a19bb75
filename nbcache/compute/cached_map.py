"""The cached map: what is cached is answered at once, the rest is computed in parallel, and each result is kept."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, nullcontext
from itertools import chain
from typing import Any, NamedTuple, Protocol

from nbcache.compute.parallel import Engine, Task
from nbcache.compute.workers import Outcome, Sent, Worker, nothing, opened, run

Arguments = tuple[Any, ...]

#: So many results are held back at most for a caller who takes them one by one, before new calls are looked up.
_AHEAD = 1000


#: So many calls are looked up together.
_TOGETHER = 100


class Looked(NamedTuple):
    """What became of a look.

    Attributes
    ----------
    key : of the call; empty where nobody needs it
    hit : whether it is cached
    value : the cached one
    call : what the function knows of a call that is not cached, so that it need not find it out twice
    """

    key: str
    hit: bool
    value: Any = None
    call: Any = None


class _UnderWay(NamedTuple):
    arguments: Arguments
    call: Any


class Answers(Protocol):
    """The side of the function that knows the cache."""

    def together(self, arguments: Arguments) -> bool:
        """Whether a call is looked up more cheaply together with others."""

    def prefetch(self, calls: Sequence[Arguments]) -> None:
        """Look such calls up, so that `look` with `near` finds what there is."""

    def look(self, arguments: Arguments, near: bool = False, call: Any = None) -> Looked:
        """Look a call up; `call` is what an earlier look has found out."""

    def collect(self, arguments: Arguments, call: Any, text: str) -> tuple[bool, Any]:
        """Whether a call that was computed a moment ago, elsewhere, is in the store under a key, and its value."""

    def adopt(self, arguments: Arguments, call: Any, computed: Any) -> None:
        """Keep what a worker handed over."""

    def call_text(self, arguments: Arguments) -> str:
        """A call in words, for messages."""


class Progress(Protocol):
    """Something that shows how far a map has come."""

    def advance(self, what: str) -> None:
        """One more call is done: it was a "hit", is "computed", or has "failed"."""


class _Unseen:
    def advance(self, what: str) -> None:
        """Show nothing."""


class _Failed(NamedTuple):
    error: Exception


class CachedMap:
    """One map over one cached function.

    Parameters
    ----------
    engine : runs what is not cached
    progress : a context that shows how many calls are done; None for nothing
    raises : whether the first exception ends the map; otherwise it stands in the place of its result
    listed : whether all calls are there already, so that some can be looked up together
    streams : whether results are taken one by one, so that few are held back and arguments are read as they are needed

    Notes
    -----
    Equal calls are sent once. Coroutines are awaited, each in a loop of its own. A worker process that shares the store
    on disk keeps its results there, and they are read from there; what others compute is sent back, and kept in the
    memory of this process as soon as it is there, whatever comes before it in order.
    """

    def __init__(
        self,
        function: Worker,
        answers: Answers,
        engine: Engine,
        *,
        progress: Callable[[], AbstractContextManager[Progress]] | None = None,
        raises: bool = True,
        streams: bool = False,
        listed: bool = False,
    ) -> None:
        self._function = function
        self._answers = answers
        self._engine = engine
        self._progress = progress
        self._raises = raises
        self._ahead = 1 if streams else 0
        self._streams = streams
        self._listed = listed
        self._ready: dict[int, Any] = {}
        self._under_way: dict[int, _UnderWay] = {}
        self._first: dict[str, int] = {}
        self._repeats: dict[int, tuple[Arguments, Any, int]] = {}
        self._failed: dict[int, Exception] = {}
        self._stopped = False
        self._next = 0
        self._line: Progress = _Unseen()

    def results(self, calls: Iterable[Arguments]) -> Generator[Any, None, None]:
        """The results in the order of the calls.

        Raises
        ------
        The first exception of a call, in their order, where exceptions end the map: no more calls are begun then, and
        what others compute is kept.
        """
        sent = Sent(self._function, self._engine.name())
        with nullcontext(_Unseen()) if self._progress is None else self._progress() as self._line:
            try:
                tasks = self._tasks(calls, sent)
                for task in tasks:
                    if task is _LOOK:  # all hits up to here: no worker is needed yet
                        yield from self._in_order()
                        continue
                    self._ahead = _AHEAD if self._streams else 0
                    with closing(self._engine.results(chain((task,), tasks))) as done:
                        for place, content in done:
                            if content is not None:
                                self._settle(place, opened(content))
                            if not self._stopped:  # else what is under way is kept before the error is raised
                                yield from self._in_order()
                yield from self._in_order()
            finally:
                sent.close()

    def _tasks(self, calls: Iterable[Arguments], sent: Sent) -> Iterator[Task]:
        for place, (arguments, near) in enumerate(self._looked_up(calls)):
            if self._stopped:
                return
            key, hit, value, call = self._answers.look(arguments, near)
            if hit:
                self._ready[place] = value
                self._line.advance("hit")
                if self._ahead and len(self._ready) >= self._ahead:
                    yield _LOOK
            elif key and key in self._first:
                self._repeats[place] = arguments, call, self._first[key]
            else:
                self._first[key or f"call {place}"] = place
                self._under_way[place] = _UnderWay(arguments, call)
                yield run, (sent, place, arguments)

    def _looked_up(self, calls: Iterable[Arguments]) -> Iterator[tuple[Arguments, bool]]:
        """The calls, and whether what a shared store has of each is here already.

        Of calls that come one by one from a source that may be waiting itself, none is held back.
        """
        waiting: list[Arguments] = []
        for arguments in calls:
            together = self._listed and self._answers.together(arguments)
            if together:
                waiting.append(arguments)
            if not together or len(waiting) == _TOGETHER:
                yield from self._prefetched(waiting)
                waiting = []
            if not together:
                yield arguments, False
        yield from self._prefetched(waiting)

    def _prefetched(self, waiting: list[Arguments]) -> Iterator[tuple[Arguments, bool]]:
        if waiting:
            self._answers.prefetch(waiting)
        return ((arguments, True) for arguments in waiting)

    def _settle(self, place: int, outcome: Outcome) -> None:
        arguments, call = self._under_way.pop(place)
        kind, value = outcome
        if kind == "error":
            self._fail(place, arguments, value)
            return
        if kind == "apart":
            self._answers.adopt(arguments, call, value)
            value = value.value
        elif kind == "stored":
            kept, value = self._answers.collect(arguments, call, value)
            if not kept:  # cleared, or evicted, in this very moment
                self._settle_here(place, arguments)
                return
        self._ready[place] = value
        self._line.advance("computed")

    def _settle_here(self, place: int, arguments: Arguments) -> None:
        try:
            outcome = self._function.compute_here(*arguments)
        except Exception as error:
            self._fail(place, arguments, error)
        else:
            self._ready[place] = outcome.payload
            self._line.advance("computed")

    def _fail(self, place: int, arguments: Arguments, error: Exception) -> None:
        note = f"In the call {self._answers.call_text(arguments)} of a map."
        if note not in getattr(error, "__notes__", ()):
            error.add_note(note)
        self._failed[place] = error
        self._ready[place] = _Failed(error)
        self._line.advance("failed")
        self._stopped = self._stopped or self._raises

    def _in_order(self) -> Iterator[Any]:
        """The results whose turn has come."""
        while True:
            place = self._next
            if place in self._repeats:
                self._repeat(place)
            if place not in self._ready:
                return
            self._next += 1
            result = self._ready.pop(place)
            if isinstance(result, _Failed):
                if self._raises:
                    raise result.error
                result = result.error
            yield result

    def _repeat(self, place: int) -> None:
        """A call that was made before: an independent value, as a second call would get, or the same error."""
        arguments, call, earlier = self._repeats.pop(place)
        if earlier in self._failed:
            self._ready[place] = _Failed(self._failed[earlier])
            self._line.advance("failed")
            return
        _, hit, value, _ = self._answers.look(arguments, call=call)
        if hit:
            self._ready[place] = value
            self._line.advance("hit")
        else:
            self._settle_here(place, arguments)


_LOOK: Task = (nothing, ())


def finished(value: Any) -> Any:
    """A value, or what a coroutine returns: it runs in a thread of its own, since this one may have a loop already."""
    if not inspect.iscoroutine(value):
        return value
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, value).result()
