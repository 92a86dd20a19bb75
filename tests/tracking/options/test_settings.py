"""What code asks a library of its settings, or is told through one of its functions, counts by the answer."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sized
from typing import Any, NamedTuple

import pytest

from nbcache import cache_data
from nbcache.engine.cache import Cache


class Case(NamedTuple):
    """A setting: how to import what it needs, two values of it and the one before, and code that is told of it."""

    begin: str
    one: str
    two: str
    back: str
    code: str
    label: str


CASES = {
    "switch interval": Case(
        "import sys; old = sys.getswitchinterval()", "sys.setswitchinterval(0.01)", "sys.setswitchinterval(0.02)",
        "sys.setswitchinterval(old)", "sys.getswitchinterval()", "sys.getswitchinterval"),
    "a bound name": Case(
        "import sys; from sys import getswitchinterval as ask; old = sys.getswitchinterval()",
        "sys.setswitchinterval(0.01)", "sys.setswitchinterval(0.02)", "sys.setswitchinterval(old)", "ask()",
        "sys.getswitchinterval"),
    "recursion limit": Case(
        "import sys; old = sys.getrecursionlimit()", "sys.setrecursionlimit(old + 1)", "sys.setrecursionlimit(old + 2)",
        "sys.setrecursionlimit(old)", "sys.getrecursionlimit()", "sys.getrecursionlimit"),
    "digits of numbers": Case(
        "import sys; old = sys.get_int_max_str_digits()", "sys.set_int_max_str_digits(1000)",
        "sys.set_int_max_str_digits(2000)", "sys.set_int_max_str_digits(old)", "sys.get_int_max_str_digits()",
        "sys.get_int_max_str_digits"),
    "traceback": Case(
        "import sys, traceback\ndef text():\n    try: 1 / 0\n    except Exception: return traceback.format_exc()",
        "sys.tracebacklimit = 0", "sys.tracebacklimit = 1", "vars(sys).pop('tracebacklimit', None)", "text()",
        "traceback"),
    "garbage": Case(
        "import gc; old = gc.get_threshold()", "gc.set_threshold(900)", "gc.set_threshold(800)",
        "gc.set_threshold(*old)", "gc.get_threshold()", "gc.get_threshold"),
    "socket": Case(
        "import socket", "socket.setdefaulttimeout(3)", "socket.setdefaulttimeout(4)", "socket.setdefaulttimeout(None)",
        "socket.getdefaulttimeout()", "socket.getdefaulttimeout"),
    "level names": Case(
        "import logging", "logging.addLevelName(17, 'FINE')", "logging.addLevelName(17, 'FINER')",
        "[logging._levelToName.pop(17, 0), logging._nameToLevel.pop('FINE', 0), logging._nameToLevel.pop('FINER', 0)]",
        "logging.getLevelName(17)", "names of logging's levels"),
    "text domain": Case(
        "import gettext", "gettext.textdomain('one')", "gettext.textdomain('two')", "gettext.textdomain('messages')",
        "gettext.textdomain()", "gettext"),
    "folder of a domain": Case(
        "import gettext", "gettext.bindtextdomain('nbx', 'one')", "gettext.bindtextdomain('nbx', 'two')",
        "gettext._localedirs.pop('nbx', None)", "gettext.bindtextdomain('nbx')", "gettext"),
    "kinds of files": Case(
        "import mimetypes; mimetypes.init()", "mimetypes.add_type('a/one', '.nbx')",
        "mimetypes.add_type('a/two', '.nbx')",
        "mimetypes.init()",
        "mimetypes.guess_type('a.nbx')[0]", "mimetypes"),
    "charsets": Case(
        "import email.charset as e", "e.add_charset('nbx', e.QP)", "e.add_charset('nbx', e.BASE64)",
        "e.CHARSETS.pop('nbx', None)", "e.Charset('nbx').header_encoding", "email.charset"),
    "namespaces": Case(
        "import xml.etree.ElementTree as ET", "ET.register_namespace('one', 'http://nbx')",
        "ET.register_namespace('two', 'http://nbx')", "ET._namespace_map.pop('http://nbx', None)",
        "ET.tostring(ET.Element('{http://nbx}a'))", "namespaces of xml.etree"),
    "archives": Case(
        "import shutil", "shutil.register_archive_format('nbx', print)",
        "shutil.register_archive_format('nby', print)",
        "[shutil._ARCHIVE_FORMATS.pop(name, None) for name in ('nbx', 'nby')]",
        "[name for name, _ in shutil.get_archive_formats()]", "formats of shutil"),
    "temporary folder": Case(
        "import tempfile; old = tempfile.gettempdir()", "tempfile.tempdir = '/nbx'", "tempfile.tempdir = '/nby'",
        "tempfile.tempdir = old", "tempfile.gettempdir()", "tempfile.gettempdir"),
    "zones": Case(
        "import zoneinfo", "zoneinfo.reset_tzpath(['/nbx'])", "zoneinfo.reset_tzpath(['/nby'])",
        "zoneinfo.reset_tzpath()", "zoneinfo.TZPATH", "zoneinfo.TZPATH"),
    "worker processes": Case(
        "import multiprocessing as mp, multiprocessing.popen_forkserver\n"
        "old = mp.context._default_context._actual_context",
        "mp.set_start_method('spawn', force=True)", "mp.set_start_method('forkserver', force=True)",
        "mp.context._default_context._actual_context = old", "mp.get_start_method(allow_none=True)",
        "multiprocessing.get_start_method"),
    "scipy errors": Case(
        "import scipy.special as special", "special.seterr(singular='warn')", "special.seterr(singular='raise')",
        "special.seterr(singular='ignore')", "special.geterr()['singular']", "scipy.special.geterr"),
    "scipy workers": Case(
        "import scipy.fft as fft, contextlib; stack = contextlib.ExitStack()",
        "stack.enter_context(fft.set_workers(2))", "stack.enter_context(fft.set_workers(3))", "stack.close()",
        "fft.get_workers()", "scipy.fft.get_workers"),
    "torch threads": Case(
        "import torch; old = torch.get_num_threads()", "torch.set_num_threads(1)", "torch.set_num_threads(2)",
        "torch.set_num_threads(old)", "torch.get_num_threads()", "torch.get_num_threads"),
    "torch seed": Case(
        "import torch; old = torch.get_rng_state()", "torch.manual_seed(5)", "torch.manual_seed(6)",
        "torch.set_rng_state(old)", "torch.initial_seed()", "torch.initial_seed"),
    "torch anomalies": Case(
        "import torch", "torch.autograd.set_detect_anomaly(True)", "torch.autograd.set_detect_anomaly(False)",
        "torch.autograd.set_detect_anomaly(False)", "torch.is_anomaly_enabled()", "torch.is_anomaly_enabled"),
    "torch backends": Case(
        "import torch", "torch.backends.mkldnn.enabled = False", "torch.backends.mkldnn.enabled = True",
        "torch.backends.mkldnn.enabled = True", "torch.backends.mkldnn.enabled", "torch.backends"),
    "numba threads": Case(
        "import numba, os; old = numba.get_num_threads(); two_cores(range(old))",
        "numba.set_num_threads(1)", "numba.set_num_threads(old)",
        "numba.set_num_threads(old)", "numba.get_num_threads()", "numba.get_num_threads"),
    "buffers of numpy": Case(
        "import numpy as np", "np.setbufsize(1600)", "np.setbufsize(3200)", "np.setbufsize(8192)", "np.getbufsize()",
        "numpy.getbufsize"),
    "cores": Case(
        "import os; from os import sched_getaffinity; old = sched_getaffinity(0); two_cores(old)",
        "os.sched_setaffinity(0, {min(old)})",
        "os.sched_setaffinity(0, old)", "os.sched_setaffinity(0, old)", "os.sched_getaffinity(0)",
        "os.sched_getaffinity"),
    "limits": Case(
        "import resource; kind = resource.RLIMIT_NOFILE; old = resource.getrlimit(kind)",
        "resource.setrlimit(kind, (900, old[1]))", "resource.setrlimit(kind, (901, old[1]))",
        "resource.setrlimit(kind, old)", "resource.getrlimit(kind)", "resource.getrlimit"),
    "torch hub": Case(
        "import torch.hub; old = torch.hub._hub_dir", "torch.hub.set_dir('/nbx')", "torch.hub.set_dir('/nby')",
        "torch.hub._hub_dir = old", "torch.hub.get_dir()", "torch.hub.get_dir"),
    "interactive figures": Case(
        "import matplotlib; old = matplotlib.rcParams['interactive']", "matplotlib.interactive(True)",
        "matplotlib.interactive(False)", "matplotlib.interactive(False)", "matplotlib.is_interactive()",
        "matplotlib.is_interactive"),
    "renderers": Case(
        "import plotly.io as pio; old = pio.renderers.default", "pio.renderers.default = 'svg'",
        "pio.renderers.default = 'png'", "pio.renderers.default = old", "pio.renderers.default",
        "plotly.io.renderers"),
    "pyarrow threads": Case(
        "import pyarrow; old = pyarrow.cpu_count()", "pyarrow.set_cpu_count(1)", "pyarrow.set_cpu_count(3)",
        "pyarrow.set_cpu_count(old)", "pyarrow.cpu_count()", "pyarrow.cpu_count"),
    "cv2 threads": Case(
        "import cv2; old = cv2.getNumThreads()", "cv2.setNumThreads(1)", "cv2.setNumThreads(3)",
        "cv2.setNumThreads(old)", "cv2.getNumThreads()", "cv2.getNumThreads"),
    "h5py": Case(
        "import h5py; config = h5py.get_config()", "config.track_order = True", "config.track_order = False",
        "config.track_order = False", "h5py.get_config().track_order", "h5py.get_config"),
    "dask": Case(
        "import dask", "dask.config.set({'nbx': 1})", "dask.config.set({'nbx': 2})",
        "dask.config.config.pop('nbx', None)", "dask.config.get('nbx', None)", "options of dask"),
    "zarr": Case(
        "import zarr", "zarr.config.set({'array.order': 'F'})", "zarr.config.set({'array.order': 'C'})",
        "zarr.config.set({'array.order': 'C'})", "zarr.config.get('array.order')", "options of zarr"),
    "geopandas": Case(
        "import geopandas", "geopandas.options.display_precision = 3", "geopandas.options.display_precision = 4",
        "geopandas.options.display_precision = None", "geopandas.options.display_precision", "options of geopandas"),
    "astropy": Case(
        "import astropy", "astropy.conf.max_lines = 5", "astropy.conf.max_lines = 6",
        "astropy.conf.reset('max_lines')", "astropy.conf.max_lines", "options of astropy"),
    "xgboost": Case(
        "import xgboost", "xgboost.set_config(verbosity=2)", "xgboost.set_config(verbosity=0)",
        "xgboost.set_config(verbosity=1)", "xgboost.get_config()['verbosity']", "xgboost.get_config"),
}  # fmt: skip


def two_cores(found: Sized) -> None:
    """Nothing can be set where there is one."""
    if len(found) < 2:
        raise ImportError("one core")


@pytest.fixture
def program(cache: Cache, calls: Any) -> Iterator[Callable[[Case], dict[str, Any]]]:
    """Make a program that is told of a setting; the setting is put back."""
    made: list[tuple[Case, dict[str, Any]]] = []

    def make(case: Case) -> dict[str, Any]:
        space: dict[str, Any] = {"cache_data": cache_data, "calls": calls, "__name__": "__main__"}
        space["two_cores"] = two_cores
        try:
            exec(case.begin, space)
        except ImportError as error:
            pytest.skip(str(error))
        made.append((case, space))
        exec(case.back, space)
        exec(f"@cache_data(show_spinner=False)\ndef foo():\n    calls()\n    return {case.code}", space)
        return space

    yield make
    for case, space in made:
        exec(case.back, space)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_another_setting_is_a_miss_and_the_old_one_a_hit(
    name: str, program: Callable[[Case], dict[str, Any]], calls: Any
) -> None:
    case = CASES[name]
    space = program(case)
    plain = space["foo"]()
    assert space["foo"]() == plain
    assert len(calls) == 1

    exec(f"{case.back}\n{case.one}", space)
    assert case.label in str(space["foo"].explain())
    first = space["foo"]()
    exec(f"{case.back}\n{case.two}", space)
    second = space["foo"]()
    computed = len(calls)
    exec(f"{case.back}\n{case.one}", space)
    assert space["foo"]() == first != second
    exec(case.back, space)

    assert space["foo"]() == plain
    assert len(calls) == computed


def test_a_default_that_astropy_writes_down_when_asked_is_no_change(cache: Cache, calls: Any) -> None:
    table = pytest.importorskip("astropy.table")
    sections = sys.modules["astropy.config.configuration"]._cfgobjs["astropy"]  # type: ignore[attr-defined]
    sections.pop("table", None)

    @cache_data(show_spinner=False)
    def foo() -> bool:
        calls()
        return "table" in str(table)

    foo()
    assert table.conf.auto_colname == sections["table"]["auto_colname"]
    foo()

    assert len(calls) == 1
