"""What did a run do to its namespace: the parts of a stored cell."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from nbcache.notebook.cells.objects.places import Place, Reached
from nbcache.tracking.written.file_outputs import FileOutput

__all__ = ["KnownObjects", "Outcome", "PickledNames"]

PickledNames = tuple[bytes, list[pickle.PickleBuffer]]
"""A pickle stream and the buffers beside it; unpickled, the buffers are memory views."""


@dataclass(frozen=True, slots=True)
class KnownObjects:
    """What was there before a run, and is referred to.

    Attributes
    ----------
    reached : the objects that the names of the cell reached
    modules : the names of modules that the cell may have got objects from
    """

    namespace: dict[str, Any]
    reached: Reached
    modules: frozenset[str]


@dataclass(slots=True)
class Outcome:
    """What a run did to its namespace.

    Attributes
    ----------
    bound : names and the values they got
    contents : objects changed in place: they themselves, and the new content of their facets
    replaced : objects that come back as others, under every name that was bound to the old one: places, and the others
    changed : the names by which those objects are reached
    deleted : names that are gone
    values : the values of last expressions, as they were shown
    result : the value of the last expression of a cell whose own magic takes it
    sources : the code of the cell by file name, for tracebacks and `inspect.getsource`
    modules : what it imported, be it for what that does: `import xml.etree.ElementTree` binds no more than `xml`
    files : what it wrote
    options : what it set in libraries
    filled : the names of functions under `lru_cache` that it called
    """

    bound: dict[str, Any] = field(default_factory=dict)
    contents: list[tuple[Any, dict[str, Any]]] = field(default_factory=list)
    replaced: list[tuple[Place, Any]] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    values: list[Any] | None = field(default_factory=list)
    result: Any = None
    sources: dict[str, str] = field(default_factory=dict)
    modules: list[str] = field(default_factory=list)
    files: list[FileOutput] = field(default_factory=list)
    options: dict[str, dict[str, Any]] = field(default_factory=dict)
    filled: list[str] = field(default_factory=list)

    def new_parts(self) -> Iterator[Any]:
        """The values that are to be pickled, but for what is shown."""
        yield from self.bound.values()
        for _, facets in self.contents:
            yield from facets.values()
        for _, value in self.replaced:
            yield value

    def parts(self) -> tuple[Any, ...]:
        shown = (self.values, self.result)
        changed = (self.contents, self.replaced, self.changed)
        outside = (self.sources, self.modules, self.files, self.options, self.filled)
        return self.bound, *changed, self.deleted, *shown, *outside
