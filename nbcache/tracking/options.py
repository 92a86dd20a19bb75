"""The options of libraries: which ones differ from what a fresh process has, for the libraries that code uses.

An option that somebody has set decides what the same code computes and shows: `pd.set_option`, `np.seterr`,
`decimal.getcontext().prec`. Options at their defaults are no part of anything, so that nothing changes for those who
set none. Each library is one line of the table below; matplotlib, whose parameters are seen when they are read, has a
room of its own among the observations.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from operator import attrgetter
from typing import Any, NamedTuple, Protocol

from nbcache.hashing import hasher
from nbcache.tracking.code.bytecode import short_digest
from nbcache.tracking.packages import requirements_of

__all__ = ["Options", "brought", "options_of"]

Values = Mapping[str, Any]
Part = tuple[str, str, str] | None
_NOTHING: frozenset[str] = frozenset()
#: Items of a container that are looked at for where they come from.
_LOOKED_AT = 20


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
    """

    name: str
    uses: frozenset[str]
    module: str
    read: Callable[[Any], Any]
    tell: Callable[[Any], Values]
    fresh: Callable[[Any], Values]
    attributes: frozenset[str]


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


def _pandas(config: Any) -> Values:
    values: Values = config._global_config
    return values


def _fresh_pandas(config: Any) -> Values:
    return {name: option.defval for name, option in config._registered_options.items()}


_CONTEXT = ("prec", "rounding", "Emin", "Emax", "capitals", "clamp")
_read_context = attrgetter(*_CONTEXT)


def _read_decimal(decimal: Any) -> Any:
    context = decimal.getcontext()
    return _read_context(context), repr(context.traps)


def _tell_decimal(decimal: Any) -> Values:
    context = decimal.getcontext()
    traps = {signal.__name__ for signal, on in context.traps.items() if on}
    return {**dict(zip(_CONTEXT, _read_context(context), strict=True)), "traps": traps}


_DECIMAL = {
    "prec": 28, "rounding": "ROUND_HALF_EVEN", "Emin": -999999, "Emax": 999999, "capitals": 1, "clamp": 0,
    "traps": {"InvalidOperation", "DivisionByZero", "Overflow"},
}  # fmt: skip


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
    }


def _fresh_torch(torch: Any) -> Values:
    return {
        **_torch(torch),
        "default dtype": torch.float32, "grad mode": True, "inference mode": False, "autocast": False,
        "deterministic algorithms": False, "float32 matmul precision": "highest", "device": None,
        "cudnn": (False, False),
    }  # fmt: skip


# Those that change what is computed; the others are about compilers, devices and logs.
_JAX = {
    "jax_enable_x64": False, "jax_disable_jit": False, "jax_debug_nans": False, "jax_debug_infs": False,
    "jax_default_matmul_precision": None, "jax_default_prng_impl": "threefry2x32", "jax_random_seed_offset": 0,
    "jax_numpy_dtype_promotion": "standard", "jax_numpy_rank_promotion": "allow", "jax_enable_custom_prng": False,
}  # fmt: skip


def _jax(jax: Any) -> Values:
    config = jax.config
    return {name: getattr(config, name, fresh) for name, fresh in _JAX.items()}


def _read_polars(config: Any) -> Any:
    data: Any = os.environ._data  # type: ignore[attr-defined]
    _, names, direct = _polars_names(config)
    return tuple(map(data.get, names)), [read() for read in direct]


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


def _fresh_copy(name: str) -> Any:
    """Run a module of a library once more, beside the one that is loaded, to see what it begins with."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _locale(locale: Any) -> Values:
    return {"categories": locale.setlocale(locale.LC_ALL)}


def _fresh_locale(locale: Any) -> Values:
    # A process begins with everything as in C, but for the encoding of characters.
    now: str = locale.setlocale(locale.LC_ALL)
    changed = [part for part in now.split(";") if "=" in part and not part.startswith("LC_CTYPE=")]
    is_fresh = all(part.endswith("=C") for part in changed) and ("=" in now or now in ("C", "POSIX"))
    return {"categories": now if is_fresh else "C"}


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
) -> Library:
    begins = fresh if callable(fresh) else lambda _: fresh
    return Library(name, frozenset(uses or (name,)), module, read or tell, tell, begins, attributes)


_CLOCK = frozenset(
    {"astimezone", "ctime", "fromtimestamp", "localtime", "mktime", "strftime", "timestamp", "tzlocal", "now", "today"}
)
_WRITTEN_OUT = frozenset({"strftime", "strptime", "ctime", "asctime", "day_name", "month_name"})
_TABLE: tuple[Library, ...] = (
    _library("numpy", "numpy", _tell_numpy, _NUMPY, read=_read_numpy),
    _library("pandas", "pandas._config.config", _pandas, _fresh_pandas),
    _library("decimal", "decimal", _tell_decimal, _DECIMAL, read=_read_decimal),
    _library(
        *("scikit-learn", "sklearn._config", lambda sk: sk.get_config(), lambda sk: sk._global_config),
        *("scikit_learn", "sklearn"),
    ),
    _library("torch", "torch", _torch, _fresh_torch),
    _library(
        *("xarray", "xarray.core.options", lambda module: module.OPTIONS),
        lambda _: _fresh_copy("xarray.core.options").OPTIONS,
    ),
    _library("polars", "polars.config", _tell_polars, _POLARS, read=_read_polars),
    _library("plotly", "plotly.io", lambda io: {"template": io.templates.default}, {"template": "plotly"}),
    _library("jax", "jax", _jax, _JAX),
    _library("locale", "locale", _locale, _fresh_locale, "locale", "calendar"),
    _library("locale", "locale", _locale, _fresh_locale, "time", "datetime", "pandas", attributes=_WRITTEN_OUT),
    _library(
        *("default timezone", "time", _zone, {"zone": None}),
        *("time", "datetime", "python_dateutil", "pandas"),
        attributes=_CLOCK,
    ),
)


class Labelled(Protocol):
    label: str


class Options:
    """The options of some libraries at one moment.

    Attributes
    ----------
    parts : a label, a digest and a summary for each library of which an option differs from a fresh process
    """

    def __init__(self, libraries: Iterable[Library]) -> None:
        self._seen = [(library, *_now(library)) for library in libraries]
        self.parts = tuple([part for _, _, part in self._seen if part is not None])

    def __bool__(self) -> bool:
        return bool(self._seen)

    def same(self) -> bool:
        """Tell whether all of them are what they were."""
        return all(_is(library, values) for library, values, _ in self._seen)


def options_of(uses: Iterable[str], attributes: Iterable[str] = ()) -> Options:
    """Find the options that count for code.

    Parameters
    ----------
    uses : the distributions that it reaches, normalised, and top-level modules of the standard library
    attributes : the names of attributes that it reads
    """
    return Options(_libraries(frozenset(uses), _WATCHED_NAMES.intersection(attributes)))


def brought(values: Iterable[object], known: Iterable[Labelled]) -> tuple[tuple[str, str, str], ...]:
    """Find the options that count for code because of what it is given: a frame to write down, a number to divide.

    Parameters
    ----------
    known : what counts for the code itself, options included
    """
    uses = {top for value in values for top in _tops(value, 2)}
    found = Options(_libraries(frozenset(uses), _NOTHING)).parts if uses else ()
    if not found:
        return ()
    labels = {part.label for part in known}
    return tuple([part for part in found if part[0] not in labels])


def _tops(value: object, depth: int) -> Iterator[str]:
    kind: Any = type(value)
    module = kind.__module__
    if module != "builtins":
        if type(module) is str:
            yield module.partition(".")[0]
    elif depth and kind in (list, tuple, set):
        for item in islice(value, _LOOKED_AT):  # type: ignore[call-overload]
            yield from _tops(item, depth - 1)
    elif depth and kind is dict:
        for item in islice(value.values(), _LOOKED_AT):  # type: ignore[attr-defined]
            yield from _tops(item, depth - 1)


@functools.lru_cache(maxsize=1024)
def _libraries(used: frozenset[str], read: frozenset[str]) -> tuple[Library, ...]:
    if not used:
        return ()
    found = _required(used) | used
    fitting = [one for one in _TABLE if one.uses & found and (not one.attributes or one.attributes & read)]
    return tuple({one.name: one for one in fitting}.values())


def _required(packages: frozenset[str]) -> set[str]:
    """The distributions that others need to be installed with, directly or not."""
    found: set[str] = set()
    pending = list(packages)
    while pending:
        for name in requirements_of(pending.pop()):
            if name not in found:
                found.add(name)
                pending.append(name)
    return found


_WITH_OPTIONS = frozenset(library.name for library in _TABLE) - {"locale", "default timezone"}
_WATCHED_NAMES = _NOTHING.union(*[library.attributes for library in _TABLE])


def _is(library: Library, values: object) -> bool:
    module = sys.modules.get(library.module)
    if module is None:
        return values is None
    try:
        return bool(library.read(module) == values)
    except Exception:  # a module in the middle of its import, or another version with another inside
        return values is None


#: What a library was found to have last, and the part for it.
_known: dict[str, tuple[object, Part]] = {}


def _now(library: Library) -> tuple[object, Part]:
    """Something that the options of now are equal to, None where there are none; and the part for them."""
    known = _known.get(library.name)
    if known is not None and _is(library, known[0]):
        return known
    module = sys.modules.get(library.module)
    found: tuple[object, Part] = None, None
    if module is not None:
        try:
            found = _copied(library.read(module)), _part(library)
        except Exception:  # the same
            found = None, None
    _known[library.name] = found
    return found


def _copied(values: Any) -> Any:
    return {name: _copied(value) for name, value in values.items()} if type(values) is dict else values


def _part(library: Library) -> Part:
    differing = _differing(library)
    if not differing:
        return None
    label = f"options of {library.name}" if library.name in _WITH_OPTIONS else library.name
    said = ", ".join(f"{name} = {hasher.summary(value, 40)}" for name, value in differing.items())
    return label, _digest(differing).hex(), said


def _differing(library: Library) -> dict[str, Any]:
    module = sys.modules[library.module]
    values, fresh = _flat(library.tell(module)), _flat(library.fresh(module))
    return {name: value for name, value in sorted(values.items()) if not _equal(value, fresh.get(name))}


def _flat(values: Values, before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        if type(value) is dict:
            found.update(_flat(value, f"{before}{name}."))
        else:
            found[f"{before}{name}"] = value
    return found


def _equal(one: object, other: object) -> bool:
    try:
        return bool(one == other)
    except Exception:  # values that compare to something else than yes or no
        return one is other


def _digest(differing: Mapping[str, Any]) -> bytes:
    fields = []
    for name, value in differing.items():
        try:
            fields += [name.encode(), hasher.digest(value)]
        except Exception:  # what cannot be read counts by what it says of itself
            fields += [name.encode(), repr(value).encode()]
    return short_digest(b"options", *fields)
