"""Which settings are told to code that asks for them, directly or through a function that goes by one: a line each.

A setting counts for code that reads one of its names, by the answer of now. Where it is known what a fresh process
answers, that is no part of anything.
"""

from __future__ import annotations

import functools
import os
import sysconfig
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nbcache.tracking.options.table import Library, Values, fresh_copy

__all__ = ["SETTINGS"]


def _asked(module: str, name: str, fresh: object = ...) -> Library:
    """A function without parameters that tells a setting."""

    def tell(found: Any) -> Values:
        return {"answer": getattr(found, name)()}

    begins: Values = {} if fresh is ... else {"answer": fresh}
    return _told(f"{module}.{name}", module, tell, begins, (name,))


def _told(
    name: str,
    module: str,
    tell: Callable[[Any], Values],
    fresh: Values | Callable[[Any], Values],
    asked: Iterable[str] = (),
    *uses: str,
) -> Library:
    """Settings that are told by what reads one of some names; by all that uses the library where there are none."""
    begins = fresh if callable(fresh) else lambda _: fresh
    top = module.partition(".")[0]
    return Library(name, frozenset((top, *uses)), module, tell, tell, begins, frozenset(asked))


def _like_a_fresh_copy(name: str, module: str, attributes: Iterable[str], asked: Iterable[str], *uses: str) -> Library:
    """Attributes of a module that begin as in any copy of it."""
    names = tuple(attributes)

    def tell(found: Any) -> Values:
        return {one: getattr(found, one) for one in names}

    @functools.cache
    def fresh() -> Values:
        return tell(fresh_copy(module))

    return _told(name, module, tell, lambda _: fresh(), asked, *uses)


def _temporary(tempfile: Any) -> Values:
    """Where temporary files go, unless that is what the system says, whether or not somebody has asked before."""
    found = tempfile.tempdir
    for folder in tempfile._candidate_tempdir_list() if found is not None else ():
        if os.path.isdir(folder) and os.access(folder, os.W_OK):
            return {"folder": None if folder == found else found}
    return {"folder": found}


def _types_of_files(mimetypes: Any) -> Values:
    if not mimetypes.inited:
        mimetypes.init()  # as the first question does, from files of the system
    types = mimetypes._db
    maps = (*types.types_map, *types.types_map_inv, types.encodings_map, types.suffix_map)
    return {"types": tuple(tuple((key, str(value)) for key, value in found.items()) for found in maps)}


def _start_method(context: Any) -> Values:
    used = context._default_context._actual_context
    default = context._default_context._default_context
    return {"answer": None if used is None or used._name == default._name else used._name}


def _paths_of_zones(_: Any) -> Values:
    return {"answer": tuple((sysconfig.get_config_var("TZPATH") or "").split(os.pathsep)) if os.name != "nt" else ()}


def _configured(module: Any) -> Values:
    found: Values = module.config
    return found


def _configured_by_default(module: Any) -> Values:
    merged: dict[str, Any] = {}
    for values in module.defaults:
        _merge(merged, values)
    return merged


def _merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if isinstance(value, Mapping):
            _merge(into.setdefault(name, {}), value)
        else:
            into[name] = value


def _configured_in_astropy(module: Any) -> Values:
    """What differs from how its items begin; asking for an item writes down what that is, and so does its logger."""
    begins: dict[str, dict[str, str]] = {}
    for space in module.ConfigNamespace.__subclasses__():
        for item in vars(space).values():
            if isinstance(item, module.ConfigItem):
                begins.setdefault(item.module, {})[item.name] = str(item.defaultvalue)
    found: dict[str, Any] = {}
    for package, sections in module._cfgobjs.items():
        for name, values in (("", {key: sections[key] for key in sections.scalars}), *sections.dict().items()):
            if not isinstance(values, Mapping) or name == "logger":
                continue
            place = f"{package}.{name}".rstrip(".")
            usual = begins.get(place, {})
            found.update({f"{place}.{key}": value for key, value in values.items() if str(value) != usual.get(key)})
    return found


def _interactive(matplotlib: Any) -> Values:
    return {"answer": bool(matplotlib.is_interactive())}


def _limits(resource: Any) -> Values:
    return {name: resource.getrlimit(number) for name, number in vars(resource).items() if name.startswith("RLIMIT_")}


def _torch_backends(backends: Any) -> Values:
    cudnn, einsum = backends.cudnn, backends.opt_einsum
    return {
        "mkldnn": backends.mkldnn.enabled,
        "cudnn": (cudnn.enabled, cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark),
        "cuda": backends.cuda.matmul.allow_tf32,
        "opt_einsum": (einsum.enabled, einsum.strategy),
    }


def _scipy_errors(special: Any) -> Values:
    found: Values = special.geterr()
    return found


_LEVELS = {50: "CRITICAL", 40: "ERROR", 30: "WARNING", 20: "INFO", 10: "DEBUG", 0: "NOTSET"}
_LEVEL_NAMES = {**{name: level for level, name in _LEVELS.items()}, "FATAL": 50, "WARN": 30}
_SCIPY_ERRORS = {
    **dict.fromkeys(("singular", "underflow", "overflow", "slow", "loss", "no_result", "domain", "arg"), "ignore"),
    "other": "ignore", "memory": "raise",
}  # fmt: skip
_OF_TRACEBACKS = ("format_exc", "format_exception", "format_tb", "format_stack", "extract_tb", "print_exc", "print_tb")
_OF_GETTEXT = ("textdomain", "bindtextdomain", "gettext", "ngettext", "pgettext", "dgettext", "find", "translation")
_OF_TYPES = ("guess_type", "guess_file_type", "guess_extension", "guess_all_extensions")
_OF_CORES = ("sched_getaffinity", "process_cpu_count")
_OF_RENDERERS = ("renderers", "show", "iplot")
_OF_ARCHIVES = ("get_archive_formats", "get_unpack_formats", "make_archive", "unpack_archive")

SETTINGS: tuple[Library, ...] = (
    *(_asked("sys", name) for name in ("getswitchinterval", "getrecursionlimit", "get_int_max_str_digits")),
    *(_asked("gc", name) for name in ("get_threshold", "isenabled", "get_debug")),
    _told(
        *("traceback", "sys", lambda system: {"limit": getattr(system, "tracebacklimit", None)}, {"limit": None}),
        *(_OF_TRACEBACKS, "traceback"),
    ),
    _asked("socket", "getdefaulttimeout", None),
    _told("os.sched_getaffinity", "os", lambda system: {"cores": system.sched_getaffinity(0)}, {}, _OF_CORES),
    _told("resource.getrlimit", "resource", _limits, {}, ("getrlimit",)),
    _asked("faulthandler", "is_enabled"),
    _asked("tracemalloc", "is_tracing", False),
    _told(
        *("names of logging's levels", "logging"),
        lambda logging: {"names": logging._levelToName, "levels": logging._nameToLevel},
        {"names": _LEVELS, "levels": _LEVEL_NAMES},
        ("getLevelName", "getLevelNamesMapping"),
    ),
    _like_a_fresh_copy("gettext", "gettext", ("_current_domain", "_localedirs"), _OF_GETTEXT),
    _told("mimetypes", "mimetypes", _types_of_files, {}, _OF_TYPES),
    _like_a_fresh_copy("email.charset", "email.charset", ("CHARSETS", "ALIASES", "CODEC_MAP"), ()),
    _like_a_fresh_copy(
        *("namespaces of xml.etree", "xml.etree.ElementTree", ("_namespace_map",)),
        ("tostring", "tostringlist", "write", "dump", "indent"),
    ),
    _told(
        *("formats of shutil", "shutil"),
        lambda shutil: {"packed": tuple(shutil._ARCHIVE_FORMATS), "unpacked": tuple(shutil._UNPACK_FORMATS)},
        {},
        _OF_ARCHIVES,
    ),
    _told("tempfile.gettempdir", "tempfile", _temporary, {"folder": None}, ("gettempdir", "gettempdirb")),
    _told(
        *("zoneinfo.TZPATH", "zoneinfo._tzpath", lambda module: {"answer": module.TZPATH}, _paths_of_zones),
        ("TZPATH", "available_timezones", "ZoneInfo"),
    ),
    _told(
        *("multiprocessing.get_start_method", "multiprocessing.context", _start_method, {"answer": None}),
        ("get_start_method", "get_context"),
    ),
    _told("scipy.special.geterr", "scipy.special", _scipy_errors, _SCIPY_ERRORS, ("geterr", "special")),
    _asked("scipy.fft", "get_workers", 1),
    _asked("numpy", "getbufsize", 8192),
    *(_asked("torch", name) for name in ("get_num_threads", "get_num_interop_threads", "initial_seed")),
    _asked("torch", "is_anomaly_enabled", False),
    _asked("torch", "is_warn_always_enabled", False),
    _told("torch.backends", "torch.backends", _torch_backends, {}, ("enabled", "allow_tf32", "strategy")),
    _asked("torch.multiprocessing", "get_sharing_strategy"),
    _asked("torch.hub", "get_dir"),
    _asked("numba", "get_num_threads"),
    *(_asked("pyarrow", name) for name in ("cpu_count", "io_thread_count")),
    _told(
        *("pyarrow.default_memory_pool", "pyarrow"),
        lambda pyarrow: {"backend": pyarrow.default_memory_pool().backend_name},
        {},
        ("default_memory_pool",),
    ),
    *(_asked("cv2", name) for name in ("getNumThreads", "useOptimized")),
    _told(
        *("h5py.get_config", "h5py"),
        lambda h5py: {"track_order": h5py.get_config().track_order, "complex": h5py.get_config().complex_names},
        {"track_order": False, "complex": ("r", "i")},
    ),
    _told("options of dask", "dask.config", _configured, _configured_by_default),
    _told(
        *("options of zarr", "zarr"),
        lambda zarr: _configured(zarr.config),
        lambda zarr: _configured_by_default(zarr.config),
    ),
    _told(
        *("options of geopandas", "geopandas._config"),
        lambda module: object.__getattribute__(module.options, "_config"),
        lambda module: {name: one.default_value for name, one in module.options._options.items()},
    ),
    _told("options of astropy", "astropy.config.configuration", _configured_in_astropy, {}),
    _asked("xgboost", "get_config"),
    _told("matplotlib.is_interactive", "matplotlib", _interactive, {}, ("is_interactive", "isinteractive")),
    _told("plotly.io.renderers", "plotly.io", lambda io: {"default": io.renderers.default}, {}, _OF_RENDERERS),
)
