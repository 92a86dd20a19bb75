"""Large values of plain objects are copied natively, and nobody can tell a copy from what unpickling makes."""

from __future__ import annotations

import abc
import collections
import copyreg
import datetime
import enum
import gc
import pickle
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

import pytest
from packing import ADDRESS, META

from nbcache.entries.entry import Entry
from nbcache.entries.hits import repeated
from nbcache.entries.hits.containers import Copies
from nbcache.stores.memory import MemoryStore

T = TypeVar("T")
MANY = 60


@dataclass
class Person:
    name: str
    scores: Any = field(default_factory=list)


@dataclass(frozen=True)
class Point:
    x: Any
    y: Any = None


Shape: Any = abc.ABCMeta("Shape", (), {})


class Circle(Shape, Generic[T]):
    def __init__(self, radius: Any) -> None:
        self.radius = radius
        self.__hidden = radius


class Bare:
    pass


def ring(count: int) -> list[Any]:
    people = [Person(str(number)) for number in range(count)]
    for number, person in enumerate(people):
        person.scores = [people[number - 1], people]
    return people


def shared(count: int) -> dict[str, Any]:
    common = Person("common", [1])
    return {"all": [Point(common, [common, common]) for _ in range(count)], "one": common, "list": common.scores}


def odd_names() -> list[Any]:
    made = [Bare() for _ in range(MANY)]
    for thing in made:
        vars(thing).update({"_x": [1], "ordinary": 2})
    return made


def of_itself() -> Person:
    person = Person("a")
    person.scores = [person, Point(person)]
    return person


FIT: dict[str, Callable[[], Any]] = {
    "records": lambda: {number: Person(f"p{number}", [number]) for number in range(MANY)},
    "frozen": lambda: [Point(number) for number in range(MANY)],
    "nested": lambda: [Person("a", Point(n, Point({"k": [n]}, {n}))) for n in range(MANY)],
    "mixed columns": lambda: [Person("a", None if n % 3 else [Point(n), n]) for n in range(MANY)],
    "columns of several kinds": lambda: [Person("a", [[n], {n: n}, {n}, bytearray(b"x")][n % 4]) for n in range(MANY)],
    "several shapes": lambda: [Bare() if n % 2 else Circle(n) for n in range(MANY)],
    "order of keys": lambda: {n: Person(str(n)) for n in reversed(range(MANY))} | {"a": Person("z"), -1: None},
    "shared": lambda: shared(MANY),
    "a circle": lambda: ring(MANY),
    "an object that holds itself": of_itself,
    "an object at the root": lambda: Person("root", [Point(n) for n in range(MANY)]),
    "leaves": lambda: [Point(datetime.datetime(2020, 1, 1), (1, "a", frozenset({2}))) for _ in range(MANY)],
    "no number": lambda: [Point(float("nan"), [float("nan")]) for _ in range(MANY)],
    "keys of many kinds": lambda: {(1, n): Point(n) for n in range(MANY)} | {None: Point(0), 1.5: Point([])},
    "two holders of one list": lambda: (lambda l: [Person("a", l), Person("b", l), *map(Point, range(9))])([1]),
    "names of no keyword": odd_names,
}


@pytest.fixture(params=FIT)
def value(request: pytest.FixtureRequest) -> Any:
    return FIT[request.param]()


def structure(value: object) -> bytes:
    """Everything about a value that pickle sees: types, order, and what is one object."""
    return pickle.dumps(value, 5)


def test_a_copy_is_what_unpickling_makes(value: Any) -> None:
    stream = structure(value)
    copies = Copies(stream)
    assert structure(copies()) == structure(copies()) == structure(pickle.loads(stream))


def changeable(value: object, seen: dict[int, object]) -> dict[int, object]:
    """All parts of a value that can change, by their addresses."""
    if id(value) in seen or isinstance(value, (str, int, float, datetime.datetime, type, frozenset)) or value is None:
        return seen
    if not isinstance(value, tuple):
        seen[id(value)] = value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ():
        changeable(part, seen)
    if hasattr(value, "__dict__"):
        changeable(vars(value), seen)
    return seen


def test_copies_share_nothing_that_can_change(value: Any) -> None:
    copies = Copies(structure(value))
    first, second = changeable(copies(), {}), changeable(copies(), {})
    assert len(first) == len(second)
    assert first.keys().isdisjoint(second)


def test_what_is_done_to_one_copy_is_not_seen_in_the_next(value: Any) -> None:
    stream = structure(value)
    copies = Copies(stream)
    for part in list(changeable(copies(), {}).values()):
        if isinstance(part, (dict, list, set, bytearray)):
            part.clear()
    assert structure(copies()) == structure(pickle.loads(stream))


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self) -> None:
        self.a, self.b = [1], 2


class Stateful:
    def __getstate__(self) -> Any:
        return {"n": 1}


class Restored:
    def __setstate__(self, state: Any) -> None:
        self.n = 2


class Reduced:
    def __reduce__(self) -> Any:
        return Person, ("made",)


class Made:
    def __new__(cls) -> Any:
        return super().__new__(cls)


class Dying:
    def __del__(self) -> None:
        pass


class Asking:
    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


class Measured:
    """Its attribute is behind a property of the same name."""

    def __init__(self) -> None:
        vars(self)["size"] = 1

    @property
    def size(self) -> int:
        return 5


class Registered:
    pass


class Colour(enum.Enum):
    RED = 1


class Pair(NamedTuple):
    a: Any


class Words(str):
    pass


class Table(dict):  # type: ignore[type-arg]
    pass


class WithMeta(metaclass=type("Meta", (type,), {})):
    pass


def named_strangely(name: str) -> Any:
    thing = Bare()
    vars(thing)[name] = 1
    return thing


UNFIT: dict[str, Callable[[], Any]] = {
    "slots": Slotted,
    "a state of its own": Stateful,
    "a state restored": Restored,
    "a reduction": Reduced,
    "made anew": Made,
    "a finalizer": Dying,
    "attributes asked for": Asking,
    "a property": Measured,
    "an enum": lambda: Person("a", Colour.RED),
    "a named tuple": lambda: Person("a", Pair([1])),
    "a tuple of what can change": lambda: Person("a", ([1],)),
    "a subclass of str": lambda: Person("a", Words("b")),
    "a subclass of dict": lambda: Person("a", Table(b=1)),
    "a dict with a default": lambda: Person("a", collections.defaultdict(list)),
    "an ordered dict": lambda: Person("a", collections.OrderedDict(a=1)),
    "an object as a key": lambda: {Point(1): 2},
    "a set of objects": lambda: {Point(1)},
    "a function": lambda: Person("a", structure),
    "a class": lambda: Person("a", Person),
    "a class of its own kind": WithMeta,
    "an exception": lambda: ValueError("a"),
    "a name that is a keyword": lambda: named_strangely("class"),
    "a name that Python spells in another way": lambda: named_strangely("ﬁ"),
    "a name that cannot be set": lambda: named_strangely("__debug__"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_anything_else_is_left_to_pickle(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = structure([UNFIT[name]() for _ in range(MANY)])
    if not UNFIT[name]().__hash__:
        stream = structure([UNFIT[name]()])
    with pytest.raises(Exception):  # noqa: B017 -- whatever it is, the values come from the stream then
        Copies(stream)
    made = repeated.Repeated(stream, lambda: pickle.loads(stream), repeated.Beside())
    assert {structure(made()) for _ in range(10)} == {structure(pickle.loads(stream))}


def test_a_class_that_copyreg_knows_is_left_to_pickle(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = structure([Registered() for _ in range(MANY)])
    monkeypatch.setitem(copyreg.dispatch_table, Registered, lambda one: (Registered, ()))
    with pytest.raises(ValueError):
        Copies(stream)


def test_containers_alone_are_left_to_pickle() -> None:
    with pytest.raises(ValueError):
        Copies(structure([[number] for number in range(MANY)]))


def test_few_objects_are_left_to_pickle() -> None:
    with pytest.raises(ValueError):
        Copies(structure([[number] for number in range(MANY)] + [Person("a")]))


# --- hits


@pytest.fixture
def module() -> Iterator[Any]:
    """A module whose class may be defined again."""
    made = types.ModuleType("made_for_copies")
    sys.modules["made_for_copies"] = made
    define(made)
    yield made
    del sys.modules["made_for_copies"]


def define(module: Any, body: str = "pass") -> Any:
    exec(f"class Thing:\n    {body}\n", vars(module))
    return module.Thing


def things(module: Any, count: int = 3000) -> list[Any]:
    made = [module.Thing() for _ in range(count)]
    for number, thing in enumerate(made):
        thing.number, thing.values, thing.text = number, [number], f"text {number}"
    return made


def hits(entry: Entry, count: int) -> Any:
    for _ in range(count):
        made = entry.value()
    return made


def test_an_entry_is_copied_after_some_hits(module: Any) -> None:
    entry = Entry.of(things(module), META)
    hits(entry, 4)
    assert entry.beside.size == 0
    assert structure(hits(entry, 1)) == structure(hits(entry, 1)) == structure(things(module))
    assert entry.beside.size > entry.size


def test_an_entry_that_was_packed_is_copied_after_some_hits(module: Any, keyring: Any) -> None:
    content = b"".join(bytes(block) for block in Entry.of(things(module), META).pack(ADDRESS, keyring))
    entry = Entry.open(content, ADDRESS, keyring)
    assert structure(hits(entry, 8)) == structure(things(module))
    assert entry.beside.size > entry.size


@pytest.mark.parametrize("body", ["pass", "values = property()", "def __setattr__(self, name, value): raise KeyError"])
def test_a_class_that_is_defined_again_makes_the_next_hits(module: Any, body: str) -> None:
    entry = Entry.of(things(module), META)
    before = type(hits(entry, 7)[0])
    define(module, body)
    assert {type(thing) for thing in hits(entry, 1)} == {module.Thing} != {before}
    assert entry.beside.size == 0
    assert {type(thing) for thing in hits(entry, 7)} == {module.Thing}


def no_attribute(thing: object, name: str) -> Any:
    raise AttributeError(name)


CHANGES: dict[str, Any] = {
    "__setstate__": lambda thing, state: vars(thing).update(state),
    "__reduce_ex__": lambda thing, protocol: object.__reduce_ex__(thing, protocol),
    "__new__": lambda kind: object.__new__(kind),
    "__getattr__": no_attribute,
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_class_that_is_changed_in_place_is_left_to_pickle(module: Any, name: str) -> None:
    entry = Entry.of(things(module), META)
    hits(entry, 7)
    assert entry.beside.size
    setattr(module.Thing, name, CHANGES[name])
    hits(entry, 1)
    assert entry.beside.size == 0


def test_a_property_that_comes_later_is_not_asked(module: Any) -> None:
    entry = Entry.of(things(module), META)
    hits(entry, 7)
    module.Thing.number = property(lambda self: 99)
    made = hits(entry, 1)[7]
    assert (made.number, vars(made)["number"]) == (99, 7)


def test_a_class_that_is_gone_fails_as_in_pickle(module: Any) -> None:
    entry = Entry.of(things(module), META)
    hits(entry, 7)
    del module.Thing
    with pytest.raises(Exception, match="Thing"):
        hits(entry, 1)


def test_the_collector_is_as_it_was(module: Any) -> None:
    entry = Entry.of(things(module), META)
    was = gc.isenabled()
    try:
        for wanted in (gc.enable, gc.disable):
            wanted()
            hits(entry, 8)
            assert gc.isenabled() is (wanted is gc.enable)
    finally:
        (gc.enable if was else gc.disable)()


def test_what_is_kept_for_hits_counts_towards_the_bound(module: Any) -> None:
    store = MemoryStore()
    other = ADDRESS._replace(key="f" * len(ADDRESS.key))
    large = store.put(ADDRESS, Entry.of(things(module), META))
    store.put(other, Entry.of([1], META))
    bound = 2 * large.size
    assert store.limit(ADDRESS.owner, None, bound) == 0
    hits(large, 8)
    assert store.limit(ADDRESS.owner, None, bound) == 1
    assert store.peek(ADDRESS) is None
    hits(large, 1)
    store.delete(other)
    assert store.limit(ADDRESS.owner, None, 0) == 0
