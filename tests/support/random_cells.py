"""Random programs of cells, made by rule: names that share objects, change them in place, draw, count and register.

Every cell is valid where it stands, and prints what it did; an edit changes one number in one of them.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable

__all__ = ["FIRST", "edited", "program"]

FIRST = """
import random
from collections import Counter, defaultdict, deque
try:
    import numpy as np
except ImportError:
    np = None
random.seed(3)
count = 0
log = []
class Box:
    made = 0
    def __init__(self, held):
        self.held = held
        self.parts = []
    def put(self, value):
        self.parts.append(value)
        return len(self.parts)
def grow(value, n):
    if isinstance(value, (list, deque)): value.append(n)
    elif isinstance(value, set): value.add(n)
    elif isinstance(value, dict): value[n] = [n]
    elif isinstance(value, Box): value.put(n)
    elif np is not None and isinstance(value, np.ndarray): value[...] = n
    elif callable(value): value(n)
    return type(value).__name__
def part(value):
    if isinstance(value, Box): return value.held
    if isinstance(value, dict): return next(iter(value.values()), value)
    if isinstance(value, (list, deque, tuple)) and value: return value[0]
    if np is not None and isinstance(value, np.ndarray) and value.ndim: return value[1:]
    return value
def keep(value):
    def held(n=None):
        return value if n is None else grow(value, n)
    return held
def bump(n):
    global count
    count += n
    log.append(count)
    return count
def size(value):
    try: return len(value)
    except TypeError: return type(value).__name__
"""

_NAMES = tuple("abcdef")
_VALUES = (
    *("[{0}]", "[[{0}], [{0}]]", "{{'k': [{0}]}}", "{{{0}}}", "deque([{0}], 5)", "([{0}], {0})", "Box([{0}])"),
    *("Counter([{0}])", "defaultdict(list, k=[{0}])", "bytearray({0})", "iter(range({0}))", "random.Random({0})"),
    "np.arange({0}) if np is not None else [{0}]",
)


class _Maker:
    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.bound: set[str] = set()

    def cell(self) -> str:
        lines = [self._statement() for _ in range(self._random.randint(1, 3))]
        if self.bound and self._random.random() < 0.6:
            lines.append(f"size({self._known()})")
        return "\n".join(lines)

    def _statement(self) -> str:
        kinds: list[Callable[[], str]] = [self._make, self._make, self._draw, self._count]
        if self.bound:
            kinds += [self._alias, self._wrap, self._grow, self._grow, self._grow, self._part, self._loop, self._branch]
            kinds += [self._closure, self._print, self._class, self._hidden]
        if len(self.bound) > 3:
            kinds.append(self._delete)
        return self._random.choice(kinds)()

    def _known(self) -> str:
        return self._random.choice(sorted(self.bound))

    def _new(self) -> str:
        name = self._random.choice(_NAMES)
        self.bound.add(name)
        return name

    def _number(self) -> int:
        return self._random.randint(2, 9)

    def _make(self) -> str:
        n = self._number()
        value = self._random.choice(_VALUES).format(n)
        return f"{self._new()} = {value}"

    def _alias(self) -> str:
        known = self._known()
        return f"{self._new()} = {known}"

    def _part(self) -> str:
        known = self._known()
        return f"{self._new()} = part({known})"

    def _wrap(self) -> str:
        known = self._known()
        shape = self._random.choice(["[{0}, {0}]", "{{'k': {0}}}", "Box({0})", "({0}, [{0}])", "deque([{0}])"])
        return f"{self._new()} = {shape.format(known)}"

    def _grow(self) -> str:
        return f"grow({self._known()}, {self._number()})"

    def _hidden(self) -> str:
        return f"grow(part({self._known()}), {self._number()})"

    def _closure(self) -> str:
        known = self._known()
        return f"{self._new()} = keep({known})"

    def _print(self) -> str:
        return f"print({self._number()}, size({self._known()}), count, len(log))"

    def _draw(self) -> str:
        return f"{self._new()} = [random.randint(0, {self._number()})]"

    def _count(self) -> str:
        return f"bump({self._number()})"

    def _class(self) -> str:
        return f"Box.made += {self._number()}"

    def _loop(self) -> str:
        known = self._known()
        return f"for i in range({self._number()}):\n    grow({known}, i)"

    def _branch(self) -> str:
        known = self._known()
        return f"if count > {self._number()}:\n    grow({known}, 1)\nelse:\n    log.append({self._number()})"

    def _delete(self) -> str:
        known = self._known()
        self.bound.discard(known)
        return f"del {known}"


def program(seed: int, cells: int = 8) -> list[str]:
    """The cells of one program; the first defines what all programs use."""
    maker = _Maker(seed)
    return [FIRST, *(maker.cell() for _ in range(cells))]


def edited(cells: list[str], seed: int) -> list[str]:
    """The same cells with one number changed, not in the first one."""
    chosen = random.Random(seed)
    places = [(number, match) for number, cell in enumerate(cells[1:], 1) for match in re.finditer(r"\b[2-9]\b", cell)]
    if not places:
        return cells
    number, match = chosen.choice(places)
    cell = cells[number]
    changed = cell[: match.start()] + str(int(match.group()) + 1) + cell[match.end() :]
    return [*cells[:number], changed, *cells[number + 1 :]]
