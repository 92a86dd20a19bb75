"""The documentation site builds without a warning; its links lead somewhere, and nothing comes from a network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for guest in ("myst_nb", "pydata_sphinx_theme", "numpydoc", "codespell_lib", "sphinx_copybutton"):
        pytest.importorskip(guest)
    folder = tmp_path_factory.mktemp("site")
    # No proxy answers here: whatever asked for the network would fail.
    offline = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    done = subprocess.run(
        [sys.executable, "docs/build.py", "--saved", "--out", str(folder)],
        cwd=ROOT, env={**os.environ, **offline}, capture_output=True, text=True, timeout=115,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "html"


def test_every_page_and_notebook_is_part_of_the_site(site: Path) -> None:
    pages = {page.stem for page in (ROOT / "docs").glob("*.md")}
    notebooks = {notebook.stem for notebook in (ROOT / "notebooks").glob("*.ipynb")}

    assert {page.stem for page in site.glob("*.html")} >= pages | {"search", "genindex"}
    assert {page.stem for page in (site / "notebooks").glob("*.html")} == notebooks


def test_words_of_a_page_are_found_by_the_search_without_a_network(site: Path) -> None:
    index = (site / "searchindex.js").read_text(encoding="utf-8")

    assert all(f'"{word}"' in index for word in ("troubleshooting", "streamlit", "spinner"))
    assert not re.search(r'<script[^>]+src="https?:', (site / "search.html").read_text(encoding="utf-8"))


def test_the_reference_shows_what_a_cached_function_can_do(site: Path) -> None:
    reference = (site / "api.html").read_text(encoding="utf-8")

    for name in ("clear", "clear_where", "is_cached", "explain", "refresh", "map", "panel"):
        assert f'id="nbcache.CachedFunction.{name}"' in reference
    assert "UnhashableArgumentError" in reference
