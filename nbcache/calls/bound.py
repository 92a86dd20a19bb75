"""`BoundCachedFunction`: a cached method, reached through an instance or a class."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from types import MethodType
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload

from nbcache.calls.boundary import api_boundary
from nbcache.calls.clicks import is_click
from nbcache.inspection.explanation import Explanation

P = ParamSpec("P")
R = TypeVar("R")


class BoundCachedFunction(functools.partial, Generic[P, R]):  # type: ignore[type-arg]
    """A cached method of one instance: its calls and clears begin with that instance.

    Parameters
    ----------
    function : the `CachedFunction` that is in the class
    instance : what its calls begin with

    ``obj.method.clear()`` clears the method for all instances (Streamlit parity).
    """

    __nbcache__ = True

    def __new__(cls, function: Any, instance: Any) -> BoundCachedFunction[P, R]:
        made = super().__new__(cls, function.func, instance)
        made.__dict__.update(__func__=function, __self__=instance, __doc__=function.__doc__)
        return made

    if TYPE_CHECKING:
        __self__: Any

        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...

    def _of(self) -> Any:
        return self.__dict__["__func__"]

    @property
    def __wrapped__(self) -> MethodType:
        return MethodType(self._of().__wrapped__, self.__self__)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._of(), name)

    @overload
    def clear(self, /) -> None: ...

    @overload
    def clear(self, /, *args: P.args, **kwargs: P.kwargs) -> None: ...

    @api_boundary
    def clear(self, /, *args: Any, **kwargs: Any) -> None:
        """Clear the result of this instance's call, or, without arguments, every result of every instance."""
        if (args and is_click(args)) or not (args or kwargs):
            self._of().clear()
        else:
            self.forget(*args, **kwargs)

    @api_boundary
    def forget(self, /, *args: Any, **kwargs: Any) -> int:
        """Forget exactly this instance's call with these arguments; return how many entries are gone."""
        gone: int = self._of().forget(self.__self__, *args, **kwargs)
        return gone

    @api_boundary
    def is_cached(self, /, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Whether this call would be a hit now."""
        return bool(self._of().is_cached(self.__self__, *args, **kwargs))

    @api_boundary
    def explain(self, /, *args: P.args, **kwargs: P.kwargs) -> Explanation:
        """Why this call would be a hit or a miss now."""
        explained: Explanation = self._of().explain(self.__self__, *args, **kwargs)
        return explained

    @api_boundary
    def refresh(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Compute this call anew, store the result and return it."""
        refreshed: R = self._of().refresh(self.__self__, *args, **kwargs)
        return refreshed

    def map(self, iterable: Iterable[Any], *iterables: Iterable[Any], **options: Any) -> Any:
        """Call the method for each item, in parallel, as the function's own `map`."""
        return self._of().map(_repeat(self.__self__), iterable, *iterables, **options)

    @api_boundary
    def clear_button(self, /, *args: Any, description: str | None = None, **kwargs: Any) -> Any:
        """A Button that clears this call of this instance, or, without arguments, the method."""
        if not (args or kwargs):
            return self._of().clear_button(description=description)
        return self._of().clear_button(self.__self__, *args, description=description, **kwargs)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return BoundCachedFunction, (self._of(), self.__self__)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BoundCachedFunction):
            return NotImplemented
        return self._of() is other._of() and self.__self__ is other.__self__

    def __hash__(self) -> int:
        return hash((self._of(), id(self.__self__)))

    def __repr__(self) -> str:
        return f"<cached method {self._of().__qualname__} of {self.__self__!r}>"


def _repeat(instance: Any) -> Iterator[Any]:
    while True:
        yield instance
