"""The path of a call that is not a plain hit in memory, and all else that a cached function can be asked."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple

from nbcache import registry
from nbcache.calls.callables import described, is_async, module_of
from nbcache.calls.clearing import check_names, entries_where
from nbcache.calls.fastpath import MISSING, FastPath
from nbcache.calls.jobs import Jobs
from nbcache.calls.parameters import Parameters
from nbcache.calls.run import refuse_awaitable
from nbcache.compute.cached_map import Looked, finished
from nbcache.compute.recursion import near_limit
from nbcache.compute.workers import Outcome
from nbcache.config import switches
from nbcache.engine.cache import Cache
from nbcache.engine.job import Computed, Fetched, Job
from nbcache.engine.slot import Slot
from nbcache.inspection.explanation import Explanation, explain_call
from nbcache.inspection.listing import entry_rows, function_row
from nbcache.inspection.rows import EntryInfo, FunctionInfo
from nbcache.keys.arguments import Arguments, Bound
from nbcache.stores.protocol import Whose
from nbcache.tracking.argument_code import ArgumentCode, in_words
from nbcache.tracking.observations.generators.objects import given
from nbcache.tracking.observations.recorder import note
from nbcache.tracking.state import State
from nbcache.tracking.written.native_writers import among_others


class _Asked(NamedTuple):
    """A call of a map: what it is bound to, what the function was then, and what the cache was asked for."""

    bound: Bound
    state: State
    job: Job


class SlowPath:
    """Everything a cached function does except the plain hit.

    Attributes
    ----------
    arguments : how the function is called
    fast : the function that users call, which falls back to this
    described : where name, docstring and annotations come from
    branches : what tells it from other functions of its name
    """

    def __init__(self, function: Callable[..., Any], parameters: Parameters) -> None:
        self.parameters = parameters
        self.described = described(function)
        self.name: str = getattr(self.described, "__name__", type(function).__name__)
        self.owner = f"{module_of(self.described, function)}.{getattr(self.described, '__qualname__', self.name)}"
        self.arguments = Arguments(function, parameters.hash_funcs)
        self.awaited = is_async(function)
        self._function = function
        self._jobs = Jobs(function, parameters, self.owner, self.name, self.arguments)
        self.branches = self._jobs.branches
        policy = parameters.policy()
        self.fast = FastPath(
            self.arguments,
            name=self.name,
            slow=self._call_async if self.awaited else self._call,
            awaited=self.awaited,
            expiring=policy.ttl is not None,
            touch=self._touch if policy.bounded else None,
        )
        # dask looks for a token here; a pickle differs from one to the next
        self.fast.function.__dask_tokenize__ = self._jobs.token  # type: ignore[attr-defined]

    # -- calls ----------------------------------------------------------------------------------------------------

    def _call(self, bound: Bound) -> Any:
        if switches().off or self.parameters.ttl == 0 or near_limit():
            value = self.arguments.call(self._function, bound)
            refuse_awaitable(value, self.name)
            return value
        primitive = self.arguments.is_primitive(bound)
        cache, state, job = self._asked(bound, primitive)
        if primitive:  # there is no generator among them
            return self._offered(cache, cache.fetch(job), bound, state, primitive)
        with given(self.arguments.items(bound)):
            return self._offered(cache, cache.fetch(job), bound, state, primitive)

    async def _call_async(self, bound: Bound) -> Any:
        if switches().off or self.parameters.ttl == 0 or near_limit():
            return await self.arguments.call(self._function, bound)
        cache, state, job = self._asked(bound)
        with given(self.arguments.items(bound)):
            return self._offered(cache, await cache.fetch_async(job), bound, state)

    def _asked(self, bound: Bound, primitive: bool | None = None) -> tuple[Cache, State, Job]:
        """The cache, the state of the function, and the job of a call that begins now."""
        began = perf_counter()
        cache = registry.the_cache()
        state = self._jobs.state(cache)
        return cache, state, self._jobs.job(bound, state, began, primitive)

    def _offered(
        self, cache: Cache, fetched: Fetched, bound: Bound, state: State, primitive: bool | None = None
    ) -> Any:
        """Let the fast path know the slot of this call, if equal primitive arguments are all it takes."""
        slot = fetched.slot
        if slot is not None and primitive is None:
            primitive = self.arguments.is_primitive(bound)
        if slot is not None and primitive and (fetched.hit or slot.entry.meta.plain):
            key = self.fast.key(bound)
            offer = partial(cache.slots.offer, slot, self.fast.slots, key, fetched.digests)
            self.fast.take(state, cache.clock, offer)
        return fetched.value

    def _touch(self, slot: Slot) -> None:
        registry.the_cache().touch(slot.address)

    def refresh(self, bound: Bound) -> Any:
        """Compute and store; for an ``async def`` function, an awaitable that does."""
        if switches().off or self.parameters.ttl == 0:
            return self._call_async(bound) if self.awaited else self._call(bound)
        cache = registry.the_cache()
        job = self._jobs.job(bound, self._jobs.state(cache))
        if self.awaited:
            return self._refresh_async(cache, job)
        return cache.refresh(job).value

    async def _refresh_async(self, cache: Cache, job: Job) -> Any:
        return (await cache.refresh_async(job)).value

    def together(self, arguments: tuple[Any, ...]) -> bool:
        """Whether this call and others should be looked up together: a shared store is slow to ask, and it is small."""
        if switches().off or not self._jobs.policy().disk or not registry.the_cache().tiers.has_shared():
            return False
        return self.arguments.is_primitive(self.arguments.bind(*arguments))

    def prefetch(self, calls: Sequence[tuple[Any, ...]]) -> None:
        """Bring to this machine what a shared store has of some calls; `look(near=True)` finds it."""
        cache = registry.the_cache()
        state = self._jobs.state(cache)
        cache.prefetch([self._jobs.job(self.arguments.bind(*arguments), state) for arguments in calls])

    def look(self, arguments: tuple[Any, ...], near: bool = False, call: Any = None) -> Looked:
        """Look a call up, as it was looked up before if it was; computes nothing."""
        if switches().off or self.parameters.ttl == 0:
            return Looked("", False)
        value = self.fast.peek(*arguments)
        if value is not MISSING:
            return Looked("", True, value)
        cache = registry.the_cache()
        asked = self._asked_again(arguments, call, cache)
        fetched = cache.find(asked.job, near)
        if fetched is None:
            return Looked(asked.job.text, False, call=asked)
        return Looked(asked.job.text, True, self._offered(cache, fetched, asked.bound, asked.state))

    def _asked_again(self, arguments: tuple[Any, ...], asked: _Asked | None, cache: Cache) -> _Asked:
        """A call as it was asked for before; as it is now, if the function or a setting has changed since."""
        state = self._jobs.state(cache)
        if asked is not None and asked.state is state and asked.job.policy is self._jobs.policy():
            return asked
        bound = self.arguments.bind(*arguments)
        return _Asked(bound, state, self._jobs.job(bound, state))

    def _has_changed(self, arguments: tuple[Any, ...], asked: _Asked, cache: Cache) -> bool:
        """Whether a call's arguments are not what they were: some generators fill one buffer again and again."""
        if self.arguments.is_primitive(asked.bound):
            return False
        return self._asked_again(arguments, None, cache).job.key.arguments != asked.job.key.arguments

    def compute_apart(self, arguments: tuple[Any, ...]) -> Outcome:
        """Compute for another process, which keeps the result, or finds it in the store that both share."""
        with among_others():
            return self._compute_apart(arguments)

    def _compute_apart(self, arguments: tuple[Any, ...]) -> Outcome:
        bound = self.arguments.bind(*arguments)
        if switches().off or self.parameters.ttl == 0 or near_limit():
            return self.compute_here(arguments)
        if self._jobs.policy().disk:
            if self.awaited:
                value = finished(self._call_async(bound))
                return Outcome("stored", "") if self.is_cached(bound) else Outcome("value", value)
            cache, _, job = self._asked(bound)
            with given(self.arguments.items(bound)):
                fetched = cache.fetch(job, looked=True)
            slot = fetched.slot
            # where the disk has not taken it, the other process would look in vain, and compute it again
            lasts = slot is not None and cache.tiers.lasts(slot.address)
            return Outcome("stored", job.text) if lasts else Outcome("value", fetched.value)
        computed = finished(self._jobs.job(bound, self._jobs.state(registry.the_cache())).compute())
        assert isinstance(computed, Computed)
        # described by whoever keeps it, who has the arguments as they are
        return Outcome("apart", computed._replace(key=None))

    def compute_here(self, arguments: tuple[Any, ...]) -> Outcome:
        """Compute in the process that keeps the result."""
        bound = self.arguments.bind(*arguments)
        return Outcome("value", finished(self._call_async(bound) if self.awaited else self._call(bound)))

    def collect(self, arguments: tuple[Any, ...], call: Any, text: str) -> tuple[bool, Any]:
        """What a worker process has stored a moment ago, and under which key, which counts as a miss."""
        cache = registry.the_cache()
        asked = self._asked_again(arguments, call, cache)
        bound, state, job = asked
        if text and text != job.text and self._has_changed(arguments, asked, cache):
            job = job.at(text)  # the worker was sent what they were then
        fetched = cache.collect(job)
        return (False, None) if fetched is None else (True, self._offered(cache, fetched, bound, state))

    def unchanged_since_now(self) -> Callable[[], bool]:
        """Tell later whether all that the function reaches is as it is now; false where nobody could tell.

        The states of random generators do not count among what it depends on, and move with its runs.
        """
        jobs, state = self._jobs, None
        if self.parameters.track:
            with contextlib.suppress(Exception):  # of something in `depends_on`; the call says it
                state = jobs.state(registry.the_cache())

        def unchanged() -> bool:
            try:
                if state is None or state.unfollowed or state.generators or jobs.origins.labels:
                    return False
                return state.current()
            except Exception:
                return False

        return unchanged

    def call_text(self, arguments: tuple[Any, ...]) -> str:
        """A call in words."""
        shown = "..." if switches().private else self.arguments.text(self.arguments.bind(*arguments))
        return f"{self.name}({shown})"

    def adopt(self, arguments: tuple[Any, ...], call: Any, computed: Computed) -> None:
        """Keep what a worker process computed, unless it may have been sent other arguments than were looked for."""
        cache = registry.the_cache()
        asked = self._asked_again(arguments, call, cache)
        if self._has_changed(arguments, asked, cache):
            return
        bound, state, job = asked
        note(computed.observations)  # a run under way here rests on them too
        self._offered(cache, cache.keep(job, computed), bound, state)

    # -- clearing and looking -------------------------------------------------------------------------------------

    def clear(self) -> int:
        """Forget everything of this function; return how many entries are gone."""
        cache = registry.the_cache()
        return cache.clear(self.owner, self._whose(cache))

    def _whose(self, cache: Cache) -> Whose | None:
        """Which entries of its name are this function's, by their keys; None for all."""
        self.branches.of(self._jobs.state(cache))
        return self.branches.whose()

    def clear_call(self, bound: Bound) -> int:
        """Forget one call; return how many entries are gone."""
        cache = registry.the_cache()
        job = self._jobs.job(bound, self._jobs.state(cache))
        return cache.delete(job.address, job.place)

    def clear_where(self, partial: dict[str, Any]) -> int:
        """Forget all calls whose named arguments have these values; return how many entries are gone."""
        check_names(self.name, self.arguments, partial)
        if not partial:
            return self.clear()
        cache = registry.the_cache()
        code = ArgumentCode(self._jobs.origins, self._jobs.state(cache).asks)
        whose = self._whose(cache)
        matching = entries_where(cache, self.owner, whose, self.arguments, code, partial)
        return sum(cache.delete(address) for address in matching)

    def is_cached(self, bound: Bound) -> bool:
        cache = registry.the_cache()
        return not switches().off and cache.holds(self._jobs.job(bound, self._jobs.state(cache)))

    def explain(self, bound: Bound) -> Explanation:
        cache = registry.the_cache()
        state = self._jobs.state(cache)
        job = self._jobs.job(bound, state)
        return explain_call(
            cache,
            job,
            job.describe(),
            unfollowed=(*state.unfollowed, *self._own_changes()),
            tracked=self.parameters.track,
        )

    def _own_changes(self) -> Iterator[str]:
        for label in self._jobs.origins.labels:
            yield f"what the function does to {in_words(label)}"

    def info(self) -> FunctionInfo:
        cache = registry.the_cache()
        return function_row(cache, self.owner, whose=self._shown(cache))

    def entries(self) -> list[EntryInfo]:
        cache = registry.the_cache()
        return entry_rows(cache, self.owner, self._shown(cache))

    def _shown(self, cache: Cache) -> Whose | None:
        """Like `_whose`, where something that the function depends on may have failed by now."""
        try:
            return self._whose(cache)
        except Exception:
            return self.branches.whose()
