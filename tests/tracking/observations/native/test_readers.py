"""Functions that are known to read natively are observed under every name, and say where the files are."""

from __future__ import annotations

import importlib
import inspect
import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from nbcache import cache_data
from nbcache.tracking.observations.native import readers
from nbcache.tracking.observations.native.calls import observe_calls
from nbcache.tracking.observations.native.folders import WatchedFolders
from nbcache.tracking.observations.recorder import recording

Heard = list[tuple[tuple[Any, ...], dict[str, Any]]]


@pytest.fixture(autouse=True)
def elsewhere(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that nothing names; the tests run in another."""
    (tmp_path / "elsewhere" / "parts").mkdir(parents=True)
    monkeypatch.setenv("PLACE", str(tmp_path / "elsewhere"))
    readers.install()
    return tmp_path / "elsewhere"


@pytest.fixture
def no_net(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that tells nothing of opened files."""
    monkeypatch.setattr(WatchedFolders, "top", lambda self, folder: None)
    monkeypatch.setattr(WatchedFolders, "covers", lambda self, folder: False)


def place() -> str:
    return os.environ["PLACE"]


def module(name: str) -> Any:
    return pytest.importorskip(name)


def _parquet(path: str, value: int) -> None:
    module("pyarrow")
    module("pandas").DataFrame({"a": [value]}).to_parquet(f"{path}.parquet")


def _parts(path: str, value: int) -> None:
    _parquet(f"{os.path.dirname(path)}/parts/{value}", value)


def _csv(path: str, value: int) -> None:
    module("pandas").DataFrame({"a": [value]}).to_csv(f"{path}.csv", index=False)


def _hdf(path: str, value: int) -> None:
    with module("h5py").File(f"{path}.h5", "w") as file:
        file["a"] = [value]


def _image(path: str, value: int) -> None:
    module("cv2").imwrite(f"{path}.png", module("numpy").zeros((value, 2, 3), "u1"))


def _shapes(path: str, value: int) -> None:
    geopandas = module("geopandas")
    points = geopandas.points_from_xy([value], [0])
    geopandas.GeoDataFrame({"a": [value]}, geometry=points, crs=4326).to_file(f"{path}.gpkg")


Write = Callable[[str, int], None]
Read = Callable[[str], float]
# It looks for variables in the code that calls it, so that it can be heard only where Python tells of calls.
DUCKDB: dict[str, tuple[Write, Read]] = {
    "duckdb": (_csv, lambda path: int(module("duckdb").sql(f"select sum(a) from '{path}.csv'").fetchall()[0][0])),
}
READERS: dict[str, tuple[Write, Read]] = {
    "pandas": (_parquet, lambda path: module("pandas").read_parquet(f"{path}.parquet").a.sum()),
    "pyarrow": (_parquet, lambda path: module("pyarrow.parquet").read_table(f"{path}.parquet")["a"][0].as_py()),
    "pyarrow csv": (_csv, lambda path: module("pyarrow.csv").read_csv(f"{path}.csv")["a"][0].as_py()),
    "pyarrow dataset": (
        _parts,
        lambda path: sum(
            module("pyarrow.dataset").dataset(f"{os.path.dirname(path)}/parts").to_table()["a"].to_pylist()
        ),
    ),
    "polars": (_csv, lambda path: module("polars").read_csv(f"{path}.csv")["a"].sum()),
    "polars Path": (_csv, lambda path: module("polars").read_csv(Path(f"{path}.csv"))["a"].sum()),
    "polars list": (_parquet, lambda path: module("polars").read_parquet([f"{path}.parquet"])["a"].sum()),
    "polars lazily": (_csv, lambda path: module("polars").scan_csv(f"{path}.csv").collect()["a"].sum()),
    "polars pattern": (_csv, lambda path: module("polars").read_csv(f"{path}*.csv")["a"].sum()),
    "polars folder": (
        _parts,
        lambda path: module("polars").read_parquet(f"{os.path.dirname(path)}/parts")["a"].sum(),
    ),
    **({} if sys.version_info < (3, 12) else DUCKDB),
    "h5py": (_hdf, lambda path: int(module("h5py").File(f"{path}.h5")["a"][0])),
    "cv2": (_image, lambda path: module("cv2").imread(f"{path}.png").shape[0]),
    "geopandas": (_shapes, lambda path: int(module("geopandas").read_file(f"{path}.gpkg").a.sum())),
}


def _follows(reader: str) -> None:
    write, read = READERS[reader]
    name = f"{place()}/f-1"
    runs = []

    @cache_data
    def load(number: int) -> float:
        runs.append(number)
        return float(read(f"{place()}/f-{number}"))

    write(name, 3)
    first = load(1)
    again = load(1)
    write(name, 70)
    other = load(1)

    assert len(runs) == 2
    assert first == again != other


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("reader", READERS)
def test_a_file_in_a_folder_that_nothing_names_is_followed(reader: str) -> None:
    _follows(reader)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("reader", READERS)
def test_and_where_the_system_tells_nothing(reader: str, no_net: None) -> None:
    _follows(reader)


def test_by_another_name_that_was_bound_before() -> None:
    polars = module("polars")
    rd = polars.read_csv
    _csv(f"{place()}/f-1", 3)
    runs = []

    @cache_data
    def load(number: int) -> int:
        runs.append(number)
        return int(rd(f"{place()}/f-{number}.csv")["a"].sum())

    assert load(1) == load(1) == 3
    _csv(f"{place()}/f-1", 70)
    assert load(1) == 70
    assert runs == [1, 1]


def test_a_function_that_looks_at_its_caller_still_finds_it() -> None:
    duckdb = module("duckdb")
    frame = module("pandas").DataFrame({"a": [1, 2]})

    with recording():
        assert duckdb.sql("select sum(a) from frame").fetchall() == [(3,)]
    assert len(frame) == 2


# -- how calls are heard -----------------------------------------------------------------------------------------------

SOURCE = """
import functools

def plain(a, b=2): return a, b
def only_by_place(a, b=2, /, c=3): return a, b, c
def only_by_name(*, a, b=2): return a, b
def all_kinds(a, b=2, /, c=3, *d, e, f=6, **g): return a, b, c, d, e, f, g
def around(function):
    @functools.wraps(function)
    def call(*arguments, **options): return function(*arguments, **options)
    return call
@around
def wrapped(a, b=2): return a, b
class Base:
    def __init__(self, a): self.a = a
class Child(Base):
    def __init__(self, a, b=2):
        super().__init__(a)
        self.b = b
    @staticmethod
    def static(a, b=2): return a, b
    @classmethod
    def of(cls, a, b=2): return a, b
def generates(a): yield a
async def waits(a): return a
"""


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    (tmp_path / "some_library.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "some_library", raising=False)
    return importlib.import_module("some_library")


CALLS: dict[str, Callable[[ModuleType], object]] = {
    "plain": lambda lib: (lib.plain(1), lib.plain(1, b=3)),
    "only_by_place": lambda lib: (lib.only_by_place(1), lib.only_by_place(1, 5, c=4)),
    "only_by_name": lambda lib: (lib.only_by_name(a=1), lib.only_by_name(a=1, b=5)),
    "all_kinds": lambda lib: (lib.all_kinds(1, e=5), lib.all_kinds(1, 2, 3, 4, 5, e=6, h=7)),
    "wrapped": lambda lib: (lib.wrapped(1), lib.wrapped(a=1, b=3)),
    "Child.static": lambda lib: (lib.Child.static(1), lib.Child(1).static(1, 3)),
    "Child.of": lambda lib: (lib.Child.of(1), lib.Child(1).of(1, b=3)),
    "Child.__init__": lambda lib: (vars(lib.Child(1)), vars(lib.Child(1, b=3))),
    "generates": lambda lib: list(lib.generates(1)),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_function_that_is_heard_is_what_it_was(name: str, library: ModuleType) -> None:
    heard: Heard = []
    *way, last = name.split(".")
    holder: Any = getattr(library, way[0]) if way else library
    before = CALLS[name](library)
    function = getattr(holder, last)
    signature, source = inspect.signature(function), inspect.getsource(function)

    observe_calls(holder, last, lambda arguments, options: heard.append((arguments, options)))

    assert CALLS[name](library) == before
    assert bool(heard) == (name != "generates")
    assert inspect.signature(getattr(holder, last)) == signature
    assert inspect.getsource(getattr(holder, last)) == source


def test_it_is_heard_by_every_name(library: ModuleType) -> None:
    heard: Heard = []
    other_name = library.plain

    observe_calls(library, "plain", lambda arguments, options: heard.append((arguments, options)))
    other_name(1)

    assert [arguments for arguments, _ in heard] == [(1, 2)]
    assert pickle.loads(pickle.dumps(library.plain)) is library.plain is other_name


def test_what_cannot_be_heard_is_left_alone(library: ModuleType) -> None:
    with pytest.raises(AttributeError):
        observe_calls(library, "nothing", lambda arguments, options: None)

    assert inspect.iscoroutinefunction(library.waits)
    observe_calls(library, "waits", lambda arguments, options: None)
    assert inspect.iscoroutinefunction(library.waits)


@pytest.mark.parametrize("name", sorted(readers.READERS))
def test_the_table_names_what_there_is(name: str) -> None:
    library = pytest.importorskip(name)

    there = [one for one in readers.READERS[name].split() if _has(library, one)]

    assert there


def _has(library: Any, name: str) -> bool:
    for part in name.split("."):
        library = getattr(library, part, None)
    return callable(library)
