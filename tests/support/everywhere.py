"""What must hold wherever Python runs: functions, stores in memory and on disk, magics, cells and the panel.

It needs IPython and ipywidgets, and neither threads nor processes nor anything of POSIX. `await session(folder)` raises
at the first thing that is wrong.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import os
from pathlib import Path
from typing import Any

FUNCTIONS = '''
@cache_data
def quick(x, y=1):
    """In memory."""
    ran.append(x)
    return [x, y]

@cache_data(persist="disk", max_entries=100)
def kept(x):
    ran.append(x)
    return {"x": x, "bytes": bytearray(3_000_000)}

@cache_data(ttl="1h", refresh_mode="background", persist="disk")
async def awaited(x):
    ran.append(x)
    return x
'''


class Calls(list[Any]):
    """Counts real computations, and is no part of any key."""

    def __cache_key__(self) -> str:
        return "calls"


class Shell:
    """An IPython shell, driven as a kernel drives it."""

    def __init__(self) -> None:
        from IPython.core.interactiveshell import InteractiveShell
        from traitlets.config import Config

        config = Config()
        config.HistoryManager.enabled = False
        self.shell = InteractiveShell.instance(config=config)
        self.shell.colors = "nocolor"
        self.calls = builtins.ran = Calls()  # type: ignore[attr-defined]  # where no cell can change it

    async def __call__(self, code: str) -> str:
        """Run one cell; what it printed."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            self.shell.events.trigger("pre_execute")
            self.shell.events.trigger("pre_run_cell", None)
            result = await self.shell.run_cell_async(
                code, store_history=True, transformed_cell=self.shell.transform_cell(code)
            )
            self.shell.events.trigger("post_execute")
            self.shell.events.trigger("post_run_cell", result)
        error = result.error_before_exec or result.error_in_exec
        text = printed.getvalue()
        assert error is None and "Warning" not in text, (code, text, error)
        return text

    async def value(self, expression: str) -> Any:
        """What an expression is in the session."""
        await self(f"_found = {expression}")
        return self.shell.user_ns["_found"]

    async def ran(self) -> list[Any]:
        """The calls that were computed since it was asked last."""
        made = list(self.calls)
        self.calls.clear()
        return made


async def session(folder: Path) -> None:
    """Go through all of it, with a store in `folder`."""
    os.environ["NBCACHE_DIR"] = str(folder / "store")
    os.environ["NBCACHE_KEY_FILE"] = str(folder / "keys" / "key")
    run = Shell()
    await run("%load_ext nbcache")
    await run(FUNCTIONS)
    await functions(run)
    await a_new_kernel(run)
    await magics(run)
    await cells(run)
    await panel(run)
    await a_clear_leaves_nothing(run, folder / "store")
    await run("%unload_ext nbcache")


def _same(found: object, wanted: object) -> None:
    if found != wanted:
        raise AssertionError(f"{found!r} and not {wanted!r}")


async def functions(run: Shell) -> None:
    """Decorated functions, in memory and on disk."""
    _same(await run.value("quick(1), quick(1), quick(x=1, y=1)"), ([1, 1],) * 3)
    _same(await run.value("kept(1)['x'], kept(1)['x'], len(kept(1)['bytes'])"), (1, 1, 3_000_000))
    _same(await run.value("await awaited(1), await awaited(1)"), (1, 1))
    _same(await run.ran(), [1, 1, 1])
    _same(await run.value("[kept.map([1, 2]), kept.is_cached(2), len(kept.entries())][1:]"), [True, 2])
    _same(await run.ran(), [2])
    await run("kept.refresh(2)")
    _same(await run.ran(), [2])
    with_a_change = await run.value("(kept(2)['bytes'].__setitem__(0, 9), kept(2)['bytes'][0])")
    assert with_a_change == (None, 0)
    assert "its code" in str(await run.value("kept.explain(2)"))


async def a_new_kernel(run: Shell) -> None:
    """What is on disk is there after a restart; a kernel starts with an empty memory."""
    from nbcache import registry

    registry.replace_cache(None)
    _same(await run.value("kept(1)['x'], kept(2)['x'], await awaited(1)"), (1, 2, 1))
    _same(await run.ran(), [])
    await run(FUNCTIONS.replace('"x": x', '"x": x + 1'))
    _same(await run.value("kept(1)['x']"), 2)
    _same(await run.ran(), [1])


async def magics(run: Shell) -> None:
    """Lines that ask and clear."""
    await run("quick(5)")
    assert "quick" in await run("print(_ := get_ipython().run_line_magic('cache_info', ''))")
    assert "hit" in await run("%cache_explain quick 5")
    assert "Cleared quick(5)" in await run("%cache_clear quick 5")
    await run("quick(5)")
    _same(await run.ran(), [5, 5])
    assert "signing key" in await run("print(get_ipython().run_line_magic('cache_trust', ''))")


async def cells(run: Shell) -> None:
    """Marked cells, and automatic ones."""
    cell = "%%cache_cell\nfrom math import sqrt\nran.append('cell')\ntotal = sqrt(16)\nprint('shown')"
    for _ in range(2):
        assert "shown" in await run(cell)
    _same(await run.value("total"), 4)
    _same(await run.ran(), ["cell"])
    for _ in range(2):  # a class made anew is the same, also where its annotations are a function (3.14)
        await run("from abc import ABC\nclass Base(ABC):\n    v: int\nclass Point(Base): pass\np = Point()\np.v = 1")
        await run("%%cache_cell\nran.append('point')\np.v = 2")
    _same(await run.value("p.v"), 2)
    _same(await run.ran(), ["point"])
    await run("%cache_cells on --min-time 0s")
    for _ in range(2):
        await run("import time\nfinished = time.sleep(0.05), 3")
    _same(await run.value("finished[1]"), 3)
    assert "finished" in (status := await run("print(get_ipython().run_line_magic('cache_cells', 'status'))")), status
    await run("%cache_cells off")


async def panel(run: Shell) -> None:
    """The panel and the button, as widgets."""
    import ipywidgets

    assert isinstance(await run.value("kept.panel()"), ipywidgets.DOMWidget)
    assert isinstance(await run.value("cache_data.panel()"), ipywidgets.DOMWidget)
    await run("quick(7)")
    button = await run.value("quick.clear_button(7)")
    button.click()
    _same(await run.value("quick.is_cached(7)"), False)
    assert "kept" in repr(await run.value("kept.panel()"))
    await run.ran()


async def a_clear_leaves_nothing(run: Shell, store: Path) -> None:
    """`%cache_clear` takes the files away as well."""
    assert [path for path in store.rglob("*") if path.stat().st_size > 1_000_000]
    await run("%cache_clear")
    assert not [path for path in store.rglob("*") if path.is_file() and path.stat().st_size > 1_000]
