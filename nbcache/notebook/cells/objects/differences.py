"""What did a run change in the objects that were there before it, and how can that be done again.

An object is changed when one of its own facets is: it holds another part, or its state has another digest. It is put
back by putting the new content of its facets into it. What cannot be put back so is replaced, and then whatever
holds it counts as changed too, up to the names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import _lru_cache_wrapper
from operator import is_
from types import CellType, FunctionType
from typing import Any

from nbcache.compute.garbage import uncollected
from nbcache.hashing.deadline import DeadlineError, check
from nbcache.notebook.cells.objects.facets import Content, Facet
from nbcache.notebook.cells.objects.kinds import ATOMS
from nbcache.notebook.cells.objects.places import Node, Place, Reached
from nbcache.tracking.argument_code import digest_followed

__all__ = ["BeforeRun", "Differences"]

_COMPARED = frozenset({int, float, complex, str, bytes, bool})


@dataclass(slots=True)
class Differences:
    """What a run changed in place.

    Attributes
    ----------
    contents : changed objects, each with the new content of its changed facets, by their names
    replaced : objects that come back as others: where they are, and they themselves
    trouble : why this cannot be done again; empty when it can
    """

    contents: list[tuple[Any, dict[str, Any]]] = field(default_factory=list)
    replaced: list[tuple[Place, Any]] = field(default_factory=list)
    trouble: str = ""


class BeforeRun:
    """The objects that names reach, as they are before a run.

    Parameters
    ----------
    digests : those of the values of names that are known already
    """

    def __init__(self, namespace: Mapping[str, Any], names: Iterable[str], digests: Mapping[str, bytes]) -> None:
        self.reached = Reached(namespace, names)
        self._digests: dict[int, bytes] = {}
        known = {id(namespace[name]): digests[name] for name in self.reached.names if name in digests}
        for identity, node in self.reached.states.items():
            self._digests[identity] = known[identity] if identity in known else digest_of(node.value)

        self._remembered = {
            identity: node.value.cache_info()
            for identity, node in self.reached.nodes.items()
            if type(node.value) is _lru_cache_wrapper
        }

    def filled(self) -> list[str]:
        """The names of functions under `lru_cache` that were called: no content tells it."""
        nodes = self.reached.nodes
        changed = [one for one, before in self._remembered.items() if nodes[one].value.cache_info() != before]
        return [self.reached.name_of(nodes[one].value) for one in changed]

    def differences(self) -> Differences:
        """Compare with what is there now."""
        with uncollected():
            return self._compared()

    def _compared(self) -> Differences:
        changed: dict[int, dict[str, Facet]] = {}
        now: dict[int, dict[str, Content]] = {}
        for number, (identity, node) in enumerate(self.reached.nodes.items()):
            if not number & 0xFF:
                check()
            contents = now[identity] = {}
            found: dict[str, Facet] = {}
            for facet in node.facets:
                if not facet.walked:
                    continue
                before = node.contents[facet.name]
                content = contents[facet.name] = before if facet.fixed else facet.take(node.value)
                if content is not before and not _same(before, content):
                    found[facet.name] = facet
            if identity in self._digests and self._digests[identity] != digest_of(node.value):
                found.update({facet.name: facet for facet in node.facets if not facet.walked})
            if found:
                changed[identity] = found
        return self._planned(changed, now) if changed else Differences()

    def _planned(self, changed: dict[int, dict[str, Facet]], now: dict[int, dict[str, Content]]) -> Differences:
        nodes = self.reached.nodes
        replaced: set[int] = set()
        waiting = [identity for identity, found in changed.items() if not _completed(nodes[identity], found)]
        while waiting:
            identity = waiting.pop()
            if identity in replaced:
                continue
            replaced.add(identity)
            changed.pop(identity, None)
            for holder in self._holders(now).get(identity, {}):
                found = changed.setdefault(holder, {})
                found.update(self._holders(now)[identity][holder])
                if not _completed(nodes[holder], found):
                    waiting.append(holder)
        result = Differences()
        for identity, found in changed.items():
            value, contents = nodes[identity].value, now[identity]
            if self.reached.place_of(value) is None:
                return self._without_place(value)
            new = {name: contents[name] if facet.walked else facet.take(value) for name, facet in found.items()}
            result.contents.append((value, new))
        for identity in replaced:
            place = self.reached.place_of(nodes[identity].value)
            if place is None:
                return self._without_place(nodes[identity].value)
            result.replaced.append((place, nodes[identity].value))
        return result

    def _without_place(self, value: object) -> Differences:
        name = self.reached.name_of(value)
        return Differences(trouble=f"it changes a part of {name} that cannot be located")

    def _holders(self, now: dict[int, dict[str, Content]]) -> dict[int, dict[int, dict[str, Facet]]]:
        """Who holds what after the run, and in which facet."""
        if not hasattr(self, "_held"):
            self._held: dict[int, dict[int, dict[str, Facet]]] = {}
            for identity, contents in now.items():
                for facet in self.reached.nodes[identity].facets:
                    for part in _parts(contents.get(facet.name, [])):
                        if id(part) in self.reached.nodes:
                            self._held.setdefault(id(part), {}).setdefault(identity, {})[facet.name] = facet
        return self._held

    def reaches(self, name: str, identities: set[int]) -> bool:
        """Tell whether a name reached one of some objects."""
        return self.reached.follows(name) and self._lead([id(self.reached.value_of(name))], identities)

    def _lead(self, waiting: list[int], identities: set[int]) -> bool:
        seen = set(waiting)
        while waiting:
            identity = waiting.pop()
            if identity in identities:
                return True
            node = self.reached.nodes.get(identity)
            for content in node.contents.values() if node is not None else ():
                parts = {id(part) for part in _parts(content)} - seen
                found = {part for part in parts if part in self.reached.nodes}
                seen |= found
                waiting += found
        return False

    def is_deep(self, name: str) -> bool:
        """Tell whether a change of a name's value might not be seen here: it is more than plain data and arrays.

        Of what holds code the digest says nothing about that: it follows the names that the code reads.
        """
        if not self.reached.follows(name):  # such as `_`: nothing but the digest tells
            return True
        value = self.reached.value_of(name)
        if id(value) not in self.reached.nodes or id(value) in self._digests:
            return False
        code = {id(node.value) for node in self.reached.nodes.values() if isinstance(node.value, FunctionType | type)}
        return not self.reaches(name, code)

    def in_closure(self, values: Iterable[object]) -> bool:
        """Tell whether one of some objects was reached through what a function has closed over."""
        cells = [identity for identity, node in self.reached.nodes.items() if type(node.value) is CellType]
        return self._lead(cells, set(map(id, values)))


def digest_of(value: object) -> bytes:
    """The digest of an object; empty when it has none."""
    try:
        return digest_followed(value)
    except DeadlineError:
        raise
    except Exception:  # what cannot be read cannot be compared either
        return b""


def _completed(node: Node, found: dict[str, Facet]) -> bool:
    """Tell whether the changed facets can be put; where one cannot, the state of the whole is put in its place."""
    if all(facet.put is not None for facet in found.values()):
        return True
    whole = {facet.name: facet for facet in node.facets if not facet.walked and facet.put is not None}
    for name in [name for name, facet in found.items() if facet.put is None]:
        del found[name]
    found.update(whole)
    return bool(whole)


def _parts(content: Content) -> Iterable[Any]:
    if isinstance(content, dict):
        yield from content
        yield from content.values()
    else:
        yield from content


def _same(one: Any, other: Any) -> bool:
    """Compare two contents part by part, by identity; equal numbers and texts are the same."""
    if len(one) != len(other):
        return False
    if isinstance(one, set):
        plain = ATOMS.issuperset(map(type, one)) and ATOMS.issuperset(map(type, other))
        return bool(one == other) if plain else set(map(id, one)) == set(map(id, other))
    if isinstance(one, dict):
        return _all_same(one, other) and _all_same(one.values(), other.values())
    return _all_same(one, other)


def _all_same(one: Iterable[Any], other: Iterable[Any]) -> bool:
    return all(map(is_, one, other)) or all(map(_is, one, other))


def _is(one: Any, other: Any) -> bool:
    if one is other:
        return True
    kind = type(one)
    if kind is tuple and type(other) is tuple and len(one) == len(other):
        return all(map(_is, one, other))
    return kind in _COMPARED and kind is type(other) and one == other
