"""One session over all types, for a test that starts two on one store: what the second finds of the first.

Each type is an argument and a global of cached functions. In one real shell for all, a cached cell makes it, and a
second uses it: one for a family, or, where `NBCACHE_ZOO` asks for more, one for each type. Run with the folder of the
store in the environment; prints JSON.
"""

from __future__ import annotations

import builtins
import json
import os
import random
import sys
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from nbcache import registry
from nbcache.hashing.hasher import digest
from zoo.checks import cached
from zoo.everything import families
from zoo.specimen import Specimen

ALONE = bool(os.environ.get("NBCACHE_ZOO") or os.environ.get("ZOO_ALONE"))


def main(phase: str) -> None:
    """Visit every type; the second session in the opposite order."""
    warnings.simplefilter("ignore")
    notebook = Notebook()
    shown = families() if phase == "first" else families()[::-1]
    report: dict[str, dict[str, Any]] = {}
    for family in shown:
        for specimen in family.specimens:
            try:
                report[str(specimen)] = as_functions(specimen)
            except Exception as error:
                report[str(specimen)] = {"error": f"{type(error).__name__}: {error}"}
        notebook.run(family.setting)
        for together in [[one] for one in family.specimens] if ALONE or family.sharing else [family.specimens]:
            try:
                as_cells(together, notebook, report)
            except Exception as error:
                for specimen in together:
                    report[str(specimen)].setdefault("error", f"a cell raises {type(error).__name__}: {error}")
    print()
    print(json.dumps(report), flush=True)
    registry.the_cache().close()
    os._exit(0)  # not all libraries stand each other while a process ends


class Notebook:
    """A real shell, and how often its cached cells have run."""

    def __init__(self) -> None:
        config = Config()
        config.HistoryManager.enabled = False
        self.shell = InteractiveShell.instance(config=config)
        self.shell.colors = "nocolor"
        self.space = self.shell.user_ns
        self.run("%load_ext nbcache")
        self._runs = 0
        builtins.zoo_ran = self._ran  # type: ignore[attr-defined]

    def _ran(self) -> None:
        self._runs += 1

    def run(self, source: str) -> None:
        """Run a cell; raise what it raises."""
        self.shell.run_cell(source).raise_error()

    def runs(self, statements: Iterable[str]) -> bool:
        """Run a cached cell; tell whether it was computed."""
        before = self._runs
        random.seed(0)  # what draws from a seeded generator depends on its state
        self.run("\n".join(("%%cache_cell", "__import__('builtins').zoo_ran()", *statements)))
        return self._runs > before


def as_cells(specimens: Sequence[Specimen], notebook: Notebook, report: dict[str, dict[str, Any]]) -> None:
    """Make types in one cell, and use them in another."""
    for refused in (False, True):
        made = [specimen for specimen in specimens if bool(specimen.unstored or specimen.uncelled) is refused]
        keyed = [specimen for specimen in made if not (specimen.unkeyed or refused)]
        ran = bool(made) and notebook.runs(f"x{one.number} = {one.make}" for one in made)
        for one in made:
            kind = type(notebook.space[f"x{one.number}"])
            report[str(one)] |= {"made": ran, "type": f"{kind.__module__}.{kind.__qualname__}"}
        for one in keyed:
            report[str(one)]["restored"] = digest(notebook.space[f"x{one.number}"]).hex()
        ran = bool(keyed) and notebook.runs(
            statement for one in keyed for statement in (f"x = x{one.number}", f"y = ({one.use}, 1)[1]", "del x")
        )
        for one in keyed:
            report[str(one)]["used"] = ran
    for name in [name for name in notebook.space if name[:1] == "x" and name[1:].isdigit()]:
        del notebook.space[name]


def as_functions(specimen: Specimen) -> dict[str, Any]:
    """Give a value to one function, read it as a global of another."""
    number = specimen.number
    module = specimen.family.module()
    take = cached(specimen, f"take_{number}", f"def take_{number}(x):\n    return 1", persist="disk")
    vars(module)[f"held_{number}"] = held = specimen.evaluate(specimen.make)
    body = f"def read_{number}():\n    x = held_{number}\n    {specimen.use}\n    return 1"
    read = cached(specimen, f"read_{number}", body, persist="disk")
    found: dict[str, Any] = {}
    if not specimen.unkeyed:
        found["digest"] = digest(specimen.evaluate(specimen.make)).hex()
        found["argument"] = take.is_cached(held)
        take(held)
    read()
    found["global"] = read.info().hits
    return found


if __name__ == "__main__":
    main(sys.argv[1])
