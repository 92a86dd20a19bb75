"""Which libraries have options, where they keep them, and what a fresh process has: one line a library."""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, NamedTuple

from nbcache.tracking.options.changes import changes_of

Values = Mapping[str, Any]
Guard = Callable[[Any, Callable[[object], str]], str]
_NOTHING: frozenset[str] = frozenset()


class Library(NamedTuple):
    """One library that has options.

    Attributes
    ----------
    name : as a user calls it
    uses : distributions, normalised, and modules of the standard library whose users use its options
    module : there are options once this is loaded
    read : something that is equal as long as all options are, in under 5 microseconds
    tell : the options by their names
    fresh : what a fresh process has, by the same names
    attributes : where not empty, only code that reads one of these attributes uses the options
    guard : given the module and how generated code names a thing, an expression that is true as long as nobody has set
        an option, in some 50 nanoseconds; None where there is no such sign, and all options are read instead
    """

    name: str
    uses: frozenset[str]
    module: str
    read: Callable[[Any], Any]
    tell: Callable[[Any], Values]
    fresh: Callable[[Any], Values]
    attributes: frozenset[str]
    guard: Guard | None = None


def _guard_numpy(numpy: Any, name: Callable[[object], str]) -> str:
    """numpy 2 keeps both in context variables, and puts another object there when an option is set."""
    variables = [
        getattr(sys.modules[module], variable)
        for module, variable in (
            ("numpy._core.umath", "_extobj_contextvar"),
            ("numpy._core.printoptions", "format_options"),
        )
    ]
    return " and ".join(f"{name(variable.get)}() is {name(variable.get())}" for variable in variables)


def _read_numpy(numpy: Any) -> Any:
    errors = getattr(sys.modules.get("numpy._core.umath"), "_extobj_contextvar", None)
    printing = getattr(sys.modules.get("numpy._core.printoptions"), "format_options", None)
    if errors is None or printing is None:  # numpy 1
        return numpy.geterr(), numpy.geterrcall(), numpy.get_printoptions()
    return errors.get(), printing.get()


def _tell_numpy(numpy: Any) -> Values:
    return {**numpy.geterr(), "call": numpy.geterrcall(), **numpy.get_printoptions()}


_NUMPY = {
    "divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn", "call": None,
    "edgeitems": 3, "threshold": 1000, "floatmode": "maxprec", "precision": 8, "suppress": False, "linewidth": 75,
    "nanstr": "nan", "infstr": "inf", "sign": "-", "formatter": None, "legacy": False, "override_repr": None,
}  # fmt: skip


class _Noting(dict[str, Any]):
    """A group of options that counts how often one was set."""

    __slots__ = ()

    def __setitem__(self, key: str, value: Any) -> None:
        _set_in_pandas[0] += 1
        super().__setitem__(key, value)


#: How many options of pandas were set, as the only item.
_set_in_pandas = [0]


def _guard_pandas(config: Any, name: Callable[[object], str]) -> str:
    """Every option lies in a group, of which there are a dozen; `set_option` and `pd.options` both write there."""
    groups = config._global_config
    for key, group in groups.items():
        if type(group) is dict:
            groups[key] = _Noting(group)
    return f"{name(_set_in_pandas)}[0] == {_set_in_pandas[0]} and len({name(groups)}) == {len(groups)}"


def _pandas(config: Any) -> Values:
    values: Values = config._global_config
    return values


def _fresh_pandas(config: Any) -> Values:
    return {name: option.defval for name, option in config._registered_options.items()}


_CONTEXT = ("prec", "rounding", "Emin", "Emax", "capitals", "clamp")
_read_context = attrgetter(*_CONTEXT)


def _read_decimal(decimal: Any) -> Any:
    context = decimal.getcontext()
    return _read_context(context), repr(context.traps), _read_context(decimal.DefaultContext)


def _guard_decimal(decimal: Any, name: Callable[[object], str]) -> str:
    """A context does not say that it was changed: all is compared, but without the texts of the traps."""
    getcontext, fresh = decimal.getcontext, decimal.DefaultContext
    kept = getcontext().copy()  # alive, because its traps are a view of it
    own, others = _read_context(kept), _read_context(fresh)

    def same() -> bool:
        now = getcontext()
        return now.traps == kept.traps and own == _read_context(now) and others == _read_context(fresh)

    return f"{name(same)}()"


def _tell_decimal(decimal: Any) -> Values:
    context = decimal.getcontext()
    traps = {signal.__name__ for signal, on in context.traps.items() if on}
    own, others = (dict(zip(_CONTEXT, _read_context(one), strict=True)) for one in (context, decimal.DefaultContext))
    return {**own, "traps": traps, "in new threads": others}


_FRESH_CONTEXT = {
    "prec": 28, "rounding": "ROUND_HALF_EVEN", "Emin": -999999, "Emax": 999999, "capitals": 1, "clamp": 0,
}  # fmt: skip
_DECIMAL = {
    **_FRESH_CONTEXT,
    "traps": {"InvalidOperation", "DivisionByZero", "Overflow"},
    "in new threads": _FRESH_CONTEXT,
}


_read_printing = attrgetter("precision", "threshold", "edgeitems", "linewidth", "sci_mode")


def _torch(torch: Any) -> Values:
    return {
        "default dtype": torch.get_default_dtype(),
        "grad mode": torch.is_grad_enabled(),
        "inference mode": torch.is_inference_mode_enabled(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "float32 matmul precision": torch.get_float32_matmul_precision(),
        "autocast": torch.is_autocast_enabled(),
        "device": getattr(getattr(torch, "_GLOBAL_DEVICE_CONTEXT", None), "device_context", None),
        "cudnn": (torch._C._get_cudnn_deterministic(), torch._C._get_cudnn_benchmark()),
        "printing": _read_printing(torch._tensor_str.PRINT_OPTS),
    }


def _fresh_torch(torch: Any) -> Values:
    return {
        **_torch(torch),
        "default dtype": torch.float32, "grad mode": True, "inference mode": False, "autocast": False,
        "deterministic algorithms": False, "float32 matmul precision": "highest", "device": None,
        "cudnn": (False, False), "printing": (4, 1000, 3, 80, None),
    }  # fmt: skip


# Those that change what is computed, as versions since 0.5 begin; the others are about compilers, devices and logs.
_JAX = {
    "jax_enable_x64": False, "jax_disable_jit": False, "jax_debug_nans": False, "jax_debug_infs": False,
    "jax_default_matmul_precision": None, "jax_default_prng_impl": "threefry2x32", "jax_random_seed_offset": 0,
    "jax_numpy_dtype_promotion": "standard", "jax_numpy_rank_promotion": "allow", "jax_enable_custom_prng": False,
    "jax_threefry_partitionable": True, "jax_softmax_custom_jvp": True, "jax_default_device": None,
}  # fmt: skip


def _jax(jax: Any) -> Values:
    config = jax.config
    return {name: getattr(config, name, fresh) for name, fresh in _JAX.items()}


def _read_polars(config: Any) -> Any:
    data: Any = os.environ._data  # type: ignore[attr-defined]
    _, names, direct = _polars_names(config)
    return tuple(map(data.get, names)), [read() for read in direct]


def _guard_polars(config: Any, name: Callable[[object], str]) -> str:
    """Most options are environment variables: read when any variable was set. The others are asked in Rust."""
    environ: Any = os.environ
    count, data, (_, names, direct) = changes_of(environ._data), environ._data, _polars_names(config)
    seen = [count.value]
    values = tuple(map(data.get, names))

    def unchanged() -> bool:
        now = count.value
        if tuple(map(data.get, names)) != values:
            return False
        seen[0] = now
        return True

    return " and ".join((
        f"{name(os)}.environ is {name(environ)}",
        f"({name(count)}.value == {name(seen)}[0] or {name(unchanged)}())",
        *[f"{name(read)}() == {name(read())}" for read in direct],
    ))  # fmt: skip


def _tell_polars(config: Any) -> Values:
    variables, direct = _read_polars(config)
    names = (*_polars_names(config)[0], *config._POLARS_CFG_DIRECT_VARS)
    return {name: value for name, value in zip(names, (*variables, *direct), strict=True) if value is not None}


_POLARS = {
    "set_fmt_float": "mixed", "set_thousands_separator": "", "set_decimal_separator": ".",
    "set_trim_decimal_zeros": False,
}  # fmt: skip


@functools.cache
def _polars_names(config: Any) -> tuple[list[str], list[Any], list[Callable[[], Any]]]:
    names = sorted(config._POLARS_CFG_ENV_VARS)
    encoded = [os.environ.encodekey(name) for name in names]
    return names, encoded, list(config._POLARS_CFG_DIRECT_VARS.values())


def fresh_copy(name: str) -> Any:
    """Run a module of a library once more, beside the one that is loaded, to see what it begins with."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _locale(locale: Any) -> Values:
    return {"categories": locale.setlocale(locale.LC_ALL)}


#: How often a locale was set by Python code, as the only item; empty as long as nobody counts.
_locales_set: list[int] = []


def _guard_locale(locale: Any, name: Callable[[object], str]) -> str:
    if not _locales_set:
        _locales_set.append(0)
        setlocale = locale._setlocale

        def counting(*arguments: Any) -> Any:
            if len(arguments) > 1 and arguments[1] is not None:
                _locales_set[0] += 1
            return setlocale(*arguments)

        locale._setlocale = counting
    return f"{name(_locales_set)}[0] == {_locales_set[0]}"


def _fresh_locale(locale: Any) -> Values:
    # A process begins with everything as in C, but for the encoding of characters.
    now: str = locale.setlocale(locale.LC_ALL)
    changed = [part for part in now.split(";") if "=" in part and not part.startswith("LC_CTYPE=")]
    is_fresh = all(part.endswith("=C") for part in changed) and ("=" in now or now in ("C", "POSIX"))
    return {"categories": now if is_fresh else "C"}


_DIALECT = (
    *("delimiter", "doublequote", "escapechar", "lineterminator", "quotechar", "quoting", "skipinitialspace", "strict"),
)
_read_dialect = attrgetter(*_DIALECT)
_DIALECTS = {
    "excel": (",", True, None, "\r\n", '"', 0, False, False),
    "excel-tab": ("\t", True, None, "\r\n", '"', 0, False, False),
    "unix": (",", True, None, "\n", '"', 1, False, False),
}


def _csv(csv: Any) -> Values:
    dialects = {name: _read_dialect(csv.get_dialect(name)) for name in csv.list_dialects()}
    return {"field size limit": csv.field_size_limit(), "dialects": dialects}


_TEMPLATES = frozenset(
    (
        *("ggplot2", "seaborn", "simple_white", "plotly", "plotly_white", "plotly_dark", "presentation"),
        *("xgridoff", "ygridoff", "gridon", "none"),
    )
)


def _plotly(io: Any) -> Values:
    """The default template, and those that were added: figures name them, and take from them what they look like."""
    added = io.templates.keys() - _TEMPLATES
    return {"template": io.templates.default, "added": {name: io.templates[name].to_plotly_json() for name in added}}


def _pillow(image: Any) -> Values:
    truncated = getattr(sys.modules.get("PIL.ImageFile"), "LOAD_TRUNCATED_IMAGES", False)
    return {"MAX_IMAGE_PIXELS": image.MAX_IMAGE_PIXELS, "LOAD_TRUNCATED_IMAGES": truncated}


def _command_line(system: Any) -> Values:
    """What a script was started with; what a kernel was started with is another file each time."""
    of_kernel = any("kernel" in word and word.endswith(".json") for word in system.argv[1:])
    return {"arguments": () if of_kernel else tuple(system.argv[1:])}


def _zone(time: Any) -> Values:
    return {"zone": (time.tzname, time.timezone, time.altzone)}


def _library(
    name: str,
    module: str,
    tell: Callable[[Any], Values],
    fresh: Values | Callable[[Any], Values],
    *uses: str,
    read: Callable[[Any], Any] | None = None,
    attributes: frozenset[str] = _NOTHING,
    guard: Guard | None = None,
) -> Library:
    begins = fresh if callable(fresh) else lambda _: fresh
    return Library(name, frozenset(uses or (name,)), module, read or tell, tell, begins, attributes, guard)


_CLOCK = frozenset(
    (
        *("astimezone", "asctime", "ctime", "fromtimestamp", "localtime", "mktime", "strftime", "timestamp", "tzlocal"),
        *("now", "today", "get_localzone"),
    )
)
# Functions that ask for local time on behalf of who calls them.
_ASKS_THE_CLOCK = frozenset({"formatdate", "localtime", "formatTime", "converter", "datetime_as_string"})
TABLE: tuple[Library, ...] = (
    _library("numpy", "numpy", _tell_numpy, _NUMPY, read=_read_numpy, guard=_guard_numpy),
    _library("pandas", "pandas._config.config", _pandas, _fresh_pandas, guard=_guard_pandas),
    _library("decimal", "decimal", _tell_decimal, _DECIMAL, read=_read_decimal, guard=_guard_decimal),
    _library(
        *("scikit-learn", "sklearn._config", lambda sk: sk.get_config(), lambda sk: sk._global_config),
        *("scikit_learn", "sklearn"),
    ),
    _library("torch", "torch", _torch, _fresh_torch),
    _library(
        *("xarray", "xarray.core.options", lambda module: module.OPTIONS),
        lambda _: fresh_copy("xarray.core.options").OPTIONS,
    ),
    _library("polars", "polars.config", _tell_polars, _POLARS, read=_read_polars, guard=_guard_polars),
    _library("plotly", "plotly.io", _plotly, {"template": "plotly"}),
    _library(
        *("Pillow", "PIL.Image", _pillow, {"MAX_IMAGE_PIXELS": 89478485, "LOAD_TRUNCATED_IMAGES": False}),
        *("pillow", "PIL"),
    ),
    _library("calendar", "calendar", lambda module: {"first weekday": module.firstweekday()}, {"first weekday": 0}),
    _library(
        *("command line", "sys", _command_line, {"arguments": ()}),
        *("argparse", "optparse", "getopt", "docopt", "docopt_ng", "fire", "click", "typer", "absl_py"),
        attributes=frozenset(("parse_args", "parse_known_args", "parse_intermixed_args", "docopt", "Fire", "main")),
    ),
    _library("jax", "jax", _jax, _JAX),
    _library(
        *("mpmath", "mpmath", lambda mpmath: {"prec": mpmath.mp.prec, "pretty": mpmath.mp.pretty}),
        *({"prec": 53, "pretty": False}, "mpmath", "sympy"),
    ),
    _library("csv", "csv", _csv, {"field size limit": 131072, "dialects": _DIALECTS}),
    _library("locale", "locale", _locale, _fresh_locale, "locale", "calendar"),
    _library(
        *("locale", "locale", _locale, _fresh_locale, "time", "datetime", "pandas", "python_dateutil"),
        guard=_guard_locale,
    ),
    _library(
        *("default timezone", "time", _zone, {"zone": None}),
        *("time", "datetime", "python_dateutil", "pandas", "tzlocal", "arrow", "pendulum"),
        attributes=_CLOCK,
    ),
    _library(
        *("default timezone", "time", _zone, {"zone": None}, "email", "logging", "numpy"),
        attributes=_ASKS_THE_CLOCK,
    ),
)
