"""Entries that another version of nbcache wrote, whose modules had other names."""

from __future__ import annotations

import sys
import types
import warnings
from typing import Any

import pytest

from nbcache import CacheWarning, cache_data, registry
from nbcache.engine.cache import Cache


class Row:
    """A value whose class lies in a module that can be taken away."""


@pytest.fixture
def gone(cache: Cache, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Any:
    """A cached function with one stored result, whose module is gone when it is called again."""
    name: str = request.param
    module = types.ModuleType(name)
    kind = type("Row", (), {"__module__": name})
    module.Row = kind  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, name, module)

    @cache_data(persist="disk", track=False)
    def rows() -> Any:
        return [getattr(sys.modules.get(name), "Row", Row)()]

    rows()
    registry.replace_cache(None)
    monkeypatch.delitem(sys.modules, name)
    return rows


@pytest.mark.parametrize("gone", ["nbcache.former.rows"], indirect=True)
def test_an_entry_that_names_a_former_module_of_ours_is_a_miss_without_a_warning(gone: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", CacheWarning)
        assert type(gone()[0]) is Row


@pytest.mark.parametrize("gone", ["somebody_elses_rows"], indirect=True)
def test_an_entry_that_names_a_module_of_somebody_else_is_a_miss_with_one_warning(gone: Any) -> None:
    with pytest.warns(CacheWarning, match="somebody_elses_rows"):
        assert type(gone()[0]) is Row
