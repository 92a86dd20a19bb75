"""What travels to the browser's table: everything once, then only what changed."""

from __future__ import annotations

import json
from typing import Any

from panel_source import NOW, FakeSource

from nbcache.notebook.panel.clicks import Clicks
from nbcache.notebook.panel.model import PanelModel
from nbcache.notebook.panel.rows import UNDO_SECONDS
from nbcache.notebook.panel.synchronisation import TableSync


class Browser:
    """The other end of a wire: keeps what arrives."""

    def __init__(self, source: FakeSource, owner: str | None = None) -> None:
        self.model = PanelModel(source, owner, clock=lambda: NOW)
        self.model.refresh()
        self.messages: list[tuple[dict[str, Any], list[bytes]]] = []
        self.sync = TableSync(
            self.model, Clicks(self.model), lambda content, buffers: self.messages.append((content, buffers))
        )

    def says(self, **message: object) -> list[dict[str, Any]]:
        """Send a message; return what it was answered with, entries unpacked."""
        self.messages.clear()
        self.sync.receive(message)
        return self.answers()

    def looks(self) -> list[dict[str, Any]]:
        self.messages.clear()
        self.model.refresh()
        self.sync.draw()
        return self.answers()

    def answers(self) -> list[dict[str, Any]]:
        return [{**content, **(json.loads(buffers[0]) if buffers else {})} for content, buffers in self.messages]

    def weight(self) -> int:
        return sum(len(json.dumps(content)) + sum(map(len, buffers)) for content, buffers in self.messages)


def test_hello_is_answered_with_the_functions_and_no_entries() -> None:
    browser = Browser(FakeSource({"load": 3, "train": 1}))

    (overview,) = browser.says(type="hello")

    assert [row[:3] for row in overview["functions"]] == [("load", "load", 3), ("train", "train", 1)]
    assert overview["totals"][0] == 4


def test_opening_sends_the_entries_by_columns() -> None:
    browser = Browser(FakeSource({"load": 3}))
    browser.says(type="hello")

    (entries,) = browser.says(type="open", name="load")

    assert entries["whole"]
    assert (entries["arguments"], entries["labels"]) == (["0", "1", "2"], {})
    assert entries["id"] == [0, 1, 2]
    assert [entries["base"] + after for after in entries["created"]] == [NOW, NOW - 1, NOW - 2]


def test_ten_thousand_entries_weigh_less_than_a_megabyte_and_a_hundred_thousand_unopened_nothing() -> None:
    browser = Browser(FakeSource({f"function_{i}": 10_000 for i in range(10)}))

    browser.says(type="hello")
    assert browser.weight() < 5_000

    browser.says(type="open", name="function_0")
    assert browser.weight() < 880_000


def test_a_hit_sends_the_one_row_that_changed() -> None:
    source = FakeSource({"load": 100})
    browser = Browser(source)
    browser.says(type="hello")
    browser.says(type="open", name="load")

    source.hit("load", "7")
    overview, changes = browser.looks()

    assert overview["type"] == "overview"
    assert (changes["whole"], changes["gone"], changes["arguments"]) == (False, [], ["7"])


def test_nothing_is_sent_while_nothing_changed() -> None:
    browser = Browser(FakeSource({"load": 1}))
    browser.says(type="hello")
    browser.says(type="open", name="load")

    assert browser.looks() == []


def test_clearing_an_entry_takes_its_row_away_before_it_is_said() -> None:
    source = FakeSource({"load": 3})
    browser = Browser(source)
    browser.says(type="hello")
    browser.says(type="open", name="load")

    answers = browser.says(type="clear", name="load", id=1, request=5)

    assert list(source.held["load"]) == [("load", "0"), ("load", "2")]
    assert [answer["type"] for answer in answers] == ["overview", "entries", "done"]
    assert answers[1]["gone"] == [1]
    assert (answers[2]["request"], answers[2]["text"]) == (5, "Cleared load(1) (1 entry).")


def test_clearing_a_function_and_everything() -> None:
    source = FakeSource({"load": 3, "train": 1, "other": 2})
    browser = Browser(source)

    browser.says(type="clear", name="load", request=1)
    assert {name: len(held) for name, held in source.held.items()} == {"load": 0, "train": 1, "other": 2}

    browser.says(type="clear", name=None, request=2)
    assert {name: len(held) for name, held in source.held.items()} == {"load": 0, "train": 0, "other": 0}


def test_an_undo_brings_the_rows_back_and_a_clear_says_how_long_it_can_be_undone() -> None:
    source = FakeSource({"load": 3})
    browser = Browser(source)
    browser.says(type="hello")
    browser.says(type="open", name="load")
    done = browser.says(type="clear", name="load", request=1)[-1]
    assert (done["undo"], done["seconds"]) == (True, UNDO_SECONDS)

    answers = browser.says(type="undo", request=2)

    assert [answer["type"] for answer in answers] == ["overview", "entries", "done"]
    assert answers[1]["arguments"] == ["0", "1", "2"]
    assert (answers[2]["text"], answers[2]["undo"]) == ("Restored load (3 entries).", False)


def test_a_search_is_answered_with_what_closed_functions_hold() -> None:
    source = FakeSource({"load": 12, "train": 12, "idle": 0})
    browser = Browser(source)
    browser.says(type="hello")
    browser.says(type="open", name="train")

    (found,) = browser.says(type="search", text="(11)")
    assert (found["type"], found["query"], found["names"], found["arguments"]) == ("found", "(11)", ["load"], ["11"])
    assert browser.looks() == []

    answers = browser.says(type="clear", name="load", id=found["id"][0], request=1)
    assert [answer["type"] for answer in answers] == ["overview", "found", "done"]
    assert answers[1]["names"] == []
    assert ("load", "11") not in source.held["load"]


def test_a_failed_clear_is_answered_too() -> None:
    source = FakeSource({"load": 1})
    browser = Browser(source)
    source.failure = OSError("no space")

    done = browser.says(type="clear", name="load", request=1)[-1]

    assert (done["type"], done["error"]) == ("done", True)
    assert "no space" in done["text"]


def test_a_second_view_gets_everything_again() -> None:
    browser = Browser(FakeSource({"load": 2}))
    browser.says(type="hello")
    browser.says(type="open", name="load")

    again = browser.says(type="hello")

    assert [answer["type"] for answer in again] == ["overview", "entries"]
    assert again[1]["whole"]


def test_a_closed_function_is_sent_no_more() -> None:
    source = FakeSource({"load": 2})
    browser = Browser(source)
    browser.says(type="hello")
    browser.says(type="open", name="load")
    browser.says(type="close", name="load")

    source.hit("load", "1")

    assert [answer["type"] for answer in browser.looks()] == ["overview"]


def test_unknown_messages_are_ignored() -> None:
    browser = Browser(FakeSource({"load": 2}))

    assert browser.says(type="unexpected_miss") == []
    assert browser.says() == []


def test_calls_that_are_not_text_still_travel() -> None:
    browser = Browser(FakeSource({"f('\udcff')": 1}))
    browser.says(type="hello")

    (entries,) = browser.says(type="open", name="f('\udcff')")

    assert entries["arguments"] == ["0"]
