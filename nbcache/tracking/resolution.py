"""Where does a name lead: through namespaces, builtins and modules, as the code would look it up."""

from __future__ import annotations

import builtins
import importlib
import sys
from collections.abc import Iterable
from functools import partial
from types import FunctionType, ModuleType
from typing import Any

from nbcache.hashing.attributes import held_by
from nbcache.tracking import bindings, packages
from nbcache.tracking.code.facts import Chain, Facts, Import
from nbcache.tracking.code.strings import at_names, fields, identifiers, is_bare, is_sql, may_be_table
from nbcache.tracking.code.text_reads import NOTHING, TextReads
from nbcache.tracking.contents import fixed
from nbcache.tracking.functions import SAID, follow_said
from nbcache.tracking.guards import Place
from nbcache.tracking.options.objects import follow_library_object
from nbcache.tracking.unfollowed import named, outside
from nbcache.tracking.walker import CodeWalker

Namespace = dict[str, Any]

# What Python itself has; IPython and others add to it.
_CONSTANTS = frozenset(("True", "False", "None", "Ellipsis", "NotImplemented", "__debug__"))
_BUILTINS = _CONSTANTS.union(
    name
    for name, value in vars(builtins).items()
    if callable(value) and getattr(value, "__module__", "") in ("builtins", "_io", "_sitebuiltins")
)
_WRITTEN = """
    __name__ __file__ __doc__ __builtins__ __spec__ __loader__ __package__ __cached__ __path__ __annotations__
    __warningregistry__ __annotate__ __conditional_annotations__
"""
# What Python writes into every module; `__file__` differs between machines that do the same.
MODULE_NAMES = frozenset(_WRITTEN.split())
_SHELL_TOOLS = frozenset({"get_ipython", "exit", "quit", "display"})
# The values that were shown last count like any other.
_LAST_OUTPUTS = frozenset(("_", "__", "___"))
_SHELL_NAMES = frozenset(("In", "Out", "_oh", "_dh", "_ih", "_i", "_ii", "_iii"))
# As what a name counts that the code assigns and that is not there yet.
_NOT_THERE = "<not there>"
# What wrappers, ours among them, keep for themselves.
_OF_WRAPPERS = frozenset(("__wrapped__", "_path", "_below", "owner"))


class Names:
    """Resolves the names that code reads, for one walk."""

    def __init__(self, reach: CodeWalker, home: Namespace | None, ignore: frozenset[str]) -> None:
        self.home = home
        self.ignore = ignore
        self._reach = reach
        self._seen: set[tuple[int, Chain]] = set()
        self._taken: set[Place] = set()
        self.statements: dict[str, None] = {}
        self._open: list[tuple[Namespace, TextReads]] = []

    def follow(self, facts: Facts, namespace: Namespace, where: str) -> None:
        """Follow all names that some code reads in its namespace."""
        reach = self._reach
        for name in sorted(facts.writes):
            reach.assigned.add((id(namespace), name))
            reach.unfollowed[f"global {self._label(namespace, name)} (assigned by {where})"] = None
        for note in facts.notes:
            reach.unfollowed[f"{note} in {where}"] = None
        for wanted in facts.imports:
            self._import(wanted, namespace, where)
            if not wanted.level and (place := named(".".join((wanted.module, *wanted.attributes)))):
                reach.unfollowed[f"{place} in {where}"] = None
        for chain in sorted(facts.attribute_writes):
            self._attribute_write(namespace, chain, where)
        self._hidden(facts, namespace)
        for chain in facts.reads:
            self.chain(namespace, chain)
            first = chain[0]
            place = outside(namespace[first], chain[1:]) if first in namespace else named(f"builtins.{first}")
            if place:
                reach.unfollowed[f"{place} in {where}"] = None

    def _hidden(self, facts: Facts, namespace: Namespace) -> None:
        """Follow names that stand in texts; those that `facts.reads` has are followed with it."""
        found = facts.hidden
        self.statements.update(dict.fromkeys(facts.statements))
        if found is NOTHING:
            return
        for root, words in found.bare:
            module = namespace.get(root)
            name = str(module.__dict__.get("__name__")) if issubclass(type(module), ModuleType) else root
            if is_bare(name):
                self._present(namespace, words)
        self._tables(namespace, found.tables)
        self._present(namespace, found.present)
        main: Any = sys.modules.get("__main__")
        for name in sorted(found.main):
            home = namespace if "get_ipython" in namespace or main is None else main.__dict__
            self.chain(home, (name,))
        if found.open_queries or found.open_sql or found.open_formats or found.open_formulas:
            self._open.append((namespace, found))

    def follow_statements(self) -> None:
        """Follow names in texts that a query, SQL or a format may have been given from elsewhere."""
        for namespace, found in self._open:
            for text in list(self.statements):
                if found.open_queries:
                    self._present(namespace, at_names(text))
                if found.open_sql and is_sql(text):
                    self._tables(namespace, identifiers(text))
                if found.open_formats:
                    self._present(namespace, fields(text))
                if found.open_formulas and "~" in text:
                    self._present(namespace, identifiers(text))

    def _present(self, namespace: Namespace, words: Iterable[str]) -> None:
        for word in sorted(words):
            if word in namespace:
                self.chain(namespace, (word,))
            else:
                self._reach.guards.absent(namespace, word)

    def _tables(self, namespace: Namespace, words: Iterable[str]) -> None:
        """Follow the words of SQL that name something like a table."""
        for word in sorted(words):
            if word not in namespace:
                self._reach.guards.absent(namespace, word)
            elif may_be_table(namespace[word]):
                self.chain(namespace, (word,))
            else:
                self._reach.guards.entry(namespace, word, namespace[word])

    def _label(self, namespace: Namespace, name: str) -> str:
        module = namespace.get("__name__")
        if namespace is self.home or type(module) is not str or module == "__main__":
            return name
        return f"{module}.{name}"

    def chain(self, namespace: Namespace, chain: Chain) -> None:
        """Follow one chain such as `np.linalg.norm`, from a name in a namespace."""
        name = chain[0]
        place = (id(namespace), name)
        if (id(namespace), chain) in self._seen or name in MODULE_NAMES:
            return
        self._seen.add((id(namespace), chain))
        if (namespace is self.home and name in self.ignore) or self._of_shell(namespace, name):
            return
        reach = self._reach
        label = self._label(namespace, name)
        if place in reach.assigned:
            self._assigned(namespace, name, label)
            return
        if name not in namespace:
            self._builtin(namespace, name)
            return
        value = namespace[name]
        reach.mark(b"name", name.encode())
        reach.guards.entry(namespace, name, value)
        if issubclass(type(value), ModuleType):
            self.attributes(value, chain[1:], label)
            return
        if place not in self._taken:
            self._taken.add(place)
            reach.value(value, label, place, partial(namespace.__getitem__, name))
        self.attributes_of(value, chain[1:2], label)

    def _of_shell(self, namespace: Namespace, name: str) -> bool:
        """Tell whether a name is IPython's own; its history is never followed."""
        if "get_ipython" not in namespace:
            return False
        if name in _LAST_OUTPUTS:
            return False
        if name in _SHELL_NAMES or (name[:1] == "_" and name[1:].removeprefix("i").isdigit()):
            self._reach.unfollowed[f"{name} of the shell"] = None
            return True
        return name in _SHELL_TOOLS and not packages.is_users(namespace.get(name))

    def _builtin(self, namespace: Namespace, name: str) -> None:
        """Follow a name that the namespace does not have: Python's own, or somebody's addition to builtins."""
        reach = self._reach
        reach.guards.absent(namespace, name)
        given = namespace.get("__builtins__")
        given = given.__dict__ if issubclass(type(given), ModuleType) else given
        if not isinstance(given, dict) or name not in given:
            reach.mark(b"undefined", name.encode())
            if isinstance(given, dict):
                reach.guards.absent(given, name)
            return
        value = given[name]
        if given is builtins.__dict__:
            reach.guards.attribute(builtins, name, value)  # a specialized load, cheaper than a look into the dict
        else:
            reach.guards.entry(given, name, value)
        if name in _SHELL_TOOLS or name in _SHELL_NAMES:
            return
        if name not in _BUILTINS or (not fixed(value) and packages.is_users(value)):
            reach.mark(b"name", name.encode())
            reach.value(value, name, (id(given), name), partial(given.__getitem__, name))
        elif not fixed(value) and (found := bindings.foreign_name(builtins, name, value)):
            reach.mark(b"bound", *[word.encode() for word in found])

    def attributes(self, module: ModuleType, rest: Chain, label: str) -> None:
        """Follow attributes through modules of the user's, as far as they are modules."""
        reach = self._reach
        for place, name in enumerate(rest):
            if packages.home_of_module(module).kind != "local":
                reach.module(module, label)
                self._library(module, rest[place:])
                return
            if name in MODULE_NAMES:
                return
            content = module.__dict__
            label = f"{content.get('__name__', label)}.{name}"
            reach.mark(b"attribute", name.encode())
            if (id(content), name) in reach.assigned:
                self._assigned(content, name, label)
                return
            if name not in content:
                self._on_demand(content, name, label)
                return
            value = content[name]
            reach.guards.entry(content, name, value)
            if not issubclass(type(value), ModuleType):
                if (id(content), name) not in self._taken:
                    self._taken.add((id(content), name))
                    reach.value(value, label, (id(content), name), partial(content.__getitem__, name))
                self.attributes_of(value, rest[place + 1 : place + 2], label)
                return
            module = value
        reach.module(module, label)
        if packages.home_of_module(module).kind != "local":
            reach.of_library(module)

    def _library(self, module: ModuleType, rest: Chain, *, loaded: bool = True) -> None:
        """Follow attributes of a library's module: what is not the package's own counts by name, code or content.

        Where it was perhaps not `loaded` at an earlier look, only what the user made counts: the rest comes with it.
        """
        reach = self._reach
        for place, name in enumerate(rest):
            if name in MODULE_NAMES or bindings.is_left_alone(module, name):
                return
            content = module.__dict__
            if name not in content:
                reach.guards.absent(content, name)
                if "__getattr__" in content or type(module) is not ModuleType:
                    bindings.made_on_demand(module, name)
                return
            value = content[name]
            reach.guards.load(content, name, value)
            kind = bindings.kind_of(value)
            label = f"{content.get('__name__')}.{name}"
            if kind == bindings.USERS:
                self._put_there(content, name, rest[place + 1 :], label)
                return
            if kind == bindings.DATA and loaded and not bindings.was_made_on_demand(module, name):
                self._take(content, name, f"global {label}")
            follow_library_object(reach, content, name, rest[place + 1 :], label)
            if kind != bindings.LIBRARY:
                return
            found = bindings.foreign_name(module, name, value) if loaded else ()
            if found:
                reach.mark(b"bound", name.encode(), *[word.encode() for word in found])
            if not issubclass(type(value), ModuleType):
                reach.of_library(value)
                return
            module = value
            loaded = loaded and "__getattr__" not in content
            if found:
                reach.package(packages.home_of_module(module))

    def in_library(self, module: ModuleType, name: str) -> None:
        """Follow one name of a library's module that code has in its hands, if the user has put something there."""
        content = module.__dict__
        if name in content and name not in MODULE_NAMES and not bindings.is_left_alone(module, name):
            self._reach.guards.load(content, name, content[name])
            if bindings.kind_of(content[name]) == bindings.USERS:
                self._put_there(content, name, (), f"{content.get('__name__')}.{name}")

    def _put_there(self, content: Namespace, name: str, rest: Chain, label: str) -> None:
        """Follow what the user has put under a library's name."""
        reach = self._reach
        value = content[name]
        reach.mark(b"attribute", name.encode())
        if issubclass(type(value), ModuleType):
            self.attributes(value, rest, label)
        elif (id(content), name) not in self._taken:
            self._taken.add((id(content), name))
            reach.value(value, label, (id(content), name), partial(content.__getitem__, name))

    def _take(self, content: Namespace, name: str, label: str) -> None:
        """Count plain data under a library's name."""
        if (id(content), name) not in self._taken:
            self._taken.add((id(content), name))
            get = partial(content.__getitem__, name)
            self._reach.content(content[name], label, (id(content), name), get, paths=False)

    def _on_demand(self, content: Namespace, name: str, label: str) -> None:
        """Follow a module's `__getattr__`, which makes a name when it is first asked for."""
        reach = self._reach
        reach.guards.absent(content, name)
        reach.mark(b"undefined", name.encode())
        maker = content.get("__getattr__")
        if type(maker) is FunctionType:
            reach.guards.entry(content, "__getattr__", maker)
            reach.function(maker, f"helper {label}")
            reach.unfollowed[f"{label} (made on demand)"] = None

    def _assigned(self, content: Namespace, name: str, label: str) -> None:
        """Follow a name that the code itself assigns, which may not be there before the first run."""
        reach = self._reach
        if (id(content), name) in self._taken:
            return
        self._taken.add((id(content), name))
        if name in content:
            reach.guards.entry(content, name, content[name])
        else:
            reach.guards.absent(content, name)
        get = partial(content.get, name, _NOT_THERE)
        reach.content(get(), f"global {label}", (id(content), name), get)

    def attributes_of(self, value: object, names: Iterable[str], label: str) -> None:
        """Follow attributes that code reads of a function or a class, by these names."""
        if self._reach.looks_into(value):
            for name in names:
                self.function_attribute(value, name, f"{label}.{name}")

    def function_attribute(self, function: Any, name: str, label: str) -> None:
        """Follow `helper.limit`: an attribute hung on a function counts when it is read."""
        reach = self._reach
        if name in SAID:
            follow_said(reach, function, name)
            return
        content = held_by(function)
        if content is None or name in _OF_WRAPPERS or hasattr(type(function), name):
            return
        if (id(content), name) in reach.assigned:
            self._assigned(content, name, label)
        elif (id(content), name) not in self._taken:
            self._taken.add((id(content), name))
            if type(function) is FunctionType:
                reach.guards.attribute(function, "__dict__", content)  # another may be put in its place
            if name not in content:
                reach.guards.absent(content, name)
                return
            reach.guards.entry(content, name, content[name])
            reach.value(content[name], label, (id(content), name), partial(content.__getitem__, name))

    def _attribute_write(self, namespace: Namespace, chain: Chain, where: str) -> None:
        """`module.name = value`: that name is the function's own, like a global that it assigns."""
        owner: object = namespace.get(chain[0])
        for name in chain[1:-1]:
            owner = owner.__dict__.get(name) if issubclass(type(owner), ModuleType) else None
        if issubclass(type(owner), ModuleType | FunctionType) or getattr(type(owner), "__nbcache__", False) is True:
            self._reach.assigned.add((id(owner.__dict__), chain[-1]))
            self._reach.unfollowed[f"global {'.'.join(chain)} (assigned by {where})"] = None

    def _import(self, wanted: Import, namespace: Namespace, where: str) -> None:
        """Follow an import inside a function; a module of the user's is imported, as the function would do."""
        reach = self._reach
        name = wanted.absolute(namespace)
        if name == "__main__" and wanted.attributes not in ((), ("__name__",)):
            self.chain(sys.modules[name].__dict__, wanted.attributes)
            return
        if name is None or name == "__main__":
            reach.unfollowed[f"import of {wanted.module or '.'} in {where}"] = None
            return
        home = packages.home_of_name(name)
        module: Any = sys.modules.get(name)
        if home.kind != "local":
            reach.package(home)
            if issubclass(type(module), ModuleType):
                reach.guards.entry(sys.modules, name, module)
                self._library(module, wanted.attributes, loaded=False)
            else:
                reach.guards.absent(sys.modules, name)
            return
        if module is None:
            try:
                module = importlib.import_module(name)
            except (Exception, SystemExit) as error:  # the user's module: it may raise anything
                reach.mark(b"no module", name.encode())
                reach.unfollowed[f"import of {name} in {where} ({type(error).__name__})"] = None
                return
        reach.guards.entry(sys.modules, name, module)
        reach.mark(b"import", name.encode())
        if not issubclass(type(module), ModuleType):
            return
        first = wanted.attributes[:1]
        if first and first[0] not in module.__dict__ and "__path__" in module.__dict__:
            self._import(Import(f"{name}.{first[0]}", 0, wanted.attributes[1:]), namespace, where)
        else:
            self.attributes(module, wanted.attributes, name)
