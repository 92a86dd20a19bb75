"""One cached cell: looked up by its key, restored, or run and kept."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Coroutine
from dataclasses import replace
from functools import partial
from itertools import starmap
from typing import Any

from IPython.core.error import UsageError

from nbcache import registry
from nbcache.compute.garbage import uncollected
from nbcache.config import error_text, settings
from nbcache.engine.cache import Cache
from nbcache.engine.job import Computed, Description, Fetched, Job
from nbcache.entries.entry import Address
from nbcache.errors import of_other_version
from nbcache.hashing.deadline import DeadlineError, within
from nbcache.inspection.explanation import Explanation, explain_call
from nbcache.notebook.cells import changes
from nbcache.notebook.cells.aliases import make_known, other_owners
from nbcache.notebook.cells.code import CellCode, cell_owner
from nbcache.notebook.cells.costs import CellCosts
from nbcache.notebook.cells.driving import driven, in_event_loop, nothing
from nbcache.notebook.cells.effects.remembered import asked_for
from nbcache.notebook.cells.inputs import Inputs, inputs_of
from nbcache.notebook.cells.namespace import load_pickler, size_of, unpack
from nbcache.notebook.cells.objects.restoring import HeldElsewhereError
from nbcache.notebook.cells.options import Options, check_names, is_off
from nbcache.notebook.cells.outcome import PickledNames
from nbcache.notebook.cells.refusals import Refusals
from nbcache.notebook.cells.report import Report, advice
from nbcache.notebook.cells.run import TOO_LONG, CellRun, observed
from nbcache.notebook.cells.shown import hit_line, show_again
from nbcache.notebook.display.messages import note, warn_about
from nbcache.notebook.display.quantities import size
from nbcache.tracking.observations.effects import repeat
from nbcache.tracking.observations.generators import draws
from nbcache.tracking.observations.observation import Effect

__all__ = ["CachedCell", "CellFailedError", "Report"]

Execute = Callable[[], Coroutine[Any, Any, bool]]
"""Runs the statements of the cell in its shell; true when they raised, and the traceback has been shown."""


class CellFailedError(Exception):
    """The cell raised; the user has seen it already, and nothing is to be stored."""


class CachedCell:
    """One run of one cell.

    Parameters
    ----------
    automatic : whether the user did not ask for this cell: then problems are only reported, and a run shorter than
        `min_seconds`, or one with effects outside of the notebook, is not kept

    Attributes
    ----------
    shared : the entry of an equal cell of another name that answers this one
    """

    def __init__(
        self, shell: Any, code: CellCode, options: Options, *, automatic: bool = False, min_seconds: float = 0.0
    ) -> None:
        self.code = code
        self.options = options
        self.report = Report()
        self.owner = cell_owner(options.name or code.digest)
        self.shared: Address | None = None
        self._shell = shell
        self._namespace: dict[str, Any] = shell.user_ns
        self._hidden: dict[str, Any] = shell.user_ns_hidden
        self._automatic = automatic
        self._refusals = Refusals(code, options, self._namespace, min_seconds if automatic else None)
        self.costs = CellCosts()
        self._result: Any = None
        self._effects = ""
        self._began = 0.0
        self._left = math.inf

    # -- running ---------------------------------------------------------------------------------------------------

    async def run(self, execute: Execute) -> bool:
        """Restore the cell, or run it; true when it raised.

        A cell without `await` never suspends, so that it can be driven without an event loop.
        """
        inputs = self._inputs()
        if inputs is None:
            self._require()
            began = time.perf_counter()
            try:
                return await execute()
            finally:
                self.report.seconds = time.perf_counter() - began
        cache = registry.the_cache()
        awaited = self.code.awaits and in_event_loop()
        job = self._job(
            cache, inputs, self._compute_async(inputs, execute) if awaited else self._compute(inputs, execute)
        )
        try:
            if self.options.force:
                fetched = await cache.refresh_async(job) if awaited else cache.refresh(job)
            else:
                fetched = await cache.fetch_async(job) if awaited else cache.fetch(job)
            self.costs.waited = job.waited
            if fetched.hit and not self._restored(cache, fetched):
                fetched = await cache.refresh_async(job) if awaited else cache.refresh(job)
        except CellFailedError:
            self.report.outcome = "failed"
            return True
        self._finish(cache, job, fetched)
        return False

    def value(self, execute: Callable[[], Any]) -> Any:
        """Restore the cell, or run it, and return the value of its last expression; what it raises is raised."""

        async def execute_once() -> bool:
            self._result = execute()
            return False

        inputs = self._inputs()
        if inputs is None:
            self._require()
            return execute()
        cache = registry.the_cache()
        job = self._job(cache, inputs, self._compute(inputs, execute_once))
        fetched = cache.refresh(job) if self.options.force else cache.fetch(job)
        if fetched.hit and not self._restored(cache, fetched, shown=False):
            fetched = cache.refresh(job)
        self._finish(cache, job, fetched)
        result, self._result = self._result, None
        return result

    def explain(self, others: Collection[Address] = ()) -> Explanation:
        """Why the cell would be a hit or a miss now.

        Parameters
        ----------
        others : entries of equal cells that have answered it
        """
        inputs = self._inputs(quietly=True)
        if inputs is None or inputs.state is None:
            return Explanation(False, (), self.report.reason, self.owner)
        cache = registry.the_cache()
        job = self._job(cache, inputs, nothing)
        if others and not any(True for _ in cache.entries(job.key.owner)):
            job = replace(job, key=inputs.key(next(iter(others)).owner))
        return explain_call(cache, job, self._description(inputs), unfollowed=inputs.state.unfollowed, tracked=True)

    # -- before a run ----------------------------------------------------------------------------------------------

    def _inputs(self, quietly: bool = False) -> Inputs | None:
        """Take the inputs; `None`, with the reason reported, when the cell has no key."""
        check_names(self.options, self.code.names, self.code.roots, self._namespace)
        self.report.reason = is_off() or self._refusals.before()
        if self.report.reason:
            if not is_off() and not quietly:
                self._warn("This cell is not cached; it runs every time.")
            return None
        began = self._began = time.perf_counter()
        allowed = self.costs.allowance()
        try:
            with uncollected(), within(allowed):
                limit = allowed if self._automatic else math.inf
                inputs = inputs_of(self.code, self.options, self._namespace, self._hidden, limit)
        except DeadlineError:
            self.report.overhead = time.perf_counter() - began
            self.report.reason = TOO_LONG
            self.costs.key_takes_too_long(TOO_LONG)
            if not quietly:
                self._warn("This cell is not cached; it runs every time.")
            return None
        except Exception as error:  # whatever could not be followed, the cell itself has to run
            self.report.reason = f"its key could not be made ({error_text(error)})"
            if not quietly:
                self._warn("This cell is not cached; it runs every time.")
            return None
        self.report.overhead = time.perf_counter() - began
        self._left = max(allowed - self.report.overhead, allowed / 4) if self._automatic else math.inf
        if inputs.unreadable is not None:
            name, kind = inputs.unreadable
            self.report.reason = f"input {name} cannot be read ({kind})"
            if not quietly:
                self._warn("This cell is not cached; it runs every time.")
            return None
        return inputs

    def _require(self) -> None:
        if self.options.strict and not is_off():
            raise UsageError(f"--strict: this cell cannot be cached: {self.report.reason}")

    def _warn(self, what: str, why: str = "", do: str = "") -> None:
        """Warn about the cell; of one that is not cached, with the reason and what to change, as status says it."""
        if not self._automatic and not self.options.strict:
            reason = why or self.report.reason
            do = do or f"{advice(reason) or 'put that part into a cell of its own'}."
            warn_about(what, why or f"{reason}.", do, self.code.filename, self.code.nodes[0].lineno)

    # -- the request -----------------------------------------------------------------------------------------------

    def _job(self, cache: Cache, inputs: Inputs, compute: Callable[[], Any]) -> Job:
        def make(owner: str) -> Job:
            return Job(
                key=inputs.key(owner),
                policy=self.options.policy,
                compute=compute,
                describe=lambda: self._description(inputs),
                kind="cell",
                name=owner,
                began=self._began,
                put_in_place=True,
            )

        job = make(self.owner)
        if not self.options.force and cache.locate(job) is None:
            for other in map(make, other_owners(cache, job)):
                if cache.holds(other):
                    self.shared = other.address
                    return other
        return job

    def _description(self, inputs: Inputs) -> Description:
        return Description("", inputs.parts(settings().private))

    def _compute(self, inputs: Inputs, execute: Execute) -> Callable[[], Computed]:
        def compute() -> Computed:
            inputs.look()
            self._note_what_changed(inputs)
            with observed(inputs, self.code, self.options, self._namespace, self._hidden, self._left) as seen:
                seen.raised = driven(execute())
            return self._computed(inputs, seen)

        return compute

    def _compute_async(self, inputs: Inputs, execute: Execute) -> Callable[[], Coroutine[Any, Any, Computed]]:
        async def compute() -> Computed:
            inputs.look()
            self._note_what_changed(inputs)
            with observed(inputs, self.code, self.options, self._namespace, self._hidden, self._left) as seen:
                seen.raised = await execute()
            return self._computed(inputs, seen)

        return compute

    def _note_what_changed(self, inputs: Inputs) -> None:
        """Before a known cell runs again: which input is to blame."""
        if self.options.quiet or self.options.force or self._automatic:
            return
        cache = registry.the_cache()
        description = self._description(inputs)
        key = inputs.key(self.owner)
        job = Job(key, self.options.policy, nothing, lambda: description, kind="cell", name=self.owner)
        found = explain_call(cache, job, description, unfollowed=(), tracked=True)
        why = found.changed[0] if found.changed else found.reason if found.reason.startswith("expired") else ""
        more = f" (and {len(found.changed) - 1} more)" if len(found.changed) > 1 else ""
        if why and not found.hit:
            note(f"{self.owner} runs again: {' '.join(why.split())}{more}")

    # -- after a run -----------------------------------------------------------------------------------------------

    def _computed(self, inputs: Inputs, seen: CellRun) -> Computed:
        self.report.seconds = seen.run.seconds
        if seen.raised:
            raise CellFailedError
        began = time.perf_counter()
        packed, reason = None, ""
        try:
            reason = self._refusals.after(seen)
            if not reason:
                load_pickler()  # once in a session, and no cost of this cell
                with uncollected(), within(self.costs.storing(seen.run.seconds)), draws.unmoved():
                    packed, reason = self._taken_down(inputs, seen)
        except DeadlineError:
            packed, reason = None, "storing its result takes too long for the time that it saves"
            self.costs.does_not_pay(reason)
        except Exception as error:  # the cell has run, and what fails here is ours
            packed, reason = None, f"what it did could not be recorded ({error_text(error)})"
        kept = size_of(packed) if packed is not None and self._automatic else 0
        if kept > (self.options.policy.max_size or math.inf):
            packed, reason = None, f"it keeps {size(kept)}, more than --max-size"
        self.report.overhead += time.perf_counter() - began
        if packed is None:
            self.report.reason = reason
            return Computed(None, storable=False)
        self._effects = self._refusals.not_repeated(seen)
        return seen.run.computed(packed, seen.recording.to_bytes(), None)

    def _taken_down(self, inputs: Inputs, seen: CellRun) -> tuple[PickledNames | None, str]:
        packed, reason = seen.packed(inputs, self.code, self.options, self._namespace, self._result)
        if reason.endswith(")") and "cannot be stored (" in reason:
            self.costs.does_not_pay(reason)
        elif reason == TOO_LONG:
            self.costs.key_takes_too_long(reason)
        return packed, reason

    # -- a hit -----------------------------------------------------------------------------------------------------

    def _restored(self, cache: Cache, fetched: Fetched, shown: bool = True) -> bool:
        """Bind what is stored and show it again; false when it does not fit, with the entry gone if it never will."""
        assert fetched.slot is not None
        entry = fetched.slot.entry
        began = time.perf_counter()
        try:
            with uncollected():
                outcome = unpack(fetched.value, self._namespace)
            if asked_for(outcome.filled, self.options.policy.disk):
                cache.delete(fetched.slot.address)
                return False
            # Only now: loading may draw random numbers, and where it fails the cell runs from the state that it found.
            effects = partial(repeat, starmap(Effect, entry.meta.effects))
            written = changes.apply(outcome, self._namespace, self._hidden, effects)
            self.code.set_features(self._shell.compile)
        except HeldElsewhereError as error:  # the entry fits a session in which nothing does
            if not self.options.quiet:
                note(f"{self.owner} runs again: {error}")
            return False
        except Exception as error:  # a class or an input that is not what it was: the entry is of no use
            if not of_other_version(error):
                self._warn(
                    "The stored result of this cell could not be loaded; the cell runs again.",
                    error_text(error),
                    "nothing; the new result takes its place.",
                )
            cache.delete(fetched.slot.address)
            return False
        now = time.perf_counter()
        fetched.slot.spent += now - began  # what came before, the look-up has counted itself
        self.report.overhead = now - self._began
        self.report.outcome, self.report.seconds = "hit", entry.meta.seconds
        if not self.options.quiet:
            age = cache.clock() - entry.meta.created
            note(hit_line(outcome, age, entry.meta.seconds, self.report.overhead, written))
        if self.options.replay:
            show_again(self._shell, entry.recording, outcome, values=shown, quiet=self.code.quiet)
        values = outcome.values
        self._result = outcome.result if outcome.result is not None or not values else values[-1]
        return True

    def _finish(self, cache: Cache, job: Job, fetched: Fetched) -> None:
        """Say what became of a run that was not a hit."""
        if fetched.hit and self.report.outcome == "hit":
            return
        if fetched.slot is not None:
            self.report.outcome = "stored"
            if job.key.owner == self.owner:
                make_known(cache, job)
            if self._effects and not self._automatic and not self.options.quiet:
                note(f"Cached. A hit skips these side effects: {self._effects}.")
            return
        self.report.outcome = "not cached"
        self.report.reason = self.report.reason or "a file it reads changed while it ran"
        if self.options.policy.ttl == 0:
            return
        self._warn("This cell has run, and its result is not cached.")
        self._require()
