"""Where is an object: from which name and by which steps it is reached, written down and found again.

The place of an object that a cell did not make stands for it in a stored result. Equal keys mean equal inputs, so that
the same steps lead to the same part in another session.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from types import CodeType, FunctionType, ModuleType
from typing import Any

from nbcache.compute.garbage import uncollected
from nbcache.hashing.deadline import check
from nbcache.notebook.cells.objects.facets import Content, Facet
from nbcache.notebook.cells.objects.kinds import ATOMS, facets_of, is_plain

__all__ = ["MOST", "Finder", "Node", "Place", "Reached", "TooManyObjectsError"]

Place = tuple[Any, ...]
"""A name and steps; a step is the name of a facet, how to choose in it, and what."""

MOST = 1_000_000


class TooManyObjectsError(Exception):
    """The names reach more objects than can be followed in reasonable time."""


class Node:
    """One object met on the walk.

    Attributes
    ----------
    facets, contents : its sides, and what the walked ones held when it was met
    holder, step : the first object that it was met in, and where in that; a name, for what a name is bound to
    """

    __slots__ = ("contents", "facets", "holder", "step", "value")

    def __init__(self, value: Any, facets: tuple[Facet, ...], holder: Node | None, step: Any) -> None:
        self.value = value
        self.facets = facets
        self.holder = holder
        self.step = step
        self.contents: dict[str, Content] = {}


class Reached:
    """Everything that some names reach, each object once.

    Parameters
    ----------
    names : where to begin; names that functions of the notebook read are added

    Attributes
    ----------
    nodes : by the address of the object, which is kept alive
    states : those of them that have a state besides their parts
    """

    def __init__(self, namespace: Mapping[str, Any], names: Iterable[str]) -> None:
        self._namespace = namespace
        self.nodes: dict[int, Node] = {}
        self.states: dict[int, Node] = {}
        self._values: dict[str, Any] = {}
        self._waiting: deque[Node] = deque()
        self._places: dict[int, Place | None] = {}
        with uncollected():
            for name in sorted(names):
                self._begin(name)
            while self._waiting:
                self._look_into(self._waiting.popleft())

    def _begin(self, name: str) -> None:
        if name in self._namespace and name not in self._values:
            self._values[name] = self._namespace[name]
            self._meet(self._namespace[name], None, name)

    def _meet(self, value: Any, holder: Node | None, step: Any) -> None:
        identity = id(value)
        if identity in self.nodes or value is self._namespace:
            return
        facets = facets_of(value)
        if facets is None:
            return
        node = self.nodes[identity] = Node(value, facets, holder, step)
        count = len(self.nodes)
        if not count & 0xFF:
            check()
            if count > MOST:
                raise TooManyObjectsError
        self._waiting.append(node)

    def _look_into(self, node: Node) -> None:
        for facet in node.facets:
            if facet.walked:
                content = node.contents[facet.name] = facet.take(node.value)
                if content:
                    self._go_on(node, facet.name, content)
            else:
                self.states[id(node.value)] = node
        if type(node.value) is FunctionType and node.value.__globals__ is self._namespace:
            for name in sorted(_globals_of(node.value.__code__)):
                self._begin(name)

    def _go_on(self, node: Node, facet: str, content: Content) -> None:
        if isinstance(content, dict):
            if not ATOMS.issuperset(map(type, content)):
                for key in content:
                    self._meet(key, node, (facet, None, None))
            if not ATOMS.issuperset(map(type, content.values())):
                for key, part in content.items():
                    if type(part) not in ATOMS:
                        self._meet(part, node, (facet, "of", key))
        elif ATOMS.issuperset(map(type, content)):
            return
        elif isinstance(content, list):
            for number, part in enumerate(content):
                if type(part) not in ATOMS:
                    self._meet(part, node, (facet, "at", number))
        else:
            for part in content:
                self._meet(part, node, (facet, None, None))

    @property
    def names(self) -> Collection[str]:
        """All that the walk has begun from."""
        return self._values.keys()

    def follows(self, dotted: str) -> bool:
        """Tell whether the walk has gone through what a dotted name means, modules aside."""
        first, dot, _ = dotted.partition(".")
        return first in self._values and not (dot and type(self._values[first]) is ModuleType)

    def name_of(self, value: object) -> str:
        """The name from which an object was reached first."""
        node = self.nodes[id(value)]
        while node.holder is not None:
            node = node.holder
        return str(node.step)

    def value_of(self, name: str) -> Any:
        """What a name was bound to."""
        return self._values[name]

    def place_of(self, value: object) -> Place | None:
        """The place of an object that was met; `None` for one without, such as a member of a set."""
        identity = id(value)
        if identity not in self._places:
            self._places[identity] = None  # a key that is reached only through itself has no place
            self._places[identity] = self._placed(self.nodes[identity])
        return self._places[identity]

    def placed(self) -> dict[Place, Any]:
        """The objects whose places have been asked for."""
        return {place: self.nodes[identity].value for identity, place in self._places.items() if place is not None}

    def _placed(self, node: Node) -> Place | None:
        steps: list[Any] = []
        while node.holder is not None:
            facet, how, what = node.step
            if how is None:
                return None
            if how == "of" and not is_plain(what):
                if id(what) not in self.nodes or (place := self.place_of(what)) is None:
                    return None
                how, what = "of the key", place
            steps.append((facet, how, what))
            node = node.holder
        return (node.step, *reversed(steps))


def _globals_of(code: CodeType) -> set[str]:
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= _globals_of(constant)
    return found


class Finder:
    """Finds objects by their places; each is looked into once."""

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        self._namespace = namespace
        self._contents: dict[tuple[int, str], tuple[Any, Content]] = {}

    def find(self, place: Place) -> Any:
        """Give the object at a place.

        Raises
        ------
        LookupError
            There is nothing there now.
        """
        try:
            return self._find(place)
        except (LookupError, TypeError, AttributeError) as error:
            raise LookupError(f"{place[0]} does not hold what it held") from error

    def _find(self, place: Place) -> Any:
        value = self._namespace[place[0]]
        for facet, how, what in place[1:]:
            content: Any = self._content(value, facet)
            value = content[self._find(what) if how == "of the key" else what]
        return value

    def _content(self, value: Any, name: str) -> Content:
        known = self._contents.get((id(value), name))
        if known is None:
            facet = next(one for one in facets_of(value) or () if one.name == name)
            known = self._contents[id(value), name] = value, facet.take(value)
        return known[1]
