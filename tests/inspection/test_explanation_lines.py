"""Explanations in one line: what differs between two values, how old something is, why a miss surprises."""

from __future__ import annotations

from typing import Any

import pytest
from edits import Notebook, foo_of

from nbcache import Explanation
from nbcache.config import settings
from nbcache.engine.cache import Cache
from nbcache.inspection.explanation import differences
from nbcache.inspection.wording import age, lines_that_count

# -- lines ------------------------------------------------------------------------------------------------------------

LINES = {
    "a line": ("helper h", "def h():\n    return 1", "def h():\n    return 2", "1 line: return 1 -> return 2"),
    "lines": ("code", "a = 1\nb = 2\nc = 3", "a = 4\nb = 5\nc = 3", "2 lines: a = 1 -> a = 4, ..."),
    "an added line": ("method C.m", "a = 1", "a = 1\nb = 2", "1 line added: b = 2"),
    "a removed line": ("method C.m", "a = 1\nb = 2", "a = 1", "1 line removed: b = 2"),
    "a comment beside it": ("code", "# one\na = 1", "# two\n\na = 2", "1 line: a = 1 -> a = 2"),
    "unknown source": ("code", "", "", "code changed"),
    "a name in a folder": ("folder data", "a.csv", "a.csv\nb.csv", "folder data changed: 1 name added: b.csv"),
    "sizes": ("file a.csv", "3 bytes", "5 bytes", "file a.csv changed: 3 bytes -> 5 bytes"),
    "a file of the same size": ("file a.csv", "3 bytes", "3 bytes", "file a.csv changed (3 bytes)"),
    "a file that came": ("missing a.csv", "", "", "file a.csv exists now; it was missing"),
    "a package": ("package pandas", "3.0.1", "3.1.0", "package pandas 3.0.1 -> 3.1.0"),
    "a value that looks the same": (
        "global X",
        "ndarray (3,) int64",
        "ndarray (3,) int64",
        "global X changed (ndarray",
    ),
}


@pytest.mark.parametrize("case", LINES)
def test_a_difference_is_told_in_one_line(case: str) -> None:
    label, before, after, expected = LINES[case]

    (line,) = differences([(label, "1", before)], [(label, "2", after)])

    assert line.startswith(label) or label.startswith("missing")
    assert expected in line
    assert "\n" not in line


def test_what_is_new_or_gone_is_told_by_its_first_line() -> None:
    helper = ("helper h", "1", "def h():\n    return 1")

    assert differences([], [helper]) == ("helper h is new: def h():",)
    assert differences([helper], []) == ("helper h is gone, it was: def h():",)


@pytest.mark.parametrize(
    ("seconds", "text"), [(-1, "0 s"), (0, "0 s"), (119, "119 s"), (180, "3 min"), (7200, "2 h"), (864000, "10 days")]
)
def test_an_age_is_told_in_the_unit_a_person_would_use(seconds: float, text: str) -> None:
    assert age(seconds) == text


def test_the_text_is_what_a_notebook_and_a_terminal_show() -> None:
    found = Explanation(False, ("global A 1 -> 2",), "last computed 3 min ago", "foo(1)", (), ("eval() in foo",))

    assert str(found) == repr(found) == (
        "foo(1): miss, last computed 3 min ago\n  changed: A 1 -> 2\n  not followed: eval() in foo"
    )  # fmt: skip


# -- surprising misses ------------------------------------------------------------------------------------------------


def test_a_surprising_miss_says_in_one_line_why_if_the_user_asks(
    book: Notebook, cache: Cache, capsys: pytest.CaptureFixture[str]
) -> None:
    settings().explain_misses = True
    source = "A = 1\nB = 1\n@cache_data\ndef foo(x): return A, B, x"
    foo_of(book, source)(1)
    foo_of(book, source)(1)
    assert capsys.readouterr().err == ""

    foo = foo_of(book, source.replace("= 1", "= 2"))
    foo(1)
    foo(1)

    assert capsys.readouterr().err == "nbcache: foo(1) is computed again: global A 1 -> 2 (and 1 more)\n"


def test_a_miss_that_is_no_surprise_is_quiet(
    book: Notebook, cache: Cache, clock: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings().explain_misses = True
    foo = foo_of(book, "@cache_data(ttl=60)\ndef foo(x): return x")

    foo(1)
    foo(2)
    clock.move(100)
    foo(1)
    foo.clear(1)
    foo(1)
    foo.refresh(1)

    assert capsys.readouterr().err == ""


def test_without_the_setting_a_surprising_miss_is_quiet(
    book: Notebook, cache: Cache, capsys: pytest.CaptureFixture[str]
) -> None:
    foo_of(book, "A = 1\n@cache_data\ndef foo(): return A")()
    foo_of(book, "A = 2\n@cache_data\ndef foo(): return A")()

    assert capsys.readouterr().err == ""


async def test_an_async_function_says_it_too(book: Notebook, cache: Cache, capsys: pytest.CaptureFixture[str]) -> None:
    settings().explain_misses = True
    await foo_of(book, "A = 1\n@cache_data\nasync def foo(): return A")()

    await foo_of(book, "A = 2\n@cache_data\nasync def foo(): return A")()

    assert capsys.readouterr().err == "nbcache: foo() is computed again: global A 1 -> 2\n"


def test_a_notebook_shows_the_answer_in_bold() -> None:
    shown = Explanation(True, (), "computed just now", "foo('<b>')")._repr_html_()
    assert shown == "<pre><b>foo(&#x27;&lt;b&gt;&#x27;): hit</b>, computed just now</pre>"


@pytest.mark.parametrize("quotes", ['"""', "'''"])
def test_docstrings_are_no_changed_lines(quotes: str) -> None:
    old = f"def f(x):\n    {quotes}Shear it.\n\n    Twice.{quotes}\n    return x  # as it is\n"
    assert lines_that_count(old) == ["def f(x):", "return x  # as it is"]
