"""`%autoreload`: a cached function that was imported by name follows the edit of its module, as a plain one does."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbcache.calls.function import CachedFunction

_NAME = "IPython.extensions.autoreload"


class Reloads:
    """Teaches IPython's autoreload to renew cached functions in place, from the moment it is loaded.

    Parameters
    ----------
    shell : whose `%autoreload` it is
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._rule = (_both_cached, _renew)
        self._rules: list[Any] | None = None
        self.join()
        shell.events.register("pre_run_cell", self.join)

    def join(self, *_: Any) -> None:
        """Add our rule to those of autoreload, once that is loaded."""
        rules = getattr(sys.modules.get(_NAME), "UPDATE_RULES", None) if self._rules is None else None
        if isinstance(rules, list):
            self._rules = rules
            rules.append(self._rule)

    def stop(self) -> None:
        """Take the rule away again."""
        self._shell.events.unregister("pre_run_cell", self.join)
        if self._rules is not None and self._rule in self._rules:
            self._rules.remove(self._rule)


def _both_cached(old: object, new: object) -> bool:
    # whoever has such objects has loaded their room; this one does without
    kind = type(old)
    return type(new) is kind and getattr(kind, "__nbcache__", False) is True and hasattr(kind, "become")


def _renew(old: CachedFunction[Any, Any], new: CachedFunction[Any, Any]) -> None:
    old.become(new)
