"""How a cached function travels: to a worker process, into a file, and back.

A function that can be imported travels as its name. One that lives in a notebook or in another function travels by
value, with cloudpickle, together with what it was decorated with and where this process keeps its entries. Where that
is much, and the way leads to a worker of this machine, it lies in a file: a pool pickles a function with each batch of
calls, and each worker reads it once. A worker keeps what has arrived, so that not every batch looks anew at what the
function depends on.
"""

from __future__ import annotations

import hashlib
import pickle
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from nbcache.calls.worker_settings import publish, take_over
from nbcache.compute.spool import FROM, Spooled, goes_to_a_worker, is_there, read, spooled
from nbcache.compute.workers import name_classes, name_missing_classes

#: So many functions are kept in a worker process, and so many large ones.
_KEPT = 64, 4


class _InProgress(threading.local):
    """The functions on their way in this thread: out, by identity, and in, by token."""

    def __init__(self) -> None:
        self.dumping: dict[int, str] = {}
        self.loading: dict[str, Any] = {}


_in_progress = _InProgress()


class Sending:
    """What is remembered of a function that was sent.

    Attributes
    ----------
    token : the same each time, so that its pickles are equal
    place : where it lies, if it is large
    unchanged : whether all that it depends on is as it was written there
    """

    def __init__(self) -> None:
        self.token = uuid4().hex
        self.place: Spooled | None = None
        self.unchanged: Callable[[], bool] = bool


@dataclass(frozen=True, slots=True)
class FunctionState:
    """What a cached function takes along.

    Attributes
    ----------
    kind : makes an empty shell, which is filled once the function is there
    function : the function itself, by value, or where it lies
    token : by which the function finds itself, where it refers to itself
    settings : leads a worker of the process that it comes from to the settings there
    """

    kind: Callable[[], Any]
    function: bytes | Spooled
    parameters: Any
    token: str
    settings: str


def reduced(function: Any, parameters: Any, kind: Callable[[], Any], sending: Sending) -> Any:
    """What pickle is to write for a cached function."""
    if _importable(function):
        return function.__qualname__
    token = _in_progress.dumping.get(id(function))
    if token is not None:  # met again inside itself: it calls itself
        return _itself, (token,)
    by_file = goes_to_a_worker()
    content: bytes | Spooled
    if by_file and sending.place is not None and is_there(sending.place) and sending.unchanged():
        content = sending.place
    else:
        content = _content(function, sending, by_file)
    return restored, (FunctionState(kind, content, parameters, sending.token, publish()),)


def _content(function: Any, sending: Sending, by_file: bool) -> bytes | Spooled:
    from nbcache.entries.byvalue import copied

    unchanged = function.unchanged_since_now() if by_file else bool
    _in_progress.dumping[id(function)] = sending.token
    try:
        payload = copied(function.__wrapped__)
    finally:
        del _in_progress.dumping[id(function)]
    place = spooled(payload) if by_file and len(payload) >= FROM else None
    if place is None:
        return payload
    sending.place, sending.unchanged = place, unchanged
    return place


def restored(state: FunctionState) -> Any:
    """Build a cached function from what it took along; in a worker, the one that an earlier batch has brought."""
    in_worker, content = take_over(state.settings), state.function
    if isinstance(content, Spooled):
        arrived, name = _large, f"{content.digest} {state.token}"
    elif in_worker:
        arrived, name = _small, f"{hashlib.sha256(content).hexdigest()} {state.token}"
    else:
        return _loaded(state, content, in_worker)
    known = arrived.pop(name, None)
    if known is None or not known[1]():
        function = _loaded(state, read(content) if isinstance(content, Spooled) else content, in_worker)
        known = function, function.unchanged_since_now()
    arrived[name] = known
    while len(arrived) > _KEPT[arrived is _large]:
        arrived.popitem(last=False)
    return known[0]


#: By digest and token, the functions that have arrived here, and whether all they depend on is as it came.
_small: OrderedDict[str, tuple[Any, Callable[[], bool]]] = OrderedDict()
_large: OrderedDict[str, tuple[Any, Callable[[], bool]]] = OrderedDict()


def _loaded(state: FunctionState, content: bytes, in_worker: bool) -> Any:
    shell = state.kind()
    _in_progress.loading[state.token] = shell
    try:
        function = pickle.loads(content)
        if in_worker:
            name_classes()
        else:
            name_missing_classes()
    finally:
        del _in_progress.loading[state.token]
    shell.fill(function, state.parameters)
    return shell


def _itself(token: str) -> Any:
    return _in_progress.loading[token]


def _importable(function: Any) -> bool:
    """Whether another process finds this very function by its name."""
    module = sys.modules.get(function.__module__)
    if module is None or function.__module__ == "__main__":
        return False
    found: Any = module
    for name in function.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is function
