"""Where errors leave nbcache: they show the user's lines, as they would without the cache.

Between a call and the function stand frames of nbcache. They are taken out of the traceback at the border, so that
plain Python, IPython, pytest and debuggers show, and land in, the frames that the undecorated function has.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from nbcache.config import settings
from nbcache.errors import CacheError
from nbcache.tracebacks import without_ours

#: What those functions of `keys.arguments` are called that call the cached function itself.
_CALLERS = frozenset({"_call_bound", "_call_as_given"})

#: The traceback of any error, without asking a class that does not let anybody look.
_TRACE: Any = vars(BaseException)["__traceback__"]

P = ParamSpec("P")
R = TypeVar("R")


def trim(error: BaseException, deliberate: tuple[type[BaseException], ...] = (CacheError,)) -> None:
    """Take the frames of nbcache that an error has passed through out of its traceback.

    To be called in an ``except`` clause that ends with a bare ``raise``, which adds no frame of its own.

    Parameters
    ----------
    deliberate : errors that nbcache itself raises for the user to see; any other that comes out of nbcache is a
        mistake of nbcache, and keeps its frames

    Notes
    -----
    The setting `full_tracebacks` keeps all frames.
    """
    try:
        _trim(error, deliberate)
    except RecursionError:  # the stack is full: the error it is about goes on as it is
        pass


def _trim(error: BaseException, deliberate: tuple[type[BaseException], ...]) -> None:
    trace = _TRACE.__get__(error)
    users = without_ours(trace)
    if users is None and not (issubclass(type(error), deliberate) or _of_the_function(trace)):
        return
    if settings().full_tracebacks:
        return
    _TRACE.__set__(error, users)
    if isinstance(error, CacheError) and error.__cause__ is not None:  # of a function in `hash_funcs`
        error.__cause__.__traceback__ = without_ours(error.__cause__.__traceback__)


def _of_the_function(trace: TracebackType | None) -> bool:
    """Whether the last frame is the one that calls the function: code in C leaves none of its own."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_code.co_name in _CALLERS


def api_boundary(function: Callable[P, R]) -> Callable[P, R]:
    """Make a method that users call raise its errors at the user's line."""

    @functools.wraps(function)
    def bounded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            trim(error, (CacheError, TypeError, ValueError))
            raise

    return bounded


def bounded_results(results: Generator[Any, None, None]) -> Generator[Any, None, None]:
    """Hand results on one by one; an error among them is raised at the line of the user who asks for the next."""
    try:
        yield from results
    except BaseException as error:
        trim(error)
        raise
