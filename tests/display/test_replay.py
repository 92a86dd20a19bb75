"""What a hit shows again, and the spinner while computing: through the decorator, in a real shell."""

from __future__ import annotations

import io

import pytest

SOURCE = """
from IPython.display import HTML, display
@cache_data(replay={replay!r}, track=False)
def report(x):
    print("text", x)
    display(HTML(f"<b>{{x}}</b>"))
    print("more")
    return x
"""


@pytest.fixture
def notebook(shell, cache):
    shell.run_line_magic("load_ext", "nbcache")
    return shell


def shown(shell, source):
    from IPython.utils.capture import capture_output

    with capture_output() as captured:
        shell.run_cell(source).raise_error()
    return captured.stdout, [output.data.get("text/html") for output in captured.outputs]


@pytest.mark.parametrize(
    ("replay", "text", "displays"),
    [("display", "", ["<b>1</b>"]), ("all", "text 1\nmore\n", ["<b>1</b>"]), ("none", "", [])],
)
def test_a_hit_shows_what_was_asked_for(replay, text, displays, notebook):
    notebook.run_cell(SOURCE.format(replay=replay)).raise_error()
    assert shown(notebook, "_ = report(1)") == ("text 1\nmore\n", ["<b>1</b>"])
    assert shown(notebook, "_ = report(1)") == (text, displays)
    assert shown(notebook, "_ = report(1)") == (text, displays)


def test_a_nested_hit_is_part_of_the_outer_recording(notebook):
    notebook.run_cell(SOURCE.format(replay="all")).raise_error()
    notebook.run_cell("@cache_data(replay='all', track=False)\ndef outer(x):\n    print('outer')\n    return report(x)")
    shown(notebook, "_ = report(1)")
    first = shown(notebook, "_ = outer(1)")
    assert first == ("outer\ntext 1\nmore\n", ["<b>1</b>"])
    assert shown(notebook, "_ = outer(1)") == first


def test_outputs_survive_a_restart(notebook, restart):
    notebook.run_cell(SOURCE.format(replay="all").replace("track=False", "track=False, persist='disk'"))
    first = shown(notebook, "_ = report(1)")
    restart()
    assert shown(notebook, "_ = report(1)") == first


def test_a_plain_script_replays_printed_text(python):
    printed = python(
        """
        from nbcache import cache_data

        @cache_data(replay="all")
        def report(x):
            print("text", x)
            return x

        report(1), report(1)
        """
    )
    assert printed == "text 1\ntext 1\n"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_quick_call_and_a_hit_show_no_spinner(cache, monkeypatch):
    from nbcache import cache_data

    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)

    @cache_data
    def quick():
        return 1

    quick(), quick()
    assert screen.getvalue() == ""


def test_the_spinner_gets_the_text_and_only_the_outermost_call_has_one(cache, monkeypatch):
    from contextlib import contextmanager

    from nbcache import cache_data
    from nbcache.engine.hooks import hooks

    seen = []

    @contextmanager
    def spinner(message, show_time):
        seen.append((message, show_time))
        yield

    monkeypatch.setattr(hooks, "spinner", spinner)

    @cache_data
    def plain():
        return 1

    @cache_data(show_spinner="Loading", show_time=True)
    def told(x):
        return x

    @cache_data(show_spinner=False)
    def quiet():
        return 2

    plain(), told(1), quiet(), plain()
    assert seen == [("Running plain()", False), ("Loading", True)]
