"""What does the code of a function rest on: one digest of all it reaches, its parts, and a guard that knows a change.

A `Tracker` belongs to one function or cell. Its `State` is remembered until the guard says that something is not as
it was; then everything is walked again. Equal code and equal globals give equal digests in every process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from types import CodeType, FunctionType, MethodType
from typing import Any

from nbcache.tracking.code.bytecode import short_digest
from nbcache.tracking.code.facts import LateSource, facts_of
from nbcache.tracking.code.remembered import ByIdentity
from nbcache.tracking.contents import Content, Contents
from nbcache.tracking.dependencies import Dependency, items_of, name_of
from nbcache.tracking.guards import Place
from nbcache.tracking.observations.context import unrecorded
from nbcache.tracking.options import Options, options_of
from nbcache.tracking.reach import Reach

_NOTHING: frozenset[str] = frozenset()
# Between a label in the user's words and a mark of the code that is meant.
MARK = " #"


class Part:
    """One thing that a result rests on.

    Attributes
    ----------
    label : in the user's words: "code", "helper normalize", "global ALPHA", "class Model", "package pandas"
    digest : hexadecimal; "" for a global that is left out
    """

    __slots__ = ("_summary", "digest", "label")

    def __init__(self, label: str, digest: str, summary: str | LateSource) -> None:
        self.label = label
        self.digest = digest
        self._summary = summary

    @property
    def summary(self) -> str:
        """The source of code, read at the first look; a short text for values; the version of a package."""
        text = self._summary
        if not isinstance(text, str):
            text = self._summary = text()
        return text


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What a function rested on at one moment.

    Attributes
    ----------
    digest : 16 bytes over everything that counts
    parts : what counts, each thing with its own digest
    unfollowed : what could not be followed or is left out, in the user's words
    paths : strings met in the code and in globals that may name files
    packages : the distributions that the code reaches, normalised: "numpy", "scikit_learn"
    generators : the random generators that stand at names of modules, as "module:name"; their states do not count here
    current : true while nothing has changed; some 20 to 35 ns per identity, a new digest for mutable values
    simple : the guard as an expression over `names`, when identities are all there is; it may raise LookupError,
        AttributeError or ValueError, which mean a change
    names : what `simple` speaks of
    """

    digest: bytes
    parts: tuple[Part, ...]
    unfollowed: tuple[str, ...]
    paths: tuple[str, ...]
    packages: frozenset[str]
    generators: tuple[str, ...]
    current: Callable[[], bool]
    simple: str | None
    names: Mapping[str, object]
    _contents: tuple[Content, ...]
    _moving: tuple[Content, ...]

    def changed(self) -> frozenset[str]:
        """Give the labels of values whose content is no longer that of this state.

        Taken right after a run, these are the globals that the function itself changes.
        """
        if not self._contents:
            return _NOTHING
        with unrecorded():
            return frozenset(content.label for content in self._contents if content.changed_since())

    def note_origins(self, changed: frozenset[str]) -> None:
        """After a run: what it changed goes on counting as it was before, while it is the same object."""
        for content in self._contents:
            if content.bound and content.label in changed:
                content.note_origin(True)
        for content in self._moving:
            content.note_origin(False)


class Tracker:
    """Follows one function, or the code of one cell.

    Parameters
    ----------
    roots : what to follow; the name "" is the function itself (or code objects of a cell), others name values
    track : False: own code, defaults and closures only
    hash_funcs : overrides hashing of globals, by type
    depends_on : paths (by content), callables (by what they return), classes and modules (by code), other values
    whole : everything that was hung on the function counts: who reads it is not known

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
    ) -> None:
        self._roots = dict(roots)
        self._whole = whole
        self._track = track
        self._hash_funcs = hash_funcs
        self._depends_on = tuple(Dependency(item, hash_funcs, code_digest) for item in items_of(depends_on))
        self._namespace = namespace
        self._ignore = ignore
        self._states: dict[frozenset[str], State] = {}
        root = self._roots.get("")
        if type(root) is FunctionType:
            facts_of(root.__code__)  # remembered: what code says does not wait for globals, nor a first call for it

    def state(self, without: frozenset[str] = frozenset()) -> State:
        """Give the present state; `without` names globals (by label) that the function changes itself.

        Such a global counts as it was before the first change, while it is the same object; what cannot be told
        apart from an edit that way, such as a number, is left out.

        Raises
        ------
        Whatever a callable in `depends_on` raises, and UnhashableValueError for what it returns.
        """
        known = self._states.get(without)
        if known is not None and known.current():
            return known
        with unrecorded():
            state = self._states[without] = self._walk(without)
        return state

    def _walk(self, without: frozenset[str]) -> State:
        contents = Contents(self._hash_funcs)
        root = self._roots.get("")
        home = self._namespace or _namespace_of(root)
        reach = Reach(contents, track=self._track, home=home, ignore=self._ignore, without=without)
        for name, value in self._roots.items():
            self._start(reach, name, value)
        reach.run()
        own = [content for content in contents.taken if content.label in without]
        left_out = reach.assigned | {content.place for content in own if not content.bound}
        moving = [content for content in own if content.place not in left_out]
        origins = {content.place: content.origin().digest for content in moving}
        counted = [content for content in contents.taken if content.place not in left_out]
        steady = [content for content in counted if content.place not in origins]
        dependencies = (*self._depends_on, *[Dependency(item, self._hash_funcs, code_digest) for item in reach.depends])
        depends = [dependency.digest() for dependency in dependencies]
        record = [
            b"left out" if type(item) is Content and item.place in left_out else _bytes_of(item, origins)
            for item in reach.record
        ]
        kept = {content.label for content in moving}
        for label in sorted(without):
            said = label.partition(MARK)[0]
            note = f"what the function does to {said}" if label in kept else f"{said} (changed by the function)"
            reach.unfollowed[note] = None
        options = options_of(reach.packages | reach.tops if self._track else (), reach.extensions.attributes)
        names = reach.guards.names
        simple = (
            reach.guards.expression(left_out)
            if reach.guards.simple(left_out | origins.keys()) and not depends
            else None
        )
        if simple is not None and options:
            simple = f"{simple} and {reach.guards.name(options.same)}()"
        compiled = partial(reach.guards.compile, left_out, origins.keys())
        # Plain hits have a guard of their own then; a process that only makes those never needs the other.
        checks = compiled() if simple is None else _at_first_use(compiled)
        return State(
            digest=short_digest(*record, *depends, *[bytes.fromhex(digest) for _, digest, _ in options.parts]),
            parts=(
                *_parts(reach, counted, origins, zip(dependencies, depends, strict=True)),
                *[Part(label, digest, said) for label, digest, said in options.parts],
            ),
            unfollowed=tuple(reach.unfollowed),
            paths=tuple(reach.texts),
            packages=reach.packages,
            generators=tuple(reach.generators),
            current=checks if not (depends or options) else _all(checks, options, dependencies, depends),
            simple=simple,
            names=names,
            _contents=tuple(steady),
            _moving=tuple(moving),
        )

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


_arguments: ByIdentity[object, Tracker] = ByIdentity(256)


def code_digest(value: object) -> bytes:
    """Digest a function, class or module that is an argument, with all the code it reaches.

    Notes
    -----
    The last few are remembered, and checked by their guards each time. A closure is not: it may hold much memory.
    """
    return tracker_of(value).state().digest


def tracker_of(value: object) -> Tracker:
    """Give the tracker of a function, class or module that is an argument."""
    known = _arguments.get(value)
    if known is not None:
        return known
    tracker = Tracker({"": value}, whole=True)
    kept_alive = type(value) is not FunctionType or not value.__closure__
    return _arguments.put(value, tracker) if kept_alive else tracker


def tracker_of_several(values: tuple[object, ...]) -> Tracker:
    """Give the tracker of functions that are met in one argument."""
    identities = tuple(map(id, values))
    known = _together.get(identities)
    if known is not None:
        return known[1]
    tracker = Tracker({str(place): value for place, value in enumerate(values)})
    if not any(type(value) is FunctionType and value.__closure__ for value in values):
        _together[identities] = (values, tracker)
        if len(_together) > 64:
            _together.pop(next(iter(_together)), None)
    return tracker


_together: dict[tuple[int, ...], tuple[tuple[object, ...], Tracker]] = {}


def _parts(
    reach: Reach,
    counted: list[Content],
    origins: Mapping[Place, bytes],
    depends: Iterable[tuple[Dependency, bytes]],
) -> tuple[Part, ...]:
    found: list[tuple[str, bytes, str | LateSource]] = [
        (label, digest, summary if isinstance(summary, LateSource) else summary())
        for label, digest, summary in reach.parts
    ]
    found += [(content.label, _bytes_of(content, origins), content.summary) for content in counted]
    found += [(dependency.label, digest, dependency.summary()) for dependency, digest in depends]
    return tuple(_unique(found))


def _at_first_use(make: Callable[[], Callable[[], bool]]) -> Callable[[], bool]:
    made = cache(make)
    return lambda: made()()


def _all(
    checks: Callable[[], bool], options: Options, dependencies: Sequence[Dependency], digests: list[bytes]
) -> Callable[[], bool]:
    def current() -> bool:
        with unrecorded():
            return checks() and options.same() and [dependency.digest() for dependency in dependencies] == digests

    return current


def _bytes_of(item: bytes | Content, origins: Mapping[Place, bytes]) -> bytes:
    return origins.get(item.place, item.digest) if isinstance(item, Content) else item


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
