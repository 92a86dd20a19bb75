"""Hits on a large stream: it is unpickled a few times, then its value is copied natively, where that is safe.

What is kept for that takes several times the memory of the stream, so it is counted, and made only for those who come
again and again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbcache.entries.hits.containers import Copies

__all__ = ["Beside", "Repeated"]

#: To find out how a value is copied takes as long as to unpickle it so many times.
_WORTH = 5


class Beside:
    """What an entry keeps in memory beside its bytes.

    Attributes
    ----------
    size : about how many bytes
    changed : called when the size is another
    """

    __slots__ = ("changed", "size")

    def __init__(self) -> None:
        self.size = 0
        self.changed: Callable[[], object] = int

    def become(self, size: int) -> None:
        """Take another size."""
        self.size = size
        self.changed()


class Repeated:
    """Makes the values of one stream, each independent of all others.

    Parameters
    ----------
    stream : of a value without buffers, which was verified
    load : unpickles it
    beside : told how much is kept
    """

    __slots__ = ("_beside", "_copies", "_left", "_load", "_stream")

    def __init__(self, stream: bytes, load: Callable[[], Any], beside: Beside) -> None:
        self._stream = stream
        self._load = load
        self._beside = beside
        self._left = _WORTH
        self._copies: Copies | None = None

    def __call__(self) -> Any:
        copies = self._copies
        if copies is None and self._left:
            self._left -= 1
            if not self._left:
                copies = self._prepare()
        if copies is None:
            return self._load()
        if not copies.valid:  # a class was defined again
            self._copies, self._left = None, _WORTH
            self._beside.become(0)
            return self._load()
        return copies()

    def _prepare(self) -> Copies | None:
        from nbcache.entries.hits.containers import Copies

        try:
            self._copies = copies = Copies(self._stream)
        except Exception:
            return None  # as with every value that only its own pickle knows to make
        self._beside.become(copies.size)
        return copies
