"""Which functions of libraries are known to open files in native code, and what do their arguments name?

The net (`opens`) needs to know folders; these functions say which, just before they open something there. Where the
system tells nothing, what they are given counts itself: files by content, folders by the content of all files in them.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from types import ModuleType
from typing import Any

from nbcache.tracking.observations import context
from nbcache.tracking.observations.after_import import when_imported
from nbcache.tracking.observations.file_queries import matching, pattern
from nbcache.tracking.observations.native.calls import observe_calls
from nbcache.tracking.observations.native.opens import NATIVE_OPENS
from nbcache.tracking.observations.paths import is_private, text_of

#: By module: functions and methods, each "name" or "Class.name". One that a version does not have is passed over.
READERS: dict[str, str] = {
    "pandas": "read_parquet read_orc read_feather read_hdf read_spss",
    "polars": """
        read_csv scan_csv read_csv_batched read_parquet scan_parquet read_ipc scan_ipc read_ipc_stream read_ndjson
        scan_ndjson read_json read_avro read_excel read_ods read_delta scan_delta scan_lines read_lines
        read_parquet_schema read_parquet_metadata read_ipc_schema scan_iceberg
    """,
    "pyarrow": "memory_map OSFile input_stream",
    "pyarrow.parquet": """
        read_table read_schema read_metadata read_pandas ParquetFile.__init__ ParquetDataset.__init__
    """,
    "pyarrow.csv": "read_csv open_csv",
    "pyarrow.json": "read_json open_json",
    "pyarrow.feather": "read_table read_feather",
    "pyarrow.orc": "read_table ORCFile.__init__",
    "pyarrow.dataset": "dataset parquet_dataset",
    "pyarrow.ipc": "open_file open_stream",
    "duckdb": """
        sql query execute from_query read_csv read_parquet read_json from_csv_auto from_parquet connect
        DuckDBPyConnection.sql DuckDBPyConnection.query DuckDBPyConnection.execute DuckDBPyConnection.executemany
        DuckDBPyConnection.read_csv DuckDBPyConnection.read_parquet DuckDBPyConnection.read_json
        DuckDBPyConnection.from_csv_auto DuckDBPyConnection.from_parquet DuckDBPyConnection.from_query
    """,
    "h5py": "File.__init__",
    "tables": "open_file",
    "xarray": "open_dataset open_dataarray open_mfdataset open_zarr open_datatree load_dataset load_dataarray",
    "xarray.backends": "NetCDF4DataStore.open H5NetCDFStore.open",
    "geopandas": "read_file read_parquet read_feather",
    "pyogrio": "read_dataframe read_arrow open_arrow read_info read_bounds list_layers",
    "fiona": "open listlayers",
    "rasterio": "open",
    "cv2": "imread imreadmulti imreadanimation readOpticalFlow haveImageReader imcount",
    "lxml.etree": "parse iterparse",
    "h5py._hl.base": "is_hdf5",
    "PIL.ImageFont": "truetype",
    "lightgbm": "Booster.__init__ Dataset.__init__",
    "xgboost": "Booster.__init__ Booster.load_model DMatrix.__init__",
    "catboost": "CatBoost.load_model Pool.__init__",
    "pyreadstat": """
        read_sav read_dta read_sas7bdat read_xport read_por read_sas7bcat read_file_multiprocessing
        read_file_in_chunks
    """,
    "lmdb": "open",
    "torch": "load from_file UntypedStorage.from_file",
    "rdkit.Chem.rdmolfiles": "MolFromMolFile MolFromMol2File MolFromPDBFile MolFromTPLFile MolFromMrvFile",
    "safetensors.torch": "load_file safe_open",
    "safetensors.numpy": "load_file safe_open",
}
# They look for variables in the code that calls them.
_SEE_CALLERS = frozenset({"duckdb"})
_IN_SQL = re.compile(r"'((?:[^']|'')+)'|\"([^\"]+)\"")
_NAMES_A_FILE = re.compile(r"\.[A-Za-z]\w{1,7}$")
_LONGEST_PATH = 4096
_LONGEST_SQL = 1 << 20
_MOST = 10_000

_installed: list[bool] = []


def install() -> None:
    """Listener these functions as soon as their libraries are imported; once."""
    if not _installed:
        _installed.append(True)
        for name, functions in READERS.items():
            when_imported(name, functools.partial(_hear_all, functions=functions.split()))


def _hear_all(module: ModuleType, *, functions: list[str]) -> None:
    for name in functions:
        *way, last = name.split(".")
        holder: Any = module
        try:
            for part in way:
                holder = getattr(holder, part)
            observe_calls(holder, last, _observed, sees_callers=module.__name__ in _SEE_CALLERS)
        except (AttributeError, TypeError):  # not in this version, or not to be replaced: the net is left
            continue


def _observed(arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
    if not context.recorders:
        return
    recorder = context.current()
    if recorder is None:
        return
    try:
        with context.unrecorded():
            for text in _texts((*arguments, *options.values()), 2):
                _note(recorder, text)
    except Exception as error:  # it must not reach the user's call
        recorder.failed = f"a reader's arguments: {error!r}"


def _texts(values: Iterable[object], depth: int) -> Iterator[str]:
    """Yield the paths in arguments; those in an SQL statement too."""
    for value in values:
        if isinstance(value, list | tuple | set | dict):
            if depth:
                within = value.values() if isinstance(value, dict) else value
                yield from _texts(islice(within, _MOST), depth - 1)
            continue
        text = text_of(value)
        if text is None or len(text) > _LONGEST_SQL:
            continue
        if len(text) < _LONGEST_PATH and "\0" not in text and "\n" not in text:
            yield text
        if " " in text or "\n" in text:
            yield from (one or other for one, other in _IN_SQL.findall(text))


def _note(recorder: context.Open, text: str) -> None:
    """Note a file, folder or pattern that is about to be opened, or have the net watch for it."""
    if "://" in text and not text.startswith("file://"):
        return
    text = os.path.expanduser(text.removeprefix("file://"))
    if not text or is_private(text):
        return
    if os.path.realpath(text) != os.path.abspath(text):
        recorder.observe("links", text)  # the system tells the real name only
    if os.path.isfile(text):
        if not NATIVE_OPENS.watch(os.path.dirname(text) or "."):
            recorder.observe("file", text)
    elif os.path.isdir(text):
        if not NATIVE_OPENS.watch(text):
            recorder.observe("tree", text)
    elif not any(sign in text for sign in "*?["):
        if " " not in text and (os.sep in text or _NAMES_A_FILE.search(text)):
            recorder.observe("missing", text)
    else:
        meant = pattern(text, recursive=True, hidden=False)
        recorder.observe("matches", meant)
        for name in matching(meant)[:_MOST]:
            if os.path.isfile(name):
                _note(recorder, name)
