"""What did a cell do to its namespace: names bound, inputs changed in place, names deleted."""

from __future__ import annotations

import functools
import importlib
import re
import sys
from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import Any

from nbcache.notebook.cells.effects.library_options import held_now, set_again
from nbcache.notebook.cells.objects.places import Finder
from nbcache.notebook.cells.objects.restoring import Restoring, uninterrupted
from nbcache.notebook.cells.outcome import Outcome
from nbcache.notebook.cells.syntax.bodies import Names
from nbcache.tracking.written.file_outputs import PutBack

__all__ = ["Before", "apply", "is_session"]

_SESSION = re.compile(r"_+|_i{1,3}|_\d+|_i\d+|_[iod]h|In|Out|__\w+__|__warningregistry__")
_NO_VALUE = object()
_TOOLS = frozenset({"get_ipython", "exit", "quit"})


def is_session(name: str, value: object, hidden: dict[str, Any]) -> bool:
    """Tell whether a name belongs to IPython itself (history, tools it put there), and not to the user."""
    if _is_of_session(name):
        return True
    return name in hidden and (hidden[name] is value or name in _TOOLS)


def _is_of_session(name: str) -> bool:
    return name[0] in "_IO" and _matches(name)


@functools.lru_cache(maxsize=65536)
def _matches(name: str) -> bool:
    return _SESSION.fullmatch(name) is not None


class Before:
    """The names before a run, to be told from those after it; the namespace itself is left alone.

    What the cell's own statements bind they note in `marks`. Whatever else binds a name (a helper, a magic) is seen
    by its being bound to another object.
    """

    def __init__(self, namespace: dict[str, Any], hidden: dict[str, Any], names: Names, marks: Collection[str]) -> None:
        self._namespace = namespace
        self._hidden = hidden
        self._names = names
        self._marks = marks
        self._there = set(namespace)
        self._values = dict(namespace)
        for name in (names.certain | names.binds) - names.unseen:  # their old values are not kept alive for the run
            self._values.pop(name, None)

    def bound(self) -> dict[str, Any]:
        """The names that the run bound, with their values."""
        touched = self._touched()
        own = {"_"} & touched  # the last output, unless the cell has bound it itself
        before = self._values
        other = {
            name: value
            for name, value in self._namespace.items()
            if before.get(name, _NO_VALUE) is not value or name in touched
        }
        return {
            name: value
            for name, value in other.items()
            if (name in own or not is_session(name, value, self._hidden))
            and (name in touched or name not in self._there or before.get(name, value) is not value)
        }

    def deleted(self) -> list[str]:
        """The names that the run deleted, or bound and then deleted."""
        gone = (self._there | self._touched()) - self._namespace.keys()
        return sorted(name for name in gone if not _is_of_session(name))

    def _touched(self) -> set[str]:
        return {*self._marks, *self._names.certain, *names_of_modules(self._names.stars)}


def names_of_modules(modules: Iterable[str]) -> set[str]:
    """The names that `from module import *` binds, for modules that are loaded."""
    found: set[str] = set()
    for module in modules:
        public = vars(sys.modules[module]) if module in sys.modules else {}
        found.update(public.get("__all__") or (name for name in public if not name.startswith("_")))
    return found


def apply(
    outcome: Outcome, namespace: dict[str, Any], hidden: dict[str, Any], effects: Callable[[], object]
) -> list[str]:
    """Do what a run did: to a namespace, to files and to options; all of that, or nothing.

    Parameters
    ----------
    effects : leaves behind what else the run left; called when everything is in its place

    Returns
    -------
    names of the files that were missing or different, and are what they were again

    Raises
    ------
    LookupError
        An object or a file is not what it was, or something holds it that would go on to hold the old one.
    OSError
        A file cannot be written.
    """
    for module in outcome.modules:
        importlib.import_module(module)
    finder = Finder(namespace)
    pairs = [(finder.find(place), value) for place, value in outcome.replaced]
    before = held_now(outcome.options)
    with PutBack(outcome.files) as files, uninterrupted(), Restoring(namespace) as restoring:
        restoring.replace(pairs, [value for value, _ in outcome.contents])
        restoring.put(outcome.contents)
        for name, value in outcome.bound.items():
            restoring.bind(namespace, name, value)
            restoring.delete(hidden, name)
        for name in outcome.deleted:
            restoring.delete(namespace, name)
        restoring.do(partial(set_again, outcome.options), partial(set_again, before))
        files.put()
        effects()
        return files.names
