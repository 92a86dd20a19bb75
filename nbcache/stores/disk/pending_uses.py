"""Uses of entries that this process has seen, on their way to the journals."""

from __future__ import annotations

import threading

from nbcache.stores.disk import use_journal
from nbcache.stores.disk.use_journal import Hint
from nbcache.stores.protocol import Clock

#: Uses are written when there are so many of one owner, or so many seconds after the last time.
_MANY = 64
_SECONDS = 1.0


class PendingUses:
    """Collects uses, and writes them to the journal of their folder now and then.

    Notes
    -----
    Thread-safe. A use is a hint: where it cannot be written, it is dropped.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._waiting: dict[str, dict[str, Hint]] = {}
        self._written_at: dict[str, float] = {}

    def renew(self) -> None:
        self._lock = threading.RLock()
        # The parent writes what it has noted.
        self._waiting = {}

    def note(self, folder: str, key: str, used: float, expires: float | None = None) -> None:
        with self._lock:
            waiting = self._waiting.setdefault(folder, {})
            hint = waiting.setdefault(key, Hint())
            hint.used = max(hint.used, used)
            hint.expires = expires if expires is not None else hint.expires
            now = self._clock()
            due = len(waiting) >= _MANY or not 0 <= now - self._written_at.get(folder, -_SECONDS) < _SECONDS
        if due:
            self.write(folder)

    def of(self, folder: str) -> dict[str, float]:
        """When the entries of a folder were last used, by key, as far as anybody noted it."""
        used = {key: hint.used for key, hint in use_journal.read(folder).items()}
        with self._lock:
            for key, hint in self._waiting.get(folder, {}).items():
                used[key] = max(used.get(key, 0.0), hint.used)
        return used

    def write(self, folder: str) -> None:
        """Write what waits for one folder."""
        with self._lock:
            waiting = self._waiting.pop(folder, None)
            self._written_at[folder] = self._clock()
        if waiting:
            try:
                if use_journal.note(folder, waiting) > use_journal.LONGEST:
                    use_journal.rewrite(folder, use_journal.read(folder))
            except OSError:
                # A hint: the folder was cleared, or nothing can be written to it.
                pass

    def write_all(self) -> None:
        for folder in list(self._waiting):
            self.write(folder)

    def forget(self, folder: str) -> None:
        with self._lock:
            self._waiting.pop(folder, None)
            self._written_at.pop(folder, None)
