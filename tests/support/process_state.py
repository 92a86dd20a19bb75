"""What a test could leave behind in the process for the tests after it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

# library -> what of it a test may change and has to put back
_READERS: dict[str, Callable[[Any], object]] = {
    "locale": lambda locale: locale.setlocale(locale.LC_ALL),
    "sys": lambda sys: sys.getrecursionlimit(),
    "decimal": lambda decimal: str(decimal.getcontext()).partition(" flags=")[0],
    "numpy": lambda numpy: (numpy.geterr(), numpy.get_printoptions()),
    "pandas": lambda pandas: {name: pandas.get_option(name) for name in _PANDAS},
    "sklearn": lambda sklearn: sklearn.get_config(),
}
_PANDAS = ("display.max_rows", "display.precision")


def process_state() -> dict[str, object]:
    """Return the state of each library that is loaded by now."""
    return {name: read(sys.modules[name]) for name, read in _READERS.items() if name in sys.modules}


def left_behind(before: dict[str, object]) -> dict[str, object]:
    """Return what is not any more as it was: library and what it was before and is now."""
    now = process_state()
    return {name: (before[name], now[name]) for name in before if before[name] != now[name]}
