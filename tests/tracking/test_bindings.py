"""What a library's names are bound to: told from what the user put there, in libraries as they are installed."""

from __future__ import annotations

import functools
import math
import types
from typing import Any

import pytest

from nbcache.tracking.bindings import DATA, LIBRARY, OTHER, USERS, foreign_name, kind_of
from nbcache.tracking.fingerprint import Tracker

LIBRARIES = (
    *("builtins", "datetime", "functools", "itertools", "json", "math", "os", "random", "re", "subprocess", "sys"),
    *("numpy", "numpy.random", "pandas", "polars", "pyarrow", "pyarrow.compute", "scipy.special", "scipy.stats"),
    *("duckdb", "h5py", "matplotlib.pyplot", "networkx", "numba", "sklearn.linear_model", "sympy", "torch", "xarray"),
)


@pytest.mark.parametrize("name", LIBRARIES)
def test_nothing_that_a_library_made_is_taken_for_the_users(name: str) -> None:
    module = pytest.importorskip(name)
    # what tests and shells have put there themselves
    apart = {"_", "get_ipython", "display", "ran"}

    found = [key for key, value in vars(module).items() if kind_of(value) == USERS]

    assert [key for key in found if not key.startswith("__") and key not in apart] == []


def mine(x: object) -> object:
    return x


class Mine:
    pass


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (mine, USERS),
        (Mine, USERS),
        (Mine(), USERS),
        (Mine().__init__, LIBRARY),
        (functools.partial(mine, 1), USERS),
        (functools.lru_cache(mine), USERS),
        (types.MethodType(mine, 1), USERS),
        (math.sqrt, LIBRARY),
        (math, LIBRARY),
        (int, LIBRARY),
        ("x".upper, LIBRARY),
        (1, DATA),
        ([1], DATA),
        ({"a": (1, 2)}, DATA),
        ([object()], OTHER),
        (object(), OTHER),
    ],
)
def test_a_value_under_a_librarys_name_is_of_one_kind(value: Any, kind: str) -> None:
    assert kind_of(value) == kind


def test_a_name_that_is_the_packages_own_has_nothing_to_say() -> None:
    assert foreign_name(math, "sqrt", math.sqrt) == ()
    assert foreign_name(math, "cos", math.sin) == ("math", "sin")
    assert foreign_name(math, "other", functools) == ("module", "functools")


def test_functions_that_draw_from_the_global_generator_are_no_content() -> None:
    np = pytest.importorskip("numpy")
    space: dict[str, Any] = {"__name__": "__main__", "np": np}
    exec("import random\ndef foo(): return np.random.rand(2), random.random(), random.randint(1, 2)", space)
    tracker = Tracker({"": space["foo"]})
    before = tracker.state()

    space["foo"]()

    assert tracker.state() is before
    assert {part.label for part in before.parts} == {"code", "package numpy"}
