"""Globals that only lead to values count by these: widgets, context variables, shared memory, open data bases."""

from __future__ import annotations

import contextvars
import mmap
import multiprocessing
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from nbcache import cache_data

pytestmark = pytest.mark.usefixtures("cache")


class Case(NamedTuple):
    """What stands at a global name, what reads it, what changes it, and what changes it back, if anything does."""

    make: Callable[[], Any]
    read: Callable[[Any], Any]
    change: Callable[[Any], object]
    back: Callable[[Any], object] | None = None


def _data_base(path: str) -> Callable[[], Any]:
    def make() -> Any:
        connection = sqlite3.connect(path)
        connection.execute("create table t (a)")
        connection.commit()
        return connection

    return make


def _attached() -> Any:
    connection = sqlite3.connect(":memory:")
    connection.execute("attach ':memory:' as other")
    connection.execute("create table other.t (a)")
    connection.commit()
    return connection


def _count(connection: Any) -> Any:
    return connection.execute("select count(*) from t").fetchall()[0][0]


def _insert(connection: Any) -> None:
    connection.execute("insert into t values (1)")


def _insert_and_commit(connection: Any) -> None:
    _insert(connection)
    connection.commit()


def _local() -> threading.local:
    local = threading.local()
    local.x = 1
    return local


def _duckdb(path: str = ":memory:") -> Callable[[], Any]:
    def make() -> Any:
        connection = pytest.importorskip("duckdb").connect(path)
        connection.execute("create table t (a int)")
        return connection

    return make


def _hdf() -> Any:
    file = pytest.importorskip("h5py").File("a.h5", "w")
    file["a"] = [1, 2]
    return file


def _netcdf() -> Any:
    file = pytest.importorskip("netCDF4").Dataset("a.nc", "w")
    file.createDimension("x", 2)
    file.createVariable("a", "i4", ("x",))[:] = 1
    return file


def _lmdb() -> Any:
    environment = pytest.importorskip("lmdb").open("a.lmdb")
    _put(environment, b"1")
    return environment


def _put(environment: Any, value: bytes) -> None:
    with environment.begin(write=True) as transaction:
        transaction.put(b"a", value)


def _got(environment: Any) -> Any:
    with environment.begin() as transaction:
        return transaction.get(b"a")


def _slider() -> Any:
    return pytest.importorskip("ipywidgets").IntSlider(value=1)


def _box() -> Any:
    return pytest.importorskip("ipywidgets").VBox([_slider()])


def _traits() -> Any:
    traitlets = pytest.importorskip("traitlets")
    holder = type("Settings", (traitlets.HasTraits,), {"x": traitlets.Int(1)})()
    holder.observe(lambda change: None)
    return holder


def _configured() -> Any:
    traitlets = pytest.importorskip("traitlets")
    config = pytest.importorskip("traitlets.config")
    return type("Configured", (config.Configurable,), {"x": traitlets.Int(1)})()


def _parameters() -> Any:
    param = pytest.importorskip("param")
    return type("Settings", (param.Parameterized,), {"x": param.Integer(1)})()


def _set_x(value: int) -> Callable[[Any], object]:
    return lambda held: setattr(held, "x", value)


def _set_first(value: Any) -> Callable[[Any], object]:
    return lambda held: held.__setitem__(0, value)


def _x(held: Any) -> Any:
    return held.x


def _first(held: Any) -> Any:
    return int(held[0])


CASES: dict[str, Case] = {
    "a context variable": Case(
        lambda: contextvars.ContextVar("held", default=1),
        lambda held: held.get(),
        lambda held: held.set(2),
        lambda held: held.set(1),
    ),
    "values of a thread": Case(_local, _x, _set_x(2), _set_x(1)),
    "a memory map": Case(lambda: mmap.mmap(-1, 8), _first, _set_first(7), _set_first(0)),
    "a shared value": Case(
        lambda: multiprocessing.Value("i", 1),
        lambda held: held.value,
        lambda held: setattr(held, "value", 2),
        lambda held: setattr(held, "value", 1),
    ),
    "a shared array": Case(lambda: multiprocessing.Array("i", 2), _first, _set_first(3), _set_first(0)),
    "an object with traits": Case(_traits, _x, _set_x(2), _set_x(1)),
    "a configured object": Case(_configured, _x, _set_x(2), _set_x(1)),
    "parameters": Case(_parameters, _x, _set_x(2), _set_x(1)),
    "a widget": Case(
        _slider,
        lambda held: held.value,
        lambda held: setattr(held, "value", 5),
        lambda held: setattr(held, "value", 1),
    ),
    "a widget in a box": Case(
        _box,
        lambda held: held.children[0].value,
        lambda held: setattr(held.children[0], "value", 5),
        lambda held: setattr(held.children[0], "value", 1),
    ),
    "a widget in an object": Case(
        lambda: SimpleNamespace(widget=_slider(), lock=threading.Lock()),
        lambda held: held.widget.value,
        lambda held: setattr(held.widget, "value", 5),
        lambda held: setattr(held.widget, "value", 1),
    ),
    "a data base in memory": Case(_data_base(":memory:"), _count, _insert_and_commit),
    "an empty data base in memory": Case(
        lambda: sqlite3.connect(":memory:"),
        lambda held: held.execute("select count(*) from sqlite_master").fetchone(),
        lambda held: held.execute("create table t (a)"),
    ),
    "a data base in memory beside another": Case(
        lambda: _attached(),
        lambda held: held.execute("select count(*) from other.t").fetchone(),
        lambda held: (held.execute("insert into other.t values (1)"), held.commit()),
    ),
    "what is not committed yet": Case(_data_base("a.db"), _count, _insert, lambda held: held.rollback()),
    "a data base in a file": Case(_data_base("b.db"), _count, _insert_and_commit),
    "duckdb in memory": Case(
        _duckdb(),
        _count,
        lambda held: held.execute("insert into t values (1)"),
        lambda held: held.execute("delete from t"),
    ),
    "duckdb in a file": Case(_duckdb("a.duckdb"), _count, lambda held: held.execute("insert into t values (1)")),
    "a view of duckdb": Case(
        lambda: (made := _duckdb()(), made.execute("create view v as select 1 as a"))[0],
        lambda held: held.execute("select a from v").fetchall(),
        lambda held: held.execute("create or replace view v as select 2 as a"),
        lambda held: held.execute("create or replace view v as select 1 as a"),
    ),
    "an open HDF5 file": Case(_hdf, lambda held: int(held["a"][0]), lambda held: held["a"].__setitem__(0, 5)),
    "an open HDF5 dataset": Case(lambda: _hdf()["a"], _first, _set_first(5)),
    "an open netCDF file": Case(
        _netcdf, lambda held: int(held["a"][0]), lambda held: held["a"].__setitem__(0, 5)
    ),
    "an open netCDF variable": Case(lambda: _netcdf()["a"], _first, _set_first(5)),
    "an open LMDB": Case(_lmdb, _got, lambda held: _put(held, b"2")),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("what", CASES)
def test_what_a_run_reads_through_it_counts(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make, read, change, back = CASES[what]
    held = make()

    @cache_data(show_spinner=False)
    def reads() -> Any:
        return read(held)

    first = [reads(), reads(), reads()]
    assert reads.info().misses == 1
    change(held)
    other = [reads(), reads()]

    assert first == [first[0]] * 3
    assert other == [read(held)] * 2
    assert other[0] != first[0]
    assert reads.info().misses == 2
    if back is not None:
        back(held)
        assert reads() == first[0]
        assert reads.info().misses == 2
    assert "not followed" not in str(reads.explain())


def test_tables_of_duckdbs_own_connection_count(calls: Any) -> None:
    duckdb = pytest.importorskip("duckdb")
    duckdb.execute("create or replace table nbx_tables (a int)")
    try:

        @cache_data(show_spinner=False)
        def count() -> Any:
            calls()
            return duckdb.sql("select count(*) from nbx_tables").fetchall()[0][0]

        assert [count(), count(), count()] == [0, 0, 0]
        duckdb.execute("insert into nbx_tables values (1)")
        assert [count(), count()] == [1, 1]
        assert len(calls) == 2
        assert "tables of duckdb" in str(count.explain())
    finally:
        duckdb.execute("drop table nbx_tables")


def test_a_result_of_duckdb_that_waits_stays_where_it_is() -> None:
    connection = _duckdb()()
    connection.execute("insert into t values (1), (2)")

    @cache_data(show_spinner=False)
    def nothing() -> Any:
        return bool(connection)

    connection.execute("select a from t order by a")
    assert connection.fetchone() == (1,)
    nothing()
    nothing()

    assert connection.fetchone() == (2,)


def test_a_closed_connection_counts_by_identity_and_raises_nothing() -> None:
    connection = _data_base(":memory:")()
    connection.close()

    @cache_data(show_spinner=False)
    def read() -> str:
        try:
            return _count(connection)
        except sqlite3.ProgrammingError:
            return "closed"

    assert [read(), read()] == ["closed", "closed"]
    assert "not followed" in str(read.explain())


def test_what_was_hung_on_a_widget_and_who_observes_it_is_told_apart() -> None:
    widgets = pytest.importorskip("ipywidgets")
    slider = widgets.IntSlider(value=1)

    @cache_data(show_spinner=False)
    def read() -> Any:
        return slider.value, getattr(slider, "note", None)

    read()
    slider.observe(lambda change: None, "value")
    read()
    assert read.info().misses == 1

    slider.note = "n"

    assert read() == (1, "n")
