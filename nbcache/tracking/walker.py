"""What the rooms that follow names and members may ask of the walk that they take part in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import FunctionType, ModuleType
from typing import Any, Protocol

from nbcache.tracking.code.facts import Chain
from nbcache.tracking.contents import Contents
from nbcache.tracking.guards import Guards, Place
from nbcache.tracking.packages import Home


class NameResolver(Protocol):
    """Follows the names that code reads."""

    def chain(self, namespace: dict[str, Any], chain: Chain) -> None: ...

    def attributes(self, module: ModuleType, rest: Chain, label: str) -> None: ...

    def in_library(self, module: ModuleType, name: str) -> None: ...

    def function_attribute(self, function: Any, name: str, label: str) -> None: ...

    def attributes_of(self, value: object, names: Iterable[str], label: str) -> None: ...


class CodeWalker(Protocol):
    """One walk over all that a function reaches: `Reach`."""

    guards: Guards
    contents: Contents
    names_met: set[str]
    tops: set[str]
    generators: dict[str, None]
    texts: dict[str, None]
    unfollowed: dict[str, None]
    assigned: set[Place]

    @property
    def names(self) -> NameResolver: ...

    def value(
        self, value: object, name: str, place: Place, get: Callable[[], object], *, kind: str = "global"
    ) -> None: ...

    def content(
        self,
        value: object,
        label: str,
        place: Place,
        get: Callable[[], object],
        *,
        quiet: bool = False,
        settled: bool = False,
        paths: bool = True,
    ) -> None: ...

    def looks_into(self, value: object) -> bool: ...

    def function(self, function: FunctionType, label: str) -> None: ...

    def annotations(self, function: FunctionType) -> None: ...

    def module(self, module: ModuleType, name: str) -> None: ...

    def of_library(self, value: object) -> None: ...

    def cls(self, cls: type) -> None: ...

    def package(self, home: Home) -> None: ...

    def part(self, label: str, digest: bytes, summary: Callable[[], str]) -> None: ...

    def met(self, value: object, kind: bytes) -> bool: ...

    def mark(self, *fields: bytes) -> None: ...
