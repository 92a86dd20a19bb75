"""What have users added to things that are not theirs to define: to classes of libraries, and to functions.

`frame.geo.area()` names nothing that code could be followed by: only `geo` is known, and that some class has it. So
each attribute that code reads is looked up in the classes that libraries mean to be extended, and in those that the
code names; accessors, namespaces and methods of the user's are followed like helpers. What was hung on a function
counts by the same rule.
"""

from __future__ import annotations

import codecs
import copyreg
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

from nbcache.hashing import attributes
from nbcache.tracking import bindings, classes
from nbcache.tracking.code.bytecode import short_digest
from nbcache.tracking.functions import follow_said, follow_text, local_name
from nbcache.tracking.guards import Place
from nbcache.tracking.registrations import Registered, Tables, error_handler, is_abstract
from nbcache.tracking.walker import CodeWalker

__all__ = ["READERS", "SELF_READERS", "Extensions"]

# A line a library: the classes that are registered on, or patched, in practice.
_EXTENDED = {
    "pandas": ("DataFrame", "Series", "Index"),
    "polars": ("DataFrame", "LazyFrame", "Series", "Expr"),
    "xarray": ("Dataset", "DataArray", "DataTree"),
    "geopandas": ("GeoDataFrame", "GeoSeries"),
    "torch": ("Tensor",),
    "sklearn.base": ("BaseEstimator",),
    "matplotlib.axes": ("Axes",),
    "matplotlib.figure": ("Figure",),
    "pathlib": ("Path",),
    "collections": ("Counter",),
    "json": ("JSONEncoder",),
}
# What the functions of a package read of such a class for their caller.
_READ_FOR_CODE = {"json": ("default", "encode", "iterencode")}
# No user puts anything on these: Python refuses it for its own, and each mock has a class that changes with its use.
_OWN_BUSINESS = frozenset(("builtins", *bindings.STAND_INS))
# What reads the annotations of functions, which otherwise do nothing.
ANNOTATION_READERS = frozenset(
    (
        *("get_type_hints", "get_annotations", "__annotations__", "__annotate__", "signature", "getfullargspec"),
        *("validate_call", "beartype", "typechecked", "call_annotate_function"),
    )
)
# What reads the documentation of functions and classes, which otherwise does nothing.
DOC_READERS = frozenset(("__doc__", "getdoc"))
# What reads the text of functions and classes, comments included.
TEXT_READERS = frozenset(("getsource", "getsourcelines", "findsource", "getcomments"))
#: What tells that code asks functions and classes for what they say of themselves.
SELF_READERS = DOC_READERS | TEXT_READERS
# What reads all that hangs on something, by whatever name.
_LISTERS = frozenset(("__dict__", "vars", "dir", "getmembers"))
# What goes from a wrapper to what it wraps.
_UNWRAPPERS = frozenset(("__wrapped__", "unwrap", "signature"))
#: Names of which it matters that code reads them, whatever they are read from.
READERS = ANNOTATION_READERS | SELF_READERS | _UNWRAPPERS | _LISTERS
# What asks `copyreg` for the classes of others.
_PICKLERS = frozenset(("copy", "pickle", "_pickle", "copyreg", "cloudpickle", "joblib", "dill", "shelve"))
_LONGEST_NAME = 100  # of a handler of errors
# Where descriptors that libraries make for an extension keep the class of the user's.
_KEPT = ("_accessor", "_ns", "accessor")


class Addition(NamedTuple):
    """Something on a library's class that the library did not put there.

    Attributes
    ----------
    code : what of it is the user's and is to be followed
    known : what else it is known by: the full name of another function
    """

    owner: type
    name: str
    value: object
    code: tuple[object, ...]
    known: tuple[str, ...]


class Extensions:
    """Follows additions in one walk.

    Attributes
    ----------
    attributes : the names of attributes that the code met reads
    classes : the classes of the user's that were met
    functions : the functions of the user's that were met
    cached : the cached functions that were met
    wrappers : other objects around functions of the user's that were met, such as memos and partial functions
    libraries : classes of packages that were met, by identity
    modules : modules of libraries that code uses as values, by identity
    abstract : classes that were met on which others can be registered, by identity
    """

    def __init__(self, reach: CodeWalker) -> None:
        self.attributes: set[str] = set()
        self.classes: list[type] = []
        self.cached: list[Any] = []
        self.wrappers: list[Any] = []
        self._met: list[type] = []
        self.functions: list[FunctionType] = []
        self.libraries: dict[int, type] = {}
        self.modules: dict[int, ModuleType] = {}
        self.abstract: dict[int, type] = {}
        self._reach = reach
        self._added: set[Place] = set()
        self._annotated: set[int] = set()
        self._described: set[tuple[int, bool]] = set()
        self._listed: set[int] = set()

    def follow(self) -> None:
        """Follow what was hung on functions and classes under a name that some code reads."""
        self.attributes |= READERS & self._reach.names_met  # imported under another name
        self.attributes.update(*[_READ_FOR_CODE[package] for package in _READ_FOR_CODE.keys() & self._reach.tops])
        annotated = not ANNOTATION_READERS.isdisjoint(self.attributes)
        unwrapped = not _UNWRAPPERS.isdisjoint(self.attributes)
        listed = not _LISTERS.isdisjoint(self.attributes)
        for wrapper in (*self.wrappers, *self.cached):
            self._hung_on_wrapper(wrapper, listed)
        for function in self.functions:
            if listed:
                self.hung_on(function)
            elif function.__dict__:
                self._hung_on(function, self.attributes & function.__dict__.keys())
            if unwrapped:
                self._unwrapped(function)
            if annotated:
                self.annotations(function)
        for cached in self.cached if annotated else ():
            self._annotations_of(cached)
        if annotated or not SELF_READERS.isdisjoint(self.attributes):
            self._said(annotated)
        if not _PICKLERS.isdisjoint(self._reach.tops):
            for cls in (*self.classes, *self._met):
                self._registered_for_pickle(cls)
        if "__subclasses__" in self.attributes:
            met, self.classes = self.classes, []
            self._met += met
            for cls in met:
                self._subclasses(cls)
        for module in self.modules.values():
            for name in sorted(self.attributes & module.__dict__.keys()):
                self._reach.names.in_library(module, name)
        self._registered_in_tables()
        self._registered_for_errors()
        if self.attributes or self.libraries:
            self._added_to_classes()

    def hung_on(self, function: FunctionType) -> None:
        """Follow all attributes of a function, whoever may read them."""
        self._reach.guards.table(function, function.__dict__, ordered=False)
        self._hung_on(function, function.__dict__.keys())

    def annotations(self, function: FunctionType) -> None:
        """Count the annotations of a function that something reads, and follow the classes that they name."""
        if id(function) in self._annotated:
            return
        self._annotated.add(id(function))
        written = function.__annotations__
        reach = self._reach
        reach.guards.table(function, written, ordered=False)
        reach.guards.attribute(function, "__annotations__", written)
        texts = [f"{name}: {classes.annotation_text(written[name])}" for name in sorted(written)]
        if texts:
            digest = short_digest(*[text.encode("utf-8", "surrogatepass") for text in texts])
            reach.part(f"annotations of {local_name(function)}", digest, lambda: ", ".join(texts))
        for name in sorted(written):
            for found in classes.classes_in(written[name]):
                reach.cls(found)

    def note_abstract(self, cls: type) -> None:
        """Remember a class on which others may be registered."""
        if is_abstract(cls):
            self.abstract[id(cls)] = cls

    def follow_registered(self, reached: Collection[str]) -> None:
        """Count which classes are registered on the abstract ones that were met."""
        if not self.abstract:
            return
        found = Registered(self.abstract.values(), reached)
        for cls, names in zip(self.abstract.values(), found.names, strict=True):
            if names:
                digest = short_digest(*[name.encode("utf-8", "surrogatepass") for name in names])
                self._reach.part(f"registered on {classes.name_of(cls)}", digest, partial(", ".join, names))
        self._reach.guards.registered(found)
        for namespace, name, cls in found.places:
            self._reach.guards.entry(namespace, name, cls)

    def guard(self, reached: Collection[str]) -> None:
        """Notice later additions to the classes, and functions of theirs that are replaced.

        Parameters
        ----------
        reached : the packages that the code uses; an instance of another's comes in as an argument
        """
        guards = self._reach.guards
        tables = Tables(self._reach.tops)
        if tables:
            guards.content(tables.same)
        for package, owner in _extended_classes() if self.attributes else ():
            guards.members(owner, _replaceable(classes.inherited(owner, self.attributes)), package in reached)
        for owner in self.libraries.values():
            found = list(classes.inherited(owner, self.attributes))
            guards.members(owner, _replaceable(found), True)
            for content, name, value in found:
                if type(value) in (classmethod, staticmethod):  # made anew whenever it is asked for
                    guards.entry(content, name, value)

    def _said(self, annotated: bool) -> None:
        """Count the documentation of functions and classes, and guard annotations of classes, where code reads them."""
        reach = self._reach
        documented = not DOC_READERS.isdisjoint(self.attributes)
        shown = not TEXT_READERS.isdisjoint(self.attributes)
        for value in (*self.functions, *self.classes, *self._met):
            if (id(value), documented or shown) in self._described:
                continue
            self._described.add((id(value), documented or shown))
            if annotated and issubclass(type(value), type):
                reach.guards.table(value, classes.annotations_of(value), ordered=False)  # type: ignore[arg-type]
            if documented:
                follow_said(reach, value, "__doc__")
            if shown:
                follow_text(reach, value)
        for content in reach.contents.taken:
            if content.inside and (id(content), True) not in self._described:
                self._described.add((id(content), True))
                reach.guards.content(content.same_inside)  # others of equal code may say something else

    def _annotations_of(self, cached: Any) -> None:
        """Count annotations that were put on a cached function itself, beside those of the function below."""
        written = vars(cached).get("__annotations__")
        if id(cached) in self._annotated or type(written) is not dict:
            return
        self._annotated.add(id(cached))
        self._reach.guards.entry(cached.__dict__, "__annotations__", written)
        if written is not getattr(cached.__wrapped__, "__annotations__", None):
            self._reach.guards.table(cached, written, ordered=False)
            texts = [f"{name}: {classes.annotation_text(written[name])}" for name in sorted(written)]
            self._reach.mark(b"annotations", *[text.encode("utf-8", "surrogatepass") for text in texts])

    def _unwrapped(self, function: FunctionType) -> None:
        """Notice what a function says it wraps, and that another signature is put on it."""
        inner = function.__dict__.get("__wrapped__")
        if inner is not None:
            self._reach.guards.entry(function.__dict__, "__wrapped__", inner)
        if "signature" in self.attributes:
            self._hung_on(function, ("__signature__",))

    def _hung_on_wrapper(self, wrapper: Any, listed: bool) -> None:
        """Follow what was hung on an object around a function, and nothing that the object keeps there itself."""
        if not listed:
            self._hung_on(wrapper, self.attributes & attributes.given_to(wrapper).keys())
        elif id(wrapper) not in self._listed:
            self._listed.add(id(wrapper))
            names = attributes.given_to(wrapper).keys()
            self._reach.guards.content(lambda: attributes.given_to(wrapper).keys() == names)
            self._reach.mark(b"names", *[name.encode() for name in sorted(names)])
            self._hung_on(wrapper, names)

    def _hung_on(self, function: Any, names: Collection[str]) -> None:
        known = (
            local_name(function) if type(function) is FunctionType else str(getattr(function, "__name__", "partial"))
        )
        for name in sorted(names):
            self._reach.names.function_attribute(function, name, f"{known}.{name}")

    def _subclasses(self, cls: type) -> None:
        """Count which classes derive from one, in their order, and follow them."""
        below: list[type] = type.__subclasses__(cls)
        known = list(map(id, below))
        names = [classes.name_of(found) for found in below]
        digest = short_digest(b"subclasses", *[name.encode() for name in names])
        self._reach.part(f"classes that derive from {classes.name_of(cls)}", digest, lambda: ", ".join(names))
        self._reach.guards.content(lambda: list(map(id, type.__subclasses__(cls))) == known)
        for found in below:
            self._reach.cls(found)

    def _registered_in_tables(self) -> None:
        """Follow what the user has registered with the libraries that the code uses."""
        for entry in Tables(self._reach.tops).entries():
            place = (id(entry.table), entry.place)
            if place not in self._added:
                self._added.add(place)
                self._reach.mark(b"registered", entry.place.encode())
                find = partial(entry.table.__getitem__, entry.key)
                self._reach.value(entry.value, entry.place, place, find)

    def _registered_for_errors(self) -> None:
        """Follow what the user has registered for errors of encoding, under names that stand in the code."""
        for name in list(self._reach.texts):
            place = (id(codecs), name)
            if place in self._added or len(name) > _LONGEST_NAME:
                continue
            self._added.add(place)
            handler = error_handler(name)
            if handler is not None:
                self._reach.mark(b"registered for errors", name.encode("utf-8", "surrogatepass"))
                find = partial(error_handler, name)
                self._reach.guards.content(partial(_finds, find, handler))
                self._reach.value(handler, f"handler of errors {name}", place, find)

    def _registered_for_pickle(self, cls: type) -> None:
        """Follow the function that says what pickle and copy take of an instance, if one is registered."""
        if (id(cls), "pickle") in self._added:
            return
        self._added.add((id(cls), "pickle"))
        registered = copyreg.dispatch_table.get(cls)
        self._reach.guards.content(lambda: copyreg.dispatch_table.get(cls) is registered)
        if registered is not None:
            self._reach.mark(b"registered for pickle")
            name = f"pickle of {classes.name_of(cls)}"
            self._reach.value(registered, name, (id(cls), "pickle"), lambda: copyreg.dispatch_table[cls])

    def _added_to_classes(self) -> None:
        """Follow what users have put on classes of libraries under a name that code reads, or Python asks for."""
        owners = [cls for _, cls in _extended_classes()] + list(self.libraries.values())
        for addition in _additions(owners, self.attributes):
            place = (id(addition.owner), addition.name)
            if place not in self._added:
                self._added.add(place)
                self._added_to(addition, place)

    def _added_to(self, addition: Addition, place: Place) -> None:
        reach, owner = self._reach, classes.name_of(addition.owner)
        reach.guards.entry(classes.dict_of(addition.owner), addition.name, addition.value)
        reach.mark(b"added", owner.encode(), addition.name.encode(), *map(str.encode, addition.known))
        for part in addition.code:
            reach.value(part, f"{owner}.{addition.name}", place, lambda: None)


def _finds(find: Callable[[], object], value: object) -> bool:
    return find() is value


def _extended_classes() -> Iterator[tuple[str, type]]:
    """Give the classes that libraries mean to be extended, as far as these are loaded, and their packages."""
    for place, names in _EXTENDED.items():
        module: Any = sys.modules.get(place)
        if module is not None:
            content = module.__dict__
            for name in names:
                if issubclass(type(content.get(name)), type):
                    yield place.partition(".")[0], content[name]


def _additions(owners: Iterable[type], names: Iterable[str]) -> Iterator[Addition]:
    """Find what users have put on classes, or their bases, under one of these names."""
    wanted = classes.SPECIAL.union(names)
    seen: set[int] = set()
    for owner in owners:
        for cls in type.__dict__["__mro__"].__get__(owner):
            if id(cls) in seen or classes.module_of(cls) in _OWN_BUSINESS:
                continue
            seen.add(id(cls))
            content = classes.dict_of(cls)
            for name in sorted(content.keys() & wanted):
                value = content[name]
                if name in classes.SPECIAL and type(value) is FunctionType and _is_generated(value):
                    continue
                code, known = tuple(_users_code(value)), bindings.other_function(cls, name, value)
                if code or known:
                    yield Addition(cls, name, value, code, known)


def _replaceable(found: Iterable[tuple[Any, str, object]]) -> Iterator[tuple[str, object]]:
    """Give the functions and properties among what a class has or inherits; each may be replaced."""
    return ((name, value) for _, name, value in found if type(value) in (FunctionType, property))


def _is_generated(function: FunctionType) -> bool:
    """Tell whether a function was made from a text, as those of named tuples and of attrs are, in no module."""
    module = sys.modules.get(str(function.__globals__.get("__name__")))
    return getattr(module, "__dict__", None) is not function.__globals__


def _users_code(value: object) -> Iterator[object]:
    kind = type(value)
    parts: list[object] = [value]
    if bindings.is_stand_in(value):
        yield value
        return
    if kind is property:
        parts = [value.fget, value.fset, value.fdel]  # type: ignore[attr-defined]
    elif kind is staticmethod or kind is classmethod:
        parts = [value.__func__]  # type: ignore[attr-defined]
    elif kind is not FunctionType:
        content = attributes.held_by(value) or {}
        parts = [content.get(name) for name in _KEPT]
    for part in parts:
        if (type(part) is FunctionType or issubclass(type(part), type)) and bindings.kind_of(part) == bindings.USERS:
            yield part
