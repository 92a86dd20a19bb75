"""Names in `hash_funcs`: those that mean no type are refused at decoration, with what was probably meant."""

from __future__ import annotations

import concurrent.futures
import contextvars
import importlib
import re
import socket
import sqlite3
import sys
import threading
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from nbcache import InvalidParameterError, UnhashableArgumentError, cache_data


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
        ("pd.DataFrame", "write 'pandas."),
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


def _generator() -> Any:
    yield 1


class HoldsAGenerator:
    def __init__(self) -> None:
        self.live = _generator()


def _local_class() -> Any:
    class Inside:
        def __reduce__(self) -> Any:
            raise TypeError("not to be read")

    return Inside()


REFUSED: list[Callable[[], Any]] = [
    *(_generator, sys._getframe, threading.Lock, threading.RLock, threading.local, _local_class),
    *(lambda: [_generator()], lambda: {"a": [threading.Lock()]}, lambda: sqlite3.connect(":memory:")),
    *(contextvars.copy_context, socket.socket, lambda: {"a": HoldsAGenerator()}, HoldsAGenerator),
    *(lambda: (i for i in range(3)), lambda: _agenerator(), lambda: concurrent.futures.ThreadPoolExecutor(1)),
]


async def _agenerator() -> Any:
    yield 1


@pytest.mark.parametrize("make", REFUSED, ids=[str(place) for place in range(len(REFUSED))])
def test_the_advice_of_a_refusal_names_a_type_and_can_be_followed(cache: Any, make: Callable[[], Any]) -> None:
    value = make()
    with pytest.raises(UnhashableArgumentError) as refused:
        cache_data(lambda x: 1)(value)
    name = re.findall(r'hash_funcs={"([^"]+)": your_function}', str(refused.value))[0]
    _close(value)

    module, _, qualname = name.rpartition(".")
    local = "<locals>" in name
    assert local or isinstance(eval(qualname, vars(importlib.import_module(module))), type)
    foo = cache_data(hash_funcs={name: lambda part: "told"})(lambda x: 1)
    other = make()
    assert (foo(other), foo.is_cached(other)) == (1, True)
    _close(other)


def _close(value: Any) -> None:
    if isinstance(value, socket.socket | sqlite3.Connection):
        value.close()
