"""What the panel takes in a real JupyterLab: ten functions of ten thousand entries each, in Chromium."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from systems import System

from .case import Case, Measure

_SUPPORT = Path(__file__).resolve().parents[2] / "tests" / "support"

_FILL = """
%load_ext nbcache
for number in range(10):
    exec(f'''
@cache_data(show_spinner=False, track=False, persist={persist!r})
def function_{{number}}(x):
    return x
''')
    for x in range(10_000): globals()[f"function_{{number}}"](x)
"""
_FIRST_PANEL = """
%load_ext nbcache
from panel_source import FakeSource
from nbcache.notebook.panel.front import show
show(FakeSource({'first': 1}))
"""

# In the page, frame by frame: whoever asks from outside asks too rarely.
_SHOWN = """async (code) => {
  const panel = [...window.jupyterapp.shell.widgets('main')].find(each => each.content && each.sessionContext);
  panel.content.model.sharedModel.addCell({cell_type: 'code', source: code, metadata: {}});
  panel.content.activeCellIndex = panel.content.model.cells.length - 1;
  const began = performance.now();
  window.jupyterapp.commands.execute('notebook:run-cell');
  const drawn = () => [...document.querySelectorAll('.nbc-table, .nbcache-pool')]
    .some(view => view.querySelector('button') && /function_9/.test(view.innerText));
  while (!drawn() && performance.now() - began < 60000) await new Promise(requestAnimationFrame);
  return (performance.now() - began) / 1000;
}"""
_OPENED = """async () => {
  const began = performance.now();
  const table = [...document.querySelectorAll('.nbc-table')].find(each => /function_4/.test(each.innerText));
  [...table.querySelectorAll('.nbc-toggle')].find(each => /function_4/.test(each.innerText)).click();
  while (!/function_4\\(11\\)/.test(table.innerText) && performance.now() - began < 60000)
    await new Promise(requestAnimationFrame);
  return (performance.now() - began) / 1000;
}"""
_FRAMES = """async () => {
  const grid = [...document.querySelectorAll('.nbc-grid')].pop();
  const took = [];
  let before = performance.now();
  for (let step = 0; step < 150; step += 1) {
    grid.scrollTop += 120;
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    took.push(now - before);
    before = now;
  }
  took.sort((a, b) => a - b);
  return [took[75] / 1000, took[142] / 1000];
}"""
_SORTED = """() => {
  const table = [...document.querySelectorAll('.nbc-table')].pop();
  const began = performance.now();
  table.querySelector('.nbc-head .nbc-hits button').click();
  return (performance.now() - began) / 1000;
}"""
_SEARCHED = """() => {
  const search = [...document.querySelectorAll('.nbc-search')].pop();
  const began = performance.now();
  search.value = '(777';
  search.dispatchEvent(new Event('input'));
  return (performance.now() - began) / 1000;
}"""


def _paint(*, new_kernel: bool = False, anywidget: bool = True) -> Measure:
    """Seconds and bytes from running `%cache_panel` until its last function can be clicked, and what follows."""

    def measure(system: System, folder: Path) -> dict[str, float]:
        with _notebook(folder, anywidget) as notebook:
            notebook.run(_FILL.format(persist="disk" if system.on_disk else None))
            if new_kernel:
                notebook.restart_kernel()
            # JupyterLab fetches and compiles its widgets with the first one of a page.
            notebook.run(_FIRST_PANEL)
            page = notebook.page
            page.wait_for_selector(".nbc-table" if anywidget else ".nbcache-pool")
            before = notebook.received
            numbers = {"time": page.evaluate(_SHOWN, "%cache_panel")}
            numbers["bytes"] = float(notebook.received - before)
            if anywidget and not new_kernel:
                before = notebook.received
                numbers["open 1e4"] = page.evaluate(_OPENED)
                numbers["open 1e4, bytes"] = float(notebook.received - before)
                numbers["frame, median"], numbers["frame, slowest of 20"] = page.evaluate(_FRAMES)
                numbers["sort 1e4"] = page.evaluate(_SORTED)
                numbers["search 1e4"] = page.evaluate(_SEARCHED)
            return numbers

    return measure


@contextmanager
def _notebook(folder: Path, anywidget: bool) -> Iterator[Any]:
    """An empty notebook in a JupyterLab and a Chromium of its own, by the means of the browser's tests."""
    sys.path.insert(0, str(_SUPPORT))
    from browser.jupyter import CHROMIUM_FLAGS, Server, open_notebook
    from playwright.sync_api import sync_playwright

    chromium = os.environ.get("NBCACHE_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise RuntimeError("no Chromium here: install the package chromium, or name one in NBCACHE_CHROMIUM")
    server = Server(folder / "jupyter")
    try:
        server.start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
            with open_notebook(server, browser.new_context(), anywidget=anywidget) as notebook:
                yield notebook
            browser.close()
    finally:
        server.stop()


def _ours(system: System) -> bool:
    return system.name.startswith("nbcache")


def _on_disk(system: System) -> bool:
    return _ours(system) and system.on_disk


def _in_memory(system: System) -> bool:
    return _ours(system) and not system.on_disk


CASES = [
    Case("panel, 1e5 entries", "panel", _paint(), takes_part=_ours, rounds=3),
    Case("panel, 1e5 of an earlier kernel", "panel", _paint(new_kernel=True), takes_part=_on_disk, rounds=3),
    Case("panel, 1e5, no anywidget", "panel", _paint(anywidget=False), takes_part=_in_memory, rounds=3),
]
