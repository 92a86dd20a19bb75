"""A cell while it runs: what it shows, reads, binds and changes; and all of that as one pickle afterwards."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from nbcache.calls.run import Run, Watched
from nbcache.config import settings
from nbcache.errors import UnstorableResultError
from nbcache.hashing import hasher
from nbcache.notebook.cells import changes
from nbcache.notebook.cells.code import CellCode
from nbcache.notebook.cells.inputs import Inputs
from nbcache.notebook.cells.namespace import Outcome, Packed, pack, without_values
from nbcache.notebook.cells.options import Options
from nbcache.notebook.cells.side_effects import ProcessState
from nbcache.notebook.cells.written import FilesWritten
from nbcache.notebook.display import figures
from nbcache.notebook.display.outputs import Recording, record
from nbcache.tracking.fingerprint import code_digest
from nbcache.tracking.observations import generators
from nbcache.tracking.observations.recorder import Recorder, recording

__all__ = ["CellRun", "observed"]


class CellRun:
    """What a run did.

    Attributes
    ----------
    raised : whether it raised; then nothing else counts
    run, opened, recording : time and files, what it did outside of the notebook, what it showed
    files : those that it wrote
    bound, deleted : names
    """

    def __init__(self, run: Run, opened: Recorder, recording: Recording, files: FilesWritten) -> None:
        self.raised = False
        self.run = run
        self.opened = opened
        self.recording = recording
        self.files = files
        self.bound: dict[str, Any] = {}
        self.deleted: list[str] = []
        self._process = ProcessState()

    def effects(self) -> str:
        """Say what the run did outside of the notebook, which a hit does not do again; empty for nothing."""
        done = [f"it uses the {what}" if what == "network" else f"it runs a {what}" for what in self.opened.outside]
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
        return generators.unseeded(self.run.digests)

    def packed(
        self, inputs: Inputs, code: CellCode, options: Options, namespace: dict[str, Any], result: Any
    ) -> tuple[Packed | None, str]:
        """Pickle what the run did; or `None`, and why that cannot be."""
        outcome = Outcome(
            bound=dict(self.bound), deleted=self.deleted, values=list(self.recording.values), result=result
        )
        references = inputs.references()
        trouble = _changed_in_place(inputs, outcome, references, namespace)
        if trouble:
            return None, trouble
        if options.outputs is not None:
            outcome.bound = {name: value for name, value in outcome.bound.items() if name in options.outputs}
            outcome.contents = {name: how for name, how in outcome.contents.items() if name in options.outputs}
            outcome.replaced = {name: value for name, value in outcome.replaced.items() if name in options.outputs}
        outcome.modules = [name for name in (*code.imports(), figures.INLINE) if name in sys.modules]
        if not self.files.trouble(()):
            outcome.files = self.files.outputs(settings().written_bound)
        if any(isinstance(value, type) or hasattr(value, "__code__") for value in outcome.bound.values()):
            outcome.sources = {code.filename: code.source}
        try:
            return pack(outcome, namespace, references), ""
        except UnstorableResultError as error:
            packed = without_values(outcome, namespace, references)
            return packed, "" if packed is not None else str(error)


@contextmanager
def observed(
    inputs: Inputs, code: CellCode, options: Options, namespace: dict[str, Any], hidden: dict[str, Any]
) -> Iterator[CellRun]:
    """Observe a run of the cell: afterwards it is known what it did."""
    before = changes.Before(namespace, hidden, code.names, code.marks)
    with (
        generators.counted(options.rng),
        Watched(None, False, "none", inputs.files(), True, inputs.packages()) as run,
        recording() as opened,
        FilesWritten(inputs.texts()) as written,
        record("cell") as shown,
    ):
        _import(code.first_imports())
        seen = CellRun(run, opened, shown, written)
        yield seen
    seen.bound, seen.deleted = before.bound(), before.deleted()


def _import(modules: Iterable[str]) -> None:
    """Import what the cell imports first anyway, so that the state of the process is compared without it."""
    for name in modules:
        try:
            importlib.import_module(name)
        except (Exception, SystemExit):  # the cell is about to say so itself
            return


def _changed_in_place(
    inputs: Inputs, outcome: Outcome, references: dict[str, object], namespace: dict[str, Any]
) -> str:
    """Find inputs that the run changed, and take their new content down; say what can not be restored."""
    assert inputs.state is not None
    changed = {
        name: inputs.values[name]
        for name, digest in inputs.digests.items()
        if name in references and _digest(inputs.values[name]) != digest
    }
    for label in sorted(inputs.state.changed()):
        kind, _, name = label.rpartition(" ")
        if kind != "global" or name not in namespace:
            return f"it changes {label}, which cannot be restored"
        changed[name] = references[name] = namespace[name]
    for name, value in changed.items():
        content = changes.content_of(value)
        if content is not None:
            outcome.contents[name] = content
        else:
            del references[name]
            if namespace.get(name) is value:
                outcome.replaced[name] = value
    return ""


def _digest(value: object) -> bytes:
    try:
        return hasher.digest(value, code=code_digest)
    except Exception:  # it could be read before: whatever it is now, it is not what it was
        return b""
