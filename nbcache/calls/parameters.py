"""The parameters of `cache_data`, checked and normalised when a function is decorated."""

from __future__ import annotations

import inspect
import os
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, MappingView, Set
from datetime import timedelta
from types import BuiltinFunctionType
from typing import TYPE_CHECKING, Any, NamedTuple

from nbcache.config import seconds, size_in_bytes, switches
from nbcache.errors import (
    InvalidParameterError,
    InvalidTTLError,
    UncacheableFunctionError,
    calling_line,
    explain,
    near,
    shown,
    warn,
)

if TYPE_CHECKING:
    from nbcache.engine.policy import Policy

#: The end of a text that is probably meant as the name of a file.
_FILE_NAME = r"\.[A-Za-z]\w{0,6}$"


class Parameters(NamedTuple):
    """What `cache_data` was told, checked; times in seconds, sizes in bytes."""

    ttl: float | None = None
    max_entries: int | None = None
    max_size: int | None = None
    persist: bool | None = None
    show_spinner: bool | str = True
    show_time: bool = False
    hash_funcs: Mapping[type | str, Callable[[Any], Any]] | None = None
    scope: str = "global"
    refresh_mode: str = "foreground"
    track: bool = True
    depends_on: tuple[Any, ...] = ()
    replay: str = "display"
    cache_if: Callable[[Any], object] | None = None
    copy: bool = False
    outputs: str | None = None

    def on_disk(self) -> bool:
        """Whether results go beyond memory now; `persist=None` follows the setting."""
        persist = switches().on_disk if self.persist is None else self.persist
        return persist and self.scope == "global"

    def message(self, call: str) -> str | None:
        """What a spinner says while a call runs; None for no spinner."""
        shown = self.show_spinner
        return None if shown is False else f"Running {call}" if shown is True else str(shown)

    def policy(self) -> Policy:
        """How results are kept now."""
        from nbcache.engine.policy import Policy  # with the first call, as all of the engine

        return Policy(
            ttl=self.ttl,
            max_entries=self.max_entries,
            max_size=self.max_size,
            disk=self.on_disk(),
            background=self.refresh_mode == "background",
            copied=self.copy,
        )


def check(
    *,
    ttl: float | timedelta | str | None,
    max_entries: int | None,
    max_size: int | str | None,
    persist: str | bool | None,
    show_spinner: bool | str,
    show_time: bool,
    hash_funcs: Mapping[type | str, Callable[[Any], Any]] | None,
    scope: str,
    refresh_mode: str,
    track: bool,
    depends_on: Any,
    replay: str,
    cache_if: Callable[[Any], object] | None,
    copy: bool,
    outputs: str | None,
) -> Parameters:
    """Check every parameter and normalise it.

    Raises
    ------
    InvalidParameterError
        A value that is not valid, or two that exclude each other; `InvalidTTLError` and `InvalidSizeError` are such.
    """
    age = seconds(ttl)
    if max_entries is not None and (
        isinstance(max_entries, bool) or not isinstance(max_entries, int) or max_entries < 1
    ):
        raise _invalid("max_entries", max_entries, "a number of entries is None or an int of at least 1.",
                       "leave it out for no limit.")  # fmt: skip
    if not (persist is None or isinstance(persist, bool) or (isinstance(persist, str) and persist == "disk")):
        raise _invalid("persist", persist, 'values are kept in memory (None, False) or on disk (True, "disk").',
                       'write persist="disk".')  # fmt: skip
    _choice("scope", scope, ("global", "session"))
    _choice("refresh_mode", refresh_mode, ("foreground", "background"))
    _choice("replay", replay, ("display", "all", "none"))
    if outputs is not None:
        _choice("outputs", outputs, ("files",))
    _flag("track", track)
    _flag("show_time", show_time)
    _flag("copy", copy)
    if not isinstance(show_spinner, bool | str):
        raise _invalid("show_spinner", show_spinner, "it is True, False or the text to show.", "pass one of these.")
    if cache_if is not None and not callable(cache_if):
        raise _invalid("cache_if", cache_if, "it is called with the result and says whether to keep it.",
                       "pass a function, such as lambda result: result is not None.")  # fmt: skip
    if persist and scope == "session":
        raise InvalidParameterError(explain('persist="disk" and scope="session" exclude each other.',
            "results of a session are never written to disk.", "leave one of the two out."))  # fmt: skip
    if refresh_mode == "background" and not age:
        error = InvalidTTLError if ttl is not None else InvalidParameterError
        raise error(explain('refresh_mode="background" needs a ttl above zero.',
            "a value is refreshed when its ttl is over.", 'add one, such as ttl="1h".'))  # fmt: skip
    return Parameters(
        ttl=age,
        max_entries=max_entries,
        max_size=size_in_bytes(max_size, "max_size"),
        persist=None if persist is None else bool(persist),
        show_spinner=show_spinner,
        show_time=show_time,
        hash_funcs=_hash_funcs(hash_funcs),
        scope=scope,
        refresh_mode=refresh_mode,
        track=track,
        depends_on=_present(_items(depends_on)),
        replay=replay,
        cache_if=cache_if,
        copy=copy,
        outputs=outputs,
    )


def _invalid(name: str, value: object, why: str, do: str) -> InvalidParameterError:
    return InvalidParameterError(explain(f"{name}={shown(value)} is not a valid value.", why, do))


def _choice(name: str, value: object, known: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in known:
        words = " or ".join(f'"{word}"' for word in known)
        meant = near(value, known) if isinstance(value, str) else []
        raise _invalid(name, value, f"it is {words}.", f'write {name}="{(meant or known)[0]}" or leave it out.')


def _flag(name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise _invalid(name, value, "it is True or False.", "pass one of these.")


def _hash_funcs(given: Any) -> Mapping[type | str, Callable[[Any], Any]] | None:
    if given is None:
        return None
    from nbcache.calls.type_names import canonical, fault, name_of  # not before it is needed: it loads hashing

    if not isinstance(given, Mapping):
        raise _invalid("hash_funcs", given, "it is a dict from types to functions.", "write {Type: function}.")
    for kind, function in given.items():
        if not isinstance(kind, type | str):
            raise _invalid("hash_funcs", given, f"{shown(kind)} is neither a type nor a name such as 'module.Type'.",
                           "use the type itself as the key.")  # fmt: skip
        if isinstance(kind, str) and (wrong := fault(kind)) is not None:
            raise _invalid("hash_funcs", given, f"{shown(kind)} does not name a type: {wrong[0]}.", wrong[1])
        if not callable(function):
            raise _invalid("hash_funcs", given, f"the value for {shown(kind)} cannot be called.",
                           "give a function that turns the argument into something hashable.")  # fmt: skip
    # by name too: the class's own cell may be run again
    by_name = {name_of(kind): given[kind] for kind in given if isinstance(kind, type)}
    canonical_names = {
        full: given[kind] for kind in given if isinstance(kind, str) and (full := canonical(kind)) is not None
    }
    return {**canonical_names, **by_name, **given}


def _items(given: Any) -> tuple[Any, ...]:
    # a table or an array is one value: what it yields are names, or its numbers one by one
    several = isinstance(given, list | tuple | Set | Iterator | MappingView | deque) and not callable(given)
    return tuple(given) if several else (given,)


def _present(items: tuple[Any, ...]) -> tuple[Any, ...]:
    """The same items, after a warning of a path that names nothing."""
    for item in items:
        path = isinstance(item, os.PathLike) or (
            isinstance(item, str) and (os.sep in item or re.search(_FILE_NAME, item) is not None)
        )
        if path and not os.path.exists(item):
            warn(explain(f"depends_on={shown(item)} names nothing that exists.",
                 "a file or folder of that name is followed as soon as there is one.",
                 f"check the name; relative names are looked up in {os.getcwd()}."))  # fmt: skip
    return items


def _instead_of(value: object) -> str:
    """What was probably meant by `cache_data(value)`, where the value is no function."""
    if value is True or (isinstance(value, str) and value == "disk"):
        return 'write @cache_data(persist="disk").'
    try:
        meant = isinstance(value, int | float | str | timedelta) and seconds(value) is not None
    except InvalidTTLError:
        meant = False
    if meant:
        return f"write @cache_data(ttl={value!r})."
    return "decorate a function, and give parameters by name: @cache_data(ttl=60)."


def check_function(function: Any) -> None:
    """Refuse what cannot be cached, with advice.

    Raises
    ------
    UncacheableFunctionError
        Not callable, or a generator function, whose result can be read only once.
    """
    name = getattr(function, "__name__", shown(function))
    if not callable(function):
        raise UncacheableFunctionError(explain(f"cache_data cannot decorate {shown(function)}.",
            "it is not a function.", _instead_of(function)))  # fmt: skip
    if isinstance(function, type) and calling_line().startswith("@"):  # cache_data(int) is a function that is called
        raise UncacheableFunctionError(explain(f"cache_data cannot decorate the class {name}.",
            f"a cached class would be a function, and isinstance(x, {name}) would fail.",
            f"decorate its methods, or a function that returns {name}(...)."))  # fmt: skip
    bare = inspect.unwrap(function)
    bare = getattr(bare, "func", bare) if not isinstance(bare, BuiltinFunctionType) else bare
    generator = inspect.isgeneratorfunction(bare) or inspect.isasyncgenfunction(bare)
    method = inspect.getattr_static(type(function), "__call__", None)
    if not generator and not inspect.isroutine(function) and not isinstance(function, type):
        generator = inspect.isgeneratorfunction(method) or inspect.isasyncgenfunction(method)
    if generator:
        raise UncacheableFunctionError(explain(f"{name}() is a generator function and cannot be cached.",
            "what it yields can be read only once, so a second call would get nothing.",
            "return a list: collect the items before returning them."))  # fmt: skip
