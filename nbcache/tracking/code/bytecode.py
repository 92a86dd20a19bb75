"""What would code do: a digest of a code object that is free of its layout.

Two code objects get the same digest when they run alike: comments, line numbers, file names and docstrings do not
count; constants count with their type. It is taken over the instructions with constants and names put in, so that a
docstring, which shifts every constant by one, changes nothing.
"""

from __future__ import annotations

import dis
import struct
from bisect import bisect_left
from collections.abc import Iterator
from types import CodeType, EllipsisType
from typing import NamedTuple

import xxhash

from nbcache.tracking.code.remembered import ByIdentity

_CACHE = dis.opmap.get("CACHE", 0)
_EXTENDED = dis.opmap["EXTENDED_ARG"]
_WITHOUT_EFFECT = frozenset(dis.opmap[name] for name in ("NOP", "CACHE", "NOT_TAKEN") if name in dis.opmap)
# Instructions that CPython writes for two when these stand on one line, and as a matter of optimisation.
_PAIRS = {
    dis.opmap[pair]: (dis.opmap[first], dis.opmap[second])
    for pair, first, second in (
        ("LOAD_FAST_LOAD_FAST", "LOAD_FAST", "LOAD_FAST"),
        ("STORE_FAST_LOAD_FAST", "STORE_FAST", "LOAD_FAST"),
        ("STORE_FAST_STORE_FAST", "STORE_FAST", "STORE_FAST"),
        ("LOAD_FAST_BORROW_LOAD_FAST_BORROW", "LOAD_FAST", "LOAD_FAST"),
    )
    if dis.opmap.get(pair, 256) < 256
}
_SAME = {dis.opmap[name]: dis.opmap["LOAD_FAST"] for name in ("LOAD_FAST_BORROW",) if dis.opmap.get(name, 256) < 256}
_CONSTS = frozenset(dis.hasconst)
_NAMES = frozenset(dis.hasname)
_JUMPS = frozenset(dis.hasjrel)
# How far the index of a name is shifted to make room for flags.
_SHIFT = {"LOAD_GLOBAL": 1, "LOAD_SUPER_ATTR": 2}
if dis.opmap.get("LOAD_METHOD", 256) > 255:  # from 3.12 on, methods are loaded by LOAD_ATTR
    _SHIFT["LOAD_ATTR"] = 1
# How a method of a module is called depends on where the import stands: as a method, with room for `self`, or, below
# an import in the same text, as a function, with NULL in that place. Which of the two it is has no effect.
_ROOM = frozenset(dis.opmap[name] for name in ("PUSH_NULL",) if name in dis.opmap)
_LOADS = {
    dis.opmap[name]: dis.opmap[plain]
    for name, plain in (("LOAD_METHOD", "LOAD_ATTR"), ("LOAD_ATTR", "LOAD_ATTR"), ("LOAD_GLOBAL", "LOAD_GLOBAL"))
    if dis.opmap.get(name, 256) < 256
}
# What a class body writes about itself: text and positions, never behaviour.
_COSMETIC = frozenset({"__doc__", "__firstlineno__", "__static_attributes__", "__qualname__", "__module__"})
# Flags: written inside another function, which changes nothing; has a docstring.
_SAID_OF_TEXT = 0x10 | 0x4000000
# Imports from `__future__` show in the instructions, but where more code is compiled by them.
_SAID_ELSEWHERE = _SAID_OF_TEXT | 0x1FE0000
_COMPILERS = frozenset({"exec", "eval", "compile"})

_digests: ByIdentity[CodeType, bytes] = ByIdentity(8192)


class Step(NamedTuple):
    """One instruction: caches and prefixes folded in; `target` is the ordinal that a jump goes to."""

    op: int
    name: str
    arg: int
    offset: int
    after: int


def framed(*fields: bytes) -> bytes:
    """Join byte strings so that no two different sequences give the same result."""
    return b"".join([piece for field in fields for piece in (len(field).to_bytes(8, "little"), field)])


def short_digest(*fields: bytes) -> bytes:
    """Digest a sequence of byte strings to 16 bytes."""
    return xxhash.xxh3_128_digest(framed(*fields))


def digest_of(code: CodeType) -> bytes:
    """Digest what `code` does to 16 bytes; remembered by identity."""
    return _digests.get(code) or _digests.put(code, _digest(code))


def name_in(code: CodeType, step: Step) -> str:
    """Give the name that an instruction speaks of."""
    return code.co_names[step.arg >> _SHIFT.get(step.name, 0)]


def _digest(code: CodeType) -> bytes:
    steps = [step for step in steps_of(code) if step.op not in _ROOM]
    starts = [step.offset for step in steps]

    def ordinal(offset: int) -> int:
        """Count the instructions before `offset`; a NOP that was dropped stands for the next one."""
        return bisect_left(starts, offset)

    fields: list[bytes] = []
    skipped = _cosmetic(code, steps)
    for position, step in enumerate(steps):
        if position in skipped:
            continue
        fields.append(bytes((_LOADS.get(step.op, step.op),)))
        if step.op in _CONSTS:
            fields.append(constant_bytes(code.co_consts[step.arg]))
        elif step.op in _NAMES:
            flags = 0 if step.op in _LOADS else step.arg & ((1 << _SHIFT.get(step.name, 0)) - 1)
            fields.append(b"%d %s" % (flags, name_in(code, step).encode()))
        elif step.op in _JUMPS:
            ahead = -2 if "BACKWARD" in step.name else 2
            fields.append(b"%d" % (ordinal(step.after + ahead * step.arg) - position))
        else:
            fields.append(b"%d" % step.arg)
    for start, end, target, depth in _exception_table(code):
        fields.append(b"%d %d %d %d" % (ordinal(start), ordinal(end), ordinal(target), depth))
    flags = code.co_flags & ~(_SAID_ELSEWHERE if _COMPILERS.isdisjoint(code.co_names) else _SAID_OF_TEXT)
    arguments = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, flags)
    names = (*code.co_varnames, "", *code.co_cellvars, "", *code.co_freevars, "", code.co_name)
    return short_digest(b"%d %d %d %d" % arguments, *[name.encode() for name in names], *fields)


def _cosmetic(code: CodeType, steps: list[Step]) -> set[int]:
    """Find the instructions with which a class body stores its docstring and its position."""
    skipped: set[int] = set()
    for position, step in enumerate(steps):
        if position and step.name == "STORE_NAME" and name_in(code, step) in _COSMETIC:
            skipped.update((position - 1, position))
    return skipped


def constant_bytes(value: object) -> bytes:
    """Spell a constant with its type: 1, 1.0, True, 0.0 and -0.0 all differ; frozensets have no order."""
    kind = type(value)
    name = kind.__name__.encode()
    if kind is CodeType:
        return framed(b"code", digest_of(value))  # type: ignore[arg-type]
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
        if op in _PAIRS:
            first, second = _PAIRS[op]
            steps.append(Step(first, dis.opname[first], arg >> 4, start, index))
            steps.append(Step(second, dis.opname[second], arg & 15, start, index))
        elif op not in _WITHOUT_EFFECT:
            op = _SAME.get(op, op)
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
