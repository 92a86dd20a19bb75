"""Record what one run sees: in its own thread, the tasks it awaits, and the threads it starts."""

from __future__ import annotations

import functools
import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextvars import Token
from itertools import repeat
from operator import itemgetter
from typing import Any, cast

from nbcache.tracking.observations import context
from nbcache.tracking.observations.audit import install
from nbcache.tracking.observations.file_queries import existence
from nbcache.tracking.observations.files import Signature, digests_in, found_in, signature_of
from nbcache.tracking.observations.generators.objects import Within
from nbcache.tracking.observations.kinds import IMPLIED, KINDS, LOOKS, PATHS, digest_of
from nbcache.tracking.observations.native.opens import NATIVE_OPENS
from nbcache.tracking.observations.observation import Effect, Observation
from nbcache.tracking.observations.paths import moved, private_among, working_folder
from nbcache.tracking.observations.warning_filters import GIVEN
from nbcache.tracking.observations.watches import WATCHES

_KIND, _REGULAR = 0o170000, stat.S_IFREG
_LINKS = 3  # where a status has the number of names
# By place: the attributes of a status are slow.
_mode, _links = itemgetter(0), itemgetter(_LINKS)
#: Modes of files, whatever anybody may do with them.
_ORDINARY = frozenset(_REGULAR | mode for mode in range(0o1000))
# What `Observation._make` does, without a call of Python code.
_as_observation = functools.partial(tuple.__new__, Observation)
_NOTHING: frozenset[str] = frozenset()
_NO_GENERATORS = Within()
# What lies in a folder may change beside the run without harm to it: the names that it was given are what counts.
_MAY_MOVE = frozenset({"folder"})
# What tells of others' names in a folder.
_LISTINGS = frozenset({"folder", "tree"})


class Recorder:
    """The observations of one run; see `Observer` for what is noted in it.

    Attributes
    ----------
    outside : "network" and "subprocess", when the run used them
    failed : why something may have been overlooked, empty when nothing was
    scope : what the threads that the run starts inherit besides the recording; up to whoever records
    uses : the packages that the run's code reaches
    generators : the random generators within its reach
    folder : the working folder when it began
    kept : what those who watch the run remember of its beginning
    moved : whether the working folder may be another by now
    opens : the files that were opened to be read, as they were then, by the names that were given
    plain : whether it is the only one, its run has written nothing, and the working folder is that of the beginning
    unchanged : files of which the system says that nobody changed them while the run ran
    number : by which worker processes know it, if it has any
    ending : called when the run is over, while it is still recorded
    asking : the names of the module whose code opened a file last, where it is the user's
    """

    def __init__(
        self, parent: Recorder | None = None, uses: frozenset[str] = _NOTHING, generators: Within = _NO_GENERATORS
    ) -> None:
        self.outside: dict[str, None] = {}
        self.failed = ""
        self.scope: object = None
        self.uses = uses
        self.generators = generators
        self.kept: dict[object, Any] = {}
        self.is_open = True
        self._parent = parent
        self._stamps: dict[Observation, object] = {}
        self._digests: dict[Observation, bytes] = {}
        self._effects: dict[Observation, bytes] = {}
        self._written: set[str] = set()
        self._folders: set[str] = set()
        self._own: set[Observation] = set()
        self._files: dict[Observation, Signature] = {}  # those that were opened
        self._linked: set[str] = set()
        self.folder = working_folder()
        self.moved = False
        self.opens: dict[str, os.stat_result] = {}
        self._taken_in = 0
        self.unchanged: set[str] = set()
        self.plain = parent is None
        self.asking: dict[str, Any] | None = None
        self._looked = False
        self.number: int | None = None
        self._found: dict[Observation, Signature | None] = {}
        self._began: list[object] = []
        self.ending: list[Callable[[], object]] = []
        self._token: Token[context.Open | None] | None = None

    def __enter__(self) -> Recorder:
        install()
        moved(self.folder)
        self._token = context.begin(self)
        self._began = [watch.begin(self) for watch in WATCHES]
        return self

    def __exit__(self, *error: object) -> None:
        for tell in self.ending:
            tell()
        for watch, began in zip(WATCHES, self._began, strict=True):
            watch.end(self, began)
        assert self._token is not None
        context.end(self, self._token)
        self.is_open = False

    # -- what was seen ------------------------------------------------------------------------------------------------

    def any(self) -> bool:
        """Tell whether the run saw anything, or something may have been overlooked."""
        if self.failed or self._effects:
            return True
        return bool(self._seen()) if self.opens else bool(self._stamps)

    @property
    def observations(self) -> tuple[Observation, ...]:
        """What was seen, in order, without what the run itself wrote, before or after."""
        seen = self._seen()
        return tuple([one for one in seen if one[1] not in LOOKS or self._counts(one)] if self._looked else seen)

    def _seen(self) -> dict[Observation, object]:
        """What was seen, with the sign that each gave; the files that were opened are sorted out here, all at once."""
        stamps = self._stamps
        if self._taken_in == len(self.opens):
            return stamps
        opens = list(self.opens.items())  # at once: threads of the run may go on
        paths, states = zip(*opens[self._taken_in :], strict=True)
        left_out = private_among(paths)
        if not (set(map(_mode, states)) <= _ORDINARY and set(map(_links, states)) == {1}):
            self._sort_out(zip(paths, states, strict=True), left_out)
        self._taken_in = len(opens)
        seen = dict(zip(map(_as_observation, zip(paths, repeat("file"))), map(signature_of, states), strict=True))
        if stamps or left_out:
            for one in [one for one in seen if one in stamps or one.name in left_out]:
                del seen[one]
        stamps.update(seen)
        self._files.update(seen)
        return stamps

    def _sort_out(self, opened: Iterable[tuple[str, os.stat_result]], left_out: set[str]) -> None:
        """Leave out what is no file, and note which files have more names than one."""
        for path, found in opened:
            if found[0] & _KIND != _REGULAR:
                if path not in left_out:
                    self._took_for_a_file(path, found)
                left_out.add(path)
            elif found[_LINKS] != 1:  # changed under another name, it is told of there
                self._linked.add(path)

    def _took_for_a_file(self, path: str, found: os.stat_result) -> None:
        """Note that what the run has opened was a folder, a pipe or a device, which told it nothing but that."""
        seen = Observation(path, "existence")
        if seen not in self._stamps:
            self._stamps[seen] = None
            self._digests[seen] = existence(found)
            self._looked = True

    def _counts(self, look: Observation) -> bool:
        if look.kind in IMPLIED and Observation(look.name, "file") in self._stamps:
            return False
        return not self._is_own(look.kind, look.name)

    @property
    def effects(self) -> tuple[Effect, ...]:
        """What the run left changed and a hit has to change."""
        return tuple(Effect(seen.name, seen.kind, data) for seen, data in self._effects.items())

    @property
    def recorded(self) -> Mapping[Observation, bytes]:
        """The digests that were taken when something was seen, because the run itself may change it."""
        return self._digests

    @property
    def found(self) -> Mapping[Observation, Signature | None]:
        """In which state the files were of which `digests` has told the content."""
        return self._found

    @property
    def written(self) -> frozenset[str]:
        """What the run wrote, as full paths."""
        return frozenset(self._written)

    def digests(self, observations: Collection[Observation]) -> dict[Observation, bytes]:
        """Digest each as it was for this run."""
        digests, known, found = self._of_unchanged(), self._digests, self._found
        for seen in observations if len(digests) != len(observations) else ():
            if seen in digests:
                continue
            if seen in known:
                digests[seen] = known[seen]
            elif seen.kind == "file":
                digests[seen], found[seen] = found_in(seen.name)
            else:
                digests[seen] = digest_of(seen)
        return digests

    def _of_unchanged(self) -> dict[Observation, bytes]:
        """Digest the opened files that nobody has changed since, as far as their content is known."""
        self._seen()
        files = self._files
        if self._linked or not self.opens.keys() <= self.unchanged:
            unchanged = self.unchanged - self._linked
            files = {one: state for one, state in files.items() if one.name in unchanged}
        digests = dict(zip(files, digests_in(files.values()), strict=True))
        if None in digests.values():
            digests = {one: digest for one, digest in digests.items() if digest is not None}
            files = {one: files[one] for one in digests}
        self._found.update(files)
        return cast("dict[Observation, bytes]", digests)

    def steady(self) -> bool:
        """Tell whether everything still is what it was when the run saw it, and nothing was overlooked."""
        if self.failed:
            return False
        found, stamps = self._found, self._seen()
        if stamps.items() <= found.items():
            return True
        for seen, stamp in stamps.items():
            if seen in found:
                if found[seen] != stamp:
                    return False
            elif (
                seen.kind not in _MAY_MOVE
                and (seen.kind not in LOOKS or self._counts(seen))
                and KINDS[seen.kind].stamp(seen.name) != stamp
            ):
                return False
        return True

    # -- noting it ----------------------------------------------------------------------------------------------------

    def observe(self, kind: str, name: str, digest: bytes | None = None, *, here: bool = False) -> None:
        """Note that the run saw something, here and in the recorders around."""
        for recorder in (self,) if here else self._enclosing():
            seen = Observation(recorder._spelt(name) if kind in PATHS else name, kind)
            if (seen in recorder._seen() and not here) or seen in recorder._own:
                continue
            if kind in PATHS and recorder._is_own(kind, name):
                continue
            recorder._stamps[seen] = KINDS[kind].stamp(name)
            recorder._looked |= kind in LOOKS
            if digest is not None:
                recorder._digests[seen] = digest

    def opened(self, path: str, found: os.stat_result) -> None:
        """Note that the run opens something to read it: what `observe` does, for what happens most often."""
        recorder: Recorder | None = self
        while recorder is not None:
            if recorder.is_open:
                name = recorder._spelt(path) if recorder.moved else path
                if name not in recorder.opens and not (recorder._written and recorder.wrote(path)):
                    recorder.opens[name] = found
            recorder = recorder._parent

    def moves(self) -> None:
        """Hear that the working folder is about to change; what was opened by a relative name is still found."""
        self._seen()
        self.moved = True
        self.plain = False

    def own(self, kind: str, name: str, *, here: bool = False) -> None:
        """Note that the run itself decides what it sees from now on, here and in the recorders around."""
        for recorder in (self,) if here else self._enclosing():
            seen = Observation(name, kind)
            if seen not in recorder._seen():
                recorder._own.add(seen)

    def effect(self, kind: str, name: str, data: bytes, *, here: bool = False) -> None:
        """Note what the run has changed and a hit has to change too, here and in the recorders around."""
        for recorder in (self,) if here else self._enclosing():
            recorder._effects[Observation(name, kind)] = data

    def add(self, observations: Iterable[Observation]) -> None:
        """Note what a result that was found in the cache rests on: as it is now, for now it was looked up."""
        for seen in observations:
            for recorder in self._enclosing():
                if seen not in recorder._seen() and seen not in recorder._own:
                    if seen.kind == "warning" and GIVEN.is_own(recorder, seen.name):
                        continue
                    recorder._stamps[seen] = KINDS[seen.kind].stamp(seen.name)
                    recorder._looked |= seen.kind in LOOKS
                    if seen.kind not in PATHS:
                        recorder._digests[seen] = digest_of(seen)

    def only_looked(self, named: Observation) -> bool:
        """Tell whether the run asked something of a file that it was pointed at, and surely did not open it."""
        if named.kind != "file" or named in self._seen():
            return False
        looked = any(Observation(named.name, kind) in self._stamps for kind in LOOKS)
        return looked and NATIVE_OPENS.covers(os.path.join(self.folder, named.name))

    def write(self, path: str) -> None:
        """Note that the run writes a file, here and in the recorders around."""
        full = os.path.realpath(path)
        for recorder in self._enclosing():
            recorder._written.add(full)
            recorder.plain = False

    def make_folder(self, path: str) -> None:
        """Note that the run makes a folder, here and in the recorders around: what others put there is not its own."""
        self.write(path)
        full = os.path.realpath(path)
        for recorder in self._enclosing():
            recorder._folders.add(full)

    def made(self, path: str) -> None:
        """Note that the run made a file unheard, here and in the recorders around: what it saw of it was its own."""
        self.write(path)
        for recorder in self._enclosing():
            for seen in [seen for seen in recorder._seen() if seen.kind == "file" and recorder.wrote(seen.name)]:
                if os.path.realpath(os.path.join(recorder.folder, seen.name)) == os.path.realpath(path):
                    del recorder._stamps[seen]
                    recorder._files.pop(seen, None)

    def wrote(self, path: str) -> bool:
        """Tell whether the run wrote a file, or made the folder it lies in."""
        return bool(self._written) and bool(self._written_above(self._full(path)))

    def _is_own(self, kind: str, name: str) -> bool:
        """Tell whether the run itself has made what it sees: not what else may lie in a folder that it made."""
        if not self._written:
            return False
        full = self._full(name)
        above = self._written_above(full)
        if above not in self._folders:
            return bool(above)
        return kind not in _LISTINGS if above == full else kind == "file"

    def _full(self, path: str) -> str:
        """The one name of a file; empty where no file can have such a name."""
        try:
            return os.path.realpath(os.path.join(self.folder, path))
        except (OSError, ValueError):
            return ""

    def _written_above(self, full: str) -> str:
        """The nearest of a path and the folders above it that the run wrote; empty for none."""
        while full not in self._written:
            full, last = os.path.dirname(full), full
            if full == last:
                return ""
        return full

    def reached(self, what: str) -> None:
        """Note that the run went outside: to the network or into another process."""
        for recorder in self._enclosing():
            recorder.outside[what] = None

    def is_part_of(self, run: object) -> bool:
        """Tell whether this is the recording of a run, or of one that it called."""
        recorder: Recorder | None = self
        while recorder is not None and recorder is not run:
            recorder = recorder._parent
        return recorder is not None

    def _enclosing(self) -> Iterator[Recorder]:
        recorder: Recorder | None = self
        while recorder is not None:
            if recorder.is_open:
                yield recorder
            recorder = recorder._parent

    def _spelt(self, path: str) -> str:
        """Keep a relative path as it is, unless the run has changed the working folder meanwhile."""
        if not self.moved or os.path.isabs(path) or working_folder() == self.folder:
            return path
        return os.path.abspath(path)


def recording(uses: frozenset[str] = _NOTHING, generators: Within = _NO_GENERATORS) -> Recorder:
    """Record what is seen inside; recordings nest, and the outer one sees what the inner one does.

    Parameters
    ----------
    uses : the distributions that the run's code reaches, normalised: "numpy", "scikit_learn"
    generators : the random generators within its reach
    """
    around = context.current()
    return Recorder(around if isinstance(around, Recorder) else None, uses, generators)


def note(observations: Iterable[Observation]) -> None:
    """Note things for the recording under way here, if there is one."""
    recorder = context.current()
    if recorder is not None:
        recorder.add(observations)
