"""Putting a session into the state that a run left: all of it, or nothing."""

from __future__ import annotations

import contextlib
import gc
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import CellType, FrameType, GeneratorType, TracebackType
from typing import Any

from nbcache.notebook.cells.objects.facets import Facet
from nbcache.notebook.cells.objects.kinds import facets_of

__all__ = ["HeldElsewhereError", "Restoring", "uninterrupted"]


class HeldElsewhereError(LookupError):
    """An object that has to be replaced is held by something that no name reaches."""


class Restoring:
    """A restore under way: everything that is done through it is undone when it does not reach its end."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._namespace = namespace
        self._undo: list[Callable[[], Any]] = []

    def __enter__(self) -> Restoring:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            for undo in reversed(self._undo):
                with contextlib.suppress(Exception):  # the others have to be undone all the same
                    undo()

    def bind(self, names: dict[str, Any], name: str, value: Any) -> None:
        self._remember_name(names, name)
        names[name] = value

    def delete(self, names: dict[str, Any], name: str) -> None:
        self._remember_name(names, name)
        names.pop(name, None)

    def do(self, step: Callable[[], Any], undo: Callable[[], Any]) -> None:
        self._undo.append(undo)
        step()

    def _remember_name(self, names: dict[str, Any], name: str) -> None:
        if name in names:
            held = names[name]
            self._undo.append(lambda: names.__setitem__(name, held))
        else:
            self._undo.append(lambda: names.pop(name, None))

    def put(self, contents: list[tuple[Any, dict[str, Any]]]) -> None:
        """Put new contents into live objects.

        Raises
        ------
        LookupError
            An object is not of the kind that it was.
        """
        planned = [(value, _facet(value, name), new) for value, facets in contents for name, new in facets.items()]
        for value, facet, new in planned:
            if not facet.fits(value, new):
                raise LookupError(f"{type(value).__qualname__} is not what it was")
        for value, facet, new in sorted(planned, key=lambda one: (one[1].last, not one[1].walked)):
            put: Any = facet.put
            held = facet.take(value) if facet.walked or facet.name in _SMALL else _copied(facet.take(value))
            self._undo.append(lambda put=put, value=value, held=held: put(value, held))  # type: ignore[misc]
            put(value, new)

    def replace(self, pairs: list[tuple[Any, Any]], known: list[Any]) -> None:
        """Bind every name of an object to another one in its place, and so what `Out` keeps of it.

        Parameters
        ----------
        known : objects whose content is put anew, so that they will hold the other one

        Raises
        ------
        HeldElsewhereError
            Something else holds it, and would go on to hold the old one.
        """
        if not pairs:
            return  # who holds an object is asked of every object there is
        shown = self._namespace.get("Out")
        tables = [self._namespace, *([shown] if isinstance(shown, dict) else [])]
        uncounted = 0
        for old, _ in [(_Probe(), None), *pairs]:  # the first tells how many references there are in any case
            if type(old) is _Probe:
                uncounted = _uncounted(old)
            elif _uncounted(old) > uncounted or is_held_elsewhere(old, [*tables, *known]):
                raise HeldElsewhereError(f"a {type(old).__qualname__} is held by something that no name reaches")
        for old, new in pairs:
            for table in tables:
                for name in [name for name, value in table.items() if value is old]:
                    self.bind(table, name, new)


class _Probe:
    """Nobody holds it."""


_SMALL = frozenset(("frame", "state", "place"))


def _copied(content: Any) -> Any:
    """A copy of a state that would otherwise be the live memory itself."""
    return content.copy() if hasattr(content, "copy") else content


def _facet(value: Any, name: str) -> Facet:
    for facet in facets_of(value) or ():
        if facet.name == name and facet.put is not None:
            return facet
    raise LookupError(f"{type(value).__qualname__} is not what it was")


_PASSED_AROUND: tuple[type, ...] = (list, tuple, dict, CellType, type(iter([])), type(iter(())))


def is_held_elsewhere(value: object, known: list[Any]) -> bool:
    """Tell whether something of the user's holds an object beside the `known` ones."""
    attributes = [getattr(one, "__dict__", None) for one in known]
    holders = gc.get_referrers(value)
    ours = {id(known), id(holders), *map(id, known), *map(id, attributes)}
    return any(id(holder) not in ours and not _is_ours(holder, ours, 3) for holder in holders)


def _uncounted(value: object) -> int:
    """How many references the collector does not know of: an array of objects, for one, tells it nothing."""
    return sys.getrefcount(value) - sum(_count(holder, value) for holder in gc.get_referrers(value))


def _count(holder: Any, value: object) -> int:
    """How often a container holds an object; once for what is none."""
    if isinstance(holder, dict):
        return sum(part is value for part in (*holder, *holder.values()))
    return sum(part is value for part in holder) if type(holder) in (list, tuple, set, frozenset) else 1


def _is_ours(holder: Any, ours: set[int], depth: int) -> bool:
    """Tell whether a holder belongs to nbcache: to its objects, or to a container that only its code holds."""
    kind = type(holder)
    if kind is GeneratorType and holder.gi_code.co_filename == __file__:
        return True
    if kind is FrameType or str(kind.__module__).partition(".")[0] == "nbcache":
        return True
    if not depth or kind not in _PASSED_AROUND:
        return False
    holders = gc.get_referrers(holder)
    ours = ours | {id(holders)}
    return all(id(outer) in ours or _is_ours(outer, ours, depth - 1) for outer in holders)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Put an interrupt off to the end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[tuple[int, FrameType | None]] = []
    before = signal.getsignal(signal.SIGINT)
    if not callable(before):
        yield
        return
    signal.signal(signal.SIGINT, lambda number, frame: waiting.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if waiting:
            before(*waiting[0])
