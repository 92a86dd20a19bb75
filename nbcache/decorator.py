"""What the user types: `cache_data`, as a decorator and as the handle on everything that is cached."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from nbcache.calls.boundary import api_boundary
from nbcache.calls.clicks import is_click
from nbcache.calls.parameters import check
from nbcache.engine.hooks import hooks
from nbcache.errors import did_you_mean

if TYPE_CHECKING:
    from nbcache.calls.decorating import Everything
    from nbcache.calls.function import CachedFunction
    from nbcache.inspection.rows import EntryInfo, FunctionInfo

P = ParamSpec("P")
R = TypeVar("R")
HashFuncs = Mapping[type | str, Callable[[Any], Any]]


def everything() -> Everything:
    """All that is cached; the rooms behind it are imported at their first use."""
    from nbcache.calls.decorating import Everything

    return Everything()


def _named_parameters(call: Callable[..., Any]) -> Callable[..., Any]:
    """Say of a wrong call of `cache_data` which parameter was probably meant."""
    known = tuple(inspect.signature(call).parameters)[2:]

    @functools.wraps(call)
    def checked(self: CacheData, *args: Any, **options: Any) -> Any:
        for name in options:
            if name not in known and name != "func":
                near = did_you_mean(name, known) or f" It has {', '.join(known)}."
                raise TypeError(f"cache_data has no parameter {name!r}.{near}")
        if len(args) > 1:
            raise TypeError("cache_data takes its options by name: @cache_data(ttl=60).")
        return call(self, *args, **options)

    return checked


class CacheData:
    """The decorator `cache_data`; there is one object of this class.

    Examples
    --------
    >>> @cache_data
    ... def square(x):
    ...     return x * x
    >>> square(3), square(3), square.info().hits
    (9, 9, 1)
    """

    @overload
    def __call__(self, func: Callable[P, R]) -> CachedFunction[P, R]: ...

    @overload
    def __call__(
        self,
        func: None = None,
        *,
        ttl: float | timedelta | str | None = ...,
        max_entries: int | None = ...,
        max_size: int | str | None = ...,
        persist: str | bool | None = ...,
        show_spinner: bool | str = ...,
        show_time: bool = ...,
        hash_funcs: HashFuncs | None = ...,
        scope: str = ...,
        refresh_mode: str = ...,
        track: bool = ...,
        depends_on: Any = ...,
        replay: str = ...,
        cache_if: Callable[[Any], object] | None = ...,
        copy: bool = ...,
    ) -> Callable[[Callable[P, R]], CachedFunction[P, R]]: ...

    @api_boundary
    @_named_parameters
    def __call__(
        self,
        func: Any = None,
        *,
        ttl: float | timedelta | str | None = None,
        max_entries: int | None = None,
        max_size: int | str | None = None,
        persist: str | bool | None = None,
        show_spinner: bool | str = True,
        show_time: bool = False,
        hash_funcs: HashFuncs | None = None,
        scope: str = "global",
        refresh_mode: str = "foreground",
        track: bool = True,
        depends_on: Any = (),
        replay: str = "display",
        cache_if: Callable[[Any], object] | None = None,
        copy: bool = False,
    ) -> Any:
        """Cache the results of a function. Names and meanings are those of Streamlit's ``st.cache_data``.

        Parameters
        ----------
        func : the function, when used without options
        ttl : how long a result is kept, counted from its computation: seconds, a timedelta, or text such as "90s",
            "1h30m", "1.5 days", "PT1H", "1:00:00"; None for ever, 0 never
        max_entries : keep at most that many results, the least recently used goes first; None for no bound
        max_size : keep at most that many bytes per tier: an int, or text such as "500MB" (powers of 1024)
        persist : True or "disk" keep results on disk too; None follows the setting, False is memory only
        show_spinner : a live line while computing; False for none, text for another text
        show_time : show the elapsed seconds beside it
        hash_funcs : for arguments and followed globals of a type (or its name, "module.Qualname"), a function that
            turns them into something hashable
        scope : "session" keeps results in this process only
        refresh_mode : "background" answers with an expired result for one more ttl, while one thread computes anew
        track : whether code, globals and files that the function reaches are part of the key
        depends_on : more that the key follows: paths by content, callables by what they return, other values
        replay : what a hit shows again: "display" for rich output, "all" for printed text too, or "none"
        cache_if : called with a result; where it is false the result is returned and not kept
        copy : whether hits come in plain memory: large arrays and frames are dearer to get then, and cheaper to
            overwrite as a whole, than over a copy-on-write map

        Returns
        -------
        CachedFunction, or a decorator that makes one

        Raises
        ------
        InvalidParameterError
            A parameter means nothing; `InvalidTTLError` and `InvalidSizeError` are special cases.
        UncacheableFunctionError
            What is decorated is a generator function, or cannot be called.
        """
        parameters = check(
            ttl=ttl,
            max_entries=max_entries,
            max_size=max_size,
            persist=persist,
            show_spinner=show_spinner,
            show_time=show_time,
            hash_funcs=hash_funcs,
            scope=scope,
            refresh_mode=refresh_mode,
            track=track,
            depends_on=depends_on,
            replay=replay,
            cache_if=cache_if,
            copy=copy,
        )
        from nbcache.calls.decorating import (
            decorated,
            # at the first decoration: a notebook loads the extension before it needs this,
        )

        if func is None:
            return api_boundary(lambda function: decorated(function, parameters))
        return decorated(func, parameters)

    @api_boundary
    def clear(self, *args: Any) -> None:
        """Forget every result of every function and cell, in memory and on disk.

        The Button of a click is accepted and ignored, so that ``button.on_click(cache_data.clear)`` works.
        """
        if args and not is_click(args):
            raise TypeError("cache_data.clear() takes no arguments; clear one function with its own clear()")
        everything().clear()

    def info(self) -> list[FunctionInfo]:
        """One row per cached function and cell, those of earlier sessions included."""
        return everything().info()

    def entries(self) -> list[EntryInfo]:
        """One row per entry; nothing is unpickled."""
        return everything().entries()

    def panel(self) -> Any:
        """The widget panel of everything cached."""
        return hooks.panel(None)

    def clear_button(self, *, description: str | None = None) -> Any:
        """A plain ipywidgets Button that clears everything."""
        return hooks.clear_button(None, (), {}, description)

    def __reduce__(self) -> str:
        return "cache_data"

    def __repr__(self) -> str:
        return "cache_data"


cache_data = CacheData()
