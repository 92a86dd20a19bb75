"""What a cell changes beside the namespace: the state of the process, and the options of libraries.

A hit repeats none of it, so that cells after it would show something else. Two ways find out. What stands in the cell
itself is seen before it runs: an attribute of a module that is assigned, a call such as `pd.set_option(...)` whose
value nobody takes. What is changed somewhere below is seen afterwards, where it can be compared cheaply.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from nbcache.notebook.cells.syntax.bodies import Names

__all__ = ["ProcessState", "of_libraries"]


def of_libraries(names: Names, namespace: Mapping[str, Any]) -> list[str]:
    """What the cell changes in modules, and in what it imports from them."""
    return [text for root, text in names.touched if root in names.imported or _is_library(namespace.get(root))]


def _is_library(value: object) -> bool:
    if isinstance(value, ModuleType):
        return True
    return callable(value) and getattr(value, "__module__", None) not in (None, "__main__")


# --- afterwards


def _environment() -> object:
    return {name: text for name, text in os.environ.items() if not name.startswith("KMP_")}


def _folder() -> object:
    try:
        return os.getcwd()
    except FileNotFoundError:
        return ""


def _logging() -> object:
    root = sys.modules["logging"].root
    return root.level, [id(handler) for handler in root.handlers]


def _figures() -> object:
    parameters: dict[str, Any] = sys.modules["matplotlib"].rcParams
    return {
        name: value
        for name, value in dict.items(parameters)
        if not name.startswith("backend") and name != "interactive"
    }


def _frames() -> object:
    return _flat(sys.modules["pandas._config.config"]._global_config)


def _flat(options: Any) -> object:
    return {name: _flat(value) for name, value in options.items()} if isinstance(options, dict) else options


def _called(module: str, name: str) -> Callable[[], object]:
    return lambda: getattr(sys.modules[module], name)()


_WATCHED: dict[str, tuple[str, Callable[[], object]]] = {
    "the working folder": ("os", _folder),
    "environment variables": ("os", _environment),
    "sys.path": ("sys", lambda: list(sys.path)),
    "logging": ("logging", _logging),
    "options of matplotlib": ("matplotlib", _figures),
    "options of pandas": ("pandas._config.config", _frames),
    "options of numpy": ("numpy", _called("numpy", "get_printoptions")),
    "options of scikit-learn": ("sklearn", _called("sklearn", "get_config")),
    "options of torch": ("torch", _called("torch", "get_default_dtype")),
}


class ProcessState:
    """The state of the process and of the libraries loaded at one moment; a library loaded later is as it comes."""

    def __init__(self) -> None:
        self._state = {what: _read(take) for what, (module, take) in _WATCHED.items() if module in sys.modules}

    def changed(self) -> list[str]:
        """What is not as it was."""
        return [what for what, state in self._state.items() if not _same(_read(_WATCHED[what][1]), state)]


def _read(take: Callable[[], object]) -> object:
    try:
        return take()
    except Exception:  # a library's inside, which another version has in another place, or not yet
        return None


def _same(one: object, other: object) -> bool:
    try:
        return bool(one == other)
    except Exception:  # values of a library that compare to something else than yes or no
        return one is other
