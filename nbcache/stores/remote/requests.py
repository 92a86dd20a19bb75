"""How is a server asked and told, and what is said when it fails: once, and then it is left alone for a while."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from nbcache.errors import DamagedEntryError
from nbcache.stores.protocol import Clock, Warn
from nbcache.stores.remote.breaker import Breaker, is_answer, is_unreachable
from nbcache.stores.warnings import StoreWarnings, reason

__all__ = ["Requests"]

Answer = TypeVar("Answer")

#: What is told once, and again after it was over: that nothing is read, or that nothing is written.
_KIND_OF_TROUBLE = ("server", "writing")


class Requests:
    """Requests to one server.

    Parameters
    ----------
    place : the name of the server in messages, without secrets

    Attributes
    ----------
    warnings : what was said of this server

    Notes
    -----
    Thread-safe. Nothing that a library raises gets out.
    """

    def __init__(self, place: str, warn: Warn, clock: Clock) -> None:
        self.warnings = StoreWarnings(warn, clock)
        self._place = place
        self._reading = Breaker(clock)
        self._writing = Breaker(clock)
        self._tidying = Breaker(clock)

    def renew(self) -> None:
        for part in (self.warnings, self._reading, self._writing, self._tidying):
            part.renew()

    @property
    def may_write(self) -> bool:
        """Whether the server may be told something now; it has not failed a moment ago."""
        return self._writing.closed

    @property
    def may_ask(self) -> bool:
        """Whether the server may be asked something now."""
        return self._reading.closed

    def ask(self, request: Callable[[], Answer]) -> Answer | None:
        """What the server answers; None when it fails, or has failed not long ago."""
        return self._through(self._reading, request)

    def tell(self, request: Callable[[], Answer]) -> None:
        """Send something to the server; a full one, or one that may only be read, goes on being read."""
        self._through(self._writing, request)

    def remove(self, request: Callable[[], Sequence[str]]) -> Sequence[str]:
        """Like `tell`, for a removal: that nothing was removed must be said each time."""
        if self._writing.closed:
            try:
                return request()
            except Exception as error:
                if not is_answer(error):
                    self._writing.failed()
                why = reason(error)
        else:
            why = "the server did not answer a moment ago"
        self.warnings.always(
            f"Entries in {self._place} could not be deleted, and may be found again.",
            f"{why}.",
            "clear again when the server answers.",
        )
        return []

    def tidy(self, request: Callable[[], object]) -> None:
        """Like `tell`, for what nobody asked for: that it fails is not said, for who may read may not delete."""
        if not self._tidying.closed:
            return
        try:
            request()
        except Exception:
            self._tidying.failed()
        else:
            self._tidying.succeeded()

    def failed(self, error: Exception) -> None:
        """Note that what the server has sent cannot be taken."""
        self._trouble(error, self._reading)

    def left_unsent(self, count: int) -> None:
        """Say that results were not sent, once until the server takes some again."""
        self.warnings.once(
            _KIND_OF_TROUBLE[True],
            "unsent",
            f"{count} result{'s' if count != 1 else ''} could not be sent to {self._place} in time.",
            "the server takes them more slowly than they are computed, or does not answer.",
            "nothing; they are kept on this machine.",
        )

    def _through(self, breaker: Breaker, request: Callable[[], Answer]) -> Answer | None:
        if not breaker.closed:
            return None
        try:
            answer = request()
        except DamagedEntryError:
            return None  # a file of this machine was changed while it was sent
        except Exception as error:
            # Every library of every server raises something else.
            self._trouble(error, breaker)
            return None
        if breaker.succeeded():
            self.warnings.over(_KIND_OF_TROUBLE[breaker is self._writing])
        return answer

    def _trouble(self, error: Exception, breaker: Breaker) -> None:
        writing = breaker is self._writing
        if is_answer(error) and not writing:
            # About one name, such as one of another type; the next question may be answered well.
            self.warnings.once(
                "answer", None, f"The shared store {self._place} refused to answer.", f"{reason(error)}.", "nothing."
            )
            return
        pause = breaker.failed()
        if not writing or is_unreachable(error):
            (self._reading if writing else self._writing).failed()
        what = "takes no results" if writing and not is_unreachable(error) else "is not used"
        self.warnings.once(
            _KIND_OF_TROUBLE[writing and not is_unreachable(error)],
            None,
            f"The shared store {self._place} {what} for now; everything else goes on.",
            f"{reason(error)}.",
            f"check the server; it is asked again after {pause:.0f} s.",
        )
