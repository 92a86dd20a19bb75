"""Is everything as it was: a function generated for exactly the checks that one fingerprint needs.

A guard compares identities, some 20 to 35 ns each, so that a hit pays next to nothing; only values that can
change in place are asked for their digest again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import count
from keyword import iskeyword
from operator import attrgetter, is_
from types import FunctionType
from typing import Any

from nbcache.tracking.registrations import Registered, token
from nbcache.tracking.watch import Watched, changes

Place = tuple[int, str]
"""Where a value was found: the id of the namespace, class or cell that holds it, and its name there."""

_ABSENT_AT_ONCE = 3
_LOADED_AT_ONCE = 3


class Guards:
    """The checks of one fingerprint, collected and then compiled into one function."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {}
        self._entries: dict[tuple[int, str], tuple[Mapping[str, Any], object, Place]] = {}
        self._attributes: dict[tuple[int, str], tuple[object, object, Place | None]] = {}
        self._passes: list[tuple[Callable[[object], object], list[object], list[object]]] = []
        self._contents: list[Callable[[], bool]] = []
        self._joined: set[Place] = set()
        self._known: dict[int, str] = {}
        self._numbers = count()
        self._absent: dict[int, tuple[Mapping[str, Any], dict[str, None]]] = {}
        self._watched = Watched()
        self._registered: Registered | None = None
        self._tables: dict[int, tuple[Mapping[str, Any], dict[str, Any], bool]] = {}
        self._modules: dict[int, dict[str, Any]] = {}
        self._members: dict[int, tuple[type, int, list[tuple[str, object]], bool]] = {}

    def name(self, value: object) -> str:
        """Give the name under which the generated code knows `value`."""
        known = self._known.get(id(value))
        if known is None:
            # Several threads may generate code of one guard: no two of them get one number.
            known = f"_nbcache_{next(self._numbers)}"
            self.names[known] = value  # alive as long as the guard, so the id stays its own
            self._known[id(value)] = known
        return known

    def entry(self, mapping: Mapping[str, Any], key: str, value: object) -> None:
        """`mapping[key]` is still this very object."""
        self._entries[id(mapping), key] = (mapping, value, (id(mapping), key))

    def load(self, namespace: dict[str, Any], name: str, value: object) -> None:
        """A name of a library's module still stands for this very object."""
        self.entry(namespace, name, value)
        self._modules[id(namespace)] = namespace

    def absent(self, mapping: Mapping[str, Any], key: str) -> None:
        """`mapping` still has no such key."""
        self._absent.setdefault(id(mapping), (mapping, {}))[1][key] = None

    def attribute(self, owner: object, attribute: str, value: object, place: Place | None = None) -> None:
        """`owner.attribute` is still this very object; for owners whose attributes cannot play tricks."""
        self._attributes[id(owner), attribute] = (owner, value, place)

    def attributes(self, attribute: str, owners: list[object]) -> None:
        """Each of these still has the very same object there; asked for all of them in one pass."""
        get = attrgetter(attribute)
        self._passes.append((get, owners, list(map(get, owners))))

    def function(self, function: FunctionType) -> None:
        """`function` still has the very same code and defaults."""
        self._watched.add(function)

    def cls(self, cls: type) -> None:
        """`cls` still derives from the very same classes, and has its name and its metaclass."""
        self._watched.add_class(cls)

    def registered(self, registered: Registered) -> None:
        """The same classes are registered on abstract ones."""
        self._registered = registered

    def release(self, place: Place) -> None:
        """Do not hold on to the object at `place`: a check of its content does without.

        A guard that kept every global alive would keep a table in memory that the user has deleted.
        """
        self._entries = {key: entry for key, entry in self._entries.items() if entry[2] != place}
        self._attributes = {key: entry for key, entry in self._attributes.items() if entry[2] != place}

    def table(self, owner: object, mapping: Mapping[str, Any], *, ordered: bool = True) -> None:
        """`mapping` (of a class, a module, a function) still holds exactly these values, in this order if it counts."""
        self.name(owner)  # keeps it alive, so that its id stays its own
        self._tables[id(mapping)] = (mapping, dict(mapping), ordered)

    def members(self, owner: type, functions: Iterable[tuple[str, object]], always: bool) -> None:
        """A library's class has got no new member, and these functions of it are the very same.

        Parameters
        ----------
        always : false: a function whose arguments are plain never meets an instance, and need not ask
        """
        known = self._members.get(id(owner))
        size = len(owner.__dict__)
        self._members[id(owner)] = (owner, size, list(functions), always or (known is not None and known[3]))

    def content(self, unchanged: Callable[[], bool]) -> None:
        """A value that can change in place is asked at each check; asked last."""
        self._contents.append(unchanged)

    def simple(self) -> bool:
        """Tell whether identity checks are all there is."""
        return not self._contents

    def expression(self, *, plain: bool = True) -> str:
        """Give the identity checks as one expression over `names`.

        Calls with `plain` arguments need fewer. It may raise LookupError, AttributeError or ValueError, which mean a
        change as well.
        """
        entries = list(self._entries.items())
        checks = list(self._loads(entries))
        checks += [
            f"{self.name(mapping)}[{key!r}] is {self.name(value)}"
            for (owner, key), (mapping, value, _) in entries
            if (owner, key) not in self._joined
        ]
        checks += [
            f"{self.name(owner)}.{attribute} is {self.name(value)}"
            for (_, attribute), (owner, value, _) in self._attributes.items()
        ]
        for get, owners, parts in self._passes:
            held = f"{self.name(map)}({self.name(get)}, {self.name(owners)})"
            checks.append(f"{self.name(all)}({self.name(map)}({self.name(is_)}, {held}, {self.name(parts)}))")
        for mapping, keys in self._absent.values():
            checks.extend(self._absences(mapping, sorted(keys)))
        for mapping, values, ordered in self._tables.values():
            checks.extend(self._table(mapping, values, ordered))
        for cls, size, functions, always in self._members.values():
            if always or not plain:
                checks.append(f"{self.name(len)}({self.name(cls.__dict__)}) == {size}")
                checks.extend(f"{self.name(cls)}.{name} is {self.name(value)}" for name, value in functions)
        if self._watched:
            same = f"{self.name(self._watched.seen)}[0] is {self.name(changes)}[0]"  # the very number it was set to
            checks.insert(0, f"({same} or {self.name(self._watched.unchanged)}())")
        if self._registered is not None:
            same = f"{self.name(token)}() == {self.name(self._registered.seen)}[0]"
            checks.append(f"({same} or {self.name(self._registered.unchanged)}())")
        return " and ".join(checks) if checks else "True"

    def _loads(self, entries: Iterable[tuple[Place, tuple[Mapping[str, Any], object, Place]]]) -> Iterable[str]:
        """Check names of one module by a function in its namespace: these load at half the cost of a look-up."""
        self._joined = set()
        found: dict[int, dict[str, object]] = {}
        for (owner, name), (_, value, _) in entries:
            if owner in self._modules and name.isidentifier() and not iskeyword(name):
                found.setdefault(owner, {})[name] = value
        for owner, names in found.items():
            if len(names) >= _LOADED_AT_ONCE:
                own = [f"_nbcache_{place}" for place in range(len(names))]
                same = " and ".join(f"{name} is {kept}" for name, kept in zip(names, own, strict=True))
                check = eval(f"lambda {', '.join(own)}: {same}")  # only names made here and those of the module
                made = FunctionType(check.__code__, self._modules[owner], "loads", tuple(names.values()))
                self._joined.update((owner, name) for name in names)
                yield f"{self.name(made)}()"

    def _absences(self, mapping: Mapping[str, Any], keys: list[str]) -> Iterable[str]:
        if len(keys) < _ABSENT_AT_ONCE:
            return [f"{key!r} not in {self.name(mapping)}" for key in keys]
        # One call in C is cheaper than three membership tests.
        return [f"{self.name(mapping.keys().isdisjoint)}({self.name(tuple(keys))})"]

    def _table(self, mapping: Mapping[str, Any], values: dict[str, Any], ordered: bool) -> Iterable[str]:
        view = self.name(mapping)
        if not values and type(mapping) is dict:
            yield f"not {view}"
            return
        yield f"{self.name(len)}({view}) == {len(values)}"
        if not ordered:
            for key, value in values.items():
                yield f"{view}[{key!r}] is {self.name(value)}"
        else:
            same = f"{self.name(map)}({self.name(is_)}, {view}.values(), {self.name(list(values.values()))})"
            yield f"{self.name(all)}({same})"

    def hold(self) -> bool:
        """Make all checks once, without generated code: compiling that takes as long as a hundred such looks."""
        watched, registered = self._watched, self._registered
        try:
            return (
                (not watched or watched.seen[0] is changes[0] or watched.unchanged())
                and all(mapping[key] is value for (_, key), (mapping, value, _) in self._entries.items())
                and all(
                    getattr(owner, attribute) is value for (_, attribute), (owner, value, _) in self._attributes.items()
                )
                and all(all(map(is_, map(get, owners), values)) for get, owners, values in self._passes)
                and all(mapping.keys().isdisjoint(keys) for mapping, keys in self._absent.values())
                and all(_same(mapping, values, ordered) for mapping, values, ordered in self._tables.values())
                and all(
                    len(cls.__dict__) == size and all(getattr(cls, name) is value for name, value in functions)
                    for cls, size, functions, _ in self._members.values()
                )
                and (registered is None or token() == registered.seen[0] or registered.unchanged())
                and all(unchanged() for unchanged in self._contents)
            )
        except Exception:
            return False

    def compile(self) -> Callable[[], bool]:
        """Make the function that is true while nothing has changed.

        Notes
        -----
        Any exception while checking (a name is gone, a closure was emptied) means a change; the fingerprint
        is then taken anew, which says what happened.
        """
        checks = [self.expression(plain=False), *[f"{self.name(unchanged)}()" for unchanged in self._contents]]
        parameters = ", ".join(f"{name}={name}" for name in list(self.names))
        source = (
            f"def current({parameters}):\n"
            f"    try:\n"
            f"        return {' and '.join(checks)}\n"
            f"    except Exception:\n"
            f"        return False\n"
        )
        scope: dict[str, Any] = dict(self.names)
        exec(source, scope)  # only names made here and the repr of strings
        current: Callable[[], bool] = scope["current"]
        return current


def _same(mapping: Mapping[str, Any], values: dict[str, Any], ordered: bool) -> bool:
    """Tell whether `mapping` holds exactly these values, in this order if it counts."""
    if len(mapping) != len(values):
        return False
    if ordered:
        return all(map(is_, mapping.values(), values.values()))
    return all(mapping[key] is value for key, value in values.items())
