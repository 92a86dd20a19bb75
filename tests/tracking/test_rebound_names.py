"""What names stand for counts: rebound, patched in a library, registered on its classes, or read from a text."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from edits import Notebook, notebook
from edits_of_names import IN_TEXTS, PATCHED, REBOUND, REGISTERED, UNTOUCHED, Change

from nbcache.config import settings
from nbcache.engine.cache import Cache
from nbcache.inspection.wording import change_in_words

COUNTS = {
    f"{group}: {name}": change
    for group, changes in (
        ("rebound", REBOUND),
        ("patched", PATCHED),
        ("registered", REGISTERED),
        ("in texts", IN_TEXTS),
    )
    for name, change in changes.items()
}


ADDED = ("twice", "table", "other", "geo", "both", "extra")


@pytest.fixture(autouse=True)
def libraries_as_they_were() -> Iterator[None]:
    """Take away what a program has put into libraries."""
    yield
    owners = [sys.modules[name] for name in ("json", "math", "numpy") if name in sys.modules]
    owners += [
        getattr(sys.modules[name], kind)
        for name in ("pandas", "polars", "xarray")
        for kind in ("DataFrame", "Series", "Expr", "DataArray")
        if hasattr(sys.modules.get(name), kind)
    ]
    for owner in owners:
        for name in ADDED:
            if name in vars(owner):
                delattr(owner, name)


@pytest.fixture(autouse=True)
def on_disk(cache: Cache, libraries_as_they_were: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for guest in ("numpy", "pandas", "polars", "scipy", "xarray", "duckdb", "pydantic"):
        pytest.importorskip(guest)
    monkeypatch.setattr(settings(), "persist", "disk")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def check_right(report: dict[str, object]) -> None:
    assert report["value"] == report["plain"], report["text"]
    assert report["hit"] == report["said"], report["text"]


@pytest.mark.parametrize("name", COUNTS)
def test_a_change_that_counts_is_a_miss_and_its_way_back_a_hit(
    name: str, restart: Callable[[], Cache], tmp_path: Path
) -> None:
    change = COUNTS[name]
    with notebook(tmp_path / "work") as book:
        book.show(change.program)
        before, again = book.call(), book.call()
        try:
            book.run(change.statement)
            after, once_more = book.call(), book.call()
            restart()
            restarted = renewed(book, change).call()
        finally:
            book.run(change.back)
        back = book.call()

    for report in (before, again, after, once_more, restarted, back):
        check_right(report)
    assert before["value"] != after["value"], "this changes nothing"
    assert not after["hit"], after["text"]
    assert change_in_words(change.says) in str(after["text"])
    assert again["hit"], again["text"]
    assert once_more["hit"], once_more["text"]
    assert restarted["hit"], restarted["text"]
    assert back["hit"], back["text"]


@pytest.mark.parametrize("name", UNTOUCHED)
def test_what_changes_nothing_is_a_hit(name: str, restart: Callable[[], Cache], tmp_path: Path) -> None:
    change = UNTOUCHED[name]
    with notebook(tmp_path / "work") as book:
        book.show(change.program)
        before = book.call()
        again = book.call()
        try:
            book.run(change.statement)
            after = book.call()
            restart()
            restarted = renewed(book, change).call()
        finally:
            book.run(change.back)

    for report in (before, again, after, restarted):
        check_right(report)
    assert again["hit"], again["text"]
    assert after["hit"], after["text"]
    assert restarted["hit"], restarted["text"]


def renewed(book: Notebook, change: Change) -> Notebook:
    """Run the program from the start, and then the change."""
    book.run(change.back)
    book.show("")
    book.show(change.program)
    book.run(change.statement)
    return book
