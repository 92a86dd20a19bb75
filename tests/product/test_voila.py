"""A page that voila makes of a notebook: cells are restored, and the panel is a widget on it."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from live import environment

pytest.importorskip("voila")

CELLS = (
    "%load_ext nbcache\n%cache_cells on --min-time 0s",
    "import os\nx = os.getpid()\nprint('computed by', x)",
    "from ipywidgets import VBox\nVBox([cache_data.panel()])",
)


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Where a voila serves the notebook."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, tmp_path / "page.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "voila", "--no-browser", f"--port={port}", "--Voila.ip=127.0.0.1", "page.ipynb"]
    with open(tmp_path / "log", "wb") as log:
        server = subprocess.Popen(command, cwd=tmp_path, env=environment(HOME=str(tmp_path)), stdout=log, stderr=log)
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait(30)


def page(address: str) -> str:
    """The page, once the server answers."""
    until = time.monotonic() + 100
    while True:
        try:
            with urllib.request.urlopen(address, timeout=100) as answer:
                return str(answer.read(), "utf-8")
        except urllib.error.URLError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


@pytest.mark.timeout(240)
def test_a_page_that_is_opened_again_is_restored(address: str) -> None:
    first, second = page(address), page(address)
    assert "computed by" in first and "restored" not in first
    assert "computed by" in second and "restored x" in second
    assert "application/vnd.jupyter.widget-view+json" in second
