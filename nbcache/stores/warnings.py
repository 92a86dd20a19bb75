"""What a store says when something goes wrong: each trouble once, and never a flood."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from nbcache.errors import UntrustedEntryError, explain, text_of
from nbcache.stores.protocol import Clock, Warn

#: So many damaged entries are told one by one within a minute; the rest as a number.
_ONE_BY_ONE = 5
_MINUTE = 60.0


class StoreWarnings:
    """The warnings of one store.

    Notes
    -----
    Thread-safe. No message holds a value or an argument: names of files are digests.
    """

    def __init__(self, warn: Warn, clock: Clock) -> None:
        self._warn = warn
        self._clock = clock
        self._lock = threading.Lock()
        self._given: set[tuple[str, object]] = set()
        self._recent: list[float] = []
        self._unsaid = 0

    def renew(self) -> None:
        self._lock = threading.Lock()

    def once(self, kind: str, about: object, what: str, why: str, do: str) -> None:
        """Warn of a lasting trouble, once until it is `over`."""
        with self._lock:
            if (kind, about) in self._given:
                return
            self._given.add((kind, about))
        self._warn(explain(what, why, do))

    def over(self, kind: str) -> None:
        """Forget troubles of a kind, so that new ones are told."""
        if self._given:
            with self._lock:
                self._given = {given for given in self._given if given[0] != kind}

    def damaged(self, place: str, moved: Path | None, why: str) -> None:
        """Warn of one entry that cannot be used."""
        now = self._clock()
        with self._lock:
            self._recent = [moment for moment in self._recent if 0 <= now - moment < _MINUTE]
            if len(self._recent) >= _ONE_BY_ONE:
                self._unsaid += 1
                return
            self._recent.append(now)
            unsaid, self._unsaid = self._unsaid, 0
        more = f" ({unsaid} more since the last warning.)" if unsaid else ""
        self._warn(
            explain(
                f"A stored entry cannot be used; its value is computed again.{more}",
                f"{place}: {why}.",
                _what_to_do(moved),
            )
        )

    def always(self, what: str, why: str, do: str) -> None:
        """Warn of something that must be told each time."""
        self._warn(explain(what, why, do))


def _what_to_do(moved: Path | None) -> str:
    if moved is None:
        return "delete the file; it is only a copy of a result."
    if not os.path.lexists(moved):
        return "nothing; it was too large to quarantine, and is deleted."
    return f"nothing; it is quarantined as {moved} and deleted within days."


def reason(error: BaseException) -> str:
    """Why something failed, in a few words."""
    if isinstance(error, OSError) and error.strerror:
        place = f" ({error.filename})" if isinstance(error.filename, str | Path) else ""
        return f"{error.strerror}{place}"
    return text_of(error) or type(error).__name__


def untrusted(place: str, why: str) -> UntrustedEntryError:
    """The error for an entry that cannot be verified, where that must not pass."""

    return UntrustedEntryError(
        explain(
            "A stored entry could not be verified, and trust is 'strict'.",
            f"{place}: {why}.",
            'delete it, or set trust to "sign": the entry is then not read, and its value is computed again.',
        )
    )
