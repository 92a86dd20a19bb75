"""What has the running cell shown so far, as messages, so that it can be shown again without what was in between.

Jupyter can empty an output, or clear all of a cell's; it cannot take one away. So the outputs are cleared, and those of
the user are sent once more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["OURS", "SentOutputs"]

#: What the display ids of our own lines begin with.
OURS = "nbcache-"
#: Beyond that, nothing is sent twice: an empty output costs less.
_MOST, _LARGEST = 500, 1 << 20
_OUTPUTS = frozenset(("stream", "display_data", "update_display_data", "execute_result", "error"))


class _Sent(NamedTuple):
    """One message, as its session was asked to send it."""

    socket: Any
    kind: str
    content: dict[str, Any]
    metadata: Any
    ident: Any
    buffers: Any


class SentOutputs:
    """The outputs of one cell of a kernel, in the order in which they were sent.

    Parameters
    ----------
    session : of the kernel; its `send` is followed until `stop`
    """

    def __init__(self, session: Any) -> None:
        self._session = session
        self._send: Callable[..., Any] = session.send
        self._cell: object = None
        self._sent: list[_Sent] | None = None
        self._size = 0
        self._clear_at_next = False
        session.send = self._note

    def stop(self) -> None:
        """Leave the session as it was."""
        if vars(self._session).get("send") == self._note:
            del self._session.send

    def begin(self, cell: object) -> None:
        """Start anew for another cell, by the id of the message that asked for it."""
        self._cell, self._sent, self._size, self._clear_at_next = cell, [], 0, False

    def again(self, publisher: Any) -> bool:
        """Replace the outputs of the cell by themselves, without lines of ours; False where that cannot be done."""
        sent, self._sent = self._sent, None
        if sent is None:
            return False
        publisher.clear_output(wait=bool(sent))
        for one in sent:
            self._send(
                one.socket, one.kind, content=one.content, parent=publisher.parent_header, ident=one.ident,
                buffers=one.buffers, metadata=one.metadata,
            )  # fmt: skip
        return True

    def _note(
        self, stream: Any, msg_or_type: Any, content: Any = None, parent: Any = None, ident: Any = None,
        buffers: Any = None, *more: Any, **options: Any,
    ) -> Any:  # fmt: skip
        if self._sent is not None:
            try:
                self._keep(stream, msg_or_type, content, parent, ident, buffers, options.get("metadata"))
            except Exception:  # a message of another form
                self._sent = None
        return self._send(stream, msg_or_type, content, parent, ident, buffers, *more, **options)

    def _keep(
        self, socket: Any, message: Any, content: Any, parent: Any, ident: Any, buffers: Any, metadata: Any
    ) -> None:
        kind = message
        if isinstance(message, dict):
            kind, content, parent = message["header"]["msg_type"], message["content"], message["parent_header"]
            metadata = message.get("metadata")
        sent = self._sent
        if sent is None or not parent or parent.get("header", parent).get("msg_id") != self._cell:
            return
        if kind == "clear_output":
            self._clear_at_next = bool(content.get("wait"))
            if not self._clear_at_next:
                sent.clear()
        elif kind == "comm_msg" and (content.get("data", {}).get("state") or {}).get("msg_id"):
            self._sent = None  # outputs go into a widget from here on
        elif kind in _OUTPUTS and not _is_ours(content):
            if self._clear_at_next:
                sent.clear()
                self._clear_at_next = False
            sent.append(_Sent(socket, kind, content, metadata, ident, buffers))
            self._size += _size(content)
            if len(sent) > _MOST or self._size > _LARGEST:
                self._sent = None


def _is_ours(content: dict[str, Any]) -> bool:
    return str((content.get("transient") or {}).get("display_id", "")).startswith(OURS)


def _size(content: dict[str, Any]) -> int:
    """About how long a message is."""
    texts = (content.get("text"), *(content.get("data") or {}).values())
    return sum(len(text) if isinstance(text, str) else 1000 for text in texts if text is not None)
