"""The path of a call that is not a plain hit in memory: its key, its job, its run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import repeat
from time import perf_counter
from typing import Any

from nbcache import registry
from nbcache.calls.branches import Branches
from nbcache.calls.callables import described, is_async, module_of
from nbcache.calls.changed_arguments import ChangedArguments
from nbcache.calls.clearing import check_names, entries_where
from nbcache.calls.fastpath import FastPath
from nbcache.calls.parameters import Parameters
from nbcache.calls.run import Run, Watched, refuse_awaitable
from nbcache.calls.under_way import UnderWay
from nbcache.compute.cached_map import finished
from nbcache.compute.recursion import near_limit
from nbcache.compute.workers import Outcome
from nbcache.config import settings
from nbcache.engine.cache import Cache
from nbcache.engine.hooks import hooks
from nbcache.engine.job import CallParts, Computed, Description, Fetched, Job, argument_parts
from nbcache.engine.policy import Policy
from nbcache.engine.slot import Replay, Slot
from nbcache.entries.meta import Part
from nbcache.hashing.hasher import summary
from nbcache.inspection.explanation import Explanation, explain_call, report_unexpected_miss
from nbcache.inspection.listing import entry_rows, function_row
from nbcache.inspection.rows import EntryInfo, FunctionInfo
from nbcache.keys.arguments import Arguments, Bound
from nbcache.keys.key import Key
from nbcache.stores.forks import renew_after_fork
from nbcache.stores.protocol import Whose
from nbcache.tracking.argument_code import ArgumentCode, said_of
from nbcache.tracking.fingerprint import Tracker
from nbcache.tracking.observations.generators.objects import Within, among, given
from nbcache.tracking.observations.named_files import candidates
from nbcache.tracking.observations.observation import Observation
from nbcache.tracking.observations.recorder import note
from nbcache.tracking.options.state import brought
from nbcache.tracking.origins import Origins
from nbcache.tracking.state import Changes, State


class SlowPath:
    """Everything a cached function does except the plain hit.

    Attributes
    ----------
    arguments : how the function is called
    fast : the function that users call, which falls back to this
    described : where name, docstring and annotations come from
    branches : what tells it from other functions of its name
    changed : what its runs do to its arguments
    """

    def __init__(self, function: Callable[..., Any], parameters: Parameters) -> None:
        self.parameters = parameters
        self.described = described(function)
        self.name: str = getattr(self.described, "__name__", type(function).__name__)
        self.owner = f"{module_of(self.described, function)}.{getattr(self.described, '__qualname__', self.name)}"
        self.arguments = Arguments(function, parameters.hash_funcs)
        self.awaited = is_async(function)
        self._said = parameters.message(f"{self.name}({'...' if self.arguments.signature.parameters else ''})")
        # one for all jobs: every entry in memory holds it
        self._replayed: Replay | None = self._replay if parameters.replay != "none" else None
        self._function = function
        self._tracker = Tracker(
            {"": function},
            track=parameters.track,
            hash_funcs=parameters.hash_funcs,
            depends_on=parameters.depends_on,
        )
        self._origins = Origins()
        renew_after_fork(self._origins)
        self.branches = Branches(function, self.owner, parameters, self._origins)
        self._learnt: bool | None = None
        self.changed = ChangedArguments(self.name, self.arguments, self._origins)
        self._policies: dict[bool, Policy] = {}
        self._reached: tuple[State | None, bool, tuple[Part, ...]] = (None, False, ())
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
        self.fast.function.__dask_tokenize__ = self._token  # type: ignore[attr-defined]

    # -- calls ----------------------------------------------------------------------------------------------------

    def _call(self, bound: Bound) -> Any:
        if settings().off or self.parameters.ttl == 0 or near_limit():
            value = self.arguments.call(self._function, bound)
            refuse_awaitable(value, self.name)
            return value
        cache, state, job = self._asked(bound)
        with given(self.arguments.items(bound)):
            return self._offered(cache, cache.fetch(job), bound, state)

    async def _call_async(self, bound: Bound) -> Any:
        if settings().off or self.parameters.ttl == 0 or near_limit():
            return await self.arguments.call(self._function, bound)
        cache, state, job = self._asked(bound)
        with given(self.arguments.items(bound)):
            return self._offered(cache, await cache.fetch_async(job), bound, state)

    def _asked(self, bound: Bound) -> tuple[Cache, State, Job]:
        """The cache, the state of the function, and the job of a call that begins now."""
        began = perf_counter()
        cache = registry.the_cache()
        state = self._state(cache)
        return cache, state, self._job(bound, state, began)

    def _offered(self, cache: Cache, fetched: Fetched, bound: Bound, state: State) -> Any:
        """Let the fast path know the slot of this call, if equal primitive arguments are all it takes."""
        slot = fetched.slot
        if slot is not None and slot.entry.meta.plain and self.arguments.is_primitive(bound):
            self.fast.guard(state, cache.clock)
            cache.slots.offer(slot, self.fast.slots, self.fast.key(bound))
        return fetched.value

    def _touch(self, slot: Slot) -> None:
        registry.the_cache().touch(slot.address)

    def refresh(self, bound: Bound) -> Any:
        """Compute and store; for an ``async def`` function, an awaitable that does."""
        if settings().off or self.parameters.ttl == 0:
            return self._call_async(bound) if self.awaited else self._call(bound)
        cache = registry.the_cache()
        job = self._job(bound, self._state(cache))
        if self.awaited:
            return self._refresh_async(cache, job)
        return cache.refresh(job).value

    async def _refresh_async(self, cache: Cache, job: Job) -> Any:
        return (await cache.refresh_async(job)).value

    def look(self, arguments: tuple[Any, ...]) -> tuple[str, bool, Any]:
        """The key of a call, whether it is a hit, and if so its value; computes nothing."""
        if settings().off or self.parameters.ttl == 0:
            return "", False, None
        cache = registry.the_cache()
        job = self._job(self.arguments.bind(*arguments), self._state(cache))
        fetched = cache.find(job)
        return (job.text, False, None) if fetched is None else (job.text, True, fetched.value)

    def compute_apart(self, arguments: tuple[Any, ...]) -> Outcome:
        """Compute for another process, which keeps the result, or finds it in the store that both share."""
        bound = self.arguments.bind(*arguments)
        if settings().off or self.policy().disk:
            value = finished(self._call_async(bound) if self.awaited else self._call(bound))
            return Outcome("stored") if self.is_cached(bound) else Outcome("value", value)
        computed = finished(self._job(bound, self._state(registry.the_cache())).compute())
        assert isinstance(computed, Computed)
        # described by whoever keeps it, who has the arguments as they are
        return Outcome("apart", computed._replace(key=None))

    def compute_here(self, arguments: tuple[Any, ...]) -> Outcome:
        """Compute in the process that keeps the result."""
        bound = self.arguments.bind(*arguments)
        return Outcome("value", finished(self._call_async(bound) if self.awaited else self._call(bound)))

    def collect(self, arguments: tuple[Any, ...]) -> tuple[bool, Any]:
        """What a worker process has stored a moment ago, which counts as a miss."""
        cache = registry.the_cache()
        fetched = cache.collect(self._job(self.arguments.bind(*arguments), self._state(cache)))
        return (False, None) if fetched is None else (True, fetched.value)

    def spoken(self, arguments: tuple[Any, ...]) -> str:
        """A call in words."""
        shown = "..." if settings().private else self.arguments.text(self.arguments.bind(*arguments))
        return f"{self.name}({shown})"

    def adopt(self, arguments: tuple[Any, ...], computed: Computed) -> None:
        """Keep what a worker process computed."""
        cache = registry.the_cache()
        bound, state = self.arguments.bind(*arguments), self._state(cache)
        job = self._job(bound, state)
        description = self._description(bound, job.key, state, settings().private)
        job.describe = lambda: description
        note(computed.observations)  # a run under way here rests on them too
        cache.keep(job, computed)

    # -- key and job ----------------------------------------------------------------------------------------------

    def policy(self) -> Policy:
        """How results are kept now; `persist=None` follows the setting."""
        disk = self.parameters.on_disk()
        policy = self._policies.get(disk)
        if policy is None:
            policy = self._policies[disk] = self.parameters.policy()
        return policy

    def _state(self, cache: Cache) -> State:
        """What the function is and reaches; what its runs have left counts as what they had found."""
        state = self._tracker.state(self._origins)
        if self._learnt is not (disk := self.policy().disk):
            self._learnt = disk
            if known := cache.profiles.changes(self.owner, _code_of(state), disk):
                self._origins.learn(known)
                state = self._tracker.state(self._origins)
        return state

    def _token(self) -> tuple[str, str, str]:
        """What tells this function from others, before and after it was called, in every process."""
        return "nbcache", self.owner, self._state(registry.the_cache()).digest.hex()

    def _key(self, bound: Bound, state: State, arguments: tuple[tuple[str, bytes], ...]) -> Key:
        options = b"".join([bytes.fromhex(digest) for _, digest, _ in self._brought(bound, state)])
        fingerprint = state.digest + options + self.arguments.sharing(bound)
        return Key(self.owner, fingerprint, arguments, self.branches.of(state))

    def _brought(self, bound: Bound, state: State) -> tuple[Part, ...]:
        """The options that count because of the arguments; those of what the function itself reaches count already."""
        if not self.parameters.track or self.arguments.is_primitive(bound):
            return ()
        return brought((value for _, value in self.arguments.items(bound)), state.parts)

    def _place(self, state: State, key: Key) -> str:
        """What calls have in common that are the same but for globals, which a run under way may be changing."""
        return Key(self.owner, state.outline, key.arguments).text

    def _job(self, bound: Bound, state: State, began: float | None = None) -> Job:
        call = _Call(self, bound, state)
        policy = self.policy()
        return Job(
            key=call.key,
            whose=self.branches.whose() if policy.bounded else None,
            place=self._place(state, call.key) if state.outline != state.digest and state.counted else "",
            renewed=lambda: self._job(bound, self._state(registry.the_cache()), began),
            policy=policy,
            compute=call.compute_async if self.awaited else call.compute,
            describe=call.describe,
            keep_if=self.parameters.cache_if,
            replay=self._replayed,
            name=self.name,
            silent=self._said is None,
            began=perf_counter() if began is None else began,
        )

    def _watched(self, bound: Bound, state: State) -> Watched:
        parameters = self.parameters
        named: tuple[Observation, ...] = ()
        if parameters.track:
            named = candidates([value for _, value in self.arguments.items(bound)], state.paths)
        shown = (self._said, parameters.show_time, parameters.replay)
        generators = Within(state.generators, among(self.arguments.items(bound)))
        return Watched(*shown, named, parameters.track, state.packages, generators)

    def _record(self, state: State) -> None:
        """Keep what was learnt about the function's own changes for later sessions."""
        changes = self._origins.on_record()
        registry.the_cache().profiles.put_changes(self.owner, _code_of(state), changes, self.policy().disk)

    def _settled(self, key: Key, bound: Bound, state: State, changes: Changes) -> Key | None:
        """The key under which later calls look, if a run at the same time has said first as what things count."""
        if all(state.counted[label] == counted for label, counted in changes.mine.items()):
            return None
        fingerprint = state.digest_where(changes.mine)
        branch = self.branches.of(state, changes.mine)
        return Key(key.owner, fingerprint + self.arguments.sharing(bound), key.arguments, branch)

    def _description(self, bound: Bound, key: Key, state: State, private: bool) -> Description:
        if self._reached[0] is not state or self._reached[1] is not private:
            reached = tuple([(part.label, part.digest, "" if private else part.summary) for part in state.parts])
            self._reached = (state, private, reached)
        reached = self._reached[2] + self._brought(bound, state)
        if private:
            return Description("", (*argument_parts(key.arguments, repeat("", len(key.arguments))), *reached))
        text = self.arguments.text(bound)
        if self.arguments.is_primitive(bound):
            return Description(text, CallParts(self.arguments, bound, reached))
        summaries = [summary(value) for _, value in self.arguments.items(bound)]
        return Description(text, (*argument_parts(key.arguments, summaries), *reached))

    def _replay(self, recording: bytes) -> None:
        hooks.replay(recording, self.parameters.replay)

    # -- clearing and looking -------------------------------------------------------------------------------------

    def clear(self) -> int:
        """Forget everything of this function; return how many entries are gone."""
        cache = registry.the_cache()
        return cache.clear(self.owner, self._whose(cache))

    def _whose(self, cache: Cache) -> Whose | None:
        """Which entries of its name are this function's, by their keys; None for all."""
        self.branches.of(self._state(cache))
        return self.branches.whose()

    def clear_call(self, bound: Bound) -> int:
        """Forget one call; return how many entries are gone."""
        cache = registry.the_cache()
        job = self._job(bound, self._state(cache))
        return cache.delete(job.address, job.place)

    def clear_where(self, partial: dict[str, Any]) -> int:
        """Forget all calls whose named arguments have these values; return how many entries are gone."""
        check_names(self.name, self.arguments, partial)
        if not partial:
            return self.clear()
        cache, code = registry.the_cache(), ArgumentCode(self._origins)
        whose = self._whose(cache)
        matching = entries_where(cache, self.owner, whose, self.arguments, code, partial)
        return sum(cache.delete(address) for address in matching)

    def is_cached(self, bound: Bound) -> bool:
        cache = registry.the_cache()
        return not settings().off and cache.holds(self._job(bound, self._state(cache)))

    def explain(self, bound: Bound) -> Explanation:
        cache = registry.the_cache()
        state = self._state(cache)
        job = self._job(bound, state)
        return explain_call(
            cache,
            job,
            self._description(bound, job.key, state, settings().private),
            unfollowed=(*state.unfollowed, *self._own_changes()),
            tracked=self.parameters.track,
        )

    def _own_changes(self) -> Iterator[str]:
        for label in self._origins.labels:
            yield f"what the function does to {said_of(label)}"

    def info(self) -> FunctionInfo:
        return function_row(registry.the_cache(), self.owner)

    def entries(self) -> list[EntryInfo]:
        return entry_rows(registry.the_cache(), self.owner)


class _Call:
    """One call on its way: computes the value, and describes it.

    Nothing here leads back to the job, so that a call that is over leaves nothing to the garbage collector.
    """

    __slots__ = ("_bound", "_code", "_described", "_slow", "_state", "key")

    def __init__(self, slow: SlowPath, bound: Bound, state: State) -> None:
        self._slow = slow
        self._bound = bound
        self._state = state
        self._code = ArgumentCode(slow._origins)
        self.key = slow._key(bound, state, tuple(slow.arguments.digests(bound, self._code)))
        self._described: Description | None = None

    def compute(self) -> Computed:
        slow = self._slow
        with self._under_way() as outcome:
            with self._begun() as run:
                value = slow.arguments.call(slow._function, self._bound)
            refuse_awaitable(value, slow.name)
        return self._computed(value, run, outcome)

    async def compute_async(self) -> Computed:
        slow = self._slow
        with self._under_way() as outcome, self._begun() as run:
            value = await slow.arguments.call(slow._function, self._bound)
        return self._computed(value, run, outcome)

    def _under_way(self) -> UnderWay:
        return UnderWay(self._slow._origins, self._state, self._code, self._slow._record)

    def _computed(self, value: Any, run: Run, outcome: UnderWay) -> Computed:
        changes = outcome.changes
        slow = self._slow
        if slow.changed.look(self._bound, self.key.arguments):
            slow._record(self._state)
        key = slow._settled(self.key, self._bound, self._state, changes)
        computed = run.computed(value, run.recorded.to_bytes(), key)
        if changes.others and computed.storable:
            return computed._replace(storable=False, moved=f"the {changes.others[0]}")
        return computed

    def describe(self) -> Description:
        """The arguments as they were before the run."""
        assert self._described is not None
        return self._described

    def _begun(self) -> Watched:
        slow, bound, state, chosen = self._slow, self._bound, self._state, settings()
        self._described = slow._description(bound, self.key, state, chosen.private)
        if chosen.explain_misses:
            report_unexpected_miss(registry.the_cache(), slow._job(bound, state), self._described)
        return slow._watched(bound, state)


def _code_of(state: State) -> str:
    return next((part.digest for part in state.parts if part.label == "code"), state.outline.hex())
