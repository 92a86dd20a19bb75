"""Isolation: whatever is done to a value that was handed out, the next one is as it was stored."""

from __future__ import annotations

import datetime
import decimal
import os
import pathlib
import subprocess
import sys
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import packing
import pandas as pd
import pytest
from packing import ADDRESS, META, opened, write

from nbcache.entries.entry import Entry
from nbcache.entries.restore import CLONE, COPY, KEEP, LOAD, SHALLOW, SHARE, recipe_for
from nbcache.entries.signing import Keyring

ROWS = 200_000  # enough for maps; small ones are tried as well


IMMUTABLE = [
    None, True, 5, 1.5, 2j, "text", b"bytes", ..., range(3), decimal.Decimal(1), pathlib.PurePosixPath("a"),
    datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC), datetime.time(1), (), (1, ("a", frozenset((2,)))),
    frozenset(((1, 2), 3)), np.float64(1), np.datetime64(1, "s"),
]  # fmt: skip


@pytest.mark.parametrize("value", IMMUTABLE, ids=repr)
def test_what_cannot_change_is_handed_out_as_it_is(value: object) -> None:
    entry = Entry.of(value, META)
    assert entry.restore == (True, value) and entry.value() is value
    assert recipe_for(value) == KEEP


@pytest.mark.parametrize("value", [[1, "a"], {"a": 1, (1,): 2.5}, {1, 2}, bytearray(b"x"), [], {}])
def test_flat_containers_are_copied(value: Any) -> None:
    assert recipe_for(value) == COPY
    entry = Entry.of(value, META)
    ready, make = entry.restore
    assert not ready and make() == value and make() is not make()


class Text(str):
    pass


@pytest.mark.parametrize(
    "value", [([],), [[1]], {"a": {}}, Text("x"), [Text("x")], (bytearray(),), {1: ([],)}, np.void(b"x")]
)
def test_anything_else_is_loaded(value: object) -> None:
    assert recipe_for(value) == LOAD


def test_the_callers_container_is_not_the_entry() -> None:
    value = [1, 2]
    entry = Entry.of(value, META)
    value.append(3)
    assert entry.value() == [1, 2]


def test_a_deep_tuple_is_no_obstacle() -> None:
    value: tuple[Any, ...] = ()
    for _ in range(100_000):
        value = (value,)
    assert recipe_for(value) in (KEEP, LOAD)


def kinds_of_entry(value: object, folder: Path, keyring: Keyring) -> list[Entry]:
    """Entries as the tiers keep them: in memory, mapped from a nameless file, from the disk, from a message."""
    entry = Entry.of(value, META)
    path = write(folder / "entry.nbc", entry.pack(ADDRESS, keyring))
    if entry.size > 1 << 20:
        return [entry.owned(folder), opened(path, keyring)]
    message = Entry.open(path.read_bytes(), ADDRESS, keyring)
    return [entry.owned(None), entry.owned(folder), opened(path, keyring), message]


def try_all(value: Any, mutations: list[str], same: Any, folder: Path, keyring: Keyring) -> list[str]:
    """Do to handed-out values what the texts say; return the ones that reached a later value."""
    leaked = []
    for number, entry in enumerate(kinds_of_entry(value, folder, keyring)):
        for text in mutations:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    exec(text, {"v": entry.value(), "np": np, "pd": pd})
                except Exception:
                    pass  # refusing is one way not to leak
            try:
                same(entry.value())
            except Exception as error:
                leaked.append(f"{text!r} in entry {number}: {error!r:.100}")
                break
    return leaked


NESTED = ["v['a'].append(1)", "v['a'][0].clear()", "v.clear()", "v['b'].x = 1", "v['c'] += b'y'", "v['d'].add(5)"]


def test_nested_values_are_isolated(tmp_path: Path, keyring: Keyring) -> None:
    value = {"a": [{}], "b": pathlib.Path("a"), "c": bytearray(b"x" * ROWS * 10), "d": {1}}

    def same(back: object) -> None:
        assert back == value

    assert try_all(value, NESTED, same, tmp_path, keyring) == []


ARRAY_WRITES = [
    "v[0] = 9", "v[:] = 9", "v.fill(3)", "v.sort()", "v += 1", "v.resize(3)", "v.shape = (2, -1)", "v.dtype = 'u1'",
    "v.setflags(write=True); v[0] = 9", "v.base[...] = 9", "v.view('u1')[:] = 7", "memoryview(v).cast('B')[0] = 9",
    "np.frombuffer(v, 'u1')[0] = 9", "v.data[0] = 9", "v.byteswap(inplace=True)", "v.partition(3)", "np.copyto(v, 0)",
]  # fmt: skip


@pytest.mark.parametrize("rows", [5, 1000, ROWS])
@pytest.mark.parametrize("writable", [True, False])
def test_arrays_are_isolated(tmp_path: Path, keyring: Keyring, rows: int, writable: bool) -> None:
    value = np.arange(rows)[::-1].copy()
    value.flags.writeable = writable

    def same(back: Any) -> None:
        assert back.dtype == value.dtype and np.array_equal(back, value) and back.flags.writeable == writable

    assert try_all(value, ARRAY_WRITES, same, tmp_path, keyring) == []


FRAME_WRITES = [
    "v['a'] = 1", "v.loc[0:5, 'a'] = 9", "v.iloc[0, 0] = 9", "v.iat[1, 1] = 7", "v.at[3, 's'] = 'q'", "v.pop('a')",
    "v.insert(0, 'n', 1)", "v.drop(columns='a', inplace=True)", "v.rename(columns={'a': 'x'}, inplace=True)",
    "v.index.name = 'z'", "v.columns.name = 'c'", "v.columns = list('ABCDE')", "v.index = range(len(v))",
    "v.attrs['k'] = [1]", "v.attrs['unit'].append(1)", "v.flags.allows_duplicate_labels = False",
    "v['a'].values[0] = 5", "v['a'].values.setflags(write=True)",
    "x = v['a'].values.view(); x.setflags(write=True); x[0] = 5",
    "x = v['a'].values\nwhile x is not None:\n x.flags.writeable = True; x[...] = 7; x = x.base",
    "v['a'].array[0] = 9", "v['s'].array[0] = 'Q'", "v['t'].array[0] = pd.Timestamp('1990')",
    "v['t'].array._ndarray[0] = 0", "x = v['s'].array; x._pa_array = x._pa_array.slice(1)",
    "v['t'].array._freq = 'x'", "v['o'].iloc[0].append(5)", "v['o'].array[0] = 3", "v['c'].cat.categories.name = 'k'",
    "v['c'].array[0] = 'b'", "v['c'].array._codes[0] = 1", "v.sort_values('b', inplace=True, ascending=False)",
    "v.replace(0, 5, inplace=True)", "v.eval('q = a + b', inplace=True)",
    "v.update(pd.DataFrame({'a': [100.0]}, index=[1]))", "v.set_index('b', inplace=True)",
    "v.reset_index(inplace=True)", "v['a'] += 1", "v[['a', 'b']] *= 2", "v.mask(v['b'] > 3, inplace=True)",
    "v._mgr.blocks[0].values[...] = 1", "v._mgr.blocks[0].values = None", "v._mgr.axes[0]._name = 'h'",
    "v._mgr.axes[0]._data[0] = 3", "v.index.array[0] = 3", "v.index.values[0] = 3",
    "v.index._data.flags.writeable = True; v.index._data[0] = 3", "v.columns.array[0] = 'u'",
    "v.columns._data[0] = 'u'",
    "v.index.values.setflags(write=True); v.index.values[0] = 5", "v.index.array._ndarray = None",
    "v.index._cache.clear()", "v.to_numpy()[0, 0] = 3", "np.asarray(v['a'])[0] = 3",
    "v.T.iloc[0] = 1", "v['a'].name = 'z'", "v['a'].index.name = 'z'", "v.note = [1]", "v.__dict__.clear()",
    "v['a']._values[:] = 4", "np.add(v['a'], 1, out=v['a'].values)", "v[0:3] = 1", "del v['a']", "v.isetitem(0, 5)",
    "v._mgr.iset(0, np.arange(float(len(v))))", "v._mgr.column_setitem(0, 0, 99.0)",
    "v._mgr.blocks[0]._mgr_locs = None", "v.index.rename('p', inplace=True)", "v.rename_axis('w', inplace=True)",
    "v.index.names = ['k']", "v.index.freq = None", "v._mgr.axes[1] = None", "v._mgr.axes.clear()",
    "v._mgr.set_axis(0, pd.RangeIndex(5))", "v.dropna(inplace=True)", "v.iloc[0] = 3", "v.name = 'n'",
    "v.array[0] = 7", "v.values[0] = 7", "v += 1", "v._values[0] = 7", "v.index[0]",
]  # fmt: skip


@cache
def frames() -> dict[str, Any]:
    rows = ROWS // 4
    simple = pd.DataFrame({"a": np.arange(rows * 1.0), "b": np.arange(rows), "s": [f"s{i}" for i in range(rows)]})
    times = pd.date_range("2000", periods=rows, freq="s")
    attributed = simple.copy()
    attributed.attrs["unit"] = ["m"]
    return {
        "simple": simple.assign(t=times.to_numpy()),
        "text labels": simple.set_index("s", drop=False).rename_axis(None),
        "few rows": simple.head(5),
        "sliced": simple.iloc[::2],
        "times": simple.set_index(times),
        "objects": simple.head(50).assign(o=pd.Series([[i] for i in range(50)], dtype=object)),
        "categories": simple.assign(c=pd.Categorical(np.resize(["a", "b"], rows))),
        "attributed": attributed,
        "series": simple["a"],
        "text": simple["s"],
    }


@pytest.mark.parametrize("name", frames())
def test_frames_are_isolated(tmp_path: Path, keyring: Keyring, name: str) -> None:
    value = frames()[name]

    def same(back: Any) -> None:
        assert back.equals(value) and back.index.equals(value.index) and type(back.index) is type(value.index)
        assert back.attrs == value.attrs and back.flags == value.flags and not hasattr(back, "note")
        assert np.array_equal(back.index.values, value.index.values)
        assert getattr(back.index, "freq", None) == getattr(value.index, "freq", None)
        assert back.index.name == value.index.name and getattr(back, "name", None) == getattr(value, "name", None)
        if isinstance(back, pd.DataFrame):
            assert back.columns.equals(value.columns) and back.columns.name == value.columns.name
        if "c" in back:
            assert back["c"].cat.categories.name is None

    assert try_all(value, FRAME_WRITES, same, tmp_path, keyring) == []


def test_plain_frames_are_handed_out_as_shallow_copies() -> None:
    if int(pd.__version__.partition(".")[0]) < 3:
        assert recipe_for(frames()["simple"]) == LOAD
        return
    assert {name for name in frames() if recipe_for(frames()[name]) == SHALLOW} >= {"simple", "few rows", "series"}


@pytest.mark.parametrize("name", ["objects", "categories", "attributed", "times"])
def test_frames_with_other_state_are_not(name: str) -> None:
    assert recipe_for(frames()[name]) == LOAD


POLARS_WRITES = [
    "v[0, 'a'] = 9.0", "v[:, 'a'] = 1", "v['a'][0] = 9.0", "v.insert_column(0, v['a'].alias('n'))",
    "v.columns = ['x', 'y']", "v.replace_column(0, v['b'].alias('a'))", "v.extend(v)", "v.drop_in_place('a')",
    "v.hstack([v['a'].alias('n')], in_place=True)", "v['a'].rename('q')", "v.to_numpy()[0] = 9",
    "v['a'].to_numpy().setflags(write=True); v['a'].to_numpy()[0] = 9", "v[0] = 9.0", "v.append(v)",
    "v.set_at_idx(0, 5.0)", "v.scatter(0, 5.0)", "v.set_sorted(descending=True)", "v.rechunk(in_place=True)",
    "v.sort(in_place=True, descending=True)", "v.shrink_to_fit(in_place=True)", "v.to_arrow()",
]  # fmt: skip


@pytest.mark.parametrize("rows", [5, ROWS])
@pytest.mark.parametrize("column", [False, True])
def test_polars_values_are_isolated(tmp_path: Path, keyring: Keyring, rows: int, column: bool) -> None:
    pl = pytest.importorskip("polars")

    frame = pl.DataFrame({"a": np.arange(rows * 1.0), "b": ["text"] * rows})
    value: Any = frame["a"] if column else frame
    untouched: Any = pickled_copy(value)
    assert recipe_for(value) == CLONE

    def same(back: Any) -> None:
        assert back.equals(untouched) and getattr(back, "columns", None) == getattr(untouched, "columns", None)

    assert try_all(value, POLARS_WRITES, same, tmp_path, keyring) == []


def pickled_copy(value: Any) -> Any:
    import pickle

    return pickle.loads(pickle.dumps(value))


ARROW_WRITES = [
    "v['a'].to_numpy()[0] = 9", "x = v['a'].chunk(0).to_numpy(); x.setflags(write=True); x[0] = 9",
    "np.frombuffer(v['a'].chunk(0).buffers()[1], 'u1')[:] = 9", "v.set_column(0, 'a', [[1]])",
    "v.schema.metadata['k'] = 1", "memoryview(v['a'].chunk(0).buffers()[1])[0] = 9", "v.append_column('c', v['a'])",
    "v.drop_columns(['a'])",
]  # fmt: skip


@pytest.mark.parametrize("rows", [5, ROWS])
def test_arrow_tables_are_isolated(tmp_path: Path, keyring: Keyring, rows: int) -> None:
    pa = pytest.importorskip("pyarrow")

    numbers = np.arange(rows)
    value = pa.table({"a": numbers})
    untouched = pa.table({"a": numbers.copy()})
    assert recipe_for(value) == SHARE
    entry = Entry.of(value, META).owned(tmp_path)
    numbers[:] = -1  # the table lies over the caller's array
    assert entry.value().equals(untouched)

    def same(back: Any) -> None:
        assert back.equals(untouched)

    assert try_all(untouched, ARROW_WRITES, same, tmp_path, keyring) == []


TENSOR_WRITES = [
    "v[0] = 9", "v.zero_()", "v.numpy()[0] = 9", "v.resize_(3)", "v.data.fill_(1)", "v.untyped_storage().fill_(1)",
]  # fmt: skip


@pytest.mark.parametrize("rows", [5, ROWS])
def test_tensors_are_isolated(tmp_path: Path, keyring: Keyring, rows: int) -> None:
    torch = pytest.importorskip("torch")

    value = torch.arange(rows)

    def same(back: Any) -> None:
        assert torch.equal(back, value)

    assert try_all(value, TENSOR_WRITES, same, tmp_path, keyring) == []


def test_another_process_cannot_change_what_this_one_sees(tmp_path: Path) -> None:
    place = tmp_path / "ring"
    keyring = Keyring.load(place)
    arrays = {"x": np.arange(ROWS), "y": [1, [2]]}
    path = write(tmp_path / "entry.nbc", Entry.of(arrays, META).pack(ADDRESS, keyring))
    before = path.read_bytes()
    entry = opened(path, keyring)
    mine = entry.value()
    program = f"""
import sys
sys.path.insert(0, {os.path.dirname(packing.__file__)!r})
from packing import opened
from pathlib import Path
from nbcache.entries.signing import Keyring
value = opened(Path({str(path)!r}), Keyring.load({str(place)!r})).value()
value["x"][:] = -1
value["y"][1].append(5)
print(value["x"].sum())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == str(-ROWS), done.stderr
    for seen in (mine, entry.value(), opened(path, keyring).value()):
        assert seen["x"].sum() == np.arange(ROWS).sum() and seen["y"] == [1, [2]]
    assert path.read_bytes() == before


def test_a_frame_can_be_written_to_after_its_entry_is_gone(tmp_path: Path, keyring: Keyring) -> None:
    frame = pd.DataFrame({"n": np.arange(500), "text": [f"row {i}" for i in range(500)]})
    path = write(tmp_path / "entry.nbc", Entry.of(frame, META).pack(ADDRESS, keyring))
    for entry in (opened(path, keyring), Entry.of(frame, META).owned(tmp_path)):
        mine, other = entry.value(), entry.value()
        column = entry.value()["n"]
        del entry

        mine.loc[:, "n"] = -1
        mine.loc[3, "text"] = "changed"
        column.iloc[0] = -1

        assert (mine["n"] == -1).all() and mine["text"][3] == "changed" and column[0] == -1
        pd.testing.assert_frame_equal(other, frame)


def test_a_value_in_plain_memory_can_be_asked_for(tmp_path: Path) -> None:
    entry = Entry.of(np.arange(ROWS), META).owned(tmp_path)
    copied = entry.copied()
    copied[:] = 0
    assert entry.copied()[-1] == ROWS - 1
    assert Entry.of([1], META).copied() == [1]


class Holding:
    """Counts how often one is put together."""

    made = 0

    def __init__(self, array: Any) -> None:
        self.array = array

    def __setstate__(self, state: dict[str, Any]) -> None:
        Holding.made += 1
        self.__dict__.update(state)


@pytest.mark.parametrize(
    "value",
    [
        np.arange(ROWS),
        np.asfortranarray(np.arange(ROWS * 2).reshape(2, -1)),
        np.arange(ROWS * 6).reshape(2, 3, -1).transpose(1, 2, 0),
        np.arange(ROWS).astype("M8[s]"),
        np.arange(ROWS).astype(">i4"),
        np.zeros(ROWS, [("a", "i4"), ("b", "f8")]),
        np.array(["text"] * ROWS),
        np.arange(ROWS)[::-2],
        np.broadcast_to(np.arange(ROWS), (3, ROWS)),
        np.arange(ROWS).view(np.recarray),
        np.ma.masked_array(np.arange(ROWS), np.arange(ROWS) % 2),
        np.zeros((0, ROWS)),
    ],
    ids=lambda value: f"{type(value).__name__} {value.dtype} {value.shape}",
)  # fmt: skip
def test_an_array_laid_over_its_bytes_is_what_the_stream_makes(tmp_path: Path, keyring: Keyring, value: Any) -> None:
    for entry in kinds_of_entry(value, tmp_path, keyring):
        body = entry._body
        assert body is not None
        short, long = body.shortest()(), body.fresh()
        assert type(short) is type(long) is type(value)
        assert (short.dtype, short.shape, short.strides) == (long.dtype, long.shape, long.strides)
        assert (short.flags.writeable, short.flags.aligned) == (long.flags.writeable, long.flags.aligned)
        assert np.array_equal(short, value) and np.array_equal(long, value)


def test_nothing_of_the_users_is_called_to_find_the_shortest_way(tmp_path: Path) -> None:
    entry = Entry.of(Holding(np.arange(ROWS)), META).owned(tmp_path)
    Holding.made = 0
    _ = entry.restore
    assert Holding.made == 0
    assert (entry.value().array == np.arange(ROWS)).all()
