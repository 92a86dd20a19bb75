"""What does a code object say: a digest free of layout, and the names it reads, writes and imports.

Two code objects get the same digest when they would run alike: comments, line numbers, file names and
docstrings do not count; constants count with their type. Nothing here looks at a value: names are only
collected, `reach` resolves them.
"""

from __future__ import annotations

import dis
import linecache
import struct
import textwrap
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import CodeType, EllipsisType
from typing import NamedTuple

import xxhash

Chain = tuple[str, ...]

_CACHE = dis.opmap.get("CACHE", 0)
_EXTENDED = dis.opmap["EXTENDED_ARG"]
_NOP = dis.opmap["NOP"]
_CONSTS = frozenset(dis.hasconst)
_NAMES = frozenset(dis.hasname)
_JUMPS = frozenset(dis.hasjrel)
# How far the index of a name is shifted to make room for flags: (LOAD_GLOBAL, LOAD_ATTR, LOAD_SUPER_ATTR).
_SHIFT = {"LOAD_GLOBAL": 1, "LOAD_SUPER_ATTR": 2}
if "LOAD_METHOD" not in dis.opmap or dis.opmap["LOAD_METHOD"] > 255:  # 3.12: methods are loaded by LOAD_ATTR
    _SHIFT["LOAD_ATTR"] = 1
_GLOBAL_READS = frozenset(
    {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF"}
)
_LOCAL_READS = frozenset({"LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_FAST_BORROW", "LOAD_FAST_AND_CLEAR", "LOAD_DEREF"})
_PAIRS = frozenset({"LOAD_FAST_LOAD_FAST", "LOAD_FAST_BORROW_LOAD_FAST_BORROW", "STORE_FAST_LOAD_FAST"})
_DEREFS = frozenset({"LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF"})
_LOCAL_WRITES = frozenset({"STORE_FAST", "STORE_DEREF", "STORE_NAME", "STORE_GLOBAL"})
# Between the parts of `a.b.c(...)`, and of no meaning for it.
_FILLER = frozenset({"PUSH_NULL", "NOP", "CACHE"})
# What a class body writes about itself: text and positions, never behaviour.
_COSMETIC = frozenset({"__doc__", "__firstlineno__", "__static_attributes__", "__qualname__", "__module__"})
_DYNAMIC = frozenset({"eval", "exec", "compile", "globals", "locals", "vars"})
_ENVIRONMENT = frozenset({("os", "environ"), ("os", "getenv"), ("os", "environb"), ("os", "getenvb")})
_LONGEST_TEXT = 1024


class Import(NamedTuple):
    """An import inside a function: `attributes` are read from `module`; empty: the module itself is used."""

    module: str
    level: int
    attributes: Chain


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
    notes : dynamic code and environment reads, in the user's words
    """

    digest: bytes
    reads: tuple[Chain, ...]
    free: tuple[Chain, ...]
    writes: frozenset[str]
    attribute_writes: frozenset[Chain]
    stores: frozenset[str]
    imports: tuple[Import, ...]
    texts: tuple[str, ...]
    notes: tuple[str, ...]


class Step(NamedTuple):
    """One instruction: caches and prefixes folded in; `target` is the ordinal that a jump goes to."""

    op: int
    name: str
    arg: int
    offset: int
    after: int


_facts: OrderedDict[int, tuple[CodeType, Facts]] = OrderedDict()
_REMEMBERED = 8192


def facts_of(code: CodeType) -> Facts:
    """Say what `code` reads, writes and does; remembered by identity.

    Notes
    -----
    Code objects compare equal too easily to serve as keys, so each is kept alive under its id.
    """
    found = _facts.get(id(code))
    if found is not None and found[0] is code:
        return found[1]
    facts = _Reading(code).facts()
    _facts[id(code)] = (code, facts)
    while len(_facts) > _REMEMBERED:
        try:
            _facts.popitem(last=False)
        except KeyError:  # another thread emptied it first
            break
    return facts


def framed(*fields: bytes) -> bytes:
    """Join byte strings so that no two different sequences give the same result."""
    return b"".join(piece for field in fields for piece in (len(field).to_bytes(8, "little"), field))


def short_digest(*fields: bytes) -> bytes:
    """Digest a sequence of byte strings to 16 bytes."""
    return xxhash.xxh3_128_digest(framed(*fields))


def constant_bytes(value: object) -> bytes:
    """Spell a constant with its type: 1, 1.0, True, 0.0 and -0.0 all differ; frozensets have no order."""
    kind = type(value)
    name = kind.__name__.encode()
    if kind is CodeType:
        return framed(b"code", facts_of(value).digest)  # type: ignore[arg-type]
    if value is None or kind is EllipsisType:
        return framed(name)
    if kind is float:
        return framed(name, struct.pack("<d", value))
    if kind is complex:
        return framed(name, struct.pack("<dd", value.real, value.imag))  # type: ignore[attr-defined]
    if kind is str:
        return framed(name, value.encode("utf-8", "surrogatepass"))  # type: ignore[attr-defined]
    if kind is bytes:
        return framed(name, value)  # type: ignore[arg-type]
    if kind is tuple:
        return framed(name, *[constant_bytes(item) for item in value])  # type: ignore[attr-defined]
    if kind is frozenset:
        return framed(name, *sorted(constant_bytes(item) for item in value))  # type: ignore[attr-defined]
    if kind is slice:
        return framed(name, *[constant_bytes(item) for item in (value.start, value.stop, value.step)])  # type: ignore[attr-defined]
    return framed(name, repr(value).encode())


def steps_of(code: CodeType) -> list[Step]:
    """Decode the instructions, without caches, prefixes and NOPs (which only carry line numbers)."""
    raw = code.co_code
    steps = []
    prefix = 0
    start = -1
    index, end = 0, len(raw)
    while index < end:
        op, arg = raw[index], raw[index + 1] | prefix
        if start < 0:
            start = index
        index += 2
        if op == _EXTENDED:
            prefix = arg << 8
            continue
        prefix = 0
        while index < end and raw[index] == _CACHE and op != _CACHE:
            index += 2
        if op != _NOP and op != _CACHE:
            steps.append(Step(op, dis.opname[op], arg, start, index))
        start = -1
    return steps


def _exception_table(code: CodeType) -> Iterator[tuple[int, int, int, int]]:
    """Read (start, end, target, depth and lasti) in bytes from the packed exception table."""
    table = iter(code.co_exceptiontable)

    def number() -> int:
        byte = next(table)
        value = byte & 63
        while byte & 64:
            byte = next(table)
            value = (value << 6) | (byte & 63)
        return value

    while True:
        try:
            start = number() * 2
        except StopIteration:
            return
        yield start, start + number() * 2, number() * 2, number()


class _Reading:
    """One pass over one code object."""

    def __init__(self, code: CodeType) -> None:
        self.code = code
        self.steps = steps_of(code)
        varnames = code.co_varnames
        cells = tuple(name for name in code.co_cellvars if name not in varnames)
        self.locals = varnames + cells + code.co_freevars
        self.reads: dict[Chain, None] = {}
        self.free: dict[Chain, None] = {}
        self.writes: set[str] = set()
        self.attribute_writes: set[Chain] = set()
        self.stores: set[str] = set()
        self.imported: list[Import] = []
        self.aliases: dict[str, list[Import]] = {}
        self.texts: dict[str, None] = {}
        self.notes: dict[str, None] = {}
        self.skipped: set[int] = set()
        self.used: set[object] = set()

    def facts(self) -> Facts:
        self._names()
        digest = self._digest()
        for constant in self.code.co_consts:
            if type(constant) is CodeType:
                self._nested(facts_of(constant))
            elif constant in self.used if type(constant) is str else type(constant) in (tuple, frozenset):
                self._text(constant)
        free = [chain for chain in self.free if chain[0] not in self.aliases]
        return Facts(
            digest,
            tuple(self.reads),
            tuple(free),
            frozenset(self.writes),
            frozenset(self.attribute_writes),
            frozenset(self.stores),
            self._imports(),
            tuple(self.texts),
            tuple(self.notes),
        )

    def _nested(self, inner: Facts) -> None:
        self.reads.update(dict.fromkeys(inner.reads))
        self.free.update(dict.fromkeys(inner.free))
        self.writes |= inner.writes
        self.attribute_writes |= inner.attribute_writes
        self.imported.extend(inner.imports)
        self.texts.update(dict.fromkeys(inner.texts))
        self.notes.update(dict.fromkeys(inner.notes))

    def _text(self, constant: object) -> None:
        if type(constant) is str:
            if 0 < len(constant) <= _LONGEST_TEXT and "\n" not in constant and "\0" not in constant:
                self.texts[constant] = None
        elif isinstance(constant, tuple | frozenset):
            for item in constant:
                self._text(item)

    def _imports(self) -> tuple[Import, ...]:
        """Join local names bound by imports with the attributes read from them."""
        found: dict[Import, None] = dict.fromkeys(self.imported)
        for chain in self.free:
            for bound in self.aliases.get(chain[0], ()):
                found[bound._replace(attributes=bound.attributes + chain[1:])] = None
        return tuple(found)

    def _name(self, step: Step) -> str:
        return self.code.co_names[step.arg >> _SHIFT.get(step.name, 0)]

    def _digest(self) -> bytes:
        code = self.code
        ordinals = {step.offset: position for position, step in enumerate(self.steps)}
        starts = sorted(ordinals)
        fields: list[bytes] = []

        def ordinal(offset: int) -> int:
            """Count the instructions before `offset`; a NOP that was dropped stands for the next one."""
            known = ordinals.get(offset)
            if known is None:
                known = bisect_left(starts, offset)
            return known

        for position, step in enumerate(self.steps):
            if position in self.skipped:
                continue
            fields.append(bytes((step.op,)))
            if step.op in _CONSTS:
                fields.append(constant_bytes(code.co_consts[step.arg]))
            elif step.op in _NAMES:
                shift = _SHIFT.get(step.name, 0)
                fields.append(b"%d %s" % (step.arg & ((1 << shift) - 1), self._name(step).encode()))
            elif step.op in _JUMPS:
                ahead = -2 if "BACKWARD" in step.name else 2
                fields.append(b"%d" % (ordinal(step.after + ahead * step.arg) - position))
            else:
                fields.append(b"%d" % step.arg)
        for start, end, target, depth in _exception_table(code):
            fields.append(b"%d %d %d %d" % (ordinal(start), ordinal(end), ordinal(target), depth))
        arguments = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags & ~0x4000000)
        names = (*code.co_varnames, "", *code.co_cellvars, "", *code.co_freevars, "", code.co_name)
        return short_digest(b"%d %d %d %d" % arguments, *[name.encode() for name in names], *fields)

    def _names(self) -> None:
        """Walk the instructions once, joining each loaded name with the attributes taken from it."""
        chain: Chain = ()
        free = False
        constants: list[object] = [None, None]
        module: Import | None = None
        pending: Import | None = None
        importer = False

        def settle() -> None:
            nonlocal chain, importer
            if chain:
                (self.free if free else self.reads)[chain] = None
                if not free:
                    self._note(chain)
                    importer = chain[-1] in ("import_module", "__import__")
            chain = ()

        for position, step in enumerate(self.steps):
            name = step.name
            if name in _FILLER:
                continue
            if name in ("LOAD_ATTR", "LOAD_METHOD"):
                if chain:
                    chain = (*chain, self._name(step))
                continue
            if name == "STORE_ATTR" and chain:
                self.attribute_writes.add((*chain, self._name(step)))
            settle()
            if step.op in _CONSTS:
                constant = self.code.co_consts[step.arg]
                constants = [constants[-1], constant]
                if type(constant) is not CodeType:
                    self._use(constant)
                if importer and type(constant) is str:
                    self.imported.append(Import(constant, 0, ()))
                importer = False
            elif name == "LOAD_SMALL_INT":
                constants = [constants[-1], step.arg]
            elif name in _DEREFS:
                chain, free = (self.locals[step.arg],), True
            elif name in _GLOBAL_READS:
                chain, free = (self._name(step),), False
            elif name in _LOCAL_READS:
                chain, free = (self.locals[step.arg],), True
            elif name in _PAIRS:
                if not name.startswith("STORE"):
                    self.free[(self.locals[step.arg >> 4],)] = None
                chain, free = (self.locals[step.arg & 15],), True
            elif name == "IMPORT_NAME":
                level = constants[0] if isinstance(constants[0], int) else 0
                wanted = constants[1]
                module = Import(self._name(step), level, ())
                pending = module if wanted else module._replace(module=module.module.partition(".")[0])
                if wanted is None and level == 0 and "." in module.module:
                    self.imported.append(Import(module.module, level, ("__name__",)))
            elif name == "IMPORT_FROM" and module is not None:
                pending = module._replace(attributes=(self._name(step),))
            elif name in _LOCAL_WRITES:
                self._store(position, step, pending)
                pending = None
            elif name in ("DELETE_GLOBAL", "DELETE_NAME"):
                self.writes.add(self._name(step))
            if importer and not chain[-1:] and step.op not in _CONSTS:
                self.notes["import of a computed name"] = None
                importer = False
        settle()

    def _store(self, position: int, step: Step, bound: Import | None) -> None:
        """Note what a store binds: an import, a global, a name of the namespace, or a class's text."""
        named = step.name in ("STORE_NAME", "STORE_GLOBAL")
        target = self._name(step) if named else self.locals[step.arg]
        if bound is not None:
            self.aliases.setdefault(target, []).append(bound)
            if named:
                self.imported.append(bound)
        if step.name == "STORE_GLOBAL":
            self.writes.add(target)
        elif step.name == "STORE_NAME":
            self.stores.add(target)
            if target in _COSMETIC and position:
                self.skipped.update((position - 1, position))

    def _use(self, constant: object) -> None:
        if type(constant) is str:
            self.used.add(constant)

    def _note(self, chain: Chain) -> None:
        if chain[0] in _DYNAMIC:
            self.notes[f"{chain[0]}()"] = None
        if chain[:2] in _ENVIRONMENT:
            self.notes[".".join(chain[:2])] = None


def source_of(code: CodeType, limit: int = 2000) -> str:
    """Give the lines of source that `code` was compiled from, or "" when they are not known."""
    lines: Sequence[str] = linecache.getlines(code.co_filename)
    first = code.co_firstlineno - 1
    if not lines or first < 0 or first >= len(lines):
        return ""
    last = first
    pending = [code]
    while pending:
        inner = pending.pop()
        last = max(last, *(line or 0 for _, _, line in inner.co_lines()), 0)
        pending.extend(constant for constant in inner.co_consts if type(constant) is CodeType)
    text = "".join(lines[first : max(last, first + 1)])
    text = textwrap.dedent(text).rstrip()
    return text if len(text) <= limit else text[: limit - 3] + "..."
