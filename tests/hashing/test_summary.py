"""The short text of a value never fails."""

from __future__ import annotations

import pytest
from hashed import Model

from nbcache.hashing.hasher import summary


class Rude:
    def __repr__(self) -> str:
        raise RuntimeError("no")


def test_a_summary_is_short_and_never_fails() -> None:
    np = pytest.importorskip("numpy")
    pd = pytest.importorskip("pandas")
    assert summary(0.1) == "0.1"
    assert summary("a") == "'a'"
    assert summary([1, 2]) == "[1, 2]"
    assert summary(list(range(100))) == "list of 100"
    assert summary(np.zeros((3, 4))) == "ndarray (3, 4) float64"
    assert summary(pd.DataFrame(np.zeros((1000, 3)))) == "DataFrame 1000x3"
    assert summary(Rude()).startswith("Rude")
    assert summary(10**5000).startswith("int of")
    assert "\n" not in summary("a\nb") and "\n" not in summary(pd.Series([1, 2]))
    assert len(summary("x" * 10**6)) <= 80
    assert len(summary(Model(**{f"name{place}": place for place in range(1000)}), 30)) <= 30


class Making:
    """Makes each attribute that it is asked for, as mocks and configurations do."""

    def __init__(self) -> None:
        self.made = [0]

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        self.__dict__[name] = made = Making()
        return made


def test_a_look_makes_nothing() -> None:
    value = Making()

    assert summary(value) == "Making(made)"
    assert list(vars(value)) == ["made"]
