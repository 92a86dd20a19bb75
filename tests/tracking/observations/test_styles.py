"""A run that reads matplotlib's parameters rests on those that somebody has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nbcache import cache_data
from nbcache.engine.cache import Cache

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def as_it_comes() -> Iterator[None]:
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        yield
    plt.close("all")


def drawn() -> Any:
    figure, axes = plt.subplots()
    return figure.dpi, axes.get_facecolor(), axes.xaxis.label.get_fontsize()


def cached(function: Callable[[], Any], calls: Any) -> Any:
    @cache_data(show_spinner=False, replay="none")
    def foo() -> Any:
        calls()
        return function()

    return foo


CHANGES: dict[str, Callable[[], object]] = {
    "a parameter": lambda: plt.rcParams.update({"figure.dpi": 42}),
    "an item": lambda: plt.rcParams.__setitem__("axes.facecolor", "red"),
    "a style": lambda: plt.style.use("ggplot"),
    "rc": lambda: plt.rc("axes", facecolor="blue"),
    "a theme of seaborn": lambda: pytest.importorskip("seaborn").set_theme(context="talk"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_another_style_is_a_miss_and_the_old_one_a_hit(change: str, cache: Cache, calls: Any) -> None:
    foo = cached(drawn, calls)
    plain = foo()

    with matplotlib.rc_context():
        CHANGES[change]()
        other = foo()
        assert (foo(), len(calls)) == (other, 2)

    assert other != plain
    assert (foo(), len(calls)) == (plain, 2)


def test_a_library_that_draws_with_matplotlib_counts(cache: Cache, calls: Any) -> None:
    pd = pytest.importorskip("pandas")
    foo = cached(lambda: pd.DataFrame({"a": [1, 2]}).plot().get_facecolor(), calls)
    plain = foo()

    plt.style.use("ggplot")

    assert foo() != plain


def test_a_run_that_draws_nothing_does_not_rest_on_the_style(cache: Cache, calls: Any) -> None:
    foo = cached(lambda: 1, calls)
    foo()

    plt.style.use("ggplot")
    foo()

    assert len(calls) == 1


def test_what_the_run_sets_itself_is_its_own(cache: Cache, calls: Any) -> None:
    def in_a_style() -> Any:
        with plt.style.context("ggplot"):
            return drawn()

    foo = cached(in_a_style, calls)

    assert foo() == foo()
    assert len(calls) == 1


def test_explain_names_the_parameters(cache: Cache, calls: Any) -> None:
    foo = cached(drawn, calls)
    foo()

    plt.rcParams["axes.facecolor"] = "red"

    assert "style of matplotlib" in str(foo.explain())
    assert "axes.facecolor = 'red'" in str(foo.explain())


def test_a_run_that_loads_matplotlib_sees_it_as_it_comes(python: Callable[..., str]) -> None:
    source = """
        import sys
        from nbcache import cache_data
        @cache_data(show_spinner=False, persist="disk", replay="none")
        def foo():
            print("runs", end=" ")
            import matplotlib; matplotlib.use("agg")
            import matplotlib.pyplot as plt
            return plt.figure().dpi
        if sys.argv[1:]:
            import matplotlib
            matplotlib.rcParams["figure.dpi"] = int(sys.argv[1])
        print(foo())
        """

    assert python(source) == "runs 100.0\n"
    assert python(source) == "100.0\n"
    assert python(source, "42") == "runs 42.0\n"
    assert python(source, "42") == "42.0\n"
