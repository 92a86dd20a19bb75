"""What a run leaves in the process that only the code itself can leave there again: handlers, magics, accessors.

A differ of the state of the process, before and after a run: the net below what the text of a cell tells. One row a
kind; it is compared, and never restored. What a library does for itself when it is loaded or first used does not count
where it can be told apart.
"""

from __future__ import annotations

import builtins
import gc
import os
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nbcache.notebook.display.listeners import current_shell
from nbcache.tracking.observations.os_calls import mask_set
from nbcache.tracking.options.values import equal, taken

__all__ = ["ProcessState", "changed_by_magics"]


# Variables that libraries set for themselves when they are first used; what a cell itself assigns is seen in its text.
_OF_LIBRARIES = (b"KMP_", "KMP_", b"POLA", "POLA", b"TORC", "TORC", b"TRIT", "TRIT")


def _environment() -> object:
    # the bytes that it holds: to decode them all costs more than a small cell
    held = getattr(os.environ, "_data", os.environ)
    return {name: text for name, text in held.items() if name[:4] not in _OF_LIBRARIES}


def _folder() -> object:
    try:
        return os.getcwd()
    except FileNotFoundError:
        return ""


_LIBRARYS = "a library's"
"""Stands for what belongs to a library, and does not count where the library came with the run."""


def _loggers() -> object:
    """Handlers of the user's loggers, and the levels of all; libraries give their own loggers handlers."""
    root = sys.modules["logging"].root
    found: dict[str, Any] = {"": (root.level, _all(root.handlers), _all(root.filters))}
    for name, logger in list(root.manager.loggerDict.items()):
        if hasattr(logger, "handlers"):
            own = name.partition(".")[0] not in sys.modules
            mine = (_all(logger.handlers), _all(logger.filters)) if own else _LIBRARYS
            found[name] = (logger.level, mine)
    return found


def _all(things: Any) -> tuple[int, ...]:
    return tuple(map(id, things))


def _signals() -> object:
    signal = sys.modules["signal"]
    return [
        id(signal.getsignal(getattr(signal, name)))
        for name in ("SIGTERM", "SIGALRM", "SIGUSR1", "SIGUSR2", "SIGHUP")
        if hasattr(signal, name)
    ]


def _magics() -> object:
    shell = current_shell()
    return {kind: frozenset(names) for kind, names in shell.magics_manager.magics.items()} if shell else None


def _formatters() -> object:
    """For which types the user has registered a representation."""
    shell = current_shell()
    if shell is None:
        return None
    return {
        mime: frozenset(kind for kind, function in formatter.type_printers.items() if _is_users(function, kind))
        for mime, formatter in shell.display_formatter.formatters.items()
    }


def _callbacks() -> object:
    shell = current_shell()
    if shell is None:
        return None
    return {event: [one for one in all_ if _is_users(one)] for event, all_ in shell.events.callbacks.items()}


def _is_users(function: Any, kind: Any = None) -> bool:
    """Whether a function is the notebook's, or a builtin given for a type that no library brings."""
    module = getattr(function, "__module__", None) or ""
    return module == "__main__" or (
        module == "builtins" and getattr(kind, "__module__", "") in ("builtins", "__main__")
    )


def _reducers() -> object:
    table = sys.modules["copyreg"].dispatch_table
    return frozenset(kind for kind, function in table.items() if _is_users(function, kind))


def _accessors(*classes: str) -> Callable[[], object]:
    def read() -> object:
        found = set()
        for name in classes:
            module, _, attribute = name.rpartition(".")
            kind = getattr(sys.modules[module], attribute)
            for accessor in getattr(kind, "_accessors", None) or vars(kind):
                made = vars(kind).get(accessor)
                given = getattr(made, "_accessor", made)
                if getattr(given, "__module__", None) == "__main__":
                    found.add((name, accessor, id(given)))
        return found

    return read


def _hooks() -> object:
    hooks = (sys.excepthook, sys.unraisablehook, threading.excepthook)
    mine = [id(one) for one in (*sys.meta_path, *sys.path_hooks) if _module_of(one) == "__main__"]
    return [id(one) for one in hooks if _module_of(one) == "__main__"], mine, sys.gettrace() is None


def _module_of(value: Any) -> str:
    return getattr(value, "__module__", None) or type(value).__module__


def _figures() -> object:
    """The figures that pyplot goes on drawing into, and how much is in them.

    Inline figures are closed when their cell is over, as a rule: not while drawing is not interactive.
    """
    inline: Any = sys.modules.get("matplotlib_inline.backend_inline")
    if inline is not None and inline.show._draw_called and _closes_figures():
        return []
    figures = sys.modules["matplotlib._pylab_helpers"].Gcf.figs
    return [(number, [len(ax.get_children()) for ax in one.canvas.figure.axes]) for number, one in figures.items()]


def _start_method() -> object:
    """Set or not set: libraries settle for the usual one when they first need it."""
    context = sys.modules["multiprocessing.context"]._default_context
    return context.get_start_method(allow_none=True) or context.get_all_start_methods()[0]


def _custom_exceptions() -> object:
    shell = current_shell()
    return None if shell is None else tuple(map(id, shell.custom_exceptions))


def _closes_figures() -> bool:
    options = getattr(sys.modules.get("matplotlib_inline.config"), "InlineBackend", None)
    return options is None or not options.initialized() or bool(options.instance().close_figures)


def _joblib() -> object:
    return repr(getattr(sys.modules["joblib.parallel"]._backend, "config", None))


def _tables() -> object:
    connection = sys.modules["duckdb"].default_connection().cursor()
    rows = connection.execute("select database_name, table_name, estimated_size from duckdb_tables()").fetchall()
    return rows + connection.execute("select view_name, sql from duckdb_views() where not internal").fetchall()


_ROWS: Mapping[str, tuple[str, Callable[[], object]]] = {
    "the working folder": ("os", _folder),
    "environment variables": ("os", _environment),
    "sys.path": ("sys", lambda: list(sys.path)),
    "loggers": ("logging", _loggers),
    "signal handlers": ("signal", _signals),
    "hooks of the interpreter": ("sys", _hooks),
    "builtins": ("builtins", lambda: vars(builtins).keys() - {"_"}),
    "functions registered with pickle": ("copyreg", _reducers),
    "the umask": ("os", mask_set),
    "how garbage is collected": ("gc", lambda: (gc.isenabled(), gc.get_threshold(), len(gc.callbacks))),
    "the size of fields in csv": ("csv", lambda: sys.modules["csv"].field_size_limit()),
    "the timeout of sockets": ("socket", lambda: sys.modules["socket"].getdefaulttimeout()),
    "the first day of weeks": ("calendar", lambda: sys.modules["calendar"].firstweekday()),
    "limits of the interpreter": ("sys", lambda: (sys.get_int_max_str_digits(), sys.getswitchinterval())),
    "how memory is traced": ("tracemalloc", lambda: sys.modules["tracemalloc"].is_tracing()),
    "how crashes are reported": ("faulthandler", lambda: sys.modules["faulthandler"].is_enabled()),
    "how processes are started": ("multiprocessing.context", _start_method),
    "how errors are shown": ("IPython", _custom_exceptions),
    "magics": ("IPython", _magics),
    "how types are shown": ("IPython", _formatters),
    "callbacks of IPython": ("IPython", _callbacks),
    # A hook that is registered after a restart would take the number, and so the place, of one that is restored.
    "how many hooks torch has counted": (
        "torch.utils.hooks",
        lambda: sys.modules["torch.utils.hooks"].RemovableHandle.next_id,
    ),
    "accessors of pandas": ("pandas", _accessors("pandas.DataFrame", "pandas.Series", "pandas.Index")),
    "namespaces of polars": (
        "polars",
        _accessors("polars.DataFrame", "polars.Series", "polars.LazyFrame", "polars.Expr"),
    ),
    "accessors of xarray": ("xarray", _accessors("xarray.DataArray", "xarray.Dataset")),
    "figures that stay open": ("matplotlib._pylab_helpers", _figures),
    "colour maps": ("matplotlib", lambda: len(sys.modules["matplotlib"].colormaps)),
    "how joblib runs": ("joblib.parallel", _joblib),
    "tables of duckdb": ("duckdb", _tables),
}


_SHOWN = ("how types are shown", "callbacks of IPython")
_BY_MAGICS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("%cd", "%pushd", "%popd"), ("the working folder",)),
    **dict.fromkeys(("%env", "%set_env"), ("environment variables",)),
    **dict.fromkeys(("%matplotlib", "%pylab", "%gui"), (*_SHOWN, "figures that stay open")),
    **dict.fromkeys(("%load_ext", "%reload_ext", "%unload_ext"), (*_SHOWN, "magics", "hooks of the interpreter")),
    **dict.fromkeys(("%alias", "%unalias", "%alias_magic", "%rehashx"), ("magics",)),
    "%config": _SHOWN,
}


def changed_by_magics(magics: Iterable[str]) -> frozenset[str]:
    """What in the process line magics of the cell itself change."""
    return frozenset(what for magic in magics for what in _BY_MAGICS.get(magic, ()))


class ProcessState:
    """The state of the process and of the loaded libraries at one moment; a library loaded later is as it comes."""

    def __init__(self) -> None:
        self._state = {what: taken(take) for what, (module, take) in _ROWS.items() if module in sys.modules}
        self._modules = len(sys.modules)

    def changed(self) -> list[str]:
        """What is not as it was."""
        loaded = len(sys.modules) > self._modules
        return [
            what
            for what, state in self._state.items()
            if not equal(_as_before(taken(_ROWS[what][1]), state, loaded), state)
        ]


def _as_before(now: object, before: object, loaded: bool) -> object:
    """Leave out what a library may have brought along: new loggers, with handlers only where the name is its own."""
    if not isinstance(now, dict) or not isinstance(before, dict):
        return now
    return {
        name: value
        for name, value in now.items()
        if name in before
        or not isinstance(value, tuple)
        or (value[-1] is not _LIBRARYS and (not loaded or any(value[-1])))
    }
