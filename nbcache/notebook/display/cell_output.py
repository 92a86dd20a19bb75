"""Where a live line stands in the output of a cell, and how it goes away without leaving anything in the notebook."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import Any

from nbcache.notebook.display.sent_outputs import OURS, SentOutputs

__all__ = ["CELL_OUTPUT", "CellOutput"]


class CellOutput:
    """The outputs of the running cell, as far as spinners need to know: whether their line stands there alone.

    To take away a line that stands alone, the outputs of the cell are cleared: nothing is left in the notebook. Where
    others stand beside it, it is emptied, and the next spinner of the cell takes its place; when the cell ends, its
    outputs are cleared, and those of the user sent again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cell: object = None
        self._before: int | None = None
        self._ours = 0
        self._live = 0
        self._place: dict[str, Any] | None = None
        self._outputs: SentOutputs | None = None

    def begin(self, shell: Any) -> None:
        """Note that a cell begins, before it shows anything; code that it runs as a cell belongs to it."""
        publisher = getattr(shell, "display_pub", None)
        cell = _message_of(publisher)
        with self._lock:
            if cell is None or cell != self._cell:
                self._cell, self._before = cell, _sent(publisher)
                self._ours = self._live = 0
                self._place = None
                session = getattr(publisher, "session", None)
                if self._outputs is None and callable(getattr(session, "send", None)):
                    self._outputs = SentOutputs(session)
                if self._outputs is not None:
                    self._outputs.begin(cell)

    def end(self, shell: Any) -> None:
        """Take away the empty line that is left when a cell has ended."""
        publisher = getattr(shell, "display_pub", None)
        with self._lock:
            if self._place is None or self._live or self._outputs is None or _message_of(publisher) != self._cell:
                return
            _flush()
            with contextlib.suppress(Exception):  # the front end is gone
                if self._outputs.again(publisher):
                    self._place = None

    def stop(self) -> None:
        """Follow nothing any more."""
        with self._lock:
            if self._outputs is not None:
                self._outputs.stop()
                self._outputs = None

    def enter(self, publisher: Any) -> tuple[dict[str, Any], bool]:
        """One more line is about to be drawn: where, and whether something stands there already."""
        with self._lock:
            if self._cell is None or _message_of(publisher) != self._cell:  # a thread of an earlier cell
                return _new_place(), False
            self._live += 1
            known = self._place
            self._place = known or _new_place()
            return self._place, known is not None

    def publish(self, publisher: Any, data: dict[str, Any], place: dict[str, Any], update: bool) -> None:
        """Draw a line at its place."""
        with self._lock:
            if place is self._place:
                self._ours += 1
            publisher.publish(data, {}, transient=place, update=update)

    def leave(self, publisher: Any, place: dict[str, Any]) -> None:
        """Take a line away."""
        with self._lock:
            if place is self._place:
                self._live -= 1
                if self._live:
                    return
                _flush()
                sent = _sent(publisher)
                if self._before is not None and sent is not None and sent - self._before == self._ours:
                    self._ours += 1
                    self._place = None
                    publisher.clear_output()
                    return
                self._ours += 1
            publisher.publish({}, {}, transient=place, update=True)


def _new_place() -> dict[str, Any]:
    return {"display_id": OURS + os.urandom(8).hex()}


def _message_of(publisher: Any) -> object:
    """The message that asked for what runs now."""
    header = getattr(publisher, "parent_header", None) or {}
    return header.get("header", header).get("msg_id") if isinstance(header, dict) else None


def _sent(publisher: Any) -> int | None:
    """How many messages the kernel has sent; None where it does not count them."""
    number = getattr(getattr(publisher, "session", None), "message_count", None)
    return number if isinstance(number, int) else None


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()


CELL_OUTPUT = CellOutput()
