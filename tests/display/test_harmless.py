"""With trust="safe" a hit shows nothing again that could run code in a browser."""

from __future__ import annotations

from typing import Any

import pytest

from nbcache.config import settings
from nbcache.engine.cache import Cache
from nbcache.notebook.display.harmless import harmless

HOSTILE = [
    "<script>ran()</script>",
    "<SCRIPT src=x></SCRIPT>",
    "<img src=x onerror=ran()>",
    "<div onclick='ran()'>x</div>",
    "<a href='javascript:ran()'>x</a>",
    "<iframe srcdoc='<script>ran()</script>'></iframe>",
    "<svg onload=ran()></svg>",
    "<object data=x></object>",
    "<form action='javascript:ran()'><button>x</button></form>",
    "<p>fine</p><!DOCTYPE x><b>x</b>",
    "<?xml version='1.0'?><b>x</b>",
    "<style>p{}</style><link rel=stylesheet href=x>",
    "<table><tr><td><script>ran()</script></td></tr></table>",
    "<math><mtext><script>ran()</script></mtext></math>",
]


@pytest.mark.parametrize("markup", HOSTILE)
def test_markup_that_could_run_code_is_left_out(markup: str) -> None:
    assert harmless({"text/html": markup, "text/plain": "x"}) == {"text/plain": "x"}


WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.mark.parametrize("mime", ["application/javascript", "image/svg+xml", WIDGET])
def test_other_kinds_that_run_something_are_left_out(mime: str) -> None:
    assert harmless({mime: "x", "image/png": "y"}) == {"image/png": "y"}


def test_the_table_of_a_frame_stays() -> None:
    pd = pytest.importorskip("pandas")
    markup = pd.DataFrame({"a": [1, 2], "b": ["<script>", "&"]})._repr_html_()
    assert harmless({"text/html": markup}) == {"text/html": markup}


def test_a_hit_in_a_notebook_shows_the_rest(cache: Cache, shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from IPython.utils.capture import capture_output

    monkeypatch.setattr(settings(), "trust", "safe")
    shell.run_line_magic("load_ext", "nbcache")
    shell.run_cell(
        "from IPython.display import HTML, Javascript, display\n"
        "@cache_data\n"
        "def show():\n"
        "    display(HTML('<script>ran()</script>')); display(Javascript('ran()')); display(HTML('<b>bold</b>'))\n"
        "show()"
    )

    with capture_output() as shown:
        shell.run_cell("show()")

    assert [bundle.data.get("text/html") for bundle in shown.outputs] == [None, None, "<b>bold</b>"]
    assert not any("application/javascript" in bundle.data for bundle in shown.outputs)
