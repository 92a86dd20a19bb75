"""Take the pictures of the panel that the README shows.

In `tests/support/`: `python -m browser.panel_pictures ../../docs/images`.
"""

from __future__ import annotations

import argparse
import io
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from browser.jupyter import CHROMIUM_FLAGS, Server, open_notebook
from browser.panel_page import PanelPage

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


def picture(page: Page, panel: PanelPage, path: Path) -> None:
    """Take one picture, with few colours: it is part of every clone."""
    page.mouse.move(0, 0)
    content = panel.root.screenshot(animations="disabled")
    few = Image.open(io.BytesIO(content)).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    few.save(path, optimize=True)
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
            expect(panel.root.locator('.nbc-name[title="load_trips(2022)"]')).to_be_visible()
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
                notebook.page.evaluate("() => document.activeElement.blur()")
                picture(notebook.page, panel, folder / "panel-narrow.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=Path, help="the folder for the pictures, such as docs/images")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    server = Server(folder / "jupyter")
    try:
        server.start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS)
            context = browser.new_context(device_scale_factor=2)
            pictures(server, context, asked.images)
            browser.close()
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
