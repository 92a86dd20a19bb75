"""What clicks in the panel do, without a widget: clear, ask, say, undo."""

from __future__ import annotations

import pytest
from clock import Clock
from panel_source import FakeSource

from nbcache.notebook.panel.clicks import Clicks
from nbcache.notebook.panel.model import PanelModel
from nbcache.notebook.panel.rows import ASK_SECONDS, UNDO_SECONDS


@pytest.fixture
def source() -> FakeSource:
    return FakeSource({"load": 3, "train": 2})


def panel(source: FakeSource, owner: str | None = None, clock: Clock | None = None) -> tuple[PanelModel, Clicks]:
    model = PanelModel(source, owner, clock=clock or Clock())
    model.refresh()
    return model, Clicks(model)


def held(source: FakeSource) -> tuple[int, ...]:
    return tuple(map(len, source.held.values()))


def test_an_entry_a_function_and_everything_are_cleared_and_named(source: FakeSource) -> None:
    model, clicks = panel(source)
    model.open("load")

    assert clicks.clear_entry("load", ("load", "1")).text == "Cleared load(1) (1 entry)."
    assert [entry.arguments for entry in model.entries("load") or []] == ["0", "2"]
    assert held(source) == (2, 2)
    assert clicks.clear_function("load").text == "Cleared load (2 entries)."
    assert held(source) == (0, 2)
    assert clicks.clear_all().text == "Cleared the cache (2 entries)."
    assert (held(source), model.totals.entries) == ((0, 0), 0)


def test_clear_all_of_one_function_says_so_and_spares_the_others(source: FakeSource) -> None:
    _, clicks = panel(source, "load")
    assert (clicks.clear_all_text, clicks.scope) == ("Clear all of load…", "all 3 entries of load")

    clicks.ask_clear_all()
    clicks.confirm()

    assert held(source) == (0, 2)


def test_everything_is_asked_for_first(source: FakeSource) -> None:
    _, clicks = panel(source)

    clicks.ask_clear_all()
    assert clicks.question is not None
    assert (clicks.question.subject, held(source)) == ("all 5 entries", (3, 2))
    clicks.cancel()
    clicks.confirm()
    assert held(source) == (3, 2)

    clicks.ask_clear_all()
    clicks.confirm()
    assert (held(source), clicks.question) == ((0, 0), None)


@pytest.mark.parametrize(
    ("seconds", "address", "why"),
    [
        (ASK_SECONDS, ("load", "9"), None),
        (ASK_SECONDS + 1, ("load", "9"), "It took 1 min 1 s to compute."),
        (ASK_SECONDS - 5, None, None),
        (3 * 3600.0, None, "4 entries, 3 h to compute."),
    ],
)
def test_what_took_more_than_a_minute_is_asked_for_first(
    source: FakeSource, seconds: float, address: tuple[str, str] | None, why: str | None
) -> None:
    source.put("load", 9, seconds)
    model, clicks = panel(source)
    model.open("load")

    clicks.press_clear("load", address)

    assert (clicks.question and clicks.question.why) == why
    before = 4 if why else 3 if address else 0
    assert held(source)[0] == before
    clicks.confirm()
    assert held(source)[0] == (3 if address else 0)


def test_a_clear_can_be_undone_for_some_seconds_and_its_message_goes_away(source: FakeSource) -> None:
    clock = Clock()
    model, clicks = panel(source, clock=clock)
    model.open("load")

    clicks.clear_function("load")
    assert model.notice.undo is not None
    assert clicks.undo().text == "Restored load (3 entries)."
    assert (held(source), len(model.entries("load") or [])) == ((3, 2), 3)

    clicks.clear_function("load")
    model.refresh()
    clock.move(UNDO_SECONDS - 0.1)
    assert not model.refresh()
    clock.move(0.2)
    assert model.refresh(), "drawn again, without the message"
    assert (model.notice.text, clicks.undo().text, held(source)) == ("", "", (0, 2))


def test_an_undo_that_comes_too_late_says_so(source: FakeSource) -> None:
    _, clicks = panel(source)
    clicks.clear_function("load")
    source.too_late = True

    assert clicks.undo().text == "Too late to restore load (3 entries)."


def test_clearing_what_had_gone_says_so(source: FakeSource) -> None:
    model, clicks = panel(source)
    model.open("load")
    del source.held["load"]["load", "0"]

    assert clicks.clear_entry("load", ("load", "0")).text == "Nothing to clear: load(0) had no entries left."
    assert [entry.arguments for entry in model.entries("load") or []] == ["1", "2"]


def test_a_failed_clear_is_shown_stays_and_the_row_stays(source: FakeSource) -> None:
    clock = Clock()
    model, clicks = panel(source, clock=clock)
    model.open("load")
    source.failure = PermissionError("the folder is read-only")

    said = clicks.clear_entry("load", ("load", "0"))

    assert (said.error, said.text) == (True, "Could not clear load(0): the folder is read-only")
    clock.move(3600)
    model.refresh()
    assert model.notice.error
    assert len(model.entries("load") or []) == 3
