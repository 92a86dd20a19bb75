"""Options of libraries count for what uses the library, when they are not what a fresh process has."""

from __future__ import annotations

import decimal
import email.utils
import locale
import logging
import sys
import time
import types
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import formatdate
from time import ctime
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from counted import cached

from nbcache import cache_data
from nbcache.engine.cache import Cache
from nbcache.tracking.options import changes
from nbcache.tracking.options import state as options
from nbcache.tracking.options.state import options_of
from nbcache.tracking.options.table import _NUMPY, TABLE

#: Hits after which the checks are written into the function that users call.
OFTEN = 40


class Case(NamedTuple):
    """An option: sets one value and then another, puts it back, and code whose answer differs."""

    needs: str
    one: str
    two: str
    back: str
    code: str
    label: str


CASES = {
    "pandas display": Case(
        "pandas", "pd.set_option('display.max_rows', 5)", "pd.set_option('display.max_rows', 8)",
        "pd.reset_option('display.max_rows')", "str(pd.DataFrame({'a': range(20)}))", "options of pandas"),
    "pandas attribute": Case(
        "pandas", "pd.options.display.precision = 2", "pd.options.display.precision = 3",
        "pd.reset_option('display.precision')", "str(pd.Series([1 / 3]))", "options of pandas"),
    "pandas function": Case(
        "pandas", "pd.options.display.float_format = '{:.1f}'.format",
        "pd.options.display.float_format = lambda x: 'x'", "pd.reset_option('display.float_format')",
        "str(pd.Series([1 / 3]))", "options of pandas"),
    "numpy errors": Case(
        "numpy", "np.seterr(divide='ignore')", "np.seterr(divide='raise')", "np.seterr(divide='warn')",
        "divide()", "options of numpy"),
    "numpy printing": Case(
        "numpy", "np.set_printoptions(precision=2)", "np.set_printoptions(precision=3)",
        "np.set_printoptions(precision=8)", "str(np.array([1 / 3]))", "options of numpy"),
    "decimal precision": Case(
        "decimal", "decimal.getcontext().prec = 5", "decimal.getcontext().prec = 7", "decimal.getcontext().prec = 28",
        "str(decimal.Decimal(1) / 3)", "options of decimal"),
    "decimal rounding": Case(
        "decimal", "decimal.getcontext().rounding = 'ROUND_UP'", "decimal.getcontext().rounding = 'ROUND_DOWN'",
        "decimal.getcontext().rounding = 'ROUND_HALF_EVEN'", "str(decimal.Decimal(1) / 3)", "options of decimal"),
    "sklearn": Case(
        "sklearn", "sklearn.set_config(transform_output='pandas')", "sklearn.set_config(transform_output='default')",
        "sklearn.set_config(transform_output='default')", "str(type(StandardScaler().fit_transform([[1.0], [2.0]])))",
        "options of scikit-learn"),
    "torch dtype": Case(
        "torch", "torch.set_default_dtype(torch.float64)", "torch.set_default_dtype(torch.float16)",
        "torch.set_default_dtype(torch.float32)", "str(torch.ones(1).dtype)", "options of torch"),
    "torch gradients": Case(
        "torch", "torch.set_grad_enabled(False)", "torch.set_grad_enabled(True)", "torch.set_grad_enabled(True)",
        "(torch.ones(1, requires_grad=True) * 2).requires_grad", "options of torch"),
    "torch printing": Case(
        "torch", "torch.set_printoptions(precision=2)", "torch.set_printoptions(precision=3)",
        "torch.set_printoptions(profile='default')", "str(torch.tensor([1 / 3]))", "options of torch"),
    "mpmath": Case(
        "mpmath", "mpmath.mp.dps = 5", "mpmath.mp.dps = 7", "mpmath.mp.dps = 15", "str(mpmath.mpf(1) / 3)",
        "options of mpmath"),
    "csv dialects": Case(
        "csv", "csv.register_dialect('nbx', delimiter=';')", "csv.register_dialect('nbx', delimiter=',')",
        "'nbx' in csv.list_dialects() and csv.unregister_dialect('nbx')",
        "list(csv.reader(['a;b,c'], csv.list_dialects()[-1]))", "options of csv"),
    "xarray": Case(
        "xarray", "xarray.set_options(keep_attrs=True)", "xarray.set_options(keep_attrs=False)",
        "xarray.set_options(keep_attrs='default')",
        "str(xarray.DataArray([1], attrs={'a': 1}).mean().attrs)", "options of xarray"),
    "polars": Case(
        "polars", "pl.Config.set_tbl_rows(2)", "pl.Config.set_tbl_rows(4)", "pl.Config.restore_defaults()",
        "str(pl.DataFrame({'a': range(20)}))", "options of polars"),
    "polars floats": Case(
        "polars", "pl.Config.set_float_precision(2)", "pl.Config.set_float_precision(4)",
        "pl.Config.restore_defaults()", "str(pl.Series([1 / 3]))", "options of polars"),
    "plotly": Case(
        "plotly", "pio.templates.default = 'ggplot2'", "pio.templates.default = 'seaborn'",
        "pio.templates.default = 'plotly'", "str(go.Figure().layout.template.layout.plot_bgcolor)",
        "options of plotly"),
    "plotly template": Case(
        "plotly", "pio.templates['nbx'] = go.layout.Template(layout={'plot_bgcolor': 'red'})",
        "pio.templates['nbx'].layout.plot_bgcolor = 'blue'",
        "'nbx' in pio.templates and pio.templates.__delitem__('nbx')",
        "'nbx' in pio.templates and go.Figure(layout={'template': 'nbx'}).layout.template.layout.plot_bgcolor",
        "options of plotly"),
    "decimal in threads": Case(
        "decimal", "decimal.DefaultContext.prec = 5", "decimal.DefaultContext.prec = 7",
        "decimal.DefaultContext.prec = 28", "in_thread()", "options of decimal"),
    "Pillow": Case(
        "PIL", "Image.MAX_IMAGE_PIXELS = 3", "Image.MAX_IMAGE_PIXELS = 100", "Image.MAX_IMAGE_PIXELS = 89478485",
        "opened()", "options of Pillow"),
    "Pillow, truncated": Case(
        "PIL", "ImageFile.LOAD_TRUNCATED_IMAGES = True", "ImageFile.LOAD_TRUNCATED_IMAGES = False",
        "ImageFile.LOAD_TRUNCATED_IMAGES = False", "ImageFile.LOAD_TRUNCATED_IMAGES", "options of Pillow"),
    "calendar": Case(
        "calendar", "calendar.setfirstweekday(6)", "calendar.setfirstweekday(5)", "calendar.setfirstweekday(0)",
        "calendar.month(2024, 1)", "options of calendar"),
    "command line": Case(
        "argparse", "sys.argv[1:] = ['--n', '1']", "sys.argv[1:] = ['--n', '2']", "sys.argv[1:] = []",
        "parser.parse_args().n", "command line"),
}  # fmt: skip
BEGIN = {
    "csv": "import csv",
    "mpmath": "import mpmath",
    "PIL": "import io\nfrom PIL import Image, ImageFile\n"
    "def opened():\n    with io.BytesIO() as file:\n        Image.new('L', (3, 3)).save(file, 'png')\n"
    "        try: return Image.open(file).size\n        except Exception: return 'refused'",
    "argparse": "import argparse, sys\nparser = argparse.ArgumentParser(); parser.add_argument('--n')",
    "calendar": "import calendar",
    "decimal": "import decimal, threading\n"
    "def in_thread():\n    found = []\n    def divide(): found.append(str(decimal.Decimal(1) / 3))\n"
    "    thread = threading.Thread(target=divide); thread.start(); thread.join()\n    return found",
    "numpy": "import numpy as np\n"
    "def divide():\n    try: return str(np.float64(1) / 0)\n    except Exception: return 'raised'",
    "pandas": "import pandas as pd",
    "polars": "import polars as pl",
    "plotly": "import plotly.graph_objects as go, plotly.io as pio",
    "sklearn": "import sklearn\nfrom sklearn.preprocessing import StandardScaler",
    "torch": "import torch",
    "xarray": "import xarray",
}


@pytest.fixture(autouse=True)
def as_they_come() -> Iterator[None]:
    """Give libraries the options of a fresh process, whatever other tests have left; those of three are put back."""
    registered = pd._config.config._registered_options
    with warnings.catch_warnings(action="ignore"):
        found = {name: pd.get_option(name) for name in registered}
    arguments, sys.argv[1:] = sys.argv[1:], []
    printing, errors, call, numbers = np.get_printoptions(), np.geterr(), np.geterrcall(), decimal.getcontext()
    _set_in_pandas({name: registered[name].defval for name in found})
    np.set_printoptions(**{name: value for name, value in _NUMPY.items() if name in printing})
    np.seterr(**{name: _NUMPY[name] for name in errors})
    np.seterrcall(None)
    decimal.setcontext(decimal.Context())
    for module, begin in BEGIN.items():
        if module in sys.modules and module not in ("numpy", "pandas", "decimal"):
            for case in CASES.values():
                if case.needs == module:
                    exec(f"{begin}\n{case.back}", {})
    yield
    sys.argv[1:] = arguments
    _set_in_pandas(found)
    np.set_printoptions(**printing)
    np.seterr(**errors)
    np.seterrcall(call)
    decimal.setcontext(numbers)


def _set_in_pandas(options: dict[str, Any]) -> None:
    with warnings.catch_warnings(action="ignore"):
        for name, value in options.items():
            if pd.get_option(name) != value:
                pd.set_option(name, value)


def program(case: Case, calls: Any) -> dict[str, Any]:
    pytest.importorskip(case.needs)
    space: dict[str, Any] = {"cache_data": cache_data, "calls": calls, "__name__": "__main__"}
    exec(BEGIN[case.needs], space)
    exec(f"@cache_data(show_spinner=False)\ndef foo():\n    calls()\n    return {case.code}", space)
    return space


@contextmanager
def put_back(case: Case, space: dict[str, Any]) -> Iterator[None]:
    try:
        yield
    finally:
        exec(case.back, space)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_another_option_is_a_miss_and_the_old_one_a_hit(name: str, cache: Cache, calls: Any) -> None:
    case = CASES[name]
    space = program(case, calls)
    with put_back(case, space):
        plain = space["foo"]()
        exec(case.one, space)
        first = space["foo"]()
        exec(case.two, space)
        second = space["foo"]()
        computed = len(calls)
        for _ in range(OFTEN):
            assert space["foo"]() == second

        exec(case.one, space)
        assert space["foo"]() == first
        exec(case.two, space)
        assert space["foo"]() == second
        exec(case.back, space)
        assert space["foo"]() == plain
        assert len(calls) == computed
        assert first != second


@pytest.mark.parametrize("name", ["polars", "polars floats"])
def test_options_are_read_where_python_does_not_count_changes_of_dicts(
    name: str, cache: Cache, calls: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "_are_counted", lambda: False)

    test_another_option_is_a_miss_and_the_old_one_a_hit(name, cache, calls)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_a_miss_names_the_library(name: str, cache: Cache, calls: Any) -> None:
    case = CASES[name]
    space = program(case, calls)
    with put_back(case, space):
        space["foo"]()
        assert case.label not in str(space["foo"].explain())

        exec(case.one, space)

        assert f"{case.label} is new" in str(space["foo"].explain())


def test_options_of_a_library_that_is_not_used_make_no_miss(cache: Cache, calls: Any) -> None:
    @cache_data(show_spinner=False)
    def foo() -> int:
        calls()
        return 1

    foo()
    with pd.option_context("display.max_rows", 3), np.errstate(divide="ignore"), decimal.localcontext(prec=3):
        foo()

    assert len(calls) == 1


def test_options_count_for_who_gets_an_object_of_the_library(cache: Cache, calls: Any) -> None:
    @cache_data(show_spinner=False)
    def text(values: Any) -> str:
        calls()
        return str(values)

    frame = pd.DataFrame({"a": range(20)})
    with pd.option_context("display.max_rows", 4):
        short = text(frame)
        assert "options of pandas: display.max_rows = 4" in str(text.explain(frame))
    full = text(frame)

    assert short != full
    assert text(frame) == full
    with pd.option_context("display.max_rows", 4):
        assert text(frame) == short
    assert len(calls) == 2


def test_options_count_for_items_of_a_list(cache: Cache, calls: Any) -> None:
    @cache_data(show_spinner=False)
    def thirds(numbers: list[Any]) -> list[str]:
        return [str(number / 3) for number in numbers]

    first = thirds([decimal.Decimal(1)])
    with decimal.localcontext(prec=3):
        assert thirds([decimal.Decimal(1)]) == ["0.333"]
    assert thirds([decimal.Decimal(1)]) == first


def test_options_of_what_a_library_needs_count(cache: Cache) -> None:
    pytest.importorskip("sklearn")
    with np.errstate(divide="raise"):
        labels = [label for label, _, _ in options_of(["scikit_learn"]).parts]

    assert labels == ["options of numpy"]


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Sets the default timezone."""
    if not hasattr(time, "tzset"):
        pytest.skip("no timezone to set")

    def put(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield put
    monkeypatch.undo()
    time.tzset()


LOCAL: dict[str, Callable[[], object]] = {
    "datetime": lambda: datetime.fromtimestamp(0),
    "astimezone": lambda: str(datetime.fromtimestamp(0, UTC).astimezone()),
    "timestamp": lambda: datetime(2020, 1, 1).timestamp(),
    "time": lambda: time.localtime(0).tm_hour,
    "a bound name": lambda: ctime(0),
    "a bound function": lambda: formatdate(0, localtime=True),
    "an attribute": lambda: time.timezone,
    "a format": lambda: f"{datetime.fromtimestamp(0):%H}",
    "pandas": lambda: pd.Timestamp.fromtimestamp(0).hour,
    "numpy": lambda: str(np.datetime_as_string(np.datetime64(0, "s"), timezone="local")),
    "a mail": lambda: email.utils.formatdate(0, localtime=True),
    "a log": lambda: logging.Formatter("%(asctime)s").converter(0).tm_hour,
}


@pytest.mark.parametrize("how", LOCAL)
def test_another_default_timezone_is_a_miss_and_the_old_one_a_hit(
    how: str, zone: Callable[[str], None], cache: Cache, calls: Any
) -> None:
    foo = cached(LOCAL[how], calls)
    zone("UTC")
    first = foo()
    zone("Etc/GMT-5")

    assert foo() == LOCAL[how]() != first
    zone("UTC")
    assert foo() == first
    assert len(calls) == 2


def test_a_timezone_is_nothing_to_code_that_never_asks_for_local_time(
    zone: Callable[[str], None], cache: Cache, calls: Any
) -> None:
    foo = cached(lambda: datetime(2024, 1, 1).year, calls)
    zone("UTC")
    foo()
    zone("Etc/GMT-5")
    foo()

    assert len(calls) == 1


def test_the_locale_counts_where_it_is_not_that_of_a_fresh_process(cache: Cache, calls: Any) -> None:
    @cache_data(show_spinner=False)
    def text() -> str:
        calls()
        return locale.format_string("%d", 1000, grouping=True) + time.strftime("%B", time.gmtime(0))

    text()
    others = ["de_DE.UTF-8", "en_US.UTF-8", "C.UTF-8"]
    old = locale.setlocale(locale.LC_ALL)
    for name in others:
        try:
            locale.setlocale(locale.LC_ALL, name)
        except locale.Error:
            continue
        text()
        break
    else:
        pytest.skip("no other locale is installed")
    locale.setlocale(locale.LC_ALL, old)
    text()

    assert len(calls) == 2


@pytest.mark.parametrize(
    "write",
    [lambda: f"{datetime(2024, 1, 1):%B}", lambda: format(datetime(2024, 1, 1), "%B"), lambda: _month()],
    ids=["a format", "a call of format", "a helper"],
)
def test_the_locale_counts_for_dates_however_they_are_written(
    write: Callable[[], str], cache: Cache, calls: Any
) -> None:
    foo = cached(write, calls)
    foo()
    old = locale.setlocale(locale.LC_ALL)
    try:
        locale.setlocale(locale.LC_ALL, "C.UTF-8")
        foo()
    except locale.Error:
        pytest.skip("no other locale is installed")
    finally:
        locale.setlocale(locale.LC_ALL, old)
    foo()

    assert len(calls) == 2


def _month() -> str:
    return datetime(2024, 1, 1).strftime("%B")


def test_a_library_that_is_loaded_later_is_as_it_comes(python: Callable[..., str]) -> None:
    printed = python(
        """
        import sys
        from nbcache import cache_data
        @cache_data(show_spinner=False)
        def foo():
            import pandas as pd
            print("runs", end=" ")
            return str(pd.DataFrame({"a": range(20)}))
        foo(); foo()
        import pandas as pd
        pd.set_option("display.max_rows", 3)
        foo(); foo()
        pd.reset_option("display.max_rows")
        foo()
        """
    )

    assert printed.split() == ["runs", "runs"]


def test_options_are_the_same_key_after_a_restart(python: Callable[..., str]) -> None:
    source = """
        import sys, decimal
        from nbcache import cache_data
        decimal.getcontext().prec = int(sys.argv[1])
        @cache_data(show_spinner=False, persist="disk")
        def foo():
            print("runs", end=" ")
            return str(decimal.Decimal(1) / 3)
        print(foo())
        """

    assert python(source, "4") == "runs 0.3333\n"
    assert python(source, "4") == "0.3333\n"
    assert python(source, "5") == "runs 0.33333\n"


@pytest.mark.parametrize("library", TABLE, ids=lambda library: library.name)
def test_each_library_of_the_table_can_be_read_here_and_is_fresh(library: Any) -> None:
    if library.module not in sys.modules:
        pytest.skip(f"{library.name} is not loaded")
    module = sys.modules[library.module]

    assert library.read(module) == library.read(module)
    if library.name != "default timezone":
        assert options._differing(library) == {}


class _JaxConfig:
    """What `jax.config` is: a property for each option, whose value a thread may have for itself."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {"jax_enable_x64": False, "jax_threefry_partitionable": True}
        self._own: dict[str, Any] = {}

    def update(self, name: str, value: Any) -> None:
        self._values[name] = value

    @contextmanager
    def here(self, name: str, value: Any) -> Iterator[None]:
        self._own[name] = value
        yield
        del self._own[name]

    jax_enable_x64 = property(lambda self: {**self._values, **self._own}["jax_enable_x64"])
    jax_threefry_partitionable = property(lambda self: self._values["jax_threefry_partitionable"])


def test_options_of_jax_count_globally_and_for_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """jax itself is too large to install for this: a module stands for it that has the same configuration."""
    module: Any = types.ModuleType("jax")
    module.config = config = _JaxConfig()
    monkeypatch.setitem(sys.modules, "jax", module)
    monkeypatch.setattr(options, "_known", {})

    def said() -> list[str]:
        return [part[2] for part in options_of({"jax"}).parts if part[0] == "options of jax"]

    fresh = options_of({"jax"})
    assert said() == []
    config.update("jax_threefry_partitionable", False)
    assert said() == ["jax_threefry_partitionable = False"]
    assert not fresh.same()
    config.update("jax_threefry_partitionable", True)
    assert fresh.same()
    with config.here("jax_enable_x64", True):
        assert said() == ["jax_enable_x64 = True"]
    assert said() == []
