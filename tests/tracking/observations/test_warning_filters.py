"""What the filters make of a run's warnings is part of what its result rests on; filters for others are not."""

from __future__ import annotations

import pickle
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from counted import cached

from nbcache import cache_data
from nbcache.tracking.observations import warning_filters
from nbcache.tracking.observations.recorder import recording

pytestmark = pytest.mark.usefixtures("cache", "filters")


@pytest.fixture
def filters() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.resetwarnings()
        warnings.simplefilter("ignore")
        yield
        assert warning_filters._LISTENER not in warnings.filters


def _in_python() -> str:
    try:
        warnings.warn("look out", UserWarning, stacklevel=1)
    except UserWarning:
        return "raised"
    return "went on"


def _in_c() -> str:
    try:
        np.float64(1) / np.float64(0)
    except RuntimeWarning:
        return "raised"
    return "went on"


def _in_a_thread() -> str:
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(_in_python()))
    thread.start()
    thread.join()
    return found[0]


GIVEN: dict[str, Callable[[], str]] = {"Python": _in_python, "C": _in_c, "a thread": _in_a_thread}


@pytest.mark.parametrize("where", GIVEN)
def test_another_answer_of_the_filters_is_a_miss_and_the_old_one_a_hit(where: str, calls: Any) -> None:
    foo = cached(GIVEN[where], calls)
    assert [foo(), foo()] == ["went on"] * 2

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "warning filters for" in str(foo.explain())
        assert [foo(), foo()] == ["raised"] * 2

    assert foo() == "went on"
    assert len(calls) == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda: warnings.filterwarnings("error", "another text"),
        lambda: warnings.simplefilter("error", DeprecationWarning),
        lambda: warnings.filterwarnings("error", module="another_module"),
        lambda: warnings.filterwarnings("ignore", "look"),
    ],
    ids=["another text", "another kind", "another module", "the same answer"],
)
def test_a_filter_with_no_say_is_no_miss(change: Callable[[], None], calls: Any) -> None:
    foo = cached(_in_python, calls)
    foo()

    change()
    foo()

    assert len(calls) == 1


def test_a_run_that_gives_no_warning_rests_on_no_filter(calls: Any) -> None:
    foo = cached(lambda: 1, calls)
    foo()

    warnings.simplefilter("error")
    foo()

    assert len(calls) == 1


def test_filters_that_the_run_sets_itself_are_its_own(calls: Any) -> None:
    def quiet() -> str:
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            _in_python()
        return str(len(seen))

    foo = cached(quiet, calls)
    assert [foo(), foo()] == ["1", "1"]

    warnings.simplefilter("error")

    assert foo() == "1"
    assert len(calls) == 1


def test_a_hit_below_filters_of_an_outer_run_leaves_these_its_own(calls: Any) -> None:
    inner = cache_data(show_spinner=False)(_in_python)

    def quiet() -> str:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return inner()

    outer = cached(quiet, calls)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        inner()

    assert [outer(), outer()] == ["raised"] * 2
    assert len(calls) == 1


def test_an_outer_run_rests_on_the_warnings_of_a_hit_inside(calls: Any) -> None:
    inner = cache_data(show_spinner=False)(_in_python)
    inner()
    outer = cached(lambda: inner(), calls)
    outer()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert outer() == "raised"

    assert outer() == "went on"
    assert len(calls) == 2


def test_no_filter_stays_behind_and_nothing_is_shown_twice(capsys: pytest.CaptureFixture[str]) -> None:
    warnings.resetwarnings()
    warnings.simplefilter("default")
    before = list(warnings.filters)

    def warn() -> None:
        for _ in range(3):
            warnings.warn("once", UserWarning, stacklevel=1)

    with warnings.catch_warnings(record=True) as seen:
        with recording():
            warn()
        with recording():
            warn()
            assert warnings.filters[0] is warning_filters._LISTENER

    assert len(seen) == 1
    assert warnings.filters == before


def test_the_listener_travels_as_a_pattern_that_matches_nothing() -> None:
    _, text, kind, module, _ = warning_filters._LISTENER

    assert pickle.loads(pickle.dumps((text, module))) == (re.compile("(?!)"),) * 2
    assert pickle.loads(pickle.dumps(kind)) is kind


def test_an_error_in_listening_reaches_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(warning_filters, "_heard", broken)

    with recording():
        assert _in_python() == "went on"


def test_a_run_may_copy_the_filters_as_scikit_learn_does(cache: Any) -> None:
    @cache_data
    def foo() -> int:
        for action, message, category, module, line in list(warnings.filters):
            texts = [pattern if pattern is None else pattern.pattern for pattern in (message, module)]
            with warnings.catch_warnings():
                warnings.filterwarnings(action, texts[0] or "", category, texts[1] or "", line, append=True)
        return len(warnings.filters)

    assert foo() > 0
