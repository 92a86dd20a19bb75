"""An `Entry`: one value with its facts and its recording; packed to bytes, opened from bytes that were verified."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from nbcache.entries import layout, opening, restore, safe, serialize
from nbcache.entries.body import Body
from nbcache.entries.hits.repeated import Beside
from nbcache.entries.meta import Address, Meta, facts_of, sections_of
from nbcache.entries.packed import Packed
from nbcache.entries.signing import Keyring
from nbcache.entries.source import Given
from nbcache.entries.verified import VerifiedFiles
from nbcache.errors import CacheError, DamagedEntryError

__all__ = ["KEPT_FROM", "Address", "Entry", "Meta"]


#: Entries of fewer bytes keep nothing beside them.
KEPT_FROM = 64 << 10

#: Parts that listings of others may show; a global that is read, or an input of a cell, may be a password.
_GIVEN = "argument "


class _NotLoaded:
    """Stands for a value that is still in its stream."""


_NOT_LOADED: Final = _NotLoaded()


class Entry:
    """A stored value, from which independent values are made.

    Attributes
    ----------
    meta : its facts
    recording : what computing it showed, JSON; empty for nothing
    size : bytes it occupies, value and recording
    beside : what it keeps in memory beyond that, for its hits
    restore : (True, the value) if it can be handed out as it is, else (False, a function making independent values)

    Notes
    -----
    Threads may share an entry. What `restore` does for an entry that was opened may run the constructors of the
    user's own classes, and raise whatever they raise: to a cache that is a miss. `value` turns it into a
    `DamagedEntryError`.
    """

    __slots__ = ("__weakref__", "_beside", "_body", "_live", "_recipe", "_restore", "_size", "meta", "recording")

    def __init__(self, meta: Meta, recording: bytes, recipe: str, live: object, body: Body | None) -> None:
        self.meta = meta
        self.recording = recording
        self._recipe = recipe
        self._live = live
        self._body = body
        self._restore: tuple[bool, Any] | None = None
        self._size = -1
        self._beside: Beside | None = None

    @classmethod
    def of(cls, value: object, meta: Meta, recording: bytes = b"") -> Entry:
        """Make the entry of a fresh value.

        What cannot change is kept as it is, and pickled when somebody packs it. Everything else is pickled now; its
        large buffers are the caller's memory until `owned`.

        Raises
        ------
        UnstorableResultError
            The value cannot be turned into bytes.
        """
        if type(value) in restore.ATOMS:
            return cls(meta, recording, restore.KEEP, value, None)
        recipe = restore.recipe_for(value)
        if recipe == restore.KEEP:
            return cls(meta, recording, recipe, value, None)
        if recipe == restore.COPY:
            return cls(meta, recording, recipe, value.copy(), None)  # type: ignore[attr-defined]
        return cls(meta, recording, recipe, _NOT_LOADED, _body_of(value, recipe))

    @classmethod
    def open(
        cls,
        source: Given,
        address: Address,
        keyring: Keyring,
        *,
        trust: str = "sign",
        memo: VerifiedFiles | None = None,
    ) -> Entry:
        """Verify a packed entry and make it usable; nothing of it is unpickled before all of it was verified.

        Parameters
        ----------
        source : an open file, which stays the caller's, or the bytes themselves
        address : where it was found; an entry that was moved there from elsewhere is refused
        trust : "safe" also refuses, as foreign, what takes code to load
        memo : the files whose buffers were verified before, and need not be hashed again

        Raises
        ------
        ForeignEntryError
            Signed with a key that is not ours; or in safe mode, one that could run code.
        DamagedEntryError
            Anything else is wrong with it.
        """
        found = opening.opened(source, address, keyring, safely=trust == "safe", memo=memo)
        entry = cls(found.meta, found.recording, found.recipe, _NOT_LOADED, found.body)
        if trust == "safe":
            safe.check(found.body.fresh)
        return entry

    @classmethod
    def peek(cls, source: Given, keyring: Keyring) -> tuple[Address, Meta, int]:
        """Read what a packed entry says of itself, and its size in bytes; the value is not looked at.

        Raises
        ------
        ForeignEntryError, DamagedEntryError
            As for `open`.
        """
        return opening.peeked(source, keyring)

    @classmethod
    def described(cls, meta: Meta, size: int) -> Entry:
        """An entry of which only the facts were fetched, for those who look; it has no value to hand out."""
        entry = cls(meta, b"", "", _NOT_LOADED, None)
        entry._size = size
        return entry

    @property
    def size(self) -> int:
        if self._size < 0:
            inside = restore.occupied(self._live) if self._body is None else self._body.size
            self._size = inside + len(self.recording)
        return self._size

    @property
    def beside(self) -> Beside:
        if self._beside is None:
            self._beside = Beside()
        return self._beside

    @property
    def restore(self) -> tuple[bool, Any]:
        if self._restore is not None:
            return self._restore
        restoration = self._restoration()
        if self._recipe != restore.KEEP:
            self._restore = restoration
        return restoration

    @property
    def by_pickle(self) -> bool:
        """Whether values are made by unpickling, which runs the code of their classes."""
        return self._recipe == restore.LOAD

    def value(self) -> Any:
        """Hand out a value that is independent of every other.

        Raises
        ------
        DamagedEntryError
            The verified bytes cannot be turned into a value here: a class is gone, its constructor fails.
        """
        return self._guarded(self._made)

    def copied(self) -> Any:
        """Hand out an independent value in plain memory: dearer to get, and cheaper to overwrite."""
        if self._body is None or self._recipe in (restore.KEEP, restore.COPY):
            return self.value()
        return self._guarded(self._body.copied)

    def owned(self, folder: Path | None) -> Entry:
        """Return an entry whose bytes are nobody else's.

        Small ones are copied in memory; more than 1 MiB goes to a nameless file in `folder`, which is mapped. Without
        a folder, or when writing there fails, they are copied in memory too.
        """
        if self._body is None:
            return self
        body = self._body.owned(folder)
        if body is self._body:
            return self
        return Entry(self.meta, self.recording, self._recipe, self._live, body)

    def without_texts(self) -> Entry:
        """The same entry for others to read: of what the function reaches, names and digests, and no content."""
        parts = tuple([part if part[0].startswith(_GIVEN) else (*part[:2], "") for part in self.meta.parts])
        return Entry(self.meta._replace(parts=parts), self.recording, self._recipe, self._live, self._body)

    def pack(self, address: Address, keyring: Keyring) -> Sequence[bytes | memoryview]:
        """Return the bytes of the entry's file, in order; the first piece ends with the signature.

        Raises
        ------
        UnstorableResultError
            A value that was kept as it is cannot be pickled.
        """
        return self.packed(address, keyring).blocks()

    def packed(self, address: Address, keyring: Keyring) -> Packed:
        """Prepare the bytes of the entry's file, of which large ones are digested when they are written.

        Raises
        ------
        UnstorableResultError
            As for `pack`.
        """
        body = self._body
        if body is None:
            body = _body_of(self._live, self._recipe)
        files, parts = sections_of(self.meta)
        table = layout.pack_table(body.spans, body.kinds)
        sections = (files, parts, self.recording, table, body.stream)
        facts = {**facts_of(self.meta, address), "recipe": self._recipe}
        length = body.length
        return Packed(lambda root: layout.compose(facts, sections, length, root, keyring), sections, body)

    def _made(self) -> Any:
        ready, given = self.restore
        return given if ready else given()

    def _guarded(self, make: Callable[[], Any]) -> Any:
        try:
            return make()
        except CacheError:
            raise
        except Exception as error:
            raise DamagedEntryError(f"it cannot be loaded here ({type(error).__name__}: {error})") from error

    def _restoration(self) -> tuple[bool, Any]:
        recipe, body = self._recipe, self._body
        if body is None or recipe in (restore.KEEP, restore.COPY):
            if body is not None and isinstance(self._live, _NotLoaded):
                self._live = body.fresh()
            return (True, self._live) if recipe == restore.KEEP else (False, self._live.copy)  # type: ignore[attr-defined]
        if recipe == restore.SHARE:
            return True, body.master()
        if recipe == restore.CLONE:
            return False, body.master().clone
        if recipe == restore.SHALLOW:
            return False, restore.shallow_copies(body.master())
        return False, body.shortest(self.beside if body.size > KEPT_FROM else None)


def _body_of(value: object, recipe: str) -> Body:
    if recipe in restore.MASTERED:
        return Body.of(serialize.dumps(value, inline_below=0))
    return Body.of(serialize.dumps(value))
