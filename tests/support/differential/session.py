"""One session: a shell in this process that runs cells, and notes what each shows, leaves in names and in files."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell

from .graph import described

_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
_ANSI = re.compile("\x1b\\[[0-9;]*[A-Za-z]")
_CLOCK = re.compile(r"\d+(\.\d+)?\s?(ns|[µμu]s|ms|s|min)\b|\d\d:\d\d(:\d\d)?|\d+(\.\d+)?\s?(it/s|s/it)|\?it/s")
_IMAGES = ("image/png", "image/jpeg", "application/pdf")
_OURS = ("_nbcache", ".nbcache")


class _Stream:
    """A stream that keeps what is written."""

    encoding = "utf-8"

    def __init__(self, name: str, events: list[list[Any]]) -> None:
        self.name = name
        self.events = events

    def write(self, text: str) -> int:
        self.events.append([self.name, text])
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return False


class _Publisher(DisplayPublisher):
    """Keeps what is displayed; has a session, as a kernel's publisher has, so that notes are marked."""

    session = None

    def publish(self, data: Any, metadata: Any = None, *args: Any, **options: Any) -> None:
        """An update takes the place of what it updates."""
        identity = (options.get("transient") or {}).get("display_id")
        if options.get("update"):
            for event in self.shell.seen:
                if event[0] == "display" and identity is not None and event[3] == identity:
                    event[1:3] = [dict(data), dict(metadata or {})]
            return
        self.shell.seen.append(["display", dict(data), dict(metadata or {}), identity])

    def clear_output(self, wait: bool = False) -> None:
        self.shell.seen.append(["clear"])


class _Hook(DisplayHook):
    """Keeps the values of last expressions."""

    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        self.shell.seen.append(["result", dict(format_dict), {}])

    def finish_displayhook(self) -> None:
        pass


class _Shell(InteractiveShell):
    def __init__(self, *args: Any, **options: Any) -> None:
        self.seen: list[list[Any]] = []
        super().__init__(*args, **options)

    def init_display_pub(self) -> None:
        self.display_pub = _Publisher(parent=self, shell=self)

    def init_displayhook(self) -> None:
        self.displayhook = _Hook(parent=self, shell=self, cache_size=1000)
        from IPython.core.display_trap import DisplayTrap

        self.display_trap = DisplayTrap(hook=self.displayhook)

    def enable_gui(self, gui: Any = None) -> None:
        pass

    def _showtraceback(self, etype: Any, evalue: Any, stb: Any) -> None:
        self.seen.append(["error", getattr(etype, "__name__", str(etype)), str(evalue)])


def run(job: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """Run the cells of a job as often as it says; a list of what each cell did, for every round.

    Parameters
    ----------
    job : `cells`, `rounds`, `folder` to run in, and `cache`: the options of `%cache_cells on`, or None
    """
    os.chdir(job["folder"])
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    shell: Any = _Shell.instance(config=config)
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _Stream("stdout", shell.seen), _Stream("stderr", shell.seen)  # type: ignore[assignment]
    try:
        if job["cache"] is not None:
            shell.run_cell(f"%load_ext nbcache\n%cache_cells on {job['cache']}", store_history=True)
        return [[_run_cell(shell, cell, job) for cell in job["cells"]] for _ in range(job["rounds"])]
    finally:
        sys.stdout, sys.stderr = streams


def _run_cell(shell: Any, cell: str, job: dict[str, Any]) -> dict[str, Any]:
    shell.seen.clear()
    began = time.perf_counter()
    result = shell.run_cell(cell, store_history=True)
    seconds = time.perf_counter() - began
    if result.error_before_exec is not None:
        shell.seen.append(["error", type(result.error_before_exec).__name__, ""])
    seen: dict[str, Any] = {"seconds": seconds, "outputs": _outputs(shell.seen)}
    seen["names"] = described(_users(shell)) if job.get("described", True) else {}
    seen["files"] = files_in(Path(job["folder"]))
    seen["report"] = _report(shell) if job["cache"] is not None else None
    seen["notes"] = [one[1].get("text/plain", "") for one in shell.seen if len(one) > 2 and "nbcache" in one[2]]
    return seen


def _users(shell: Any) -> dict[str, Any]:
    hidden = shell.user_ns_hidden
    return {
        name: value
        for name, value in shell.user_ns.items()
        if not name.startswith("_") and name not in ("In", "Out", "cache_data") and hidden.get(name, shell) is not value
    }


def _report(shell: Any) -> dict[str, Any] | None:
    from nbcache.notebook.cells.known import known_cells

    rows = known_cells(shell).rows()
    if not rows or getattr(shell, "_last_report", None) is rows[-1][2]:
        return None
    shell._last_report = rows[-1][2]
    report = rows[-1][2]
    return {"outcome": report.outcome, "reason": report.reason, "seconds": report.seconds, "overhead": report.overhead}


def _outputs(events: list[list[Any]]) -> list[Any]:
    """What a reader sees: neighbouring texts joined, what changes from run to run left out."""
    shown: list[Any] = []
    for event in events:
        if event[0] in ("stdout", "stderr"):
            if shown and shown[-1][0] == event[0]:
                shown[-1][1] += event[1]
            else:
                shown.append([event[0], event[1]])
        elif event[0] == "clear":
            shown.clear()
        elif event[0] == "error":
            shown.append(["error", event[1], _steady(event[2])])
        elif "nbcache" not in event[2]:
            shown.append([event[0], {mime: _part(mime, part) for mime, part in event[1].items()}])
    return [[one[0], _steady(one[1])] if one[0] in ("stdout", "stderr") else one for one in shown]


def _part(mime: str, part: Any) -> Any:
    if isinstance(part, bytes) or mime in _IMAGES:
        return hashlib.sha256(part if isinstance(part, bytes) else str(part).encode()).hexdigest()[:16]
    return _steady(part) if isinstance(part, str) else _steady(str(part))


def _steady(text: str) -> str:
    text = "\n".join(line.rpartition("\r")[2] for line in _ANSI.sub("", text).replace("\r\n", "\n").split("\n"))
    text = _CLOCK.sub("TIME", _ADDRESS.sub("0x", text))
    return re.sub(r"<ipython-input-\S+>|/tmp/ipykernel_\S+|(df_|T_|id=\")[0-9a-f\-]{5,}|sk-[a-z-]*id-\d+", "…", text)


def files_in(folder: Path) -> dict[str, str]:
    """The files of a folder by their contents, the cache's own aside."""
    found = {}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_file() and not relative.parts[0].startswith(_OURS) and path.suffix != ".pyc":
            found[str(relative)] = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    return found
