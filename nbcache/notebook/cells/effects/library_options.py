"""Options of libraries that a run sets, as outputs of its cell: a hit sets them again.

One row a library: how its options are read, and how some of them are written. A library that was not loaded when the
run began is as it comes, so its row counts only what the run found there.
"""

from __future__ import annotations

import importlib
import string
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from nbcache.tracking.observations.context import unrecorded
from nbcache.tracking.options.values import equal, flat, taken

__all__ = ["COVERED", "COVERED_PARTS", "LibraryOptions", "held_now", "set_again"]

Values = dict[str, Any]
_ABSENT = "absent"


class _Row(NamedTuple):
    module: str
    read: Callable[[Any], Values]
    write: Callable[[Any, Values], None]


def _parameters(matplotlib: Any) -> Values:
    # dict's own: reading rcParams warns of deprecated names, and resolves the backend
    return {
        name: list(value) if type(value) is list else value
        for name, value in dict.items(matplotlib.rcParams)
        if not name.startswith("backend") and name != "interactive"
    }


def _set_parameters(matplotlib: Any, values: Values) -> None:
    for name, value in values.items():
        dict.__setitem__(matplotlib.rcParams, name, value)


def _letters(colors: Any) -> Values:
    known = colors.colorConverter.colors
    return {name: known[name] for name in string.ascii_letters if name in known}


def _set_letters(colors: Any, values: Values) -> None:
    colors.colorConverter.colors.update(values)
    colors.colorConverter.cache.clear()


def _set_pandas(config: Any, values: Values) -> None:
    for name, value in values.items():
        config.set_option(name, value)


def _filters(warnings: Any) -> Values:
    return {"filters": list(warnings.filters)}


def _set_filters(warnings: Any, values: Values) -> None:
    added, whole = values["filters"]
    there = list(warnings.filters)
    if whole is not None:
        there = list(whole)
    elif there[: len(added)] != added:
        there = [*added, *(one for one in there if one not in added)]
    warnings.filters[:] = there
    warnings._filters_mutated() if hasattr(warnings, "_filters_mutated") else warnings._filters_mutated_lock_held()


def _decimal(decimal: Any) -> Values:
    context = decimal.getcontext()
    return {"prec": context.prec, "rounding": context.rounding, "Emin": context.Emin, "Emax": context.Emax}


def _set_decimal(decimal: Any, values: Values) -> None:
    context = decimal.getcontext()
    for name, value in values.items():
        setattr(context, name, value)


def _torch(torch: Any) -> Values:
    return {
        "set_default_dtype": torch.get_default_dtype(),
        "set_grad_enabled": torch.is_grad_enabled(),
        "set_num_threads": torch.get_num_threads(),
        "set_float32_matmul_precision": torch.get_float32_matmul_precision(),
        "use_deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        "set_printoptions": vars(sys.modules["torch._tensor_str"].PRINT_OPTS).copy(),
    }


def _set_torch(torch: Any, values: Values) -> None:
    for setter, value in values.items():
        if setter == "set_printoptions":
            vars(sys.modules["torch._tensor_str"].PRINT_OPTS).update(value)
        else:
            getattr(torch, setter)(value)


def _xarray(options: Any) -> Values:
    return dict(options.OPTIONS)


def _set_xarray(options: Any, values: Values) -> None:
    options.OPTIONS.update(values)


def _set_polars(polars: Any, values: Values) -> None:
    polars.Config.load(values["config"])


def _plotly(io: Any) -> Values:
    return {"templates": io.templates.default, "renderers": io.renderers.default}


def _set_plotly(io: Any, values: Values) -> None:
    for name, value in values.items():
        getattr(io, name).default = value


def _names_given(state: Any) -> Values:
    """How many layers, models and optimizers were named after their kind."""
    return dict(state.get_global_attribute("object_name_uids") or {})


def _set_names_given(state: Any, values: Values) -> None:
    known = state.get_global_attribute("object_name_uids", default=defaultdict(int), set_to_default=True)
    for kind, count in values.items():
        known[kind] = max(known[kind], count)  # the next one gets a name that nothing has


_ROWS: dict[str, _Row] = {
    "keras's names": _Row("keras.src.backend.common.global_state", _names_given, _set_names_given),
    "matplotlib": _Row("matplotlib", _parameters, _set_parameters),
    "matplotlib's letters for colors": _Row("matplotlib.colors", _letters, _set_letters),
    "pandas": _Row("pandas._config.config", lambda config: flat(config._global_config), _set_pandas),
    "numpy": _Row("numpy", lambda numpy: numpy.get_printoptions(), lambda numpy, new: numpy.set_printoptions(**new)),
    "numpy's errors": _Row("numpy", lambda numpy: numpy.geterr(), lambda numpy, new: numpy.seterr(**new)),
    "scikit-learn": _Row(
        "sklearn", lambda sklearn: sklearn.get_config(), lambda sklearn, new: sklearn.set_config(**new)
    ),
    "torch": _Row("torch", _torch, _set_torch),
    "xarray": _Row(
        "xarray.core.options", lambda module: dict(module.OPTIONS), lambda module, new: module.OPTIONS.update(new)
    ),
    "polars": _Row("polars", lambda polars: {"config": polars.Config.save()}, _set_polars),
    "warnings": _Row("warnings", _filters, _set_filters),
    "decimal": _Row("decimal", _decimal, _set_decimal),
    "plotly": _Row("plotly.io", _plotly, _set_plotly),
    "the locale": _Row(
        "locale",
        lambda locale: {"categories": locale.setlocale(locale.LC_ALL)},
        lambda locale, new: locale.setlocale(locale.LC_ALL, new["categories"]),
    ),
    "the recursion limit": _Row(
        "sys",
        lambda system: {"limit": system.getrecursionlimit()},
        lambda system, new: system.setrecursionlimit(new["limit"]),
    ),
}

#: By library: calls and assignments that change nothing but these options, by how they end.
COVERED: Mapping[str, tuple[str, ...]] = {
    "decimal": ("getcontext().prec", "getcontext().rounding"),
    "keras": ("set_random_seed()", "clear_session()"),
    "locale": ("setlocale()",),
    "matplotlib": ("style.use()", "rcdefaults()", "rcParams.update()"),
    "numpy": ("set_printoptions()", "seterr()"),
    "pandas": ("set_option()", "reset_option()"),
    "plotly": ("templates.default", "renderers.default"),
    "pylab": ("style.use()", "rcdefaults()", "rcParams.update()"),
    "seaborn": (
        *("set()", "set_theme()", "set_style()", "set_context()", "set_palette()", "set_color_codes()"),
        *("reset_defaults()", "reset_orig()"),
    ),
    "sklearn": ("set_config()",),
    "sys": ("setrecursionlimit()",),
    "torch": (
        *("set_default_dtype()", "set_num_threads()", "set_float32_matmul_precision()", "set_printoptions()"),
        *("use_deterministic_algorithms()", "set_grad_enabled()"),
    ),
    "warnings": ("filterwarnings()", "simplefilter()", "resetwarnings()"),
    "xarray": ("set_options()",),
}
#: The same, by what stands in them.
COVERED_PARTS: Mapping[str, str] = {
    "matplotlib": "rcParams[",
    "pandas": ".options.",
    "polars": "Config.set_",
    "pylab": "rcParams[",
}


# Options that are in no key, so that a cell which sets one to what it was already has to set it all the same.
_IN_NO_KEY: Mapping[str, tuple[str, ...]] = {
    "the recursion limit": ("setrecursionlimit()",),
    "plotly": ("renderers.default",),
    "matplotlib's letters for colors": ("set_color_codes()", "set_palette()", "set_theme()", "sns.set()"),
}


class LibraryOptions:
    """The options of the loaded libraries when a run began."""

    def __init__(self) -> None:
        self._before = {label: _read(row) for label, row in _ROWS.items() if row.module in sys.modules}

    def changed(self, calls: Iterable[str] = ()) -> dict[str, Values]:
        """What the run has set, by library; empty dicts are left out.

        Parameters
        ----------
        calls : what the text of the cell calls for what that changes
        """
        found = {}
        made = tuple(calls)
        set_anyhow = {label for label, ends in _IN_NO_KEY.items() if any(call.endswith(ends) for call in made)}
        for label, before in self._before.items():
            now = _read(_ROWS[label])
            if now is not None and before is not None:
                new = now if label in set_anyhow else _difference(before, now)
                if new:
                    found[label] = new
        return found


def _difference(before: Values, now: Values) -> Values:
    if "filters" in now:
        return _new_filters(before["filters"], now["filters"])
    return {name: value for name, value in now.items() if not equal(before.get(name, _ABSENT), value)}


def _new_filters(before: list[Any], now: list[Any]) -> Values:
    """The filters put in front, and the whole list where others are gone.

    Python puts a new object in front also for a filter that is there already: this tells that a run has set it.
    """
    known = set(map(id, before))
    added = [one for one in now if id(one) not in known]
    if not added and before == now:
        return {}
    rest = [one for one in now if id(one) in known]
    in_front = all(one is new for one, new in zip(now, added, strict=False))
    whole = None if in_front and rest == [one for one in before if one not in added] else now
    return {"filters": (added, whole)}


def set_again(options: Mapping[str, Values]) -> None:
    """Set what a run has set."""
    for label, values in options.items():
        row = _ROWS[label]
        row.write(importlib.import_module(row.module), values)


def held_now(options: Mapping[str, Values]) -> dict[str, Values]:
    """What the same options are now, so that they can be set back."""
    found: dict[str, Values] = {}
    for label, values in options.items():
        importlib.import_module(_ROWS[label].module)
        now = _read(_ROWS[label]) or {}
        if "filters" in values:
            found[label] = {"filters": ([], now["filters"])}
        else:
            found[label] = {name: now[name] for name in values if name in now}
    return found


def _read(row: _Row) -> Values | None:
    with unrecorded():  # polars keeps its options in environment variables
        return taken(lambda: row.read(sys.modules[row.module]))
