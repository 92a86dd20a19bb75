"""How a cached function travels: to a worker process, into a file, and back.

A function that can be imported travels as its name. One that lives in a notebook or in another function travels by
value, with cloudpickle, together with what it was decorated with and where this process keeps its entries.
"""

from __future__ import annotations

import pickle
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from nbcache.calls.worker_settings import publish, take_over
from nbcache.compute.workers import name_classes


class _InProgress(threading.local):
    """The functions on their way in this thread: out, by identity, and in, by token."""

    def __init__(self) -> None:
        self.dumping: dict[int, str] = {}
        self.loading: dict[str, Any] = {}


_in_progress = _InProgress()


@dataclass(frozen=True, slots=True)
class FunctionState:
    """What a cached function takes along.

    Attributes
    ----------
    kind : makes an empty shell, which is filled once the function is there
    function : the function itself, by value
    token : by which the function finds itself, where it refers to itself
    settings : leads a worker of the process that it comes from to the settings there
    """

    kind: Callable[[], Any]
    function: bytes
    parameters: Any
    token: str
    settings: str


def reduced(function: Any, parameters: Any, kind: Callable[[], Any]) -> Any:
    """What pickle is to write for a cached function."""
    if _importable(function):
        return function.__qualname__
    token = _in_progress.dumping.get(id(function))
    if token is not None:  # met again inside itself: it calls itself
        return _itself, (token,)
    from nbcache.entries.byvalue import copied

    token = _in_progress.dumping[id(function)] = uuid4().hex
    try:
        payload = copied(function.__wrapped__)
    finally:
        del _in_progress.dumping[id(function)]
    return restored, (FunctionState(kind, payload, parameters, token, publish()),)


def restored(state: FunctionState) -> Any:
    """Build a cached function from what it took along."""
    in_worker = take_over(state.settings)
    shell = state.kind()
    _in_progress.loading[state.token] = shell
    try:
        function = pickle.loads(state.function)
        if in_worker:
            name_classes()
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
