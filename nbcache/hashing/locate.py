"""Where in a value something was met, as Python would write it: ``['model'].layers[0]``. For messages only."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

_ENOUGH = 200_000


def way_to(root: object, target: object) -> tuple[str, type]:
    """Find the very object `target` in `root`.

    Returns
    -------
    The shortest way there, empty when it is the root, or not found; and the outermost class on it that is no builtin,
    else that of the target.
    """
    waiting: deque[tuple[object, str, type | None]] = deque([(root, "", _class_of(root))])
    met = {id(root): root}
    while waiting and len(met) < _ENOUGH:
        value, path, holder = waiting.popleft()
        if value is target:
            return path, holder or type(target)
        for step, part in _seen(value):
            if id(part) not in met:
                met[id(part)] = part
                waiting.append((part, path + step, holder or _class_of(part)))
    return "", _class_of(root) or type(target)


def _class_of(value: object) -> type | None:
    return None if type(value).__module__ in ("builtins", "_thread") else type(value)


def _seen(value: object) -> Iterator[tuple[str, object]]:
    """Give the parts of a value, or as many as come before its class raises."""
    try:
        yield from _parts(value)
    except Exception:  # a property, a name that is none: whatever it is, there is something else to be said
        return


def _parts(value: Any) -> Iterator[tuple[str, object]]:
    kind = type(value)
    if issubclass(kind, (str, bytes, int, float, complex)):
        return
    if issubclass(kind, dict):
        for key, part in dict.items(value):
            yield f"[{_short(key)}]", part
            yield f".keys()[{_short(key)}]", key
    for ordered in (list, tuple, deque):
        if issubclass(kind, ordered):
            for place, part in enumerate(ordered.__iter__(value)):
                yield f"[{place}]", part
    for unordered in (set, frozenset):
        if issubclass(kind, unordered):
            for part in unordered.__iter__(value):
                yield "{...}", part
    for name in ("__self__", "__func__", "__wrapped__", "func", "args", "keywords"):
        if name in getattr(type(value), "__dict__", {}):
            yield f".{name}", getattr(value, name, None)
    for name, cell in zip(_free_names(value), getattr(value, "__closure__", None) or (), strict=False):
        try:
            yield f".{name}", cell.cell_contents
        except ValueError:  # an empty cell
            continue
    state = getattr(value, "__dict__", None)
    if type(state) is dict:
        for name, part in state.items():
            yield f".{name}", part
    for base in type(value).__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if not name.startswith("__") and hasattr(value, name):
                yield f".{name}", getattr(value, name)


def _free_names(value: Any) -> tuple[str, ...]:
    return tuple(getattr(getattr(value, "__code__", None), "co_freevars", ()))


def _short(key: object) -> str:
    return repr(key) if type(key) in (str, int, float, bytes, bool, type(None)) else f"<{type(key).__name__}>"
