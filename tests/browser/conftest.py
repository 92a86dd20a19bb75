"""One Jupyter server and one Chromium for all browser tests of a session."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from browser.jupyter import CHROMIUM_FLAGS, Notebook, Server, open_notebook
from browser.panel_page import CALLS, SETUP, PanelPage
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium (NBCACHE_CHROMIUM names another); Playwright gives it a profile of its own."""
    path = os.environ.get("NBCACHE_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no Chromium here: install the package chromium, or name one in NBCACHE_CHROMIUM")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, headless=True, args=CHROMIUM_FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def context(browser: Browser) -> BrowserContext:
    """One profile for all pages, so that JupyterLab's own files are loaded and compiled once."""
    return browser.new_context()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = Server(tmp_path_factory.mktemp("jupyter"))
    try:
        started.start()
        yield started
    finally:
        started.stop()


@pytest.fixture
def lab(server: Server, context: BrowserContext) -> Iterator[Callable[..., Notebook]]:
    """Open empty notebooks: `lab()` in JupyterLab, `lab("notebook")` in Notebook 7; the console must stay quiet."""
    opened: list[Notebook] = []
    with ExitStack() as stack:

        def open_one(app: str = "lab", **size: Any) -> Notebook:
            opened.append(stack.enter_context(open_notebook(server, context, app, **size)))
            return opened[-1]

        yield open_one
        for notebook in opened:
            assert notebook.errors == [], "the browser's console has errors"


@pytest.fixture
def notebook(lab: Callable[..., Notebook]) -> Notebook:
    """A notebook with two cached functions and four entries."""
    opened = lab()
    opened.run(SETUP)
    opened.run(CALLS)
    return opened


@pytest.fixture
def panel(notebook: Notebook) -> PanelPage:
    notebook.run("%cache_panel")
    return PanelPage(notebook)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder for screenshots: a temporary one, unless NBCACHE_PICTURES names where to keep them."""
    kept = os.environ.get("NBCACHE_PICTURES")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def axe() -> Callable[[Page, str], list[str]]:
    """Check a part of a page with axe-core; returns the serious findings, one line each."""
    import axe_playwright_python

    script = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")

    def check(page: Page, selector: str) -> list[str]:
        if not page.evaluate("() => Boolean(window.axe)"):
            page.evaluate(script)
        found = page.evaluate("selector => window.axe.run(selector)", selector)
        return [
            f"{each['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
            for each in found["violations"]
            if each["impact"] in ("serious", "critical")
            for node in each["nodes"]
        ]

    return check
