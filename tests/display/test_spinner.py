"""A spinner appears late, says what runs, and leaves nothing."""

from __future__ import annotations

import contextvars
import io
import sys
import threading

import pytest
from clock import Clock

from nbcache.notebook.display import spinner as room
from nbcache.notebook.display.cell_output import CellOutput
from nbcache.notebook.display.outputs import record
from nbcache.notebook.display.progress import Progress
from nbcache.notebook.display.spinner import Spinner, spinner


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Publisher:
    session = object()

    def __init__(self, fails=False):
        self.published = []
        self.fails = fails

    def publish(self, data, metadata=None, *, transient=None, update=False):
        if self.fails:
            raise OSError("the front end is gone")
        self.published.append((data, transient["display_id"], update))


class Kernel:
    """A shell of a notebook, as far as a spinner looks."""

    kernel = object()

    def __init__(self, publisher):
        self.display_pub = publisher


@pytest.fixture
def terminal(monkeypatch):
    """Put a terminal in place of stderr once called; pytest's own capture comes between fixtures and tests."""
    monkeypatch.setattr(room, "current_shell", lambda: None)

    def stand_in():
        stream = Terminal()
        monkeypatch.setattr(sys, "stderr", stream)
        return stream

    return stand_in


@pytest.fixture
def notebook(monkeypatch):
    publisher = Publisher()
    monkeypatch.setattr(room, "current_shell", lambda: Kernel(publisher))
    return publisher


def run_of_a_second():
    time = Clock()
    one = Spinner("Running", False, time)
    time.move(1)
    one.tick()
    one.stop()


def test_a_quick_call_shows_nothing(terminal):
    screen = terminal()
    time = Clock()
    one = Spinner("Running", False, time)
    time.move(0.19)
    one.tick()
    one.stop()
    assert screen.getvalue() == ""


def test_a_terminal_line_is_erased(terminal):
    screen = terminal()
    time = Clock()
    one = Spinner("Running", False, time)
    time.move(0.2)
    one.tick()
    assert screen.getvalue().endswith("Running")
    one.stop()
    width = len("x Running")
    assert screen.getvalue().endswith("\r" + " " * width + "\r")


def test_the_time_is_shown_to_a_tenth(terminal):
    screen = terminal()
    time = Clock()
    one = Spinner("Running", True, time)
    time.move(12.34)
    one.tick()
    assert screen.getvalue().endswith("Running (12.3 s)")


def test_a_notebook_output_is_updated_and_emptied(notebook):
    time = Clock()
    one = Spinner("Running", True, time)
    for _ in range(2):
        time.move(1)
        one.tick()
    one.stop()
    identity = notebook.published[0][1]
    assert notebook.published == [
        ({"text/plain": "Running (1.0 s)"}, identity, False),
        ({"text/plain": "Running (2.0 s)"}, identity, True),
        ({}, identity, True),
    ]


def test_an_unchanged_line_is_not_sent_again(notebook):
    time = Clock()
    one = Spinner("Running", False, time)
    for _ in range(5):
        time.move(1)
        one.tick()
    assert len(notebook.published) == 1


def test_nothing_is_drawn_after_the_end(notebook):
    time = Clock()
    one = Spinner("Running", False, time)
    one.stop()
    time.move(1)
    one.tick()
    assert notebook.published == []


def test_a_log_file_gets_nothing(monkeypatch):
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    monkeypatch.setattr(room, "current_shell", lambda: None)
    run_of_a_second()
    assert log.getvalue() == ""


def test_a_map_writes_a_line_into_a_log_every_half_minute(monkeypatch):
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    monkeypatch.setattr(room, "current_shell", lambda: None)
    time = Clock()
    count = Progress(200, time)
    one = Spinner(count, True, time)
    for _ in range(70):
        time.move(1)
        count.advance("computed")
        one.tick()
    one.stop()
    assert log.getvalue().splitlines() == [
        "nbcache: 30 of 200 calls · 30 computed · about 2 min 50 s left",
        "nbcache: 60 of 200 calls · 60 computed · about 2 min 20 s left",
    ]


def test_a_map_has_a_bar_in_a_notebook(notebook):
    time = Clock()
    count = Progress(4, time)
    one = Spinner(count, False, time)
    count.advance("hit")
    time.move(1)
    one.tick()
    data, _, _ = notebook.published[0]
    assert data["text/html"] == '<div><progress max="4" value="1"></progress> 1 of 4 calls · 1 cached</div>'
    assert data["text/plain"].endswith("1 of 4 calls · 1 cached")


def test_a_front_end_that_fails_does_not_reach_the_call(monkeypatch):
    monkeypatch.setattr(room, "current_shell", lambda: Kernel(Publisher(fails=True)))
    run_of_a_second()


def test_only_the_outermost_call_is_shown():
    with spinner(True, "outer", False, Clock()) as shown:
        inner = spinner(True, "inner", False, Clock())
        assert not isinstance(inner, room._Spinning)
    assert shown is None
    assert isinstance(spinner(True, "next", False, Clock()), room._Spinning)


def test_false_is_no_spinner():
    assert not isinstance(spinner(False, "foo", False, Clock()), room._Spinning)


def test_the_text_names_the_function():
    assert spinner(True, "foo", False, Clock())._text == "Running foo(...)"
    assert spinner("Loading", "foo", False, Clock())._text == "Loading"


def test_a_real_thread_draws_it_in_the_callers_context(monkeypatch):
    who = contextvars.ContextVar("who", default="nobody")
    seen = threading.Event()
    drawn = []

    class Watching(Publisher):
        def publish(self, data, metadata=None, **options):
            drawn.append((who.get(), threading.current_thread() is main, data))
            seen.set()

    main = threading.current_thread()
    monkeypatch.setattr(room, "current_shell", lambda: Kernel(Watching()))
    time = Clock()
    token = who.set("the caller")
    with spinner(True, "foo", False, time):
        time.move(1)
        assert seen.wait(5)
    who.reset(token)
    assert drawn[0] == ("the caller", False, {"text/plain": "Running foo(...)"})
    assert drawn[-1] == ("the caller", True, {})


def test_a_spinner_is_not_recorded(terminal):
    screen = terminal()
    with record("all") as recording:
        run_of_a_second()
    assert recording.to_bytes() == b""
    assert "Running" in screen.getvalue()


class Front:
    """A front end of a kernel: it keeps the outputs of one cell, and counts messages as a session does."""

    def __init__(self):
        self.session = self
        self.message_count = 0
        self.parent_header = {"header": {"msg_id": "cell"}}
        self.outputs = {}

    def publish(self, data, metadata=None, *, transient=None, update=False):
        self.message_count += 1
        self.outputs[(transient or {}).get("display_id", self.message_count)] = data

    def clear_output(self, wait=False):
        self.message_count += 1
        self.outputs.clear()


@pytest.fixture
def front(monkeypatch):
    front, cell_output = Front(), CellOutput()
    monkeypatch.setattr(room, "CELL_OUTPUT", cell_output)
    monkeypatch.setattr(room, "current_shell", lambda: Kernel(front))
    cell_output.begin(Kernel(front))
    return front


def test_a_line_that_stands_alone_leaves_no_output(front):
    for _ in range(3):
        run_of_a_second()
        assert front.outputs == {}


def test_beside_other_outputs_all_lines_of_a_cell_leave_one_empty_output(front):
    front.publish({"text/plain": "the user's"})
    for _ in range(3):
        run_of_a_second()
    assert list(front.outputs.values()) == [{"text/plain": "the user's"}, {}]


def test_what_is_shown_while_a_line_stands_there_stays(front):
    time = Clock()
    one = Spinner("Running", False, time)
    time.move(1)
    one.tick()
    front.publish({"text/plain": "the user's"})
    one.stop()
    assert {"text/plain": "the user's"} in front.outputs.values()


def test_two_lines_at_a_time_go_when_both_are_over(front):
    time = Clock()
    first, second = Spinner("first", False, time), Spinner("second", False, time)
    time.move(1)
    for one in (first, second):
        one.tick()
    first.stop()
    assert front.outputs
    second.stop()
    assert front.outputs == {}
