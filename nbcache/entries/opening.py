"""Packed bytes in, a verified entry's parts out; whatever is wrong with them is said in one exception."""

from __future__ import annotations

import hmac
from typing import NamedTuple

from nbcache.entries import layout, restore, safe, serialize
from nbcache.entries.body import Body
from nbcache.entries.layout import Head
from nbcache.entries.meta import Address, Meta, meta_of
from nbcache.entries.section import MAPPED_FROM, FileSection, RamSection, Section
from nbcache.entries.signing import Keyring
from nbcache.entries.source import FileSource, Given, MemorySource, source_of
from nbcache.entries.treehash import digest_of_file, digest_of_pieces
from nbcache.entries.verified import VerifiedFiles
from nbcache.errors import DamagedEntryError

__all__ = ["Opened", "opened", "peeked"]


class Opened(NamedTuple):
    """The verified parts of an entry."""

    meta: Meta
    recording: bytes
    recipe: str
    body: Body


def peeked(given: Given, keyring: Keyring) -> tuple[Address, Meta, int]:
    """Verify and read what comes before the value: address, facts, and the size of the whole."""
    source = source_of(given)
    head = layout.read_head(source, keyring)
    address, meta = _described(source, head)
    return address, meta, source.size


def opened(given: Given, address: Address, keyring: Keyring, *, safely: bool, memo: VerifiedFiles | None) -> Opened:
    """Verify a packed entry, all of it.

    The stream is read into memory of our own, verified there and loaded from there, whatever happens to the file.
    Buffers are verified where they lie, unless `memo` knows that they were.
    """
    source = source_of(given)
    head = layout.read_head(source, keyring)
    found, meta = _described(source, head)
    if found != address:
        raise DamagedEntryError(f"it belongs to {found.owner}, under the key {found.key}")
    recording = layout.read_section(source, head, "recording")
    spans, kinds = layout.unpack_table(layout.read_section(source, head, "table"), head.length)
    stream = layout.read_section(source, head, "stream")
    recipe = head.facts.get("recipe")
    if type(recipe) is not str or recipe not in restore.RECIPES:
        raise DamagedEntryError(f"its recipe {recipe!r} is not known")
    section = _buffers(source, head, memo) if head.length or kinds else None
    load = safe.loads if safely else serialize.loads
    return Opened(meta, recording, recipe, Body(stream, kinds, spans, section, (), head.root, load))


def _described(source: FileSource | MemorySource, head: Head) -> tuple[Address, Meta]:
    files = layout.read_section(source, head, "files")
    parts = layout.read_section(source, head, "parts")
    try:
        return meta_of(head.facts, files, parts)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DamagedEntryError(f"its facts are not understood ({error})") from error


def _buffers(source: FileSource | MemorySource, head: Head, memo: VerifiedFiles | None) -> Section:
    """Return the buffers, verified: in place if the file can only be changed by this user, else in memory."""
    if isinstance(source, FileSource) and head.length > MAPPED_FROM and source.mappable():
        return _mapped(source, head, memo)
    layout.check_padding(source, head)
    return _in_memory(source, head)


def _in_memory(source: FileSource | MemorySource, head: Head) -> Section:
    content = memoryview(source.read(head.start, head.length))
    _compare(digest_of_pieces([content]), head)
    return RamSection(content)


def _mapped(source: FileSource, head: Head, memo: VerifiedFiles | None) -> Section:
    if memo is None or not memo.holds(source.facts, head.mac):
        layout.check_padding(source, head)
        try:
            _compare(digest_of_file(source.descriptor, head.start, head.length), head)
        except (OSError, EOFError) as error:
            raise DamagedEntryError(f"its buffers cannot be read ({error})") from error
        if not source.unchanged():
            raise DamagedEntryError("it was changed while it was read")
        if memo is not None:
            memo.remember(source.facts, head.mac)
    try:
        return FileSection(source.descriptor, head.start, head.length)
    except OSError:
        return _in_memory(source, head)  # no descriptor and no map is left in this process


def _compare(digest: bytes, head: Head) -> None:
    if not hmac.compare_digest(digest, head.root):
        raise DamagedEntryError("its buffers were altered")
