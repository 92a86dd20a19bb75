"""The calls that CONTRIBUTING tells forward are followed through the house, one real call each."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nbcache
from nbcache.engine.cache import Cache

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = Path(nbcache.__file__).parent


def steps_of(title: str) -> list[str]:
    """The rooms that the steps below a title begin with, in order."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = re.split(r"^#+ ", text.partition(f"### {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(r"^\d+\. `([\w/]+)`", section, re.MULTILINE)


def entered(action: Callable[[], object]) -> list[str]:
    """The rooms that an action enters, in order, as often as it comes back to them."""
    rooms: list[str] = []

    def note(frame: Any, event: str, argument: object) -> None:
        if event != "call":
            return
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(PACKAGE):
            rooms.append(path.relative_to(PACKAGE).with_suffix("").as_posix())

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(before)
    return rooms


def first_missing(steps: list[str], rooms: list[str]) -> str:
    """The first step that is not entered after those before it; empty when all are."""
    at = 0
    for step in steps:
        if step not in rooms[at:]:
            return step
        at = rooms.index(step, at)
    return ""


@pytest.fixture
def loaded(cache: Cache, shell: Any) -> Any:
    shell.run_line_magic("load_ext", "nbcache")
    shell.run_cell("@cache_data(persist='disk')\ndef foo(x):\n    return [x]\n")
    return shell


def clicked(shell: Any) -> None:
    """Do what a click on the button of the first entry of `foo` does, and what follows when it was not undone."""
    from nbcache.notebook.panel.clicks import Clicks
    from nbcache.notebook.panel.model import PanelModel
    from nbcache.notebook.panel.source import CacheSource

    ends: list[Callable[[], None]] = []

    def later(seconds: float, act: Callable[[], None]) -> Callable[[], None]:
        ends.append(act)
        return ends.clear

    model = PanelModel(CacheSource(later=later))
    model.refresh()
    name = next(row.name for row in model.source.functions() if row.entries)
    model.open(name)
    Clicks(model).press_clear(name, model.entries(name)[0].address)
    ends[0]()
    model.refresh()


CALLS: dict[str, tuple[str, Callable[[Any], object]]] = {
    "`foo(1)`, new in this process": ("pass", lambda shell: shell.run_cell("foo(1)")),
    "`%cache_clear foo 1`": ("_ = foo(1)", lambda shell: shell.run_cell("%cache_clear foo 1")),
    'A click on "clear" in the panel': ("_ = foo(1)", clicked),
    "`%%cache_cell`": ("y = 1", lambda shell: shell.run_cell("%%cache_cell one\nx = [y]")),
}


@pytest.mark.parametrize("title", CALLS)
def test_a_call_enters_the_rooms_that_contributing_names_in_that_order(loaded: Any, title: str) -> None:
    before, action = CALLS[title]
    loaded.run_cell(before)
    steps = steps_of(title)

    if title == "`%%cache_cell`":  # the last step is that of a hit
        rooms = entered(lambda: (action(loaded), action(loaded)))
    else:
        rooms = entered(lambda: action(loaded))

    assert 2 < len(steps) <= 9
    assert first_missing(steps, rooms) == ""


def test_every_list_of_steps_is_followed() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition("## Calls, told forward\n")[2].partition("\n## ")[0]

    assert re.findall(r"^### (.+)$", section, re.MULTILINE) == list(CALLS)


def test_a_call_that_is_made_often_stays_in_generated_code(loaded: Any) -> None:
    loaded.run_cell("for _ in range(40): foo(1)")
    foo = loaded.user_ns["foo"]

    assert [room for room in entered(lambda: foo(1)) if not room.startswith("entries/")] == []
