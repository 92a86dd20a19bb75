"""What the user types: `cache_data`, as a decorator and as the handle on everything that is cached."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, Protocol, TypeVar, overload

from nbcache.calls.boundary import api_boundary
from nbcache.calls.clicks import is_click
from nbcache.calls.parameters import check
from nbcache.engine.hooks import hooks
from nbcache.errors import did_you_mean

if TYPE_CHECKING:
    from nbcache.calls.decorating import CachedClassMethod, Everything
    from nbcache.calls.function import CachedFunction
    from nbcache.inspection.rows import EntryInfo, FunctionInfo

P = ParamSpec("P")
R = TypeVar("R")
Persist = Literal["disk"]
Scope = Literal["global", "session"]
RefreshMode = Literal["foreground", "background"]
Shown = Literal["display", "all", "none"]
Outputs = Literal["files"]
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
            raise TypeError("cache_data takes its parameters by name: @cache_data(ttl=60).")
        return call(self, *args, **options)

    return checked


class Decorate(Protocol):
    """`cache_data` with its options: what it makes of what it decorates, for type checkers."""

    @overload
    def __call__(self, func: classmethod[Any, P, R], /) -> CachedClassMethod[P, R]: ...

    @overload
    def __call__(self, func: staticmethod[P, R], /) -> staticmethod[P, R]: ...  # type: ignore[overload-overlap]

    @overload
    def __call__(self, func: property, /) -> property: ...

    @overload
    def __call__(self, func: Callable[P, R], /) -> CachedFunction[P, R]: ...


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
    def __call__(self, func: classmethod[Any, P, R]) -> CachedClassMethod[P, R]: ...

    @overload
    def __call__(self, func: staticmethod[P, R]) -> staticmethod[P, R]: ...  # type: ignore[overload-overlap]

    @overload
    def __call__(self, func: property) -> property: ...

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
        persist: Persist | bool | None = ...,
        show_spinner: bool | str = ...,
        show_time: bool = ...,
        hash_funcs: HashFuncs | None = ...,
        scope: Scope = ...,
        refresh_mode: RefreshMode = ...,
        track: bool = ...,
        depends_on: Any = ...,
        replay: Shown = ...,
        cache_if: Callable[[Any], object] | None = ...,
        copy: bool = ...,
        outputs: Outputs | None = ...,
    ) -> Decorate: ...

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
        outputs: str | None = None,
    ) -> Any:
        """Cache the results of a function. Streamlit's ``st.cache_data`` has the same names and meanings.

        Parameters
        ----------
        func : the function, when used without options
        ttl : how long to keep a result after computing it: seconds, a timedelta, or text such as "90s", "1h30m",
            "1.5 days", "PT1H", "1:00:00"; None for forever, 0 for never
        max_entries : keep at most this many results, evicting the least recently used; None for no limit
        max_size : keep at most this many bytes per tier: an int, or text such as "500MB" (powers of 1024)
        persist : True or "disk" keep results on disk as well; None follows the setting, False is memory only
        show_spinner : whether to show a line while the function runs; text replaces the line
        show_time : whether to show the elapsed seconds in that line
        hash_funcs : for arguments and followed globals of a type (or its name, "module.Qualname"), a function that
            turns them into something hashable
        scope : "session" keeps results in this process only
        refresh_mode : "background" returns an expired result immediately, for one more ttl, and recomputes it in a
            thread
        track : whether the code, globals and files that the function reaches are part of the key
        depends_on : extra dependencies: paths by content, callables by what they return, other values by content
        replay : what a hit shows again: "display" for rich output, "all" for printed text as well, "none" for nothing
        cache_if : called with a result; if it returns something false, the result is returned but not kept
        copy : whether hits are plain copies in memory; large arrays and frames are then slower to fetch, and faster to
            overwrite completely, than with a copy-on-write map
        outputs : "files": the files that the function writes belong to its result, and a hit writes those again that
            are missing or different; None: a hit writes nothing

        Returns
        -------
        CachedFunction
            Or, when used with options, a decorator that makes one.

        Raises
        ------
        InvalidParameterError
            A parameter is not valid; `InvalidTTLError` and `InvalidSizeError` are special cases.
        UncacheableFunctionError
            The decorated object is a generator function, or cannot be called.
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
            outputs=outputs,
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
        """Clear every result of every function and cell, in memory and on disk.

        The Button of a click is accepted and ignored, so that ``button.on_click(cache_data.clear)`` works.
        """
        if args and not is_click(args):
            raise TypeError("cache_data.clear() takes no arguments; clear one function with its own clear()")
        everything().clear()

    def info(self) -> list[FunctionInfo]:
        """Return one row per cached function and cell, including those of earlier sessions."""
        return everything().info()

    def entries(self) -> list[EntryInfo]:
        """Return one row per entry. Nothing is unpickled."""
        return everything().entries()

    def panel(self) -> Any:
        """Return a widget panel of everything that is cached."""
        return hooks.panel(None)

    def clear_button(self, *, description: str | None = None) -> Any:
        """Return an ipywidgets Button that clears everything."""
        return hooks.clear_button(None, (), {}, description)

    def __reduce__(self) -> str:
        return "cache_data"

    def __repr__(self) -> str:
        return "cache_data"


cache_data = CacheData()
