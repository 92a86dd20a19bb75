"""The panel where no front end is: plain HTML and plain text."""

from __future__ import annotations

import re

from panel_source import NOW, FakeSource

from nbcache.notebook.panel.model import PanelModel
from nbcache.notebook.panel.static import html_table, text_table


def model(functions: dict[str, int], *opened: str) -> PanelModel:
    made = PanelModel(FakeSource(functions), clock=lambda: NOW)
    made.refresh()
    for name in opened:
        made.open(name)
    return made


def test_html_has_a_row_per_function_and_opened_entry() -> None:
    html = html_table(model({"load": 2, "train": 1}, "load"))

    assert html.count("<tr>") == 1 + 2 + 2
    assert "<code>1</code>" in html
    assert "<code>load</code> 2 entries" in html
    assert "Hit rate" in html


def test_html_stands_alone() -> None:
    html = html_table(model({"load": 2}))

    assert not re.search(r"<(script|style|link|img|button)|class=|onclick", html)


def test_html_escapes_what_users_named() -> None:
    html = html_table(model({"<script>alert(1)</script>": 1}))

    assert "<script>" not in html


def test_html_says_what_it_leaves_out() -> None:
    html = html_table(model({"load": 500}, "load"), limit=10)

    assert html.count("<tr>") == 1 + 10
    assert "… and 491 more rows." in html


def test_text_is_aligned() -> None:
    lines = text_table(model({"load": 2, "train_a_model": 1}, "load")).splitlines()

    columns = [line.index("  ", 15) for line in lines if line.startswith(("Function", "train_a_model"))]
    assert len(lines) == 2 + 1 + 2 + 2
    assert len(columns) == 2
    assert all(len(line) <= 120 for line in lines)


def test_text_shortens_long_calls_and_keeps_the_columns() -> None:
    text = text_table(model({"f" * 200: 1}))

    assert "…" in text
    assert "memory, disk" in text


def test_text_says_what_it_leaves_out() -> None:
    assert text_table(model({"load": 500}, "load"), limit=5).endswith("… and 496 more rows")


def test_an_empty_cache_teaches_in_both() -> None:
    assert "@cache_data" in html_table(model({}))
    assert "@cache_data" in text_table(model({}))


def test_a_function_without_entries_has_a_note_in_both() -> None:
    empty = model({"load": 0}, "load")

    assert "next call of load" in html_table(empty)
    assert "next call of load" in text_table(empty)
