"""`CachedFunction`: what a decorated function is, and everything it can be asked."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import closing
from typing import TYPE_CHECKING, Any, Concatenate, Generic, Literal, ParamSpec, TypeVar, overload

from nbcache import registry
from nbcache.calls import pickling
from nbcache.calls.bound import BoundCachedFunction
from nbcache.calls.boundary import api_boundary, bounded_results
from nbcache.calls.clicks import is_click
from nbcache.calls.parameters import Parameters
from nbcache.calls.redefined import Below, PartOfFunction
from nbcache.calls.slowpath import SlowPath
from nbcache.compute.cached_map import CachedMap
from nbcache.compute.parallel import Engine
from nbcache.compute.workers import Outcome
from nbcache.engine.hooks import hooks
from nbcache.inspection.explanation import Explanation
from nbcache.inspection.rows import EntryInfo, FunctionInfo

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")

_ON_ERROR = ("raise", "return")
_RETURN_AS = ("list", "generator")


class CachedFunction(functools.partial, Generic[P, R]):  # type: ignore[type-arg]
    """A function whose results are cached.

    Calling it returns what the function would return: from the cache if nothing that it depends on has changed,
    otherwise computed and kept. `cache_data` makes it.

    Attributes
    ----------
    __wrapped__ : the function itself; calling it never touches the cache
    owner : module and qualified name, by which its entries are found

    Notes
    -----
    Calls may come from any number of threads, tasks and processes. It derives from `functools.partial` only because
    calling such an object costs CPython less than calling anything else that has methods of its own.
    """

    __nbcache__ = True

    __code__ = PartOfFunction()
    __defaults__ = PartOfFunction()
    __kwdefaults__ = PartOfFunction()

    if TYPE_CHECKING:
        __wrapped__: Callable[P, R]
        __name__: str
        __qualname__: str

        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...

    def __new__(cls, function: Callable[P, R], parameters: Parameters) -> CachedFunction[P, R]:
        made = cls.shell()
        made.fill(function, parameters)
        return made

    @classmethod
    def shell(cls) -> CachedFunction[Any, Any]:
        """A cached function without a function yet, for one that arrives from another process."""
        return super().__new__(cls, _unfilled)

    def fill(self, function: Callable[P, R], parameters: Parameters) -> None:
        """Become the cached form of a function."""
        self._path = slow = SlowPath(function, parameters)
        functools.update_wrapper(self, slow.described, updated=())
        if not isinstance(slow.described, type):
            own = getattr(slow.described, "__dict__", {})
            self.__dict__.update({name: value for name, value in own.items() if not hasattr(CachedFunction, name)})
        self.__wrapped__ = function
        self.owner = slow.owner
        self._sending = pickling.Sending()
        # what a function follows, those follow too that call it
        self.__nbcache_depends_on__ = parameters.depends_on
        self._call_by(slow.fast.function)
        registry.add(self, slow.branches)
        self._below = Below(function)
        this, below = weakref.ref(self), id(self._below)  # what listens must not keep the function alive

        def redefine() -> None:
            cached = this()
            if cached is not None and id(cached._below) == below:
                cached._call_by(cached._renewing())

        self._below.listen(redefine)

    def _call_by(self, function: Callable[..., Any]) -> None:
        # the one way to give a partial that exists another function; typeshed does not know it
        self.__setstate__((function, (), {}, self.__dict__))  # type: ignore[attr-defined]

    @property
    def _slow(self) -> SlowPath:
        if self.func is not self._path.fast.function and self._below.changed():
            self._path = SlowPath(self.__wrapped__, self._path.parameters)
            self._call_by(self._path.fast.function)
            registry.add(self, self._path.branches)
        return self._path

    def _renewing(self) -> Callable[..., Any]:
        """What is called from now on: finds out what a call means once the function below is another."""

        def renewed(*args: Any, **kwargs: Any) -> Any:
            return self._slow.fast.function(*args, **kwargs)

        async def awaited(*args: Any, **kwargs: Any) -> Any:
            return await self._slow.fast.function(*args, **kwargs)

        return awaited if self._path.awaited else renewed

    def become(self, other: CachedFunction[Any, Any]) -> None:
        """Be what another cached function is from now on: its module was edited and loaded anew."""
        self.fill(other.__wrapped__, other._slow.parameters)

    # mypy asks here for class and static methods as well, of which one is bound and the other not
    @overload
    def __get__(self, instance: None, owner: type | None = None) -> CachedFunction[..., R]: ...

    @overload
    def __get__(
        self: CachedFunction[Concatenate[Any, Q], R], instance: object, owner: type | None = None
    ) -> BoundCachedFunction[Q, R]: ...

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else BoundCachedFunction(self, instance)

    # -- clearing -------------------------------------------------------------------------------------------------

    @overload
    def clear(self, /) -> None: ...

    @overload
    def clear(self, /, *args: P.args, **kwargs: P.kwargs) -> None: ...

    @api_boundary
    def clear(self, /, *args: Any, **kwargs: Any) -> None:
        """Clear the result of the call with these arguments or, without arguments, every result.

        Memory and disk are cleared, including results of earlier sessions and of older versions of the code. A
        lambda, or a function defined within another one, shares its name with others: only results of its own code
        are cleared. A clicked ipywidgets Button is not taken for an argument, so that
        ``button.on_click(foo.clear)`` clears the function.

        Raises
        ------
        TypeError
            The function cannot be called with these arguments.
        """
        if (args and is_click(args)) or not (args or kwargs):
            self.forget_all()
        else:
            self.forget(*args, **kwargs)

    @api_boundary
    def forget(self, /, *args: Any, **kwargs: Any) -> int:
        """Forget exactly the call with these arguments, even if there are none; return how many entries are gone."""
        return self._slow.clear_call(self._slow.arguments.bind(*args, **kwargs))

    def forget_all(self) -> int:
        """Forget every result; return how many entries are gone."""
        return self._slow.clear()

    @api_boundary
    def clear_where(self, /, **partial: Any) -> None:
        """Clear every result whose named arguments have these values.

        Raises
        ------
        TypeError
            The function has no parameter of that name, or its name begins with an underscore.

        Examples
        --------
        >>> load = nbcache.cache_data(lambda year, city: (year, city))
        >>> load(2024, "Paris")
        (2024, 'Paris')
        >>> load.clear_where(year=2024)
        >>> load.is_cached(2024, "Paris")
        False
        """
        self._slow.clear_where(partial)

    # -- looking --------------------------------------------------------------------------------------------------

    @api_boundary
    def is_cached(self, /, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Return whether this call would be a hit now. Nothing is counted or computed."""
        return self._slow.is_cached(self._slow.arguments.bind(*args, **kwargs))

    @api_boundary
    def explain(self, /, *args: P.args, **kwargs: P.kwargs) -> Explanation:
        """Explain why this call would be a hit or a miss now, naming what changed."""
        return self._slow.explain(self._slow.arguments.bind(*args, **kwargs))

    def info(self) -> FunctionInfo:
        """Return entries, bytes, hits, misses and time saved; sizes in bytes, times in seconds."""
        return self._slow.info()

    def entries(self) -> list[EntryInfo]:
        """Return one row per entry, including those of earlier sessions. Nothing is unpickled."""
        return self._slow.entries()

    # -- computing ------------------------------------------------------------------------------------------------

    @api_boundary
    def refresh(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Compute this call again, store the result and return it. If that fails, the old result is kept.

        For an ``async def`` function the result is awaitable.
        """
        refreshed: R = self._slow.refresh(self._slow.arguments.bind(*args, **kwargs))
        return refreshed

    @overload
    def map(
        self,
        iterable: Iterable[Any],
        *iterables: Iterable[Any],
        n_jobs: int | None = ...,
        backend: str | None = ...,
        batch_size: int | None = ...,
        progress: bool = ...,
        on_error: Literal["raise", "return"] = ...,
        return_as: Literal["list"] = ...,
    ) -> list[R]: ...
    @overload
    def map(
        self,
        iterable: Iterable[Any],
        *iterables: Iterable[Any],
        n_jobs: int | None = ...,
        backend: str | None = ...,
        batch_size: int | None = ...,
        progress: bool = ...,
        on_error: Literal["raise", "return"] = ...,
        return_as: Literal["generator"],
    ) -> Iterator[R]: ...
    @api_boundary
    def map(
        self,
        iterable: Iterable[Any],
        *iterables: Iterable[Any],
        n_jobs: int | None = None,
        backend: str | None = None,
        batch_size: int | None = None,
        progress: bool = True,
        on_error: Literal["raise", "return"] = "raise",
        return_as: Literal["list", "generator"] = "list",
    ) -> Any:
        """Call the function for each item: return cached results at once, and compute the others in parallel.

        Parameters
        ----------
        iterable, iterables : one per parameter, as for the builtin ``map``; the shortest one ends the map, and each is
            read as calls are needed
        n_jobs : how many calls run at one time; None follows joblib's active configuration, else all processors
        backend : a joblib backend; None follows joblib's active configuration (loky by default)
        batch_size : how many calls are sent to a worker at once; None lets joblib decide
        progress : whether to show how many calls were cached, were computed, and have failed
        on_error : "raise" ends the map with the first exception; "return" puts it in the place of the result
        return_as : "list", or "generator", which yields results in order as they are ready

        Returns
        -------
        list or generator
            The results in the order of the items.

        Raises
        ------
        Exception
            The first exception of a call, with ``on_error="raise"``; a note on it names the call. No more calls are
            started then. Finished results are kept.

        Notes
        -----
        Each result is kept as soon as it is ready, so that an interrupt, a crash or a killed worker loses only what was
        running. Equal calls are computed once.
        """
        for name, value, known in (("on_error", on_error, _ON_ERROR), ("return_as", return_as, _RETURN_AS)):
            if value not in known:
                raise ValueError(f"map() takes {name}={' or '.join(map(repr, known))}, not {value!r}")
        sizes = [len(one) for one in (iterable, *iterables) if isinstance(one, Sized)]
        total = min(sizes) if sizes else None
        run = CachedMap(
            self,
            self._slow,
            Engine(n_jobs, backend, batch_size),
            progress=functools.partial(hooks.progress, total) if progress else None,
            raises=on_error == "raise",
            streams=return_as == "generator",
            listed=len(sizes) > len(iterables),
        )
        results = run.results(zip(iterable, *iterables, strict=False))
        if return_as == "generator":
            return bounded_results(results)
        with closing(results):
            return list(results)

    def compute_apart(self, *args: Any) -> Outcome:
        """In a worker process of `map`: compute, and hand over what the first process has to keep."""
        return self._slow.compute_apart(args)

    def compute_here(self, *args: Any) -> Outcome:
        """In the process of a `map`: compute and keep."""
        return self._slow.compute_here(args)

    def unchanged_since_now(self) -> Callable[[], bool]:
        """Return a function that is true as long as nothing has changed what this one depends on, nor runs of it."""
        return self._slow.unchanged_since_now()

    # -- widgets --------------------------------------------------------------------------------------------------

    def panel(self) -> Any:
        """Return a widget panel of this function."""
        return hooks.panel(self.owner)

    @api_boundary
    def clear_button(self, /, *args: Any, description: str | None = None, **kwargs: Any) -> Any:
        """Return an ipywidgets Button that clears the call with these arguments or, without any, the function.

        Parameters
        ----------
        description : the text of the button; None for one that says what it clears
        """
        if args or kwargs:
            self._slow.arguments.bind(*args, **kwargs)
        return hooks.clear_button(self, args, kwargs, description)

    # -- being an object ------------------------------------------------------------------------------------------

    def __reduce_ex__(self, protocol: Any) -> Any:
        return pickling.reduced(self, self._slow.parameters, CachedFunction.shell, self._sending)

    def __reduce__(self) -> Any:
        return self.__reduce_ex__(2)

    def __copy__(self) -> CachedFunction[P, R]:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> CachedFunction[P, R]:
        return self

    def __repr__(self) -> str:
        return f"<cached function {self.__qualname__}>"

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


def _unfilled() -> None:
    raise RuntimeError("a cached function was called while it was being unpickled")
