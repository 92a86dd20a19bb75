"""Measure the panel at 100,000 entries, and take its pictures.

In `tests/`: `python -m browser.panel_report --measure --images ../docs/images`.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from browser.conftest import CHROMIUM_FLAGS
from browser.jupyter import Server, open_notebook
from browser.panel_page import MANY, PanelPage

STORY = """
%load_ext nbcache
import time
import numpy as np

@cache_data(persist="disk", show_spinner=False)
def load_trips(year, city="Paris"):
    time.sleep(0.35)
    return np.zeros((year % 100, 40_000))

@cache_data(persist="disk", ttl="1h", show_spinner=False)
def fetch_weather(station):
    time.sleep(0.2)
    return {"station": station, "hours": list(range(5000))}

@cache_data(show_spinner=False)
def fit_model(depth, rate=0.1):
    time.sleep(0.15)
    return np.ones((depth, 20_000))

for year in (2021, 2022, 2023, 2024): load_trips(year)
load_trips(2024, city="Lyon")
for _ in range(40): load_trips(2024); load_trips(2023)
for station in ("CDG", "ORY", "LYS"): fetch_weather(station)
for _ in range(12): fetch_weather("CDG")
for depth in (3, 5, 8): fit_model(depth)
for _ in range(25): fit_model(5)
"""
REAL = """
%load_ext nbcache
for number in range(10):
    exec(f'''
@cache_data(show_spinner=False, track=False, persist={persist!r})
def function_{number}(x):
    return x
''')
    for x in range(10_000): globals()[f"function_{number}"](x)
"""
FRAMES = """async () => {
  const grid = document.querySelector('.nbc-grid');
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
  return [took[75], took[142]];
}"""
SEARCH = """async () => {
  const search = document.querySelector('.nbc-search');
  const began = performance.now();
  search.value = '(777';
  search.dispatchEvent(new Event('input'));
  return performance.now() - began;
}"""
SORT = """async () => {
  const began = performance.now();
  document.querySelector('.nbc-head .nbc-hits button').click();
  return performance.now() - began;
}"""


def measured(server: Server, context: BrowserContext, setup: str, show: str, view: str) -> list[str]:
    """Open a panel on ten functions of ten thousand entries; return one line of the table."""
    with open_notebook(server, context, anywidget=view == "table") as notebook:
        notebook.run(setup)
        kind = "nbc-table" if view == "table" else "nbcache-pool"
        notebook.run("from panel_source import FakeSource; from nbcache.notebook.panel import show as warm")
        notebook.run("warm(FakeSource({'first': 1}))")
        PanelPage(notebook, kind)
        before, began = notebook.received, time.perf_counter()
        notebook.start(show)
        panel = PanelPage(notebook, kind, number=1)
        expect(panel.root.get_by_text("function_9", exact=True)).to_be_visible()
        shown, weight = time.perf_counter() - began, notebook.received - before
        line = [f"{shown:.2f} s", f"{weight / 1000:.0f} KB"]
        if view == "pool":
            return [*line, "–", "–", "–", "–", "–"]
        notebook.page.evaluate("() => document.querySelector('.nbc-table').remove()")
        before, began = notebook.received, time.perf_counter()
        panel = PanelPage(notebook, kind)
        panel.open("function_4")
        expect(panel.row("function_4(11)")).to_be_visible()
        line += [f"{time.perf_counter() - began:.2f} s", f"{(notebook.received - before) / 1000:.0f} KB"]
        middle, slow = notebook.page.evaluate(FRAMES)
        line.append(f"{middle:.0f} / {slow:.0f} ms")
        line += [f"{notebook.page.evaluate(script):.0f} ms" for script in (SORT, SEARCH)]
        return line


def measure(server: Server, context: BrowserContext) -> None:
    titles = [
        "source",
        "view",
        "first paint",
        "first bytes",
        "open 10,000",
        "bytes",
        "frame p50 / p95",
        "sort",
        "search",
    ]
    print("| " + " | ".join(titles) + " |\n|" + "---|" * len(titles))
    cases = [
        ("rows only", MANY, "show(source)", "table"),
        ("rows only", MANY, "show(source)", "pool"),
        ("memory", REAL.replace("{persist!r}", "None"), "%cache_panel", "table"),
        ("memory + disk", REAL.replace("{persist!r}", "'disk'"), "%cache_panel", "table"),
    ]
    for source, setup, show, view in cases:
        print("| " + " | ".join([source, view, *measured(server, context, setup, show, view)]) + " |", flush=True)


def picture(page: Page, panel: PanelPage, path: Path) -> None:
    page.mouse.move(0, 0)
    panel.root.screenshot(path=path, animations="disabled")
    print(path)


def pictures(server: Server, context: BrowserContext, folder: Path) -> None:
    """Take the panel in both themes, narrow, asking, and as a pool."""
    folder.mkdir(parents=True, exist_ok=True)
    for view in ("table", "pool"):
        with open_notebook(server, context, anywidget=view == "table", width=1400) as notebook:
            notebook.run(STORY)
            notebook.run("%cache_panel")
            panel = PanelPage(notebook, "nbc-table" if view == "table" else "nbcache-pool")
            toggles = panel.root.locator(".nbc-toggle").or_(panel.root.get_by_title("Show the entries of"))
            toggles.nth(2).click()
            expect(panel.root.get_by_text("load_trips(2022)")).to_be_visible()
            notebook.page.evaluate("() => document.activeElement.blur()")
            picture(notebook.page, panel, folder / f"panel-{view}-light.png")
            notebook.theme("JupyterLab Dark")
            picture(notebook.page, panel, folder / f"panel-{view}-dark.png")
            notebook.theme("JupyterLab Light")
            if view == "table":
                panel.root.get_by_text("Clear all…").click()
                picture(notebook.page, panel, folder / "panel-question.png")
                notebook.page.keyboard.press("Escape")
                notebook.page.evaluate("() => window.jupyterapp.commands.execute('filebrowser:toggle-main')")
                notebook.page.set_viewport_size({"width": 480, "height": 900})
                picture(notebook.page, panel, folder / "panel-narrow.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, help="take pictures into this folder, such as docs/images")
    parser.add_argument("--measure", action="store_true", help="print first paint, bytes and frame times")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    server = Server(folder / "jupyter")
    try:
        server.start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS)
            context = browser.new_context(device_scale_factor=2 if asked.images else 1)
            if asked.images:
                pictures(server, context, asked.images)
            if asked.measure:
                measure(server, context)
            browser.close()
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
