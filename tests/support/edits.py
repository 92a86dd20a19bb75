"""Edits as people make them between two runs, for tests of what the cache makes of them.

Run as a script, ``edits.py PHASE FOLDER`` plays one session of a notebook with every edit, on disk, and prints what the
cache did as JSON.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import itertools
import json
import linecache
import os
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edit import Edit
from edits_of_code import CODE, GLOBALS, MODULES
from edits_of_files import FILES
from edits_of_no_effect import COSMETIC

from nbcache import cache_data

_numbers = itertools.count()
GROUPS = {"code": CODE, "global": GLOBALS, "module": MODULES, "file": FILES, "cosmetic": COSMETIC}
# What an edit's words say that it needs; on a light installation there are fewer guests.
NEEDED = {
    **{f"import {name}": name for name in ("numpy", "pandas", "polars", "pyarrow", "scipy", "joblib", "matplotlib")},
    "from PIL": "PIL",
    "parquet": "pyarrow",
    "feather": "pyarrow",
    "engine='pyarrow'": "pyarrow",
    "to_excel": "openpyxl",
}
MISSING = [words for words, guest in NEEDED.items() if importlib.util.find_spec(guest) is None]
EDITS = {
    f"{group}: {name}": edit
    for group, edits in GROUPS.items()
    for name, edit in edits.items()
    if not any(words in text for words in MISSING for text in edit)
}


# -- playing them -----------------------------------------------------------------------------------------------------


class Notebook:
    """A notebook in a folder, whose cells run in `__main__`."""

    def __init__(self) -> None:
        self.module = types.ModuleType("__main__")
        self.space = self.module.__dict__
        self.space["cache_data"] = cache_data
        self._cells: list[str] = []

    def prepare(self, source: str) -> None:
        """Run source that makes files, apart from the notebook."""
        exec(source, {"__name__": "setup"})

    def show(self, source: str) -> None:
        """Run the cells of a source that are not as they were."""
        cells = source.split("# %%\n")
        for cell, before in itertools.zip_longest(cells, self._cells):
            if cell is not None and cell != before:
                self.run(cell)
        self._cells = cells

    def run(self, cell: str) -> None:
        """Run one cell; as in a notebook, its source can be found by its file name."""
        name = f"<cell {next(_numbers)}>"
        linecache.cache[name] = (len(cell), None, cell.splitlines(keepends=True), name)
        exec(compile(cell, name, "exec"), self.space)

    def call(self) -> dict[str, Any]:
        """Call the function; tell what the cache said beforehand, and what it did."""
        foo = self.space["foo"]
        explanation = foo.explain()
        misses = foo.info().misses
        value = repr(foo())
        hit = foo.info().misses == misses
        with taken_back(self.space):
            plain = repr(foo.__wrapped__())
        return {
            "value": value,
            "plain": plain,
            "hit": hit,
            "said": explanation.hit,
            "changed": list(explanation.changed),
            "text": str(explanation),
        }


@contextlib.contextmanager
def taken_back(space: dict[str, Any]) -> Iterator[None]:
    """Take back what happens to lists and dicts of a notebook, in its objects, and as defaults of its functions."""
    values = [value for name, value in space.items() if not name.startswith("__")]
    defaults = [value.__defaults__ or () for value in values if type(value) is types.FunctionType]
    own = [value for value in values if type(value).__module__ == "__main__" and hasattr(value, "__dict__")]
    objects = [vars(value).values() for value in own]
    held = [value for value in (*values, *itertools.chain(*defaults, *objects)) if type(value) in (list, dict)]
    before = [(value, value.copy()) for value in held]
    inner = [part for value in held if type(value) is dict for part in value.values() if type(part) is list]
    nested = [(part, part.copy()) for part in inner]
    try:
        yield
    finally:
        for value, content in before:
            value.clear()
            value.update(content) if type(value) is dict else value.extend(content)
        for part, content in nested:
            part[:] = content


@contextlib.contextmanager
def notebook(folder: Path) -> Iterator[Notebook]:
    """A new notebook in a folder, with nothing imported from there."""
    folder.mkdir(parents=True, exist_ok=True)
    known, main, path, here = set(sys.modules), sys.modules["__main__"], list(sys.path), Path.cwd()
    made = Notebook()
    sys.modules["__main__"] = made.module
    sys.path.insert(0, str(folder))
    os.chdir(folder)
    importlib.invalidate_caches()
    try:
        yield made
    finally:
        os.chdir(here)
        sys.path[:] = path
        sys.modules["__main__"] = main
        for name in set(sys.modules) - known:
            if str(getattr(sys.modules[name], "__file__", None)).startswith(str(folder)):
                del sys.modules[name]


def session(phase: str, edit: Edit, folder: Path) -> dict[str, Any]:
    """Play one session of one notebook: before the edit, after it, or with the edit taken back."""
    after = phase == "after"
    with notebook(folder) as book:
        book.prepare(edit.setup_after if after else edit.setup)
        book.show(edit.after if after else edit.before)
        return book.call()


def main(phase: str, folder: str) -> None:
    from nbcache import registry
    from nbcache.config import settings
    from nbcache.engine.cache import Cache
    from nbcache.engine.tiers import open_tiers

    sys.dont_write_bytecode = True
    report = {}
    for number, (name, edit) in enumerate(EDITS.items()):
        home = Path(folder) / str(number)
        settings().dir = str(home / "store")
        settings().persist = "disk"
        registry.replace_cache(Cache(open_tiers()))
        try:
            report[name] = session(phase, edit, home / "work")
        except Exception as error:
            report[name] = {"error": f"{type(error).__name__}: {error}"}
        registry.the_cache().close()
    registry.replace_cache(None)
    print(json.dumps(report))


if __name__ == "__main__":
    main(*sys.argv[1:])


def foo_of(book: Notebook, source: str) -> Any:
    """The function `foo` after a cell was run."""
    book.show(source)
    return book.space["foo"]
