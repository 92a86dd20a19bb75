"""A cell while it runs: what it shows, reads, binds and changes; and all of that as one pickle afterwards."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from math import inf
from types import MethodType
from typing import Any

from nbcache.calls.run import Run, Watched
from nbcache.config import error_text, settings
from nbcache.errors import UnstorableResultError
from nbcache.hashing.attributes import attribute_of, held_by
from nbcache.hashing.deadline import DeadlineError, check, within
from nbcache.notebook.cells import changes
from nbcache.notebook.cells.code import CellCode
from nbcache.notebook.cells.effects.library_options import LibraryOptions
from nbcache.notebook.cells.effects.programs import ProgramsStarted
from nbcache.notebook.cells.effects.registrations import ProcessState
from nbcache.notebook.cells.effects.remembered import asked_for, fills
from nbcache.notebook.cells.estimates import pickling_time, walking_time
from nbcache.notebook.cells.inputs import Inputs
from nbcache.notebook.cells.namespace import pack, without_values
from nbcache.notebook.cells.objects.differences import BeforeRun, digest_of
from nbcache.notebook.cells.objects.imported import modules_of
from nbcache.notebook.cells.objects.places import MOST, TooManyObjectsError
from nbcache.notebook.cells.options import Options
from nbcache.notebook.cells.outcome import KnownObjects, Outcome, PickledNames
from nbcache.notebook.display import figures
from nbcache.notebook.display.outputs import Recording, record
from nbcache.tracking.observations.generators import draws
from nbcache.tracking.observations.recorder import Recorder, recording
from nbcache.tracking.written.files_written import FilesWritten

__all__ = ["TOO_LONG", "CellRun", "observed"]

# Parts of a figure know its canvas, its window and one another by references that only they can make.
_PARTS_OF_FIGURES = "matplotlib.artist"
# Labels that would be equal are numbered.
_SEVERAL = re.compile(r" \(\d+\)$")
TOO_LONG = "checking whether its inputs have changed may take longer than running it"


class CellRun:
    """What a run did.

    Attributes
    ----------
    raised : whether it raised; then nothing else counts
    run, opened, recording : time and files, what it did outside of the notebook, what it showed
    files, programs : the files that it wrote; the programs that it started, and the network
    bound, deleted : names
    objects : what its names reached before it ran; or why that is not known
    """

    def __init__(
        self,
        run: Run,
        opened: Recorder,
        recording: Recording,
        files: FilesWritten,
        programs: ProgramsStarted,
        objects: BeforeRun | str,
    ) -> None:
        self.raised = False
        self.run = run
        self.opened = opened
        self.recording = recording
        self.files = files
        self.programs = programs
        self.bound: dict[str, Any] = {}
        self.deleted: list[str] = []
        self.objects = objects
        self._process = ProcessState()
        self._options = LibraryOptions()

    def effects(self) -> str:
        """Say what the run did outside of the notebook, which a hit does not do again; empty for nothing."""
        done = list(self.programs.done)
        read = [seen.name for seen in self.opened.observations if seen.kind == "file"]
        if trouble := self.files.trouble(read):
            done.append(trouble)
        done += [f"it changes {what}" for what in self.changed_session()]
        return ", ".join(done)

    def changed_session(self) -> list[str]:
        """What the run left behind in the process and in libraries."""
        return self._process.changed()

    def draws_unseeded(self) -> bool:
        """Whether it drew random numbers whose state does not count."""
        return draws.unseeded(self.run.digests)

    def packed(
        self, inputs: Inputs, code: CellCode, options: Options, namespace: dict[str, Any], result: Any
    ) -> tuple[PickledNames | None, str]:
        """Pickle what the run did; or `None`, and why that cannot be."""
        outcome = Outcome(
            bound=dict(self.bound), deleted=self.deleted, values=list(self.recording.values), result=result
        )
        trouble = self._changed_in_place(inputs, options, outcome)
        if trouble:
            return None, trouble
        assert not isinstance(self.objects, str)
        if name := _dict_of_an_object(outcome.bound, [node.value for node in self.objects.reached.nodes.values()]):
            return None, f"{name} is the very dictionary in which an object keeps its attributes"
        there = self.objects.reached.nodes.keys()
        anew = {id(value) for _, value in outcome.replaced}
        check(pickling_time(outcome.new_parts(), there - anew if anew else there))
        outcome.modules = [name for name in (*code.imports(), figures.INLINE) if name in sys.modules]
        outcome.options = self._options.changed(one.text for one in code.names.touched)
        if not self.files.trouble(()):
            outcome.files = self.files.outputs(settings().written_bound)
        if any(map(_is_code, outcome.bound.values())):
            outcome.sources = {code.filename: code.source}
        modules = {*code.names.modules, *modules_of((*namespace.values(), *inputs.values.values()))}
        known = KnownObjects(namespace, self.objects.reached, frozenset(modules))
        try:
            return pack(outcome, known), ""
        except UnstorableResultError as error:
            packed = without_values(outcome, known)
            return packed, "" if packed is not None else str(error)

    def _changed_in_place(self, inputs: Inputs, options: Options, outcome: Outcome) -> str:
        """Find the objects that the run changed, and take their new content down; say what cannot be restored."""
        if isinstance(self.objects, str):
            return self.objects
        assert inputs.state is not None
        try:
            differences = self.objects.differences()
        except DeadlineError:
            raise
        except Exception as error:
            return f"its inputs cannot be compared ({error_text(error)})"
        reached = self.objects.reached
        if differences.trouble:
            return differences.trouble
        outcome.filled = [*self.objects.filled(), *fills(outcome.bound)]
        if name := asked_for(outcome.filled, options.policy.disk):
            return f"it calls {name}, and another cell looks at {name}.cache_info(), which a hit would not fill"
        values = [*(value for value, _ in differences.contents), *(value for _, value in differences.replaced)]
        for value in values:
            name = reached.name_of(value)
            if _is_drawing(value) or _is_drawing(inputs.values.get(name)):
                return f"it draws into {name}, which an earlier cell has made"
        for label in sorted(inputs.state.changed()):
            kind, _, name = _SEVERAL.sub("", label).rpartition(" ")
            if not reached.follows(name) and not (kind == "closure" and self.objects.in_closure(values)):
                return f"it changes {label}, which cannot be restored"
        changed = set(map(id, values))
        for name, digest in inputs.digests.items():
            seen = not self.objects.is_deep(name) or digest_of(inputs.values[name]) == digest
            if not seen and not self.objects.reaches(name, changed):
                return f"it changes {name} in a way that cannot be seen"
        if options.outputs is not None:
            outcome.bound = {name: value for name, value in outcome.bound.items() if name in options.outputs}
            changed = {one for one in changed if any(self._reaches(name, one) for name in options.outputs)}
        outcome.contents = [one for one in differences.contents if id(one[0]) in changed]
        outcome.replaced = [one for one in differences.replaced if id(one[1]) in changed]
        outcome.changed = sorted({reached.name_of(value) for value in values if id(value) in changed})
        return ""

    def _reaches(self, name: str, identity: int) -> bool:
        assert not isinstance(self.objects, str)
        return name in self.objects.reached.names and self.objects.reaches(name, {identity})


def _dict_of_an_object(bound: Mapping[str, Any], reached: list[Any]) -> str:
    """The first name that is bound to what `vars` gives of an object; empty for none."""
    found = {id(value): name for name, value in bound.items() if type(value) is dict}
    if found:
        for one in (*bound.values(), *reached):
            if (held := held_by(one)) is not None and id(held) in found:
                return found[id(held)]
    return ""


def _is_code(value: object) -> bool:
    return isinstance(value, type | MethodType) or attribute_of(value, "__code__") is not None


def _is_drawing(value: object) -> bool:
    return any(base.__module__ == _PARTS_OF_FIGURES for base in type(value).__mro__)


@contextmanager
def observed(
    inputs: Inputs,
    code: CellCode,
    options: Options,
    namespace: dict[str, Any],
    hidden: dict[str, Any],
    limit: float = inf,
) -> Iterator[CellRun]:
    """Observe a run of the cell: afterwards it is known what it did.

    Parameters
    ----------
    limit : how long looking at its inputs may take, in seconds
    """
    before = changes.Before(namespace, hidden, code.names, code.marks)
    objects = _objects(inputs, namespace, hidden, limit)
    with (
        draws.counted(options.rng),
        Watched(None, False, "none", inputs.files(), True, inputs.packages(), inputs.generators()) as run,
        recording() as opened,
        FilesWritten(inputs.texts()) as written,
        ProgramsStarted(inputs.scripts) as programs,
        record("cell") as shown,
    ):
        _import(code.first_imports())
        seen = CellRun(run, opened, shown, written, programs, objects)
        yield seen
    run.seconds += shown.drawing  # a hit saves it as well
    seen.bound, seen.deleted = before.bound(), before.deleted()


def _import(modules: Iterable[str]) -> None:
    """Import what the cell imports first anyway, so that the state of the process is compared without it."""
    for name in modules:
        try:
            importlib.import_module(name)
        except (Exception, SystemExit):  # the cell is about to say so itself
            return


def _objects(inputs: Inputs, namespace: dict[str, Any], hidden: dict[str, Any], limit: float) -> BeforeRun | str:
    """Look at what the names of the cell reach; or say why that cannot be done."""
    names = [name for name in {*inputs.values, *inputs.reached()} if name in namespace]
    try:
        names = [name for name in names if not changes.is_session(name, namespace[name], hidden)]
        with within(limit):
            check(walking_time(map(namespace.__getitem__, names)))
            return BeforeRun(namespace, names, inputs.digests)
    except DeadlineError:
        return TOO_LONG
    except TooManyObjectsError:
        return f"its inputs hold more than {MOST:,} objects"
    except Exception as error:  # a property, a length, a comparison of the user's: the cell has to run all the same
        return f"its inputs cannot be read ({error_text(error)})"
