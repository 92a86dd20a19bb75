"""The key of a cell: its code, what that reaches, and the values of the names it reads."""

from __future__ import annotations

import importlib
import os
from collections.abc import Collection
from dataclasses import dataclass, field
from math import inf
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from nbcache.config import error_text
from nbcache.engine.job import Parts
from nbcache.entries.meta import Part
from nbcache.errors import UnhashableValueError
from nbcache.hashing import hasher
from nbcache.hashing.attributes import attribute_of
from nbcache.hashing.deadline import DeadlineError
from nbcache.inspection.wording import without_magic
from nbcache.keys.key import Key, combine
from nbcache.notebook.cells.changes import is_session
from nbcache.notebook.cells.code import CellCode
from nbcache.notebook.cells.effects.shown_by import shown_by
from nbcache.notebook.cells.estimates import hashing_time
from nbcache.notebook.cells.objects.facets import BYTES, TYPED
from nbcache.notebook.cells.objects.kinds import facets_of
from nbcache.notebook.cells.objects.libraries import ARRAY, TENSOR
from nbcache.notebook.cells.objects.views import one_memory, place_of
from nbcache.notebook.cells.options import Options
from nbcache.tracking import packages
from nbcache.tracking.argument_code import digest_followed
from nbcache.tracking.code.strings import in_statements
from nbcache.tracking.fingerprint import tracker_of_code
from nbcache.tracking.observations.generators.objects import Within
from nbcache.tracking.observations.named_files import candidates
from nbcache.tracking.observations.observation import Observation
from nbcache.tracking.options.state import brought
from nbcache.tracking.state import State

__all__ = ["CellKey", "Inputs", "inputs_of", "key_time"]

_ATOMS = frozenset({int, float, complex, bool, str, bytes, type(None), tuple, frozenset, range, type(Ellipsis)})
_IN_MEMORY = frozenset({ARRAY, TENSOR, BYTES, TYPED})
_LAST_OUTPUTS = frozenset({"_", "__", "___"})
_CODE = (FunctionType, BuiltinFunctionType, ModuleType, type)


class CellKey(Key):
    """Equal cells with equal inputs have equal keys, whatever they are called."""

    @property
    def text(self) -> str:
        parts = [part for name, digest in self.arguments for part in (name.encode(), digest)]
        return combine(b"cell", self.fingerprint, *parts)


@dataclass(slots=True)
class Inputs:
    """What a cell rests on at one moment.

    Attributes
    ----------
    digests : of the values hashed here, by name
    values : of all inputs, also functions, classes and modules
    commands, scripts : texts for a shell; and those among them that are cells of their own
    options : those that differ from a fresh process, of libraries whose objects are among the values
    state : of the code and what it reaches
    unreadable : (name, type) of an input that has no digest
    said : what the values were like before the cell ran, by name; it may have changed them
    typed : the options of the magic
    """

    digests: dict[str, bytes] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    options: tuple[Part, ...] = ()
    extra: list[tuple[str, bytes]] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    state: State | None = None
    fingerprint: bytes = b""
    unreadable: tuple[str, str] | None = None
    said: dict[str, str] = field(default_factory=dict)
    typed: Options = field(default_factory=Options)

    def key(self, owner: str) -> CellKey:
        arguments = [(f"input {name}", digest) for name, digest in sorted(self.digests.items())]
        options = [(label, bytes.fromhex(digest)) for label, digest, _ in self.options]
        return CellKey(owner, self.fingerprint, (*arguments, *options, *self.extra))

    def parts(self, private: bool) -> Parts:
        """What the key rests on, for explanations."""
        assert self.state is not None
        inputs = tuple(
            (f"input {name}", digest.hex(), "" if private else self.said.get(name) or hasher.summary(self.values[name]))
            for name, digest in sorted(self.digests.items())
        )
        followed = _one_code(
            [(part.label, part.digest, "" if private else without_magic(part.summary)) for part in self.state.parts]
        )
        typed = ("options", self.typed.in_key().hex(), self.typed.said())
        extra = tuple((label, digest.hex(), "") for label, digest in self.extra)
        return (*inputs, *followed, *self.options, typed, *extra)

    def look(self) -> None:
        """Note what the values are like, as the cell is about to run."""
        self.said = {name: hasher.summary(self.values[name]) for name in self.digests}

    def files(self) -> tuple[Observation, ...]:
        """The files that inputs and constants name."""
        assert self.state is not None
        words = [word.strip("'\"();|&<>") for text in self.commands for word in text.split()]
        return candidates(self.values.values(), (*self.state.paths, *words))

    def packages(self) -> frozenset[str]:
        """The packages that the cell reaches."""
        return frozenset() if self.state is None else self.state.packages

    def generators(self) -> Within:
        """The random generators that helpers of the cell reach; those that it reads itself are inputs."""
        assert self.state is not None
        return Within(self.state.generators)

    def texts(self) -> tuple[str, ...]:
        """The texts in the code and in what it reads."""
        assert self.state is not None
        values = (value for value in self.values.values() if isinstance(value, str | os.PathLike))
        return (*self.state.paths, *map(os.fsdecode, values))

    def reached(self) -> set[str]:
        """The names that helpers of the cell read in the namespace, as far as the labels of parts tell."""
        assert self.state is not None
        words = {part.label.rpartition(" ")[2].partition(".")[0] for part in self.state.parts}
        return words | self.assigned_by_helpers()

    def assigned_by_helpers(self) -> set[str]:
        assert self.state is not None
        return {
            text.split()[1] for text in self.state.unfollowed if text.startswith("global ") and "(assigned by " in text
        }


def _one_code(parts: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """The parts, with one for the code of the cell, whose last expression is compiled by itself."""
    code = [part for part in parts if part[0].partition(" ")[0] == "code"]
    if len(code) < 2:
        return parts
    digest = _digest(*(bytes.fromhex(part[1]) for part in code)).hex()
    source = max((part[2] for part in code), key=len)
    return [("code", digest, source), *(part for part in parts if part not in code)]


def inputs_of(
    code: CellCode,
    options: Options,
    namespace: dict[str, Any],
    hidden: dict[str, Any],
    limit: float = inf,
) -> Inputs:
    """Digest what the cell would read now.

    Raises
    ------
    DeadlineError
        That takes, or would take, longer than `limit` seconds.
    """
    inputs = Inputs()
    wanted = _wanted(code, options, namespace, hidden)
    followed = {
        name
        for name in wanted & code.roots - code.stores
        if isinstance(namespace[name], _CODE) or getattr(type(namespace[name]), "__nbcache__", False) is True
    }
    inputs.values = {name: namespace[name] for name in sorted(wanted)}
    if limit < inf and key_time(inputs.values.values()) > limit:
        raise DeadlineError
    _hash(inputs, wanted - followed)
    if inputs.unreadable is not None:
        return inputs
    ignore = frozenset((code.roots | code.stores | wanted | set(options.ignore)) - followed)
    inputs.state = tracker_of_code(code.codes, namespace, ignore=ignore, depends_on=_stars(code)).state()
    inputs.commands = [*code.names.commands, *code.names.scripts]
    inputs.scripts = code.names.scripts
    written = {
        name
        for name in inputs.assigned_by_helpers() - wanted - set(options.ignore)
        if name in namespace and options.inputs is None
    }
    inputs.values.update({name: namespace[name] for name in sorted(written)})
    _hash(inputs, written)
    _add_extra(inputs, code, options, namespace)
    _add_options(inputs)
    inputs.typed = options
    inputs.fingerprint = _digest(inputs.state.digest, code.digest.encode(), options.in_key())
    return inputs


def key_time(values: Collection[Any]) -> float:
    """Estimate the seconds that the digests of inputs take: each by itself, and once more together what may share."""
    small = _small([value for value in values if type(value) not in _ATOMS])
    return hashing_time(values) + (hashing_time(small) if len(small) > 1 else 0.0)


def _small(values: list[Any]) -> list[Any]:
    """What may share objects with another value; of arrays only the memory is shared, which is looked at apart."""
    return [value for value in values if attribute_of(value, "shape") is None]


def _add_options(inputs: Inputs) -> None:
    """Count the options of libraries whose objects the cell reads; those of what its code names count already."""
    assert inputs.state is not None
    inputs.options = brought(inputs.values.values(), inputs.state.parts)


def _digest(*parts: bytes) -> bytes:
    return bytes.fromhex(combine(*parts))


def _wanted(code: CellCode, options: Options, namespace: dict[str, Any], hidden: dict[str, Any]) -> set[str]:
    # A name that nobody can see being bound may stay as it is: then what it was is what it is afterwards.
    names = code.names.reads | (code.names.unseen - code.names.certain)
    if options.inputs is not None:
        code_names = {name for name in names & code.roots if isinstance(namespace.get(name), _CODE)}
        names = set(options.inputs) | code_names
    names |= set(options.also)
    there = {
        name
        for name in names
        if name in namespace and (name in _LAST_OUTPUTS or not is_session(name, namespace[name], hidden))
    }
    if code.names.queries or code.names.tables:
        texts = [namespace[name] for name in there if type(namespace[name]) is str]
        named = in_statements(texts, code.names.queries, code.names.tables)
        there |= {name for name in named if name in namespace and not is_session(name, namespace[name], hidden)}
    return there - set(options.ignore)


def _stars(code: CellCode) -> list[Any]:
    """The modules of the user's that the cell imports whole names from."""
    found = []
    for name in sorted(code.names.stars):
        if packages.home_of_name(name).kind == "local":
            try:
                found.append(importlib.import_module(name))
            except (Exception, SystemExit):  # the cell is about to say so itself
                continue
    return found


def _hash(inputs: Inputs, names: set[str]) -> None:
    for name in sorted(names):
        try:
            inputs.digests[name] = digest_followed(inputs.values[name])
        except UnhashableValueError as error:
            inputs.unreadable = (name, error.type_name)
            return
        except DeadlineError:
            raise
        except Exception as error:  # a user's __cache_key__ or property failed: no reason to fail the cell
            inputs.unreadable = (name, error_text(error))
            return


def _add_extra(inputs: Inputs, code: CellCode, options: Options, namespace: dict[str, Any]) -> None:
    for name in sorted(code.names.deletes):
        if name in namespace:
            inputs.extra.append((f"existence of {name}", b"there"))
    if code.shows:
        inputs.extra += shown_by()
    shared = [inputs.values[name] for name in sorted(inputs.digests) if type(inputs.values[name]) not in _ATOMS]
    if len(shared) > 1:
        groups = [[id(other) == id(value) for other in shared].index(True) for value in shared]
        small = _small(shared)
        joint = digest_followed(small) if len(small) > 1 else b""
        inputs.extra.append(("sharing among inputs", _digest(repr(groups).encode(), joint)))
        lying = [value for value in shared if not _IN_MEMORY.isdisjoint(facets_of(value) or ())]
        if memory := one_memory([place for value in lying if (place := place_of(value)) is not None]):
            inputs.extra.append(("memory shared among inputs", _digest(repr(memory).encode())))
