"""What does the code of a function rest on: one digest of all it reaches, its parts, and a guard that knows a change.

A `Tracker` belongs to one function or cell. Its `State` is remembered until the guard says that something is not as
it was; then everything is walked again. Equal code and equal globals give equal digests in every process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import CodeType, FunctionType, MethodType
from typing import Any

from nbcache.tracking.additions import SELF_READERS
from nbcache.tracking.code.bytecode import short_digest
from nbcache.tracking.code.facts import LateSource, facts_of
from nbcache.tracking.code.remembered import ByIdentity
from nbcache.tracking.contents import Content, Contents
from nbcache.tracking.dependencies import Dependency, items_of, name_of
from nbcache.tracking.guards import Guards
from nbcache.tracking.observations.context import unrecorded
from nbcache.tracking.options.state import Options, options_of
from nbcache.tracking.origins import UNCHANGED, Origins
from nbcache.tracking.packages import home_of_namespace
from nbcache.tracking.reach import Reach
from nbcache.tracking.state import Part, State
from nbcache.tracking.unfollowed import unheard

# So many looks are made without generated code.
_BY_HAND = 8
# Remembered for each thing that is followed: the state as so many functions see it that have it as an argument.
_MOST_FUNCTIONS = 64


class Tracker:
    """Follows one function, or the code of one cell.

    Parameters
    ----------
    roots : what to follow; the name "" is the function itself (or code objects of a cell), others name values
    track : False: own code, defaults and closures only
    hash_funcs : overrides hashing of globals, by type
    depends_on : paths (by content), callables (by what they return), classes and modules (by code), other values
    whole : everything that was hung on the function counts: who reads it is not known
    asked : names of what code elsewhere asks functions and classes for, such as "__doc__"

    Notes
    -----
    Safe in threads: two that find the state outdated both walk, and one result is kept.
    """

    def __init__(
        self,
        roots: Mapping[str, object],
        *,
        track: bool = True,
        hash_funcs: Mapping[Any, Callable[[Any], Any]] | None = None,
        depends_on: Iterable[object] | object = (),
        namespace: dict[str, Any] | None = None,
        ignore: frozenset[str] = frozenset(),
        whole: bool = False,
        asked: frozenset[str] = frozenset(),
    ) -> None:
        self._roots = dict(roots)
        self._asked = asked
        self._whole = whole
        self._track = track
        self._hash_funcs = hash_funcs
        self._depends_on = tuple(Dependency(item, hash_funcs, code_digest) for item in items_of(depends_on))
        self._namespace = namespace
        self._ignore = ignore
        self._states: dict[Origins, tuple[int, State]] = {}
        root = self._roots.get("")
        if type(root) is FunctionType:
            # remembered: what code says, and whose it is, does not wait for globals, nor a first call for it
            facts_of(root.__code__)
            home_of_namespace(root.__globals__)

    def state(self, origins: Origins = UNCHANGED, ending: Callable[[], str] = str) -> State:
        """Give the present state.

        Parameters
        ----------
        origins : says as what the contents count that the runs of a function have left; labels in it end with `ending`

        Raises
        ------
        Whatever a callable in `depends_on` raises, and UnhashableValueError for what it returns.
        """
        version, known = self._states.get(origins, (0, None))
        if known is not None and (version == origins.version or _counts_so(known, origins)) and known.current():
            if version != origins.version:
                self._states[origins] = origins.version, known
            return known
        version = origins.version
        with unrecorded():
            state, provisional = self._walk(origins, ending())
        if not provisional:
            self._states[origins] = version, state
            if len(self._states) > _MOST_FUNCTIONS:
                self._states.pop(next(iter(self._states)), None)
        return state

    def _walk(self, origins: Origins, ending: str) -> tuple[State, bool]:
        root = self._roots.get("")
        home = self._namespace or _namespace_of(root)
        contents = Contents(self._hash_funcs, (id(home), name_of(root)))
        reach = Reach(
            contents,
            track=self._track,
            home=home,
            ignore=self._ignore,
            origins=origins,
            ending=ending,
            hints=self._whole,
        )
        reach.extensions.attributes |= self._asked
        for name, value in self._roots.items():
            self._start(reach, name, value)
        reach.run()
        dependencies = (*self._depends_on, *[Dependency(item, self._hash_funcs, code_digest) for item in reach.depends])
        depends = [dependency.digest() for dependency in dependencies]
        asked = reach.extensions.attributes | reach.names_met
        options = options_of(reach.packages | reach.tops if self._track else (), asked)
        record = (*reach.record, *depends, *[bytes.fromhex(digest) for _, digest, _ in options.parts])
        checks = LateGuard(reach.guards)
        simple = partial(_expression, reach.guards, options) if reach.guards.simple() and not depends else None
        every = partial(_all, options=options, dependencies=dependencies, digests=depends)
        state = State(
            digest=short_digest(*[item if isinstance(item, bytes) else item.counted for item in record]),
            outline=short_digest(*[digest for label, digest, _ in reach.parts if label == "code"]),
            parts=(
                *_parts(reach, contents.taken, zip(dependencies, depends, strict=True)),
                *[Part(label, digest, said) for label, digest, said in options.parts],
            ),
            unfollowed=(*reach.unfollowed, *unheard(reach.tops, asked, reach.texts)),
            paths=tuple(reach.texts),
            packages=reach.packages,
            generators=tuple(reach.generators),
            held=tuple(reach.held),
            asks=SELF_READERS & asked,
            current=checks if not (depends or options) else every(checks),
            compiled=checks.compiled if not (depends or options) else lambda: every(checks.compiled()),
            names=reach.guards.names,
            counted={content.label + ending: content.counted for content in contents.taken},
            _contents=tuple(contents.taken),
            _record=record,
            _ending=ending,
            _simple=simple,
        )
        return state, reach.provisional

    def _start(self, reach: Reach, name: str, value: object) -> None:
        if name == "" and type(value) is FunctionType:
            reach.function(value, "code")
            if self._whole:
                reach.extensions.hung_on(value)
        elif type(value) is CodeType:
            reach.code(value, self._namespace or {}, "code")
        elif name == "" and isinstance(value, list | tuple):
            for code in value:
                reach.code(code, self._namespace or {}, "code")
        else:
            reach.value(value, name or name_of(value), (id(value), name), lambda: value)


def tracker_of_code(
    codes: Sequence[CodeType],
    namespace: dict[str, Any],
    *,
    ignore: frozenset[str] = frozenset(),
    track: bool = True,
    hash_funcs: Mapping[Any, Callable[[Any], Any]] | None = None,
    depends_on: Iterable[object] | object = (),
) -> Tracker:
    """Follow code that runs in `namespace`, such as a cell's; names in `ignore`, and those it assigns, are not."""
    roots = {"": tuple(codes)}
    return Tracker(roots, track=track, hash_funcs=hash_funcs, depends_on=depends_on, namespace=namespace, ignore=ignore)


_arguments: dict[frozenset[str], ByIdentity[object, Tracker]] = {frozenset(): ByIdentity(256)}


def code_digest(value: object) -> bytes:
    """Digest a function, class or module that is an argument, with all the code it reaches.

    Notes
    -----
    The last few are remembered, and checked by their guards each time. A closure is not: it may hold much memory.
    """
    return tracker_of(value).state().digest


def tracker_of(value: object, asked: frozenset[str] = frozenset()) -> Tracker:
    """Give the tracker of a function, class or module that is an argument of a function that asks for these names."""
    followed = _arguments.setdefault(asked, ByIdentity(256))
    known = followed.get(value)
    if known is not None:
        return known
    tracker = Tracker({"": value}, whole=True, asked=asked)
    kept_alive = type(value) is not FunctionType or not value.__closure__
    return followed.put(value, tracker) if kept_alive else tracker


def tracker_of_several(values: tuple[object, ...], asked: frozenset[str] = frozenset()) -> Tracker:
    """Give the tracker of functions that are met in one argument."""
    identities = (asked, *map(id, values))
    known = _together.get(identities)
    if known is not None:
        return known[1]
    tracker = Tracker({str(place): value for place, value in enumerate(values)}, asked=asked)
    if not any(type(value) is FunctionType and value.__closure__ for value in values):
        _together[identities] = (values, tracker)
        if len(_together) > 64:
            _together.pop(next(iter(_together)), None)
    return tracker


_together: dict[tuple[object, ...], tuple[tuple[object, ...], Tracker]] = {}


def _parts(reach: Reach, contents: Iterable[Content], depends: Iterable[tuple[Dependency, bytes]]) -> tuple[Part, ...]:
    found: list[tuple[str, bytes, str | LateSource]] = [
        (label, digest, summary if isinstance(summary, LateSource) else summary())
        for label, digest, summary in reach.parts
    ]
    found += [(content.label, content.counted, content.summary) for content in contents]
    found += [(dependency.label, digest, dependency.summary()) for dependency, digest in depends]
    return tuple(_unique(found))


def _counts_so(state: State, origins: Origins) -> bool:
    """Tell whether all contents of a state still count as they did, by what was learnt since."""
    return all(
        origins.counted(content.label + state._ending, content.digest) == (content.counted, False)
        for content in state._contents
    )


class LateGuard:
    """The checks of a state: made one by one at first, and by generated code where it is looked at often.

    Most functions are called a few times in a session, and their first hit waits for no compiler.
    """

    __slots__ = ("_guards", "_left", "_made", "_making")

    def __init__(self, guards: Guards) -> None:
        self._guards = guards
        self._left = _BY_HAND
        self._made: Callable[[], bool] | None = None
        self._making = threading.Lock()

    def __call__(self) -> bool:
        made = self._made
        if made is not None:
            return made()
        if self._left > 0:
            self._left -= 1
            return self._guards.hold()
        return self.compiled()()

    def compiled(self) -> Callable[[], bool]:
        """The generated code; while another thread makes it, or did when this process was forked, nobody waits."""
        if self._made is None:
            if not self._making.acquire(blocking=False):
                return self._guards.hold
            try:
                if self._made is None:
                    self._made = self._guards.compile()
            finally:
                self._making.release()
        return self._made


def _expression(guards: Guards, options: Options) -> str:
    found = guards.expression()
    return f"{found} and {options.expression(guards.name)}" if options else found


def _all(
    checks: Callable[[], bool], options: Options, dependencies: Sequence[Dependency], digests: list[bytes]
) -> Callable[[], bool]:
    def current() -> bool:
        with unrecorded():
            return checks() and options.same() and [dependency.digest() for dependency in dependencies] == digests

    return current


def _unique(found: Iterable[tuple[str, bytes, str | LateSource]]) -> Iterable[Part]:
    counts: dict[str, int] = {}
    for label, digest, summary in found:
        count = counts[label] = counts.get(label, 0) + 1
        yield Part(label if count == 1 else f"{label} ({count})", digest.hex(), summary)


def _namespace_of(root: object) -> dict[str, Any] | None:
    """Find the namespace in which the followed function was written, past wrappers and partials."""
    for _ in range(16):
        if type(root) is FunctionType:
            inner = root.__dict__.get("__wrapped__")
            if inner is None:
                return root.__globals__
            root = inner
        elif type(root) is MethodType:
            root = root.__func__
        elif hasattr(type(root), "func"):
            root = root.func  # type: ignore[attr-defined]
        else:
            break
    return None
