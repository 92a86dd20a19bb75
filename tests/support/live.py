"""A notebook whose cells run one by one in a real ipykernel, and what a front end gets of each."""

from __future__ import annotations

import os
import queue
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from math import inf
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
# What `%reset -f` does, without collecting garbage twice: with big libraries loaded, that takes longer than a test.
RESET = """def reset():
    import gc
    collect, gc.collect = gc.collect, int
    try:
        get_ipython().reset()
    finally:
        gc.collect = collect
reset()"""


class Shown:
    """The outputs of one run of one cell.

    Attributes
    ----------
    every : the outputs as nbclient has put them together
    outputs : the same, our own line left out
    note : the text of that line; empty when there is none
    """

    def __init__(self, outputs: list[Any]) -> None:
        self.every = outputs
        ours = [output for output in outputs if "nbcache" in output.get("metadata", {})]
        self.note = "\n".join(output["data"]["text/plain"] for output in ours)
        self.outputs = [output for output in outputs if output not in ours]

    @property
    def hit(self) -> bool:
        return self.note.startswith("restored")

    def stream(self, name: str) -> str:
        return "".join(output["text"] for output in self.outputs if output.get("name") == name)

    @property
    def out(self) -> str:
        return self.stream("stdout")

    @property
    def err(self) -> str:
        return self.stream("stderr")

    @property
    def value(self) -> str:
        """The text of the last expression; empty when there was none."""
        shown = [output for output in self.outputs if output["output_type"] == "execute_result"]
        return str(shown[-1]["data"]["text/plain"]) if shown else ""

    @property
    def error(self) -> str:
        """Name and message of the error that ended the cell; empty when it ended well."""
        errors = [f"{one['ename']}: {one['evalue']}" for one in self.outputs if one["output_type"] == "error"]
        # IPython shows mistakes in the line of a magic as text, and no traceback.
        usage = re.findall("^UsageError: .*", self.err, re.MULTILINE)
        return "\n".join(errors + usage)

    def kinds(self) -> list[str]:
        """What came, in order: names of streams, and types of other outputs."""
        return [output.get("name") or output["output_type"] for output in self.outputs]


def seen(outputs: list[Any]) -> list[tuple[str, Any]]:
    """What a reader sees, in order: neighbouring texts of one stream joined, our own line and dead views left out."""
    shown: list[tuple[str, Any]] = []
    for output in outputs:
        if "nbcache" in output.get("metadata", {}):
            continue
        if output["output_type"] == "stream":
            text = output["text"].replace("\r\n", "\n")
            if shown and shown[-1][0] == output["name"]:
                shown[-1] = (output["name"], shown[-1][1] + text)
            else:
                shown.append((output["name"], text))
        elif output["output_type"] == "error":
            shown.append(("error", output["ename"]))
        else:
            data = {mime: part for mime, part in output["data"].items() if "widget" not in mime}
            shown.append((output["output_type"], data))
    return [(kind, _last_line(part) if isinstance(part, str) else part) for kind, part in shown]


def _last_line(text: str) -> str:
    """The text that a terminal shows: what follows a carriage return overwrites, and longer earlier text sticks out.

    A progress bar's speed is its own business, and so are blanks at the end of a line.
    """
    lines = []
    for line in text.split("\n"):
        screen = ""
        for part in line.split("\r"):
            screen = part + screen[len(part) :]
        lines.append(re.sub(r"\[\d\d:\d\d<[^]]*\]", "[...]", screen).rstrip())
    return "\n".join(lines)


class Live:
    """A notebook in a kernel; called with the source of a cell, it runs the cell."""

    def __init__(self, client: NotebookClient) -> None:
        self._client = client
        self.folder = Path()

    def __call__(self, source: str, fails: bool = False) -> Shown:
        cell = nbformat.v4.new_code_cell(source)
        self._client.nb.cells.append(cell)
        self._client.execute_cell(cell, len(self._client.nb.cells) - 1)
        shown = Shown(cell["outputs"])
        assert fails or not shown.error, shown.error
        return shown

    def eval(self, expression: str) -> str:
        """The text of a value, by a cell of its own."""
        return self(expression).value


def environment(**more: str) -> dict[str, str]:
    """The variables of a kernel that looks for the modules of this project first."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    found = {**os.environ, "PYTHONPATH": path, **more}
    found.pop("PYTEST_CURRENT_TEST", None)  # with it, ipykernel would not listen to the output of C code
    return found


def _asking_again(get: Callable[..., Any]) -> Callable[..., Any]:
    """Ask a channel anew each second: after hundreds of cells pyzmq's asyncio sockets can miss that a message came."""

    async def get_msg(timeout: float | None = None) -> Any:
        end = inf if timeout is None else time.monotonic() + timeout
        while True:
            try:
                return await get(timeout=max(0.0, min(1.0, end - time.monotonic())))
            except queue.Empty:
                if time.monotonic() >= end:
                    raise

    return get_msg


@contextmanager
def started(make: Callable[[], NotebookClient], environment: dict[str, str]) -> Iterator[NotebookClient]:
    """A client with its kernel; with another one where a kernel finds a port taken that was free when it was chosen."""
    with ExitStack() as stack:
        for attempt in range(3):
            client = make()
            try:
                stack.enter_context(client.setup_kernel(env=environment))
                break
            except RuntimeError as error:
                if attempt == 2 or "died" not in str(error):
                    raise
        yield client


@contextmanager
def live(folder: Path | None = None, allow_errors: bool = True, **more: str) -> Iterator[Live]:
    """A new kernel with the extension loaded, and `more` in its environment."""
    where = {"metadata": {"path": str(folder or os.getcwd())}}

    def make() -> NotebookClient:
        options: dict[str, Any] = {"timeout": 100, "allow_errors": allow_errors, "resources": where}
        return NotebookClient(nbformat.v4.new_notebook(), kernel_name="python3", **options)

    with started(make, environment(**more)) as client:
        for channel in (client.kc.shell_channel, client.kc.iopub_channel):
            channel.get_msg = _asking_again(channel.get_msg)
        made = Live(client)
        made("%load_ext nbcache")
        yield made
