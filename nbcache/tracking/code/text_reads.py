"""Which names does code read that no instruction loads: those in queries, SQL, formats, `eval`, and in namespaces.

The instructions are followed once with a stack of what is known about each value: constants, names, attributes and
calls. That tells which texts are arguments of which call, whatever they are put together from.
"""

from __future__ import annotations

import dis
from collections.abc import Iterable, Iterator, Sequence
from types import CodeType
from typing import NamedTuple

from nbcache.tracking.code.bytecode import Step, name_in, steps_of
from nbcache.tracking.code.strings import (
    EVALUATING,
    FORMATTING,
    FORMULAS,
    QUERYING,
    SQL,
    at_names,
    fields,
    identifiers,
    is_formula,
    is_sql,
)

__all__ = ["TextReads", "text_reads"]

Chain = tuple[str, ...]

_CONSTS = frozenset(dis.hasconst)
_NO_EFFECT = frozenset({"PRECALL", "KW_NAMES", "RESUME", "NOP", "CACHE", "COPY_FREE_VARS", "MAKE_CELL"})
_GLOBALS = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})
_POPS = ("STORE_", "POP_", "RETURN_", "DELETE_", "JUMP_IF_", "RAISE_")
_ENDS = ("RETURN_", "RAISE_", "RERAISE", "JUMP_FORWARD", "JUMP_BACKWARD")
_SPACES = frozenset({"user_ns", "user_global_ns"})
# Attributes of frames and functions, most often those of the code itself.
_OF_FRAMES = frozenset({"f_globals", "__globals__"})
# An instruction of its own up to 3.13, one of the binary operators from 3.14 on.
_SUBSCRIPT = next(
    (step.op, step.arg) for step in steps_of(compile("a[b]", "", "eval")) if step.name in ("BINARY_SUBSCR", "BINARY_OP")
)


class Known(NamedTuple):
    """What is known of a value on the stack.

    Attributes
    ----------
    kind : "const", "name" (global), "local", "attr", "call", "null", or "" for something put together
    name : of a global, a local or an attribute
    value : of a constant
    parts : what it was made of: the owner of an attribute, the callee and the arguments of a call
    """

    kind: str = ""
    name: str = ""
    value: object = None
    parts: tuple[Known, ...] = ()


class TextReads(NamedTuple):
    """Names that code reads in other ways than by loading them.

    Attributes
    ----------
    names : in the namespace of the code
    bare : the first name of a chain, and names that count if that is a module which evaluates texts
    tables : words of SQL, each of which counts if it names something like a table
    main : in the namespace of the notebook, whatever the code's own is
    present : names that count if they are in the namespace
    open_queries, open_sql, open_formats, open_formulas : whether such a call takes its text from elsewhere
    sources : texts that run in the namespace
    notes : what could not be told, in the user's words
    """

    names: frozenset[str]
    bare: tuple[tuple[str, frozenset[str]], ...]
    tables: frozenset[str]
    main: frozenset[str]
    present: frozenset[str]
    open_queries: bool
    open_sql: bool
    open_formats: bool
    open_formulas: bool
    sources: tuple[str, ...]
    notes: tuple[str, ...]

    def joined(self, other: TextReads) -> TextReads:
        """What two pieces of code read; names and sources are known already."""
        if other is NOTHING:
            return self
        return TextReads(
            self.names,
            (*self.bare, *other.bare),
            self.tables | other.tables,
            self.main | other.main,
            self.present | other.present,
            self.open_queries or other.open_queries,
            self.open_sql or other.open_sql,
            self.open_formats or other.open_formats,
            self.open_formulas or other.open_formulas,
            self.sources,
            self.notes,
        )


_NULL = Known("null")
_UNKNOWN = Known()
NOTHING = TextReads(frozenset(), (), frozenset(), frozenset(), frozenset(), False, False, False, False, (), ())
# Without one of these names nothing can be hidden.
_TELLING = (
    QUERYING
    | SQL
    | EVALUATING
    | FORMULAS
    | _SPACES
    | _OF_FRAMES
    | {
        *("evaluate", "globals", "vars", "locals", "compile", "modules", "ev", "ex"),
    }
)


def text_reads(code: CodeType, steps: Sequence[Step]) -> TextReads:
    """Find the names that the texts and namespaces of one code object stand for."""
    if _TELLING.isdisjoint(code.co_names):
        return NOTHING
    return _Reader(code).read(steps)


class _Reader:
    def __init__(self, code: CodeType) -> None:
        self._code = code
        cells = tuple(name for name in code.co_cellvars if name not in code.co_varnames)
        self._locals = code.co_varnames + cells + code.co_freevars
        self._stack: list[Known] = []
        self._names: set[str] = set()
        self._bare: list[tuple[str, frozenset[str]]] = []
        self._tables: set[str] = set()
        self._main: set[str] = set()
        self._present: set[str] = set()
        self._open = {"query": False, "sql": False, "format": False, "formula": False}
        self._sources: list[str] = []
        self._notes: dict[str, None] = {}
        self._dynamic: dict[str, int] = {}

    def read(self, steps: Sequence[Step]) -> TextReads:
        joins: dict[int, list[list[Known]]] = {}
        ended = False
        for step in steps:
            for target in [target for target in joins if target <= step.offset]:
                for stack in joins.pop(target):
                    self._join(stack, ended)
                    ended = False
            self._step(step)
            if "JUMP" in step.name and "BACKWARD" not in step.name:
                joins.setdefault(step.after + 2 * step.arg, []).append(list(self._stack))
            ended = step.name.startswith(_ENDS)
        own = frozenset(self._code.co_varnames)
        for what, count in self._dynamic.items():
            if count > 0:
                self._notes[f"{what}()"] = None
        return TextReads(
            frozenset(self._names) - own,
            tuple((root, words - own) for root, words in self._bare),
            frozenset(self._tables) - own,
            frozenset(self._main),
            frozenset(self._present) - own,
            self._open["query"],
            self._open["sql"],
            self._open["format"],
            self._open["formula"],
            tuple(self._sources),
            tuple(self._notes),
        )

    # -- the stack ------------------------------------------------------------------------------------------------

    def _join(self, other: list[Known], ended: bool) -> None:
        """Two ways come together, such as the sides of `a if b else c`; or only the other one leads here."""
        if ended:
            self._stack = other
        elif other and len(other) == len(self._stack) and other[-1] != self._stack[-1]:
            self._push(Known("", "", None, (self._pop(), other[-1])))

    def _push(self, *known: Known) -> None:
        self._stack.extend(known)

    def _pop(self) -> Known:
        return self._stack.pop() if self._stack else _UNKNOWN

    def _take(self, count: int) -> tuple[Known, ...]:
        return tuple([self._pop() for _ in range(count)][::-1])

    def _step(self, step: Step) -> None:
        name = step.name
        if name in _NO_EFFECT:
            return
        if step.op in _CONSTS and name != "KW_NAMES":
            if name == "RETURN_CONST":
                return
            self._push(Known("const", "", self._code.co_consts[step.arg]))
        elif name == "PUSH_NULL":
            self._push(_NULL)
        elif name in _GLOBALS:
            called = name == "LOAD_GLOBAL" and step.arg & 1
            self._asked(loaded := Known("name", name_in(self._code, step)))
            self._push(*((_NULL, loaded) if called else (loaded,)))
        elif name.startswith(("LOAD_FAST", "LOAD_DEREF")):
            place = step.arg if step.arg < len(self._locals) else 0
            self._push(Known("local", self._locals[place] if self._locals else ""))
        elif name in ("LOAD_ATTR", "LOAD_METHOD"):
            owner = self._pop()
            found = Known("attr", name_in(self._code, step), None, (owner,))
            self._attribute(found)
            method = name == "LOAD_METHOD" or (dis.stack_effect(step.op, step.arg) == 1)
            self._push(*((found, owner) if method else (found,)))
        elif name == "CALL":
            self._call(self._take(step.arg + 2))
        elif name in ("CALL_KW", "CALL_FUNCTION_EX"):
            self._call(self._take(1 - dis.stack_effect(step.op, step.arg)))
        elif (step.op, step.arg) == _SUBSCRIPT:
            self._subscript(*self._take(2))
        elif name.startswith("COPY") or name == "SWAP":
            if name == "COPY":
                self._push(self._stack[-step.arg] if step.arg <= len(self._stack) else _UNKNOWN)
        else:
            self._other(step)

    def _other(self, step: Step) -> None:
        effect = dis.stack_effect(step.op, step.arg if step.op >= dis.HAVE_ARGUMENT else None, jump=False)
        if step.name.startswith(_POPS):
            self._take(max(-effect, 0))
        elif effect > 0:
            self._push(*[_UNKNOWN] * effect)
        elif step.name == "BINARY_OP":
            left, right = self._take(2)
            if _is_space(right):
                self._formatted(left)
            self._push(Known("", "", None, (left, right)))
        else:
            self._push(Known("", "", None, self._take(1 - effect)))

    # -- what it means --------------------------------------------------------------------------------------------

    def _asked(self, loaded: Known) -> None:
        if loaded.name in ("eval", "exec", "globals", "compile", "vars", "locals"):
            self._dynamic[loaded.name] = self._dynamic.get(loaded.name, 0) + 1

    def _understood(self, name: str) -> None:
        self._dynamic[name] = self._dynamic.get(name, 0) - 1

    def _call(self, taken: tuple[Known, ...]) -> None:
        callee = next((known for known in taken[:2] if known.kind != "null"), _UNKNOWN)
        arguments = taken[2:] if taken else ()
        self._push(Known("call", callee.name, None, (callee, *arguments)))
        name, owner = callee.name, callee.parts[0] if callee.kind == "attr" and callee.parts else _UNKNOWN
        texts = list(_texts(arguments))
        if callee.kind == "name" and name in EVALUATING:
            self._evaluated(name, arguments)
            return
        if _is_space(owner) and name in ("get", "pop", "setdefault", "__getitem__"):
            self._looked_up(owner, arguments[0] if arguments else _UNKNOWN)
        elif name in FORMATTING and any(map(_is_space, _all(arguments))):
            self._formatted(owner)
        elif name in ("ev", "ex") and _is_shell(owner):
            for text in texts:
                self._main |= identifiers(text)
        elif callee.kind in ("attr", "name") and arguments:
            self._asked_by_text(name, owner, arguments, texts)

    def _asked_by_text(self, name: str, owner: Known, arguments: Iterable[Known], texts: list[str]) -> None:
        root = _root(owner)
        if name in QUERYING:
            self._names |= {found for text in texts for found in at_names(text)}
            if root and name != "query":
                words = {word for text in texts or self._strings() for word in identifiers(text)}
                self._bare.append((root, frozenset(words)))
            self._open["query"] = self._open["query"] or not texts
        if name in SQL:
            self._tables |= {word for text in texts if is_sql(text) for word in identifiers(text)}
            self._open["sql"] = self._open["sql"] or not texts
        if name in FORMULAS:
            self._present |= {word for text in texts if is_formula(text) for word in identifiers(text)}
            self._open["formula"] = self._open["formula"] or not texts

    def _evaluated(self, name: str, arguments: Sequence[Known]) -> None:
        first = arguments[0] if arguments else _UNKNOWN
        own = len(arguments) > 1 and arguments[1].kind == "call" and _is_space(arguments[1])
        if (len(arguments) == 1 or own) and first.kind == "const" and type(first.value) is str:
            self._sources.append(first.value)
            self._understood(name)
            if own:
                self._understood("globals")

    def _subscript(self, owner: Known, key: Known) -> None:
        if _is_space(owner):
            self._looked_up(owner, key)
        self._push(Known("subscript", "", None, (owner, key)))

    def _looked_up(self, space: Known, key: Known) -> None:
        if key.kind == "const" and type(key.value) is str:
            if space.kind == "attr":
                self._main.add(key.value)
                if space.name in _OF_FRAMES:
                    self._present.add(key.value)
            else:
                self._names.add(key.value)
                self._understood(space.name)
        elif space.kind == "attr":
            self._notes[f"a computed name in {space.name}"] = None

    def _formatted(self, text: Known) -> None:
        texts = list(_texts([text]))
        self._names |= {name for found in texts or self._strings() for name in fields(found)}
        self._open["format"] = self._open["format"] or not texts
        if texts or _root(text):
            self._understood("globals")

    def _attribute(self, found: Known) -> None:
        owner = found.parts[0]
        if owner.kind == "subscript" and owner.parts[0] == Known("attr", "modules", None, (Known("name", "sys"),)):
            key = owner.parts[1]
            if key.kind == "name" and key.name == "__name__":
                self._names.add(found.name)
            elif key.kind == "const" and key.value == "__main__":
                self._main.add(found.name)

    def _strings(self) -> list[str]:
        """All texts of the code, where it cannot be told which one is meant."""
        return [constant for constant in self._code.co_consts if type(constant) is str]


def _is_space(known: Known) -> bool:
    """Tell whether a value is a namespace: `globals()`, `vars()` of a module's code, `get_ipython().user_ns`."""
    if known.kind == "attr":
        return known.name in _SPACES or known.name in _OF_FRAMES
    return known.kind == "call" and known.name == "globals" and len(known.parts) == 1


def _is_shell(known: Known) -> bool:
    return known.kind == "call" and known.name == "get_ipython"


def _all(known: Iterable[Known]) -> Iterator[Known]:
    for one in known:
        yield one
        if one.kind != "call" or not _is_space(one):
            yield from _all(one.parts)


def _texts(known: Iterable[Known]) -> Iterator[str]:
    """The texts that values were put together from."""
    for one in _all(known):
        if one.kind == "const" and type(one.value) is str:
            yield one.value


def _root(known: Known) -> str:
    """The name that a chain of attributes begins with."""
    while known.kind == "attr" and known.parts:
        known = known.parts[0]
    return known.name if known.kind == "name" else ""
