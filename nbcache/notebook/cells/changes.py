"""What did a cell do to its namespace: names bound, inputs changed in place, names deleted."""

from __future__ import annotations

import functools
import importlib
import re
import sys
from collections.abc import Collection, Iterable
from typing import Any

from nbcache.notebook.cells.namespace import Outcome
from nbcache.notebook.cells.syntax.bodies import Names

__all__ = ["Before", "apply", "content_of", "is_session", "restore"]

_SESSION = re.compile(r"_+|_i{1,3}|_\d+|_i\d+|_[iod]h|In|Out|__\w+__|__warningregistry__")
_TOOLS = frozenset({"get_ipython", "exit", "quit"})


def is_session(name: str, value: object, hidden: dict[str, Any]) -> bool:
    """Tell whether a name belongs to IPython itself (history, tools it put there), and not to the user."""
    if _is_of_session(name):
        return True
    return name in hidden and (hidden[name] is value or name in _TOOLS)


@functools.lru_cache(maxsize=4096)
def _is_of_session(name: str) -> bool:
    return name[0] in "_IO" and _SESSION.fullmatch(name) is not None


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
        noted = (names.certain | names.binds) - names.unseen  # old values of these are not kept alive for the run
        self._values = {
            name: value for name, value in namespace.items() if name not in noted and not _is_of_session(name)
        }
        self._there = set(namespace)

    def bound(self) -> dict[str, Any]:
        """The names that the run bound, with their values."""
        touched = self._touched()
        return {
            name: value
            for name, value in self._namespace.items()
            if not _is_of_session(name)
            and not is_session(name, value, self._hidden)
            and (name in touched or name not in self._there or self._values.get(name, value) is not value)
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


# --- changes in place


def content_of(value: Any) -> tuple[str, Any] | None:
    """Describe the content of a mutable value so that `restore` can put it back into the same object.

    `None` for a type whose content can only come back as a new object.
    """
    kind = type(value)
    if kind is list:
        return "list", list(value)
    if kind is dict:
        return "dict", dict(value)
    if kind is set:
        return "set", set(value)
    if kind is bytearray:
        return "bytearray", bytes(value)
    if kind.__module__ == "numpy" and kind.__name__ == "ndarray" and value.flags.writeable:
        return "array", value.view()
    if _is_plain(kind) and hasattr(value, "__dict__"):
        return "object", dict(vars(value))
    return None


def _is_plain(kind: type) -> bool:
    """Tell whether an instance is nothing but its `__dict__`: a class written in Python, on `object`."""
    plain = kind.__module__ == "__main__" and "__slots__" not in vars(kind)
    special = ("__reduce__", "__reduce_ex__", "__getstate__", "__setstate__", "__getnewargs__", "__getnewargs_ex__")
    inherited = [base for base in kind.__mro__ if base is not object]
    return plain and all(
        base.__flags__ & (1 << 9) and "__slots__" not in vars(base) and not any(name in vars(base) for name in special)
        for base in inherited
    )


def restore(value: Any, how: str, content: Any) -> bool:
    """Put a content back into a live object; False where the object is no longer of that kind."""
    if how == "object":
        vars(value).clear()
        vars(value).update(content)
    elif how == "array":
        if value.shape != content.shape or value.dtype != content.dtype or not value.flags.writeable:
            return False
        value[...] = content
    elif how in ("list", "bytearray"):
        value[:] = content
    else:
        value.clear()
        value.update(content)
    return True


def apply(outcome: Outcome, namespace: dict[str, Any], hidden: dict[str, Any]) -> None:
    """Do to a namespace what a run did to it."""
    for module in outcome.modules:
        importlib.import_module(module)
    roots = [namespace[name] for name in (*outcome.contents, *outcome.replaced)]
    for name in _reached(roots, {name: namespace[name] for name in outcome.shared if name in namespace}):
        for other in names_bound_to(namespace[name], namespace):
            namespace[other] = outcome.shared[name]
    for name, (how, content) in outcome.contents.items():
        if not restore(namespace[name], how, content):
            outcome.replaced[name] = content
    for name, value in outcome.replaced.items():
        for other in names_bound_to(namespace[name], namespace):
            namespace[other] = value
    for name, value in outcome.bound.items():
        namespace[name] = value
        hidden.pop(name, None)
    for name in outcome.deleted:
        namespace.pop(name, None)


def _reached(roots: list[Any], named: dict[str, Any], most: int = 200_000) -> list[str]:
    """Which of the named objects lie inside the roots, which are walked as far as they are plain containers."""
    wanted = {id(value): name for name, value in named.items()}
    found: list[str] = []
    waiting, seen = list(roots) if wanted else [], set(map(id, roots))
    while waiting and len(seen) < most:
        value = waiting.pop()
        inner: list[Any] = []
        if isinstance(value, dict):
            inner = [*value, *value.values()]
        elif isinstance(value, list | tuple | set | frozenset):
            inner = list(value)
        elif hasattr(value, "__dict__") and not isinstance(value, type):
            inner = list(vars(value).values())
        for part in inner:
            if id(part) not in seen:
                seen.add(id(part))
                waiting.append(part)
                if id(part) in wanted:
                    found.append(wanted[id(part)])
    return found


def names_bound_to(value: object, namespace: dict[str, Any]) -> Iterable[str]:
    """Every name of the namespace that is bound to this very object."""
    return [name for name, found in namespace.items() if found is value and not _is_of_session(name)]
