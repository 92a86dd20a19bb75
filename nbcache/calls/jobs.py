"""What the cache is asked for a call: its key, its job, and the run that computes it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import repeat
from time import perf_counter
from typing import Any, NamedTuple

from nbcache import registry
from nbcache.calls.branches import Branches
from nbcache.calls.callables import is_async
from nbcache.calls.changed_arguments import ChangedArguments
from nbcache.calls.defaults import Defaults
from nbcache.calls.parameters import Parameters
from nbcache.calls.run import Run, Watched, refuse_awaitable
from nbcache.calls.under_way import UnderWay
from nbcache.config import switches
from nbcache.engine.cache import Cache
from nbcache.engine.hooks import hooks
from nbcache.engine.job import CallParts, Computed, Description, Job, argument_parts
from nbcache.engine.policy import Policy
from nbcache.engine.slot import Replay
from nbcache.entries.meta import Part
from nbcache.hashing.hasher import summary
from nbcache.inspection.explanation import report_unexpected_miss
from nbcache.keys.arguments import Arguments, Bound
from nbcache.keys.key import Key
from nbcache.stores.forks import renew_after_fork
from nbcache.tracking.argument_code import ArgumentCode
from nbcache.tracking.fingerprint import Tracker
from nbcache.tracking.observations.generators.objects import Within, among
from nbcache.tracking.observations.named_files import candidates, texts_in
from nbcache.tracking.observations.observation import Observation
from nbcache.tracking.options.state import brought
from nbcache.tracking.origins import Origins
from nbcache.tracking.state import Changes, State
from nbcache.tracking.written.files_written import FilesWritten

__all__ = ["Jobs"]

_FILES: Part = ("option outputs", "files", "files")
#: Of arguments that are numbers and texts: these have no code.
_NO_CODE = ArgumentCode()


class Beside(NamedTuple):
    """What the key of a call follows beside the function and the content of its arguments.

    Attributes
    ----------
    options : those of libraries that count because of the arguments
    digest : of them, of which arguments are one object, and of whether files are written
    """

    options: tuple[Part, ...]
    digest: bytes


class Jobs:
    """The jobs of one cached function.

    Attributes
    ----------
    arguments : how the function is called
    branches : what tells it from other functions of its name
    origins : what its runs have changed, and as what that counts
    defaults : what arguments count that were not given
    changed : what its runs do to its arguments
    """

    def __init__(
        self, function: Callable[..., Any], parameters: Parameters, owner: str, name: str, arguments: Arguments
    ) -> None:
        self.function = function
        self.name = name
        self.arguments = arguments
        self.origins = Origins()
        renew_after_fork(self.origins)
        self.branches = Branches(function, owner, parameters, self.origins)
        self.defaults = Defaults(arguments)
        self.changed = ChangedArguments(name, arguments, self.origins)
        self._owner = owner
        self._parameters = parameters
        self._awaited = is_async(function)
        self._message = parameters.message(f"{name}({'...' if arguments.signature.parameters else ''})")
        # one for all jobs: every entry in memory holds it
        self._replayed: Replay | None = self._replay if parameters.replay != "none" else None
        self._tracker = Tracker(
            {"": function},
            track=parameters.track,
            hash_funcs=parameters.hash_funcs,
            depends_on=parameters.depends_on,
        )
        self._learnt: bool | None = None
        self._policies: dict[bool, Policy] = {}
        self._reached: tuple[State | None, bool, tuple[Part, ...]] = (None, False, ())

    def policy(self) -> Policy:
        """How results are kept now; `persist=None` follows the setting."""
        disk = self._parameters.on_disk()
        policy = self._policies.get(disk)
        if policy is None:
            policy = self._policies[disk] = self._parameters.policy()
        return policy

    def state(self, cache: Cache) -> State:
        """What the function is and reaches; what its runs have left counts as what they had found."""
        state = self._tracker.state(self.origins)
        if self._learnt is not (disk := self.policy().disk):
            self._learnt = disk
            if known := cache.profiles.changes(self._owner, _code_of(state), disk):
                self.origins.learn(known)
                state = self._tracker.state(self.origins)
        return state

    def token(self) -> tuple[str, str, str]:
        """What tells this function from others, before and after it was called, in every process."""
        return "nbcache", self._owner, self.state(registry.the_cache()).digest.hex()

    def key(self, state: State, arguments: tuple[tuple[str, bytes], ...], beside: Beside) -> Key:
        return Key(self._owner, state.digest + beside.digest, arguments, self.branches.of(state))

    def beside(self, bound: Bound, state: State, primitive: bool = False) -> Beside:
        """What the key of a call follows beside the function and the content of its arguments."""
        # an entry of the other kind would write files that nobody asked for, or would not
        files = b"files" if self._parameters.outputs else b""
        if primitive:
            return Beside((), files)
        options = self._brought(bound, state)
        digest = b"".join([bytes.fromhex(digest) for _, digest, _ in options])
        return Beside(options, digest + self.arguments.sharing(bound) + files)

    def _brought(self, bound: Bound, state: State) -> tuple[Part, ...]:
        """The options that count because of the arguments; those of what the function itself reaches count already."""
        if not self._parameters.track:
            return ()
        return brought((value for _, value in self.arguments.items(bound)), state.parts)

    def _place(self, state: State, key: Key) -> str:
        """What calls have in common that are the same but for globals, which a run under way may be changing."""
        return Key(self._owner, state.outline, key.arguments).text

    def job(self, bound: Bound, state: State, began: float | None = None, primitive: bool | None = None) -> Job:
        """What the cache is asked for a call.

        Parameters
        ----------
        primitive : what `Arguments.is_primitive` says of it, where somebody has asked
        """
        call = _Call(self, bound, state, self.arguments.is_primitive(bound) if primitive is None else primitive)
        policy = self.policy()
        return Job(
            key=call.key,
            whose=self.branches.whose() if policy.bounded else None,
            place=self._place(state, call.key) if state.outline != state.digest and state.counted else "",
            renewed=lambda: self._renewed(bound, state, began),
            policy=policy,
            compute=call.compute_async if self._awaited else call.compute,
            describe=call.describe,
            keep_if=self._parameters.cache_if,
            replay=self._replayed,
            name=self.name,
            silent=self._message is None,
            began=perf_counter() if began is None else began,
        )

    def _renewed(self, bound: Bound, state: State, began: float | None) -> Job | None:
        now = self.state(registry.the_cache())
        return None if now is state else self.job(bound, now, began)

    def watched(self, bound: Bound, state: State, primitive: bool) -> Watched:
        parameters = self._parameters
        named: tuple[Observation, ...] = ()
        if parameters.track:
            named = candidates([value for _, value in self.arguments.items(bound)], state.paths)
        shown = (self._message, parameters.show_time, parameters.replay)
        generators = Within(state.generators, {} if primitive else among(self.arguments.items(bound)))
        written = None
        if parameters.outputs:
            given = texts_in(value for _, value in self.arguments.items(bound))
            written = FilesWritten((*given, *state.paths), always=True)
        return Watched(*shown, named, parameters.track, state.packages, generators, written)

    def record(self, state: State) -> None:
        """Keep what was learnt about the function's own changes for later sessions."""
        changes = self.origins.on_record()
        registry.the_cache().profiles.put_changes(self._owner, _code_of(state), changes, self.policy().disk)

    def settled(self, key: Key, beside: Beside, state: State, changes: Changes) -> Key | None:
        """The key under which later calls look, if a run at the same time has said first as what things count."""
        if not changes.mine or all(state.counted[label] == counted for label, counted in changes.mine.items()):
            return None
        fingerprint = state.digest_where(changes.mine) + beside.digest
        return Key(key.owner, fingerprint, key.arguments, self.branches.of(state, changes.mine))

    def description(
        self, bound: Bound, key: Key, state: State, options: tuple[Part, ...], private: bool, primitive: bool
    ) -> Description:
        if self._reached[0] is not state or self._reached[1] is not private:
            reached = tuple([(part.label, part.digest, "" if private else part.summary) for part in state.parts])
            if self._parameters.outputs:
                reached += (_FILES,)
            self._reached = (state, private, reached)
        reached = self._reached[2] + options
        if private:
            return Description("", (*argument_parts(key.arguments, repeat("", len(key.arguments))), *reached))
        text = self.arguments.text(bound, limit=1000, each=240)
        if primitive:
            return Description(text, CallParts(self.arguments, bound, reached))
        summaries = [summary(value) for _, value in self.arguments.items(bound)]
        return Description(text, (*argument_parts(key.arguments, summaries), *reached))

    def _replay(self, recording: bytes) -> None:
        hooks.replay(recording, self._parameters.replay)


class _Call:
    """One call on its way: computes the value, and describes it.

    Nothing here leads back to the job, so that a call that is over leaves nothing to the garbage collector.
    """

    __slots__ = ("_beside", "_bound", "_code", "_described", "_jobs", "_primitive", "_state", "key")

    def __init__(self, jobs: Jobs, bound: Bound, state: State, primitive: bool) -> None:
        self._jobs = jobs
        self._bound = bound
        self._state = state
        self._primitive = primitive
        self._code = _NO_CODE if primitive else ArgumentCode(jobs.origins, state.asks)
        self._beside = jobs.beside(bound, state, primitive)
        self.key = jobs.key(state, jobs.defaults.digests(bound, self._code, state), self._beside)
        self._described: Description | None = None

    def compute(self) -> Computed:
        jobs = self._jobs
        with self._under_way() as outcome:
            with self._begun() as run:
                value = jobs.arguments.call(jobs.function, self._bound)
            refuse_awaitable(value, jobs.name)
        return self._computed(value, run, outcome)

    async def compute_async(self) -> Computed:
        jobs = self._jobs
        with self._under_way() as outcome, self._begun() as run:
            value = await jobs.arguments.call(jobs.function, self._bound)
        return self._computed(value, run, outcome)

    def _under_way(self) -> UnderWay:
        return UnderWay(self._jobs.origins, self._state, self._code, self._jobs.record)

    def _computed(self, value: Any, run: Run, outcome: UnderWay) -> Computed:
        changes = outcome.changes
        jobs = self._jobs
        if not self._primitive and jobs.changed.look(self._bound, self.key.arguments, self._state.asks):
            jobs.record(self._state)
        key = jobs.settled(self.key, self._beside, self._state, changes)
        computed = run.computed(value, run.recorded.to_bytes(), key)
        if changes.drew:
            return computed._replace(drew=" and ".join(changes.drew))
        if changes.others and computed.storable:
            return computed._replace(storable=False, moved=f"the {changes.others[0]}")
        return computed

    def describe(self) -> Description:
        """The arguments as they were before the run; where there was none in this process, as they are."""
        if self._described is None:
            private = switches().private
            self._described = self._jobs.description(
                self._bound, self.key, self._state, self._beside.options, private, self._primitive
            )
        return self._described

    def _begun(self) -> Watched:
        jobs, bound, state = self._jobs, self._bound, self._state
        described = self.describe()
        if switches().explain_misses:
            report_unexpected_miss(registry.the_cache(), jobs.job(bound, state), described)
        return jobs.watched(bound, state, self._primitive)


def _code_of(state: State) -> str:
    return next((part.digest for part in state.parts if part.label == "code"), state.outline.hex())
