"""One type of the zoo: how two equal objects of it are made, one that differs, what changes it, and what uses it."""

from __future__ import annotations

import sys
import types
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

__all__ = ["Family", "Specimen"]


@dataclass(frozen=True, eq=False)
class Specimen:
    """An object, as source text, so that it can be made in any process.

    Attributes
    ----------
    family, name : what it is
    make : an expression; evaluated twice it gives two equal objects
    other : an expression for one that differs in one deep detail
    edit : a statement that changes `x` in place; "" for what cannot be changed
    use : an expression that reads of `x`, and fills what caches it may have
    unkeyed : why it has no key, "" where it has
    unstored : why it is not kept as a result, "" where it is
    uncelled : why cells that make or use it run again after a restart, "" where they are restored
    apart : why two that are made alike are not equal ("a random name"); the same object is compared then
    """

    family: Family
    name: str
    make: str
    other: str
    edit: str = ""
    use: str = "repr(x)"
    unkeyed: str = ""
    unstored: str = ""
    apart: str = ""
    uncelled: str = ""

    def __str__(self) -> str:
        return f"{self.family.name}: {self.name}"

    @property
    def number(self) -> int:
        """Its place in the family, for names that are its own."""
        return self.family.specimens.index(self)

    def evaluate(self, expression: str) -> Any:
        """Evaluate an expression of this specimen in the module of its family."""
        return eval(expression, self.family.module().__dict__)

    def edited(self, value: Any) -> Any:
        """Apply the edit to a value, in place."""
        exec(self.edit, {**self.family.module().__dict__, "x": value})
        return value

    def used(self, value: Any) -> Any:
        """Use a value."""
        return eval(self.use, {**self.family.module().__dict__, "x": value})


class Family:
    """Specimens that share what has to be imported and defined.

    Parameters
    ----------
    needs : top packages; without one of them the family is left out
    setting : source of a module: imports, and classes as a notebook would define them
    heavy : whether it takes the extra `zoo` to run
    sharing : whether its specimens share parts, so that a cell that has several of them would depend on that
    """

    def __init__(self, name: str, needs: str, setting: str, heavy: bool = False, sharing: bool = False) -> None:
        self.name = name
        self.needs = needs.split()
        self.setting = setting
        self.heavy = heavy
        self.sharing = sharing
        self.specimens: list[Specimen] = []

    def __str__(self) -> str:
        return self.name

    def add(self, name: str, make: str, other: str, edit: str = "", use: str = "repr(x)", **more: str) -> None:
        """Add a type."""
        self.specimens.append(Specimen(self, name, make, other, edit, use, **more))

    def here(self) -> bool:
        """Whether its packages are installed."""
        return all(find_spec(package) is not None for package in self.needs)

    def module(self) -> types.ModuleType:
        """The module in which its specimens are made; made itself at the first use."""
        name = "zoo_of_" + "".join(letter if letter.isalnum() else "_" for letter in self.name)
        module = sys.modules.get(name)
        if module is None:
            module = sys.modules[name] = types.ModuleType(name)
            exec(compile(self.setting, f"<{name}>", "exec"), module.__dict__)
        return module
