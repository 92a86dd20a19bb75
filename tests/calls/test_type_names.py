"""Names in `hash_funcs`: those that mean no type are refused at decoration, with what was probably meant."""

from __future__ import annotations

import threading
from typing import Any

import pandas as pd
import pytest

from nbcache import InvalidParameterError, cache_data


class WireToNowhere:
    def __init__(self, url: str) -> None:
        self.url, self.lock = url, threading.Lock()


def _cached(name: str) -> Any:
    return cache_data(hash_funcs={name: lambda value: getattr(value, "url", "same")})(lambda value: str(value))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("WireToNowhere", f"{__name__}.WireToNowhere"),
        ("DataFrame", ".DataFrame'"),
        ("DataFram", ".DataFrame'"),
        (f"{__name__}.WireToNowere", f"'{__name__}.WireToNowhere'"),
        ("pandas.Dataframe", "'pandas.DataFrame'"),
        ("panda.DataFrame", "'pandas.DataFrame'"),
        ("no_such_package_anywhere.Thing", "there is no module no_such_package_anywhere"),
        ("collection.OrderedDict", "'collections.OrderedDict'"),
        ("lisst", "list"),
        ("a b.C", "neither a type nor a name"),
    ],
)
def test_a_name_that_means_no_type_is_refused_with_the_near_match(name: str, said: str) -> None:
    with pytest.raises(InvalidParameterError) as refused:
        _cached(name)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    "name",
    [
        *("list", "builtins.list", "function", "builtins.function", "pandas.DataFrame", "pandas.core.frame.DataFrame"),
        *(f"{__name__}.WireToNowhere", f"{__name__}.make.<locals>.WireToNowhere", "__main__.DefinedInALaterCell"),
        *("scipy.sparse.csr_matrix", "sqlite3.Connection", "_thread.lock", "xml.dom.minidom.Document"),
    ],
)
def test_a_name_that_means_a_type_or_may_do_so_later_is_accepted(name: str) -> None:
    _cached(name)


def test_a_class_goes_by_the_name_under_which_it_is_imported(cache: Any) -> None:
    load = _cached("pandas.DataFrame")
    load(pd.DataFrame({"a": [1]}))
    assert load.is_cached(pd.DataFrame({"a": [2]}))


def test_a_named_class_is_hashed_by_the_function_for_it(cache: Any) -> None:
    load = _cached(f"{__name__}.WireToNowhere")
    load(WireToNowhere("a"))
    assert (load.is_cached(WireToNowhere("a")), load.is_cached(WireToNowhere("b"))) == (True, False)
