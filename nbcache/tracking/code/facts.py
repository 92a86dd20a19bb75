"""What does a code object say: the names it reads, writes and imports, and the texts in it.

Nothing here looks at a value: names are only collected, `reach` and `resolution` look them up.
"""

from __future__ import annotations

import dis
import linecache
import os
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import resolve_name
from types import CodeType
from typing import NamedTuple

from nbcache.tracking.code.bytecode import Step, digest_of, name_in, steps_of
from nbcache.tracking.code.remembered import ByIdentity
from nbcache.tracking.code.strings import may_name
from nbcache.tracking.code.text_reads import NOTHING, TextReads, text_reads

Chain = tuple[str, ...]

_CONSTS = frozenset(dis.hasconst)
_GLOBAL_READS = frozenset(
    {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF"}
)
_LOCAL_READS = frozenset({"LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_FAST_BORROW", "LOAD_FAST_AND_CLEAR", "LOAD_DEREF"})
_DEREFS = frozenset({"LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF"})
_LOCAL_WRITES = frozenset({"STORE_FAST", "STORE_DEREF", "STORE_NAME", "STORE_GLOBAL"})
# Between the parts of `a.b.c(...)` or `a.b += 1`, and of no meaning for it.
_FILLER = frozenset({"PUSH_NULL", "NOP", "CACHE", "COPY"})
# What reads attributes that a text names.
_BY_TEXT = frozenset({"getattr", "hasattr", "attrgetter", "methodcaller"})
_MATCHED = {"MATCH_SEQUENCE": "Sequence", "MATCH_MAPPING": "Mapping"}
_LONGEST_TEXT = 1024
_HEAD = re.compile(r"^(?:async\s+def|def|class)\b", re.MULTILINE)


class Import(NamedTuple):
    """An import inside a function: `attributes` are read from `module`; empty: the module itself is used."""

    module: str
    level: int
    attributes: Chain

    def absolute(self, namespace: Mapping[str, object]) -> str | None:
        """The full name of the module, for code that runs in a namespace; None where it is above the package."""
        if not self.level:
            return self.module
        package = namespace.get("__package__") or namespace.get("__name__")
        try:
            return resolve_name("." * self.level + self.module, str(package))
        except (ImportError, ValueError):
            return None


@dataclass(frozen=True, slots=True)
class Facts:
    """What one code object, and those nested in it, says.

    Attributes
    ----------
    digest : 16 bytes, the same for equal behaviour
    reads : chains read from globals or builtins, such as ("np", "linalg", "norm"), in order of appearance
    free : chains read from closure variables or local names, such as ("helper_mod", "f")
    writes : globals assigned or deleted
    attribute_writes : chains assigned to, such as ("config", "debug")
    stores : names assigned at the top level of the code (for code that runs in a namespace)
    imports : what is imported inside, with the attributes read from it
    texts : string constants without line breaks
    attributes : names of attributes read from anything, constants given to `getattr` included
    hidden : names that stand in texts, beyond those in `reads`
    statements : string constants that may be queries, SQL or formats
    notes : dynamic code, in the user's words
    """

    digest: bytes
    reads: tuple[Chain, ...]
    free: tuple[Chain, ...]
    writes: frozenset[str]
    attribute_writes: frozenset[Chain]
    stores: frozenset[str]
    imports: tuple[Import, ...]
    texts: tuple[str, ...]
    attributes: frozenset[str]
    hidden: TextReads
    statements: tuple[str, ...]
    notes: tuple[str, ...]


_facts: ByIdentity[CodeType, Facts] = ByIdentity(8192)


def facts_of(code: CodeType) -> Facts:
    """Say what `code` reads, writes and does; remembered by identity."""
    known = _facts.get(code)
    return known if known is not None else _facts.put(code, _Reading(code).facts())


class _Reading:
    """One pass over one code object."""

    def __init__(self, code: CodeType) -> None:
        self.code = code
        self.steps = steps_of(code)
        varnames = code.co_varnames
        cells = tuple(name for name in code.co_cellvars if name not in varnames)
        self.locals = varnames + cells + code.co_freevars
        self.cells = frozenset(code.co_cellvars + code.co_freevars)
        self.reads: dict[Chain, None] = {}
        self.free: dict[Chain, None] = {}
        self.writes: set[str] = set()
        self.attribute_writes: set[Chain] = set()
        self.stores: set[str] = set()
        self.imported: list[Import] = []
        self.aliases: dict[str, list[Import]] = {}
        self.texts: dict[str, None] = {}
        self.attributes: set[str] = set()
        self.hidden = NOTHING
        self.statements: dict[str, None] = {}
        self.notes: dict[str, None] = {}
        self.used: set[object] = set()

    def facts(self) -> Facts:
        self._names()
        self._texts()
        for constant in self.code.co_consts:
            if type(constant) is CodeType:
                self._nested(facts_of(constant))
            elif constant in self.used if type(constant) is str else type(constant) in (tuple, frozenset):
                self._text(constant)
        free = [chain for chain in self.free if chain[0] not in self.aliases]
        return Facts(
            digest_of(self.code),
            tuple(self.reads),
            tuple(free),
            frozenset(self.writes),
            frozenset(self.attribute_writes),
            frozenset(self.stores),
            self._imports(),
            tuple(self.texts),
            frozenset(self.attributes),
            self.hidden,
            tuple(self.statements),
            tuple(self.notes),
        )

    def _nested(self, inner: Facts, reads: tuple[Chain, ...] | None = None) -> None:
        self.reads.update(dict.fromkeys(inner.reads if reads is None else reads))
        self.free.update(dict.fromkeys(inner.free))
        self.writes |= inner.writes
        self.attribute_writes |= inner.attribute_writes
        self.imported.extend(inner.imports)
        self.texts.update(dict.fromkeys(inner.texts))
        self.attributes |= inner.attributes
        self.hidden = self.hidden.joined(inner.hidden)
        self.statements.update(dict.fromkeys(inner.statements))
        self.notes.update(dict.fromkeys(inner.notes))

    def _texts(self) -> None:
        """Add the names that texts and namespaces are asked for."""
        self.hidden = found = text_reads(self.code, self.steps)
        self.reads.update(dict.fromkeys((name,) for name in sorted(found.names)))
        self.notes.update(dict.fromkeys(found.notes))
        for source in found.sources:
            try:
                inner = facts_of(compile(source.strip(), "<text>", "exec", dont_inherit=True))
            except (SyntaxError, ValueError):  # the run will say so
                continue
            own = inner.stores.union(self.locals)
            self._nested(inner, tuple(chain for chain in inner.reads if chain[0] not in own))
        self.statements = {text: None for text in self.used if type(text) is str and may_name(text)}

    def _text(self, constant: object) -> None:
        if type(constant) is str:
            if 0 < len(constant) <= _LONGEST_TEXT and "\n" not in constant and "\0" not in constant:
                self.texts[constant] = None
        elif isinstance(constant, tuple | frozenset):
            for item in constant:
                self._text(item)

    def _imports(self) -> tuple[Import, ...]:
        """Join local names bound by imports with the attributes read from them."""
        read = {chain[0] for chain in self.free}
        unused = [bound for name, all_bound in self.aliases.items() if name not in read for bound in all_bound]
        # Imported and not used: it runs all the same.
        found = dict.fromkeys([*self.imported, *[bound._replace(attributes=("__name__",)) for bound in unused]])
        for chain in self.free:
            for bound in self.aliases.get(chain[0], ()):
                found[bound._replace(attributes=bound.attributes + chain[1:])] = None
        return tuple(found)

    def _names(self) -> None:
        """Walk the instructions once, joining each loaded name with the attributes taken from it."""
        chain: Chain = ()
        free = False
        constants: list[object] = [None, None]
        module: Import | None = None
        pending: Import | None = None
        named = False
        importer = False
        asking = False
        asked: Chain = ()

        def settle() -> None:
            nonlocal chain, importer, asking, asked
            asked = () if free or (chain[-1:] and chain[-1] in _BY_TEXT) else chain
            if chain:
                (self.free if free else self.reads)[chain] = None
                if not free:
                    asking = asking or chain[-1] in _BY_TEXT
                importer = chain[-1] in ("import_module", "__import__")
            chain = ()

        for step in self.steps:
            name = step.name
            if name in _FILLER:
                continue
            if name in ("LOAD_ATTR", "LOAD_METHOD"):
                attribute = name_in(self.code, step)
                self.attributes.add(attribute)
                if chain:
                    chain = (*chain, attribute)
                continue
            if name == "STORE_ATTR" and chain:
                self.attribute_writes.add((*chain, name_in(self.code, step)))
            settle()
            if step.op in _CONSTS:
                constant = self.code.co_consts[step.arg]
                constants = [constants[-1], constant]
                if type(constant) is not CodeType:
                    self._use(constant)
                if asking and type(constant) is str and constant.isidentifier():
                    self.attributes.add(constant)
                    if asked:
                        self.reads[(*asked, constant)] = None
                if importer and type(constant) is str:
                    self.imported.append(Import(constant, 0, ()))
                importer = False
            elif name == "LOAD_SMALL_INT":
                constants = [constants[-1], step.arg]
            elif name in _DEREFS:
                chain, free = (self.locals[step.arg],), True
            elif name in _GLOBAL_READS:
                chain, free = (name_in(self.code, step),), False
            elif name in _LOCAL_READS:
                local = self.locals[step.arg]
                # From 3.13 on, LOAD_FAST hands a whole cell to an inner function; that reads nothing.
                if name == "LOAD_DEREF" or local not in self.cells:
                    chain, free = (local,), True
            elif name == "IMPORT_NAME":
                level = constants[0] if isinstance(constants[0], int) else 0
                wanted = constants[1]
                module = Import(name_in(self.code, step), level, ())
                pending = module if wanted else module._replace(module=module.module.partition(".")[0])
                named = wanted is not None
                if not named and "." in module.module:
                    self.imported.append(Import(module.module, level, ("__name__",)))
            elif name == "IMPORT_FROM" and module is not None:
                # `from a import b, c` takes each from `a`; `import a.b.c as d` goes from one to the next.
                bound = module if named or pending is None else pending
                pending = bound._replace(attributes=(*bound.attributes, name_in(self.code, step)))
            elif name in _MATCHED:
                # The pattern asks for a flag that classes have which are registered there.
                self.imported.append(Import("collections.abc", 0, (_MATCHED[name],)))
            elif name in _LOCAL_WRITES:
                self._store(step, pending)
                pending = None
            elif name in ("DELETE_GLOBAL", "DELETE_NAME"):
                self.writes.add(name_in(self.code, step))
            if importer and step.op not in _CONSTS:
                self.notes["import of a computed name"] = None
                importer = False
        settle()

    def _store(self, step: Step, bound: Import | None) -> None:
        """Note what a store binds: an import, a global, a name of the namespace."""
        named = step.name in ("STORE_NAME", "STORE_GLOBAL")
        target = name_in(self.code, step) if named else self.locals[step.arg]
        if bound is not None:
            self.aliases.setdefault(target, []).append(bound)
            if named:
                self.imported.append(bound)
        if step.name == "STORE_GLOBAL":
            self.writes.add(target)
        elif step.name == "STORE_NAME":
            self.stores.add(target)

    def _use(self, constant: object) -> None:
        if type(constant) is str:
            self.used.add(constant)


class LateSource:
    """The source of code that is read when somebody looks, which a hit never does."""

    __slots__ = ("_code", "_written")

    def __init__(self, code: CodeType) -> None:
        self._code = code
        self._written = _written(code.co_filename)

    def __call__(self) -> str:
        """Give it, or "" if the file was written since the code was met: its lines may be others."""
        return source_of(self._code) if _written(self._code.co_filename) == self._written else ""


def _written(name: str) -> tuple[int, int] | None:
    """When a file was written, and its length; None for a cell, whose lines are in memory."""
    try:
        status = os.stat(name)
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size


def source_of(code: CodeType, limit: int = 2000) -> str:
    """Give the lines of source that `code` was compiled from, without decorators; "" when they are not known."""
    linecache.checkcache(code.co_filename)  # a reloaded module has new lines
    lines: Sequence[str] = linecache.getlines(code.co_filename)
    first = code.co_firstlineno - 1
    if not lines or first < 0 or first >= len(lines):
        return ""
    last = first
    pending = [code]
    while pending:
        inner = pending.pop()
        last = max(last, *(end or 0 for _, end, _, _ in inner.co_positions()))
        pending.extend(constant for constant in inner.co_consts if type(constant) is CodeType)
    text = "".join(lines[first : max(last, first + 1)])
    text = textwrap.dedent(text).rstrip()
    if text.startswith("@") and (head := _HEAD.search(text)):
        text = text[head.start() :]  # decorators are no part of the code: those that count are followed by themselves
    return text if len(text) <= limit else text[: limit - 3] + "..."
