"""What does a function reach: its helpers, classes, globals and modules, found by walking names, never guessed.

The walk goes over code objects, resolves the names they read in their own namespaces, and looks into functions,
classes and modules of the user. It calls nothing of the user's, but for hashing globals by content and importing the
modules that a function imports itself. What it cannot follow is named once, and never an error.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import cached_property, partial, partialmethod, singledispatchmethod
from operator import attrgetter, methodcaller
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any

from nbcache.tracking import bindings, classes, packages
from nbcache.tracking.additions import READERS, Extensions
from nbcache.tracking.code.bytecode import framed, short_digest
from nbcache.tracking.code.facts import Facts, LateSource, facts_of
from nbcache.tracking.contents import Content, Contents, path_texts
from nbcache.tracking.functions import (
    follow_annotations,
    follow_parts,
    local_name,
    look_through,
    reads_annotations,
)
from nbcache.tracking.guards import Guards, Place
from nbcache.tracking.members import follow_class, follow_module
from nbcache.tracking.observations.generators.draws import tell_original
from nbcache.tracking.observations.generators.objects import found, global_name, inside, is_generator, name_of
from nbcache.tracking.origins import UNCHANGED, Origins
from nbcache.tracking.packages import Home
from nbcache.tracking.registrations import abstract_inside
from nbcache.tracking.resolution import Names
from nbcache.tracking.wrappers import DESCRIPTORS, inner_functions

Get = Callable[[], object]

_C_CALLABLES = (*bindings.C_CALLABLES, GetSetDescriptorType, MemberDescriptorType)
_LOOKED_INTO = (
    *(FunctionType, MethodType, ModuleType, CodeType, type, property, staticmethod, classmethod),
    *(partial, partialmethod, cached_property, singledispatchmethod, *_C_CALLABLES),
)
_HEAP_TYPE = 1 << 9
_CHANGEABLE = _HEAP_TYPE | 1 << 8  # made at run time, and not immutable
_OTHERS = frozenset(("package", "stdlib"))
_PLAIN = frozenset(map(id, (object, type, int, str, float, bool, list, dict, tuple, set, frozenset, bytes, type(None))))


class Reach:
    """One walk; `origins` and `ending` say as what contents count that the function changes itself.

    Attributes
    ----------
    parts : code, classes, modules and packages in order of discovery: label, digest, and what gives a summary
    record : everything that counts, in order of discovery
    guards : tell when the walk must be done again
    assigned : places of globals that the code itself assigns; that one of them is not there yet counts as a content
    provisional : whether something counts as it does only while a run is under way
    depends : what cached functions on the way were told to depend on
    tops : the top-level modules of libraries that were met
    generators : random generators at names of modules, as keys, whose states are observed and no content
    held : those in other places, with what holds each
    unfollowed, texts : what could not be followed; string constants met (both as keys, in order)
    """

    def __init__(
        self,
        contents: Contents,
        *,
        track: bool,
        home: dict[str, Any] | None,
        ignore: frozenset[str],
        origins: Origins = UNCHANGED,
        ending: str = "",
        hints: bool = False,
    ) -> None:
        self.guards = Guards()
        self.contents = contents
        self.names = Names(self, home, ignore)
        self.parts: list[tuple[str, bytes, Callable[[], str]]] = []
        self.record: list[bytes | Content] = []
        self.unfollowed: dict[str, None] = {}
        self.texts: dict[str, None] = {}
        self.assigned: set[Place] = set()
        self.depends: list[object] = []
        self._track = track
        self.provisional = False
        self._hints = hints
        self._followed: list[FunctionType] = []
        self._origins = origins
        self._ending = ending
        self._nodes: dict[int, tuple[int, object]] = {}
        self._held: dict[int, Content] = {}
        self._queue: deque[Callable[[], None]] = deque()
        self.tops: set[str] = set()
        self.names_met: set[str] = set()  # of functions of others, however they were imported
        self.generators: dict[str, None] = {}
        self.held: list[tuple[str, Any]] = []
        self._packages: set[Home] = set()
        self.extensions = Extensions(self)

    def run(self) -> None:
        """Follow everything that was asked for, until nothing new is found."""
        while self._queue:
            self._queue.popleft()()
            if not self._queue and self._track:
                self.names.follow_statements()
                self.extensions.follow()
            if not self._queue and self._hints:
                functions, self._followed = self._followed, []
                for function in functions:
                    follow_annotations(self, function)
        if self._track:
            self.extensions.follow_registered(self.tops)
            self.extensions.guard({home.package for home in self._packages})

    def value(self, value: object, name: str, place: Place, get: Get, *, kind: str = "global") -> None:
        """Follow whatever was found under `name`; `get` finds it again later."""
        try:
            self._look(value, name, place, get, kind)
        except Exception as error:  # objects may raise anything when they are looked at; that is no reason to fail
            self.mark(b"unfollowed", type(error).__name__.encode())
            self.unfollowed[f"{kind} {name} ({type(error).__name__})"] = None

    def _look(self, value: object, name: str, place: Place, get: Get, kind: str) -> None:
        value = tell_original(value)
        cls = type(value)
        if cls is FunctionType:
            self.function(value, f"{'method' if kind == 'method' else 'helper'} {name}")  # type: ignore[arg-type]
        elif cls is MethodType:
            self.value(value.__func__, name, place, lambda: get().__func__)  # type: ignore[attr-defined]
            self._owner(value.__self__, name, place)  # type: ignore[attr-defined]
        elif issubclass(cls, _C_CALLABLES) or cls.__name__ == "cython_function_or_method":
            self._in_c(value, name, place)
        elif issubclass(cls, ModuleType):
            self.module(value, name)  # type: ignore[arg-type]
        elif issubclass(cls, type):
            self.cls(value)  # type: ignore[arg-type]
        elif issubclass(cls, partial | partialmethod) and not getattr(cls, "__nbcache__", False):
            self.value(value.func, name, place, get)  # type: ignore[attr-defined]
            for part in ("func", "args", "keywords"):
                self.guards.attribute(value, part, getattr(value, part))
            self.guards.table(value, value.keywords)  # type: ignore[attr-defined]
            self.extensions.wrappers.append(value)
            arguments = (value.args, *sorted(value.keywords.items()))  # type: ignore[attr-defined]
            self.content(arguments, f"arguments of {name}", (id(value), "args"), lambda: arguments)
        elif cls is CodeType:
            self.code(value, self.names.home or {}, f"code {name}")  # type: ignore[arg-type]
        else:
            inner = inner_functions(value)
            if inner and type(getattr(value, "__dict__", None)) is dict and not issubclass(cls, DESCRIPTORS):
                self.extensions.wrappers.append(value)
            if issubclass(cls, attrgetter | methodcaller):
                self.extensions.attributes.update(*[str(part).split(".") for part in value.__reduce__()[1]])
            if getattr(cls, "__nbcache__", False) is True and not self.met(value, b"cached"):
                self.depends.extend(getattr(value, "__nbcache_depends_on__", ()))
                self.extensions.cached.append(value)
                if getattr(value, "__self__", None) is not None:
                    self._owner(value.__self__, name, place)  # type: ignore[attr-defined]
            for function in inner:
                self.value(function, name, place, get, kind=kind)
            if issubclass(cls, cached_property):
                self.guards.attribute(value, "func", value.func)  # type: ignore[attr-defined]
            if inner and type(options := getattr(value, "targetoptions", None)) is dict:
                self.mark(b"compiled", repr(sorted(options.items())).encode())
            if not inner:
                self.cls(cls)
                self.content(value, f"{kind} {name}", place, get)
            elif not issubclass(cls, DESCRIPTORS):
                self.package(_home_of_class(cls))

    def looks_into(self, value: object) -> bool:
        """Tell whether `value` is followed otherwise than by content."""
        return issubclass(type(value), _LOOKED_INTO) or bool(inner_functions(value))

    def content(
        self,
        value: object,
        label: str,
        place: Place,
        get: Get,
        *,
        quiet: bool = False,
        settled: bool = False,
        paths: bool = True,
    ) -> None:
        """Count a value by its content, and follow the functions, classes and modules met inside.

        Parameters
        ----------
        quiet : do not report a value that cannot be read
        settled : the value does not change in place, so it is not asked again
        paths : texts in it may name files of the user's
        """
        if self._track and (known := global_name(value) or (is_generator(value) and name_of(*place))):
            self.mark(b"generator", known.encode())
            if ":" in known:
                self.generators[known] = None
            return
        again = self._held.get(id(value))
        if again is not None and type(value) is not tuple:
            # It holds functions, of which each may hold it: once is enough, and who holds it is guarded by identity.
            self.record.append(again)
            self.met(value, b"again")
            return
        if self._track and (generators := inside(value)):
            known = name_of(*place)
            for path, generator in generators.items():
                if known and found(f"{known}{path}") is generator:
                    self.generators[f"{known}{path}"] = None
                else:
                    self.held.append((label, generator))
        content = self.contents.take(value, label, place, get)
        content.counted, awaited = self._origins.counted(content.label + self._ending, content.digest)
        self.provisional = self.provisional or awaited
        self.record.append(content)
        held = self._inside(content, quiet)
        if len(held) > 1:
            self.met(value, b"holds")
            self._held[id(value)] = content
        if content.unreadable and not quiet:
            self.unfollowed[f"{content.label} ({content.unreadable})"] = None
        if content.whole and not (content.fixed or settled):
            self.guards.content(content.unchanged)
            if content.alone:
                self.guards.release(place)
        if paths:
            self.texts.update(dict.fromkeys(path_texts(value)))
        if type(value) is str:
            self.names.statements[value] = None
        for cls in abstract_inside(value):
            self.extensions.note_abstract(cls)
        for one in held if self._track else ():
            inner = getattr(one, "__qualname__", None)
            self.value(one, inner if type(inner) is str else label, (id(one), ""), lambda: None)

    def _inside(self, content: Content, quiet: bool) -> Sequence[object]:
        """What to follow from inside a value; where a run has left it, what was in it before."""
        if content.counted != content.digest:
            known = self._origins.inside(content.label + self._ending, content.counted)
            content.inside = known if known is not None else () if quiet else content.inside
        return content.inside

    def function(self, function: FunctionType, label: str) -> None:
        """Follow a function: its code, defaults and closure, and the names that its code reads."""
        if self.met(function, b"function"):
            return
        home = packages.home_of_namespace(function.__globals__)
        if home.kind == "local":
            self._queue.append(lambda: self._follow(function, label))
        else:
            # Not the user's: but a library's decorator may hold a function of the user's, and arguments given to it.
            self.package(home)
            self._named(function)
            if "__wrapped__" in function.__dict__:
                self.extensions.wrappers.append(function)
            self._queue.append(lambda: look_through(self, function, label, home))

    def code(self, code: CodeType, namespace: dict[str, Any], label: str = "code") -> None:
        """Follow code that runs in `namespace`; the names that it assigns there are its own."""
        if self.met(code, b"block"):
            return
        facts = self._code(code, label)
        self.names.ignore |= facts.stores
        if self._track:
            self._queue.append(lambda: self.names.follow(facts, namespace, label))

    def annotations(self, function: FunctionType) -> None:
        """Count the annotations of a function of the user's, which something reads."""
        if self._track and packages.home_of_namespace(function.__globals__).kind == "local":
            self.extensions.annotations(function)

    def module(self, module: ModuleType, name: str) -> None:
        """Follow a whole module; a third party's by version."""
        if self.met(module, b"module"):
            return
        home = packages.home_of_module(module)
        if module.__dict__.get("__name__") == "__main__":
            self.unfollowed["module __main__"] = None
        elif home.kind == "local":
            self._queue.append(lambda: follow_module(self, module, name))
        else:
            self.tops.add(str(module.__dict__.get("__name__")).partition(".")[0])
            self.mark(str(module.__dict__.get("__name__")).encode())
            self.package(home)

    def cls(self, cls: type) -> None:
        """Follow a class; a third party's by version."""
        if id(cls) in _PLAIN:
            self.mark(b"class", classes.name_of(cls).encode())
            return
        if self.met(cls, b"class"):
            return
        home = _home_of_class(cls)
        self.mark(str(classes.module_of(cls)).encode(), classes.name_of(cls).encode())
        if home.kind != "local":
            self.tops.add(str(classes.module_of(cls)).partition(".")[0])
            self.package(home)
            self.of_library(cls)
        elif self._track:
            self.extensions.classes.append(cls)
            self.extensions.note_abstract(cls)
            self._queue.append(lambda: follow_class(self, cls))

    @property
    def packages(self) -> frozenset[str]:
        """The distributions that were met, by their normalised names."""
        return frozenset(home.package for home in self._packages)

    def of_library(self, value: object) -> None:
        """Note a class or a module of a library that code names: users may have added to it."""
        cls = type(value)
        if issubclass(cls, type):
            self.extensions.note_abstract(value)  # type: ignore[arg-type]
            if value.__flags__ & _CHANGEABLE == _HEAP_TYPE and _home_of_class(value).kind in _OTHERS:  # type: ignore[attr-defined,arg-type]
                self.extensions.libraries[id(value)] = value  # type: ignore[assignment]
        elif issubclass(cls, ModuleType):
            self.extensions.modules[id(value)] = value  # type: ignore[assignment]

    def package(self, home: Home) -> None:
        """Count the version of an installed package."""
        if home.kind == "package" and home not in self._packages:
            self._packages.add(home)
            self.part(f"package {home.package}", short_digest(*map(str.encode, home)), lambda: home.version)

    def part(self, label: str, digest: bytes, summary: Callable[[], str]) -> None:
        """Count a thing that has a digest of its own."""
        self.parts.append((label, digest, summary))
        self.mark(b"part", digest)

    def met(self, value: object, kind: bytes) -> bool:
        """Write a reference to `value` into the record; true when it was met before."""
        known = self._nodes.get(id(value))
        if known is None:
            self._nodes[id(value)] = (len(self._nodes), value)
        self.mark(kind, b"%d" % self._nodes[id(value)][0])
        return known is not None

    def mark(self, *fields: bytes) -> None:
        """Write something that counts into the record."""
        self.record.append(framed(*fields))

    def _owner(self, owner: object, name: str, place: Place) -> None:
        """Follow the object that a method is bound to."""
        self.value(owner, f"{name}.__self__", (place[0], f"{place[1]}.__self__"), lambda: owner)

    def _in_c(self, value: object, name: str, place: Place) -> None:
        """A function written in C stands for its full name, its package's version, and what it is bound to."""
        owner = getattr(value, "__self__", None)
        self._named(value)
        if type(value) is BuiltinFunctionType and owner is not None and not issubclass(type(owner), ModuleType | type):
            self._owner(owner, name, place)
            return
        module = getattr(value, "__module__", None) or getattr(getattr(value, "__objclass__", None), "__module__", None)
        if type(module) is str:
            self.package(packages.home_of_name(module))

    def _named(self, value: object) -> None:
        """Count what is known by its module and its qualified name."""
        module, name = bindings.full_name(value)
        self.tops.add(module.partition(".")[0])
        self.names_met.add(name.rpartition(".")[2])
        self.mark(b"named", module.encode(), name.encode())

    def _code(self, code: CodeType, label: str) -> Facts:
        facts = facts_of(code)
        self.part(label, facts.digest, LateSource(code))
        self.texts.update(dict.fromkeys(facts.texts))
        self.extensions.attributes |= facts.attributes
        self.extensions.attributes |= READERS.intersection(chain[0] for chain in facts.reads)
        return facts

    def _follow(self, function: FunctionType, label: str) -> None:
        self.guards.function(function)
        self.extensions.functions.append(function)
        facts = self._code(function.__code__, label)
        follow_parts(self, function, facts, label)
        self._followed.append(function)
        self._hints = self._hints or reads_annotations(facts)
        if self._track:
            self.names.follow(facts, function.__globals__, local_name(function))


def _home_of_class(cls: type) -> Home:
    module = classes.module_of(cls)
    return packages.STDLIB if module == "builtins" else packages.home_of_name(module)
