"""A function that changes its arguments: the first miss says that a hit will not, and `explain` lists the parameter."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nbcache import CacheWarning, cache_data


class Model:
    coef = None

    @cache_data(persist="disk")
    def fit(self, numbers: list[int]) -> Model:
        self.coef = sum(numbers)
        return self

    @cache_data
    def predict(self, numbers: list[int]) -> int:
        return (self.coef or 0) + numbers[0]


def test_a_method_that_changes_self_says_so_once(cache: Any) -> None:
    with pytest.warns(CacheWarning, match=r"fit\(\) changes its argument 'self', and a hit will not repeat") as said:
        Model().fit([1, 2])
        Model().fit([3, 4])
    assert len(said) == 1
    assert "not followed: what the function does to argument self" in str(Model.fit.explain(Model(), [1, 2]))


def test_a_later_session_lists_it_too(cache: Any, restart: Callable[[], Any]) -> None:
    def made() -> Any:
        @cache_data(persist="disk")
        def push(items: list[int]) -> int:
            items.append(1)
            return len(items)

        return push

    with pytest.warns(CacheWarning, match="'items'"):
        made()([1])
    restart()
    assert "what the function does to argument items" in str(made().explain([1]))


def _change_table(table: pd.DataFrame) -> None:
    table["new"] = 1


def _read_stream(stream: io.StringIO) -> str:
    return stream.read()


def _sort_in_place(array: np.ndarray) -> None:
    array.sort()


@pytest.mark.parametrize(
    ("change", "argument"),
    [
        (_change_table, lambda: pd.DataFrame({"a": [1]})),
        (_read_stream, lambda: io.StringIO("text")),
        (_sort_in_place, lambda: np.array([3, 1, 2])),
        (lambda pair: pair[0].append(1), lambda: ([], 1)),
        (lambda table: table.pop("a"), lambda: {"a": 1}),
    ],
)
def test_whatever_the_argument_is(cache: Any, change: Callable[..., Any], argument: Callable[[], Any]) -> None:
    with pytest.warns(CacheWarning, match="changes its argument"):
        cache_data(change)(argument())


def _memoised() -> Callable[[int], int]:
    memo: dict[int, int] = {}

    def square(x: int) -> int:
        return memo.setdefault(x, x * x)

    return square


@pytest.mark.parametrize(
    ("function", "argument"),
    [
        (lambda table: table.sum(), lambda: pd.DataFrame({"a": [1]})),
        (lambda table: table.groupby("a").sum(), lambda: pd.DataFrame({"a": [1], "b": [2]})),
        (lambda generator: generator.normal(), lambda: np.random.default_rng(1)),
        (lambda parts: parts["rng"].normal(), lambda: {"rng": np.random.default_rng(1)}),
        (lambda items: sorted(items), lambda: [3, 1]),
        (lambda model: model.predict([1]), Model),
        (lambda square: square(3), lambda: _memoised()),
    ],
)
def test_nothing_is_said_of_arguments_that_are_only_used(
    cache: Any, function: Callable[..., Any], argument: Callable[[], Any]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", CacheWarning)
        cache_data(function)(argument())
