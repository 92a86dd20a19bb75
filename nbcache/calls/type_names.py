"""Does a name in `hash_funcs` mean a type? A misspelt one would never be met, and nobody would know."""

from __future__ import annotations

import difflib
import sys
import types
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from nbcache.hashing.walk import name_of

__all__ = ["canonical", "fault", "name_of"]

#: Types that Python makes and that have no name anywhere, such as "function".
_UNNAMED = {f"builtins.{kind.__qualname__}": kind for kind in vars(types).values() if isinstance(kind, type)}


def canonical(name: str) -> str | None:
    """The full name under which a type is met that goes by `name` in a loaded module; None where it is not loaded.

    ``pandas.DataFrame`` is met as ``pandas.core.frame.DataFrame``.
    """
    module, words = _split(name if "." in name else f"builtins.{name}")
    found: Any = module
    for word in words:
        found = getattr(found, word, None)
    return name_of(found) if isinstance(found, type) else None


def fault(name: str) -> tuple[str, str] | None:
    """What is wrong with a name, and what to write in its place; None where nothing is known to be wrong."""
    if not all(word.isidentifier() for word in name.replace(".<locals>", "").split(".")):
        return "it is neither a type nor a name such as 'module.Type'", "use the type itself as the key."
    if canonical(name) is not None or f"builtins.{name.removeprefix('builtins.')}" in _UNNAMED:
        return None
    if "." not in name:
        return "it has no module in front of it", _instead(_called(name) or _near(name, list(_living())))
    if name in _living():
        return None
    module, words = _split(name)
    if module is None:
        top = name.partition(".")[0]
        if _exists(top):
            return None  # not loaded yet
        near = _near(top, [loaded for loaded in list(sys.modules) if "." not in loaded] + list(sys.stdlib_module_names))
        meant = {f"{other}.{name.partition('.')[2]}": other in sys.modules for other in near}
        there = [full for full in meant if canonical(full) is not None] or _called(words[-1])
        return f"there is no module {top}", _instead(there or [full for full in meant if not meant[full]])
    home = module.__name__
    if "<locals>" in name or (len(words) > 1 and _exists(f"{home}.{words[0]}")):
        return None
    near = _near(words[0], [kind for kind, value in list(vars(module).items()) if isinstance(value, type)])
    if not near:
        return None  # it may be defined later
    return f"module {home} has no type {'.'.join(words)}", _instead([f"{home}.{other}" for other in near])


def _split(name: str) -> tuple[types.ModuleType | None, list[str]]:
    """The longest beginning that is a loaded module, and the words behind it."""
    words = name.split(".")
    for size in range(len(words) - 1, 0, -1):
        module = sys.modules.get(".".join(words[:size]))
        if isinstance(module, types.ModuleType):
            return module, words[size:]
    return None, words


def _exists(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, AttributeError, ValueError):
        return False


def _living() -> Iterator[str]:
    """The full names of all classes there are; read only where a name is found nowhere else."""
    seen: set[type] = set()
    waiting: list[type] = [object]
    while waiting:
        kind = waiting.pop()
        known: list[type] = type.__subclasses__(kind)
        for below in known:
            if below not in seen:
                seen.add(below)
                waiting.append(below)
                yield name_of(below)


def _called(name: str) -> list[str]:
    return [full for full in _living() if full.rpartition(".")[2] == name]


def _near(word: str, known: list[str]) -> list[str]:
    short = {other.rpartition(".")[2]: other for other in known}
    return [short[other] for other in difflib.get_close_matches(word, short, n=3, cutoff=0.75)]


def _instead(names: list[str]) -> str:
    shown = " or ".join(f"'{name}'" for name in sorted(set(names), key=lambda name: (len(name), name))[:3])
    return f"write {shown}, or use the type itself as the key." if shown else "use the type itself as the key."
