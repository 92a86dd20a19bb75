"""An exception leaves a cached call as it leaves the plain one: with its notes, causes and the frames of the user."""

from __future__ import annotations

import asyncio
import functools
import traceback
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import pytest

from nbcache import cache_data


class TwoArguments(Exception):
    """One that pickle cannot make again."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class Slotted(Exception):
    __slots__ = ("extra",)


class Guarded(Exception):
    """One that does not let anybody look where it was raised."""

    def __getattribute__(self, name: str) -> Any:
        if name in ("__traceback__", "__cause__"):
            raise AttributeError(name)
        return super().__getattribute__(name)


def plain() -> None:
    raise ValueError("bad", 1)


def noted() -> None:
    error = ValueError("bad")
    error.add_note("first")
    error.add_note("second")
    raise error


def caused() -> None:
    try:
        plain()
    except ValueError as error:
        raise KeyError("worse") from error


def in_context() -> None:
    try:
        plain()
    except ValueError:
        raise KeyError("worse")  # noqa: B904


def without_context() -> None:
    try:
        plain()
    except ValueError:
        raise KeyError("worse") from None


def raised_again() -> None:
    try:
        plain()
    except ValueError as error:
        error.add_note("seen")
        raise


def caused_by_nothing_raised() -> None:
    raise KeyError("worse") from OSError(2, "not there", "file")


def grouped() -> None:
    inner = ExceptionGroup("inner", [KeyError("k")])
    group = ExceptionGroup("several", [ValueError(1), TypeError("t"), inner])
    group.add_note("of a group")
    raise group


def grouped_interrupt() -> None:
    raise BaseExceptionGroup("several", [KeyboardInterrupt(), ValueError(1)])


def split_group() -> None:
    try:
        grouped()
    except* ValueError:
        pass


def stop() -> None:
    next(iter(()))


def stop_with_value() -> None:
    raise StopIteration(7)


def stop_async() -> None:
    raise StopAsyncIteration("a")


def generator_exit() -> None:
    raise GeneratorExit("g")


def interrupt() -> None:
    raise KeyboardInterrupt("k")


def leave() -> None:
    raise SystemExit(3)


def cancelled() -> None:
    raise asyncio.CancelledError("c")


def unpicklable() -> None:
    raise TwoArguments(3, "two")


def slotted() -> None:
    error = Slotted("s")
    error.extra = [1]
    raise error


def from_the_system() -> None:
    open("/there/is/no/such/file").close()


def while_closing() -> None:
    try:
        raise ValueError("first")
    finally:
        raise OSError("second")


@contextmanager
def turned_round() -> Any:
    try:
        yield
    except ValueError as error:
        raise RuntimeError("turned") from error


def out_of_a_context_manager() -> None:
    with turned_round():
        plain()


def deep() -> None:
    def below(n: int) -> None:
        if n:
            below(n - 1)
        plain()

    below(20)


RAISES: list[Callable[[], None]] = [
    *(plain, noted, caused, in_context, without_context, raised_again, caused_by_nothing_raised, grouped),
    *(grouped_interrupt, split_group, stop, stop_with_value, stop_async, generator_exit, interrupt, leave, cancelled),
    *(unpicklable, slotted, from_the_system, while_closing, out_of_a_context_manager, deep),
]
NOT_AWAITED = (stop, stop_with_value)
"""Python itself turns these into a RuntimeError where a coroutine raises them."""


def told(error: BaseException | None, within: str) -> Any:
    """All that a caller can see of an error; of frames those below the function `within`."""
    if error is None:
        return None
    frames = [(frame.name, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    names = [name for name, _ in frames]
    below = frames[len(names) - names[::-1].index(within) :] if within in names else frames
    return (
        type(error),
        repr(error.args),
        str(error),
        getattr(error, "__notes__", None),
        {name: value for name, value in vars(error).items() if name != "__notes__"},
        getattr(error, "extra", None),
        error.__suppress_context__,
        told(error.__cause__, within),
        told(error.__context__, within),
        [told(inner, within) for inner in getattr(error, "exceptions", ())],
        below,
    )


def left(call: Callable[[], object]) -> Any:
    """How an error leaves a call, where nothing is being handled and where something is."""
    found = []
    for _ in range(2):
        try:
            call()
        except BaseException as error:
            found.append(told(error, "outermost"))
        else:
            found.append("no error")
    try:
        raise LookupError("being handled")
    except LookupError as outer:
        try:
            call()
        except BaseException as error:
            last = error
            while last.__context__ is not None and last.__context__ is not outer:
                last = last.__context__
            found.append(last.__context__ is outer)
    return found


def as_function(raises: Callable[[], None], decorate: Any) -> Callable[[], object]:
    @decorate
    def outermost() -> None:
        raises()

    return outermost  # type: ignore[no-any-return]


def with_arguments(raises: Callable[[], None], decorate: Any) -> Callable[[], object]:
    @decorate
    def outermost(a: object, *rest: object, **named: object) -> None:
        raises()

    return lambda: outermost([1], 2, b={3})


def as_method(raises: Callable[[], None], decorate: Any) -> Callable[[], object]:
    class Model:
        @decorate
        def outermost(self) -> None:
            raises()

    return Model().outermost


def as_partial(raises: Callable[[], None], decorate: Any) -> Callable[[], object]:
    def outermost(a: int) -> None:
        raises()

    return decorate(functools.partial(outermost, 1))  # type: ignore[no-any-return]


def in_another(raises: Callable[[], None], decorate: Any) -> Callable[[], object]:
    @decorate
    def outermost() -> None:
        raises()

    @decorate
    def around() -> None:
        outermost()

    return around  # type: ignore[no-any-return]


def refreshed(raises: Callable[[], None], decorate: Any) -> Callable[[], object]:
    @decorate
    def outermost() -> None:
        raises()

    return getattr(outermost, "refresh", outermost)


SHAPES = [as_function, with_arguments, as_method, as_partial, in_another, refreshed]


@pytest.mark.parametrize("raises", RAISES, ids=lambda one: one.__name__)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda one: one.__name__)
def test_an_error_leaves_a_cached_call_as_it_leaves_the_plain_one(cache: Any, shape: Any, raises: Any) -> None:
    assert left(shape(raises, cache_data)) == left(shape(raises, lambda function: function))


@pytest.mark.parametrize("raises", [one for one in RAISES if one not in NOT_AWAITED], ids=lambda one: one.__name__)
def test_an_error_leaves_an_awaited_call_as_it_leaves_the_plain_one(cache: Any, raises: Callable[[], None]) -> None:
    async def outermost() -> None:
        await asyncio.sleep(0)
        raises()

    def awaiting(function: Any) -> Any:
        async def caught() -> Any:
            try:
                await function()
            except BaseException as error:
                return told(error, "outermost")

        return asyncio.run(caught())

    assert awaiting(cache_data(outermost)) == awaiting(outermost)


@pytest.mark.parametrize("raises", NOT_AWAITED)
def test_a_coroutine_that_stops_an_iteration_is_an_error_of_the_plain_kind(cache: Any, raises: Any) -> None:
    @cache_data
    async def stopping() -> None:
        raises()

    with pytest.raises(RuntimeError, match="coroutine raised StopIteration"):
        asyncio.run(stopping())


def test_an_error_that_lets_nobody_look_leaves_as_it_is(cache: Any) -> None:
    def guarded() -> None:
        raise Guarded("kept")

    with pytest.raises(Guarded, match="kept"):
        cache_data(guarded)()


@pytest.mark.parametrize("raises", RAISES, ids=lambda one: one.__name__)
def test_an_error_is_never_kept(cache: Any, raises: Callable[[], None]) -> None:
    runs: list[int] = []

    @cache_data
    def once_broken() -> int:
        runs.append(1)
        if len(runs) == 1:
            raises()
        return len(runs)

    try:
        once_broken()
    except BaseException:
        pass
    else:
        assert raises is None

    assert (once_broken(), once_broken()) == (2, 2)
