"""What was shown last is an input like any other: `_`, `__` and `___` count by value."""

from __future__ import annotations

from typing import Any

import pytest

BETWEEN = {"_": 0, "__": 1, "___": 2}


@pytest.mark.parametrize("name", BETWEEN)
def test_an_earlier_output_counts_by_its_value(name: str, nb: Any) -> None:
    cell = f"%%cache_cell\na = {name} + 1"
    said = []

    for value, right in ((42, 43), (100, 101), (42, 43)):
        nb(f"{value}")
        for _ in range(BETWEEN[name]):
            nb("'between'")
        said.append(nb(cell).out)
        assert nb.ns["a"] == right

    assert f"input {name} 42 -> 100" in said[1]
    assert "restored" in said[2]


def test_a_cell_that_changes_an_earlier_output_in_place_runs(nb: Any) -> None:
    for _ in range(2):
        nb("[1]")
        assert "restored" not in nb("%%cache_cell\nnumber = _.append(2)").out
        assert nb("Out[max(Out)]").value == [1, 2]


def test_a_function_of_the_notebook_may_read_it_too(nb: Any) -> None:
    nb("@cache_data\ndef f(): return _ + 1")

    nb("42")
    assert nb("a = f()") and nb.ns["a"] == 43
    nb("100")
    assert nb("a = f()") and nb.ns["a"] == 101
