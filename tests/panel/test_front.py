"""The front door of the panel: which form it takes where."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ipywidgets
import pytest
from IPython.core.interactiveshell import InteractiveShell
from ipywidgets.widgets.widget import _instances as widgets_alive
from panel_source import FakeSource

from nbcache.notebook.panel import front as room
from nbcache.notebook.panel.front import Panel, show
from nbcache.notebook.panel.model import PanelModel
from nbcache.notebook.panel.pool import PoolView


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """Pretend to be in a kernel; what a panel displays."""
    shell = InteractiveShell.instance()
    shell.kernel = object()
    shown: list[dict[str, Any]] = []
    monkeypatch.setattr(room, "get_ipython", lambda: shell)
    monkeypatch.setattr(shell.display_pub, "publish", lambda data, **_: shown.append(data))
    yield shown
    del shell.kernel


def panel(functions: dict[str, int], patience: float = 3600.0) -> Panel:
    return Panel(PanelModel(FakeSource(functions)), patience)


def test_a_terminal_gets_text(capsys: pytest.CaptureFixture[str]) -> None:
    show(FakeSource({"load": 3}))._ipython_display_()

    assert capsys.readouterr().out.splitlines()[-1].startswith("load")


def test_text_and_html_wait_for_what_is_still_being_read() -> None:
    source = FakeSource({"load": 3})

    repr(show(source))
    show(source)._repr_html_()

    assert source.asked.count("wait") == 2


def test_a_notebook_gets_a_plain_table_and_the_widget(published: list[dict[str, Any]]) -> None:
    panel = show(FakeSource({"load": 3}))

    panel._ipython_display_()

    saved, widget = published
    assert "nbcache-saved" in saved["text/html"]
    assert "<code>load</code>" in saved["text/html"]
    assert widget["application/vnd.jupyter.widget-view+json"]["model_id"] == panel.model_id
    assert "load" in saved["text/plain"]
    panel.close()


def test_a_panel_that_nobody_sees_is_a_picture_of_few_widgets() -> None:
    before = len(widgets_alive)

    played = panel({"load": 3})

    assert len(widgets_alive) - before <= 9
    _, picture, _ = played.children
    assert ">load<" in picture.value
    played.close()


def test_the_browsers_answer_brings_the_table() -> None:
    played = panel({"load": 3})
    table = played._table
    assert table is not None

    table.widget._handle_custom_msg({"type": "ready"}, [])

    assert played.children[-1] is table.widget
    played.close()


def test_silence_brings_the_pool_and_a_late_answer_the_table() -> None:
    played = panel({"load": 3})

    played.use_pool()
    pool = played.view
    assert isinstance(pool, PoolView)
    assert played.children[-1] is pool.widget

    played.use_table()
    assert played.view is not pool
    assert pool.widget.comm is None, "the widgets of the pool are closed"
    played.close()


def test_without_anywidget_the_pool_comes_when_somebody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "find_spec", lambda name: None)
    played = panel({"load": 3})
    assert played.view is None

    played._view_count = 1
    assert played._wait is not None
    played._wait.join(10)

    assert isinstance(played.view, PoolView)
    played.close()


def test_a_front_end_that_counts_no_views_gets_the_table_by_its_answer_alone() -> None:
    played = panel({"load": 3})
    table = played._table
    assert table is not None
    assert played._view_count == 0

    table.widget._handle_custom_msg({"type": "ready"}, [])
    table.widget._handle_custom_msg({"type": "visible", "on": True}, [])

    assert played.view is table
    assert played._live.watched
    played.close()


def test_a_front_end_that_never_answers_keeps_the_picture_and_gets_the_pool_by_its_button() -> None:
    played = panel({"load": 3})
    _, picture, button = played.children
    assert ">load<" in picture.value
    assert played.view is None

    button.click()

    pool = played.view
    assert isinstance(pool, PoolView)
    assert played._live.watched
    pool.rows[0][2].click()
    assert "Cleared load (3 entries)." in pool._notice.value
    played.close()


def test_numbers_are_followed_only_while_somebody_looks() -> None:
    played = panel({"load": 3})
    assert not played._live.watched

    played._view_count = 1
    assert played._live.watched

    played._view_count = 0
    assert not played._live.watched
    played.close()


def test_a_live_look_draws_what_changed() -> None:
    source = FakeSource({"load": 3})
    played = Panel(PanelModel(source), 3600.0)
    played.use_pool()
    pool = played.view
    assert isinstance(pool, PoolView)
    source.put("load", 7)

    assert played._follow()
    assert not played._follow()

    assert ">4<" in pool._figures.value
    played.close()


def test_a_panel_is_a_widget_that_layouts_take(published: list[dict[str, Any]]) -> None:
    shown = show(FakeSource({"load": 3}))
    assert isinstance(shown, ipywidgets.DOMWidget)

    box = ipywidgets.VBox([shown, ipywidgets.Button()])
    tabs = ipywidgets.Tab([shown])

    assert box.children[0] is shown
    assert tabs.children == (shown,)
    assert shown.get_state()["_view_name"] == "VBoxView"
    assert "<panel of the cache>" in repr(box)
    assert shown.model.source.asked.count("wait") == 0, "a layout's text waits for no disk"
    shown.close()


def test_everything_is_closed_with_the_panel() -> None:
    before = set(widgets_alive)
    played = panel({"load": 3})
    played.use_pool()
    played.use_table()

    played.close()

    left = [type(widgets_alive[each]).__name__ for each in widgets_alive.keys() - before]
    assert not {"Panel", "PoolView", "_Table"} & set(left)
