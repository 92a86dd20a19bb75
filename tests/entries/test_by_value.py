"""What is written by value, as it has no name, comes back as it was."""

from __future__ import annotations

import pickle
import traceback
from typing import Any

from roundtrip import returned

from nbcache import cache_data

PLACE = "<ipython-input-1-0123456789ab>"


def made(source: str) -> dict[str, Any]:
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, PLACE, "exec"), space)
    return space


def test_a_function_still_knows_where_its_source_is() -> None:
    outer = returned(made("def outer():\n    def inner(): return 1\n    return inner")["outer"])

    assert outer.__code__.co_filename == PLACE
    assert outer().__code__.co_filename == PLACE


def test_so_does_a_cached_function() -> None:
    function = pickle.loads(pickle.dumps(cache_data(made("def foo(): return 1")["foo"])))

    assert function.__wrapped__.__code__.co_filename == PLACE


def test_the_traceback_of_a_method_that_came_back_points_at_its_cell() -> None:
    model = returned(made("class Model:\n    def fit(self):\n        raise ValueError(1)")["Model"])

    try:
        model().fit()
    except ValueError as error:
        last = traceback.extract_tb(error.__traceback__)[-1]

    assert (last.filename, last.lineno, last.name) == (PLACE, 3, "fit")
