"""A live line while something is computed: late to appear, and gone without a trace.

One daemon thread draws every spinner of the process. It starts with the first call, looks every tenth of a
second, and ends when nothing has been computed for a second, so a quick call pays for two list operations.
"""

from __future__ import annotations

import contextlib
import contextvars
import os
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol

from nbcache.notebook.display import captures
from nbcache.notebook.display.cell_output import CELL_OUTPUT
from nbcache.notebook.display.listeners import current_shell
from nbcache.notebook.display.subscriptions import unrecorded

__all__ = ["Spinner", "spinner"]

_DELAY = 0.2
_EVERY = 0.1
#: Seconds between two lines in a log.
_LOG_EVERY = 30.0
_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"

_spinning: contextvars.ContextVar[bool] = contextvars.ContextVar("nbcache_spinning", default=False)


class _Surface(Protocol):
    """Somewhere a line can be drawn, and taken away again."""

    def draw(self, line: str, markup: str = "") -> None: ...
    def erase(self) -> None: ...


class _Notebook:
    """An output of the running cell, gone at the end."""

    def __init__(self, publisher: Any) -> None:
        self._publisher = publisher
        self._place: dict[str, Any] | None = None

    def draw(self, line: str, markup: str = "") -> None:
        update = True
        if self._place is None:
            self._place, update = CELL_OUTPUT.enter(self._publisher)
        shown = {"text/plain": line, **({"text/html": markup} if markup else {})}
        CELL_OUTPUT.publish(self._publisher, shown, self._place, update)

    def erase(self) -> None:
        if self._place is not None:
            CELL_OUTPUT.leave(self._publisher, self._place)


class _Terminal:
    """The current line of a terminal's stderr."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._width = 0

    def draw(self, line: str, markup: str = "") -> None:
        self._stream.write("\r" + line.ljust(self._width))
        self._stream.flush()
        self._width = len(line)

    def erase(self) -> None:
        self._stream.write("\r" + " " * self._width + "\r")
        self._stream.flush()


class _Log:
    """A file that keeps every line, so that one is written seldom."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._next = 0.0

    def is_due(self, elapsed: float) -> bool:
        if not self._next:
            self._next = _LOG_EVERY
        if elapsed < self._next:
            return False
        self._next = elapsed + _LOG_EVERY
        return True

    def draw(self, line: str, markup: str = "") -> None:
        self._stream.write(f"nbcache: {line}\n")
        self._stream.flush()

    def erase(self) -> None:
        """Nothing: what is written stays."""


def _surface(logs: bool = False) -> _Surface | None:
    """Return where a spinner can be seen now; `None` where it would only leave a mess, such as a log file.

    Parameters
    ----------
    logs : whether what is shown is worth a line in a log now and then
    """
    shell = current_shell()
    if shell is not None and hasattr(shell, "kernel"):
        # A widget keeps the first line that it is given: no front end updates a display in there.
        if captures.is_open():
            return None
        # Under `%%capture` the publisher is another one, which keeps what it is given.
        return _Notebook(shell.display_pub) if hasattr(shell.display_pub, "session") else None
    stream = sys.stderr
    try:
        if stream is None:
            return None
        return _Terminal(stream) if stream.isatty() else _Log(stream) if logs else None
    except (ValueError, AttributeError):  # a closed or makeshift stream
        return None


class Spinner:
    """One line: drawn by `tick` once its time has come, erased by `stop`.

    Notes
    -----
    `tick` runs in the drawing thread and `stop` in the caller's; a line is never drawn after it was erased.
    A front end that fails is left alone: the user's call goes on.
    """

    def __init__(self, text: object, show_time: bool, clock: Callable[[], float]) -> None:
        self._text = text
        self._show_time = show_time
        self._clock = clock
        self._began = clock()
        self._surface: _Surface | None = None
        self._line = ""
        self._frame = 0
        self._over = False
        self._lock = threading.Lock()
        # The output of a notebook belongs to the cell that the context names.
        self._context = contextvars.copy_context()

    def tick(self) -> None:
        """Draw the line if it is due."""
        with self._lock:
            if not self._over and self._clock() - self._began >= _DELAY:
                self._over = not self._context.run(self._draw)

    def _draw(self) -> bool:
        elapsed = self._clock() - self._began
        with unrecorded(), contextlib.suppress(Exception):
            if self._surface is None:
                self._surface = _surface(hasattr(self._text, "log_line"))
                if self._surface is None:
                    return False
            if isinstance(self._surface, _Log):
                if self._surface.is_due(elapsed):
                    self._surface.draw(self._text.log_line())  # type: ignore[attr-defined]
                return True
            seconds = f" ({elapsed:.1f} s)" if self._show_time else ""
            line = f"{self._text}{seconds}"
            if isinstance(self._surface, _Terminal):
                self._frame = (self._frame + 1) % len(_FRAMES)
                line = f"{_FRAMES[self._frame]} {line}"
            if line != self._line:
                self._surface.draw(line, self._text.markup() if hasattr(self._text, "markup") else "")
                self._line = line
            return True
        return False

    def stop(self) -> None:
        """Erase the line, if it ever appeared."""
        with self._lock:
            self._over = True
            if self._surface is not None:
                with unrecorded(), contextlib.suppress(Exception):
                    self._surface.erase()


class _Drawer:
    """The thread that ticks every live spinner."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew: a forked child has neither the thread nor a right to a lock that it may have held."""
        self._live: list[Spinner] = []
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def add(self, one: Spinner) -> None:
        with self._lock:
            self._live.append(one)
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="nbcache-spinner", daemon=True)
                with unrecorded():
                    thread.start()
                self._thread = thread

    def remove(self, one: Spinner) -> None:
        with self._lock:
            self._live.remove(one)

    def _run(self) -> None:
        idle = 0
        while idle < 10:
            time.sleep(_EVERY)
            with self._lock:
                live = list(self._live)
                idle = 0 if live else idle + 1
                if idle >= 10:
                    self._thread = None
            for one in live:
                one.tick()


_drawer = _Drawer()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_drawer.forget)


class _Spinning(Spinner):
    """A spinner that is shown while its context lasts."""

    def __enter__(self) -> None:
        self._token = _spinning.set(True)
        try:
            _drawer.add(self)
        except RuntimeError:  # no thread can be started: the interpreter ends, or there are none (Pyodide)
            pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _spinning.reset(self._token)
        try:
            _drawer.remove(self)
        except ValueError:  # a fork meanwhile: this process never drew it
            return
        self.stop()


def spinner(
    text: object, name: str, show_time: bool, clock: Callable[[], float]
) -> contextlib.AbstractContextManager[None]:
    """Show a live line while the context lasts; nothing when `text` is False or another spinner is shown.

    Parameters
    ----------
    text : the line, or something whose `str` is the line by then; True for "Running name(...)". If it has a method
        `markup`, a notebook shows that; if it has `log_line`, a log gets that every half minute.
    show_time : whether to show the seconds that have passed, to a tenth
    clock : seconds, monotonic
    """
    if text is False or _spinning.get():
        return contextlib.nullcontext()
    return _Spinning(f"Running {name}(...)" if text is True else text, show_time, clock)
