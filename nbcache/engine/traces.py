"""Results that rest on files: which files a call read, and the entry for what they hold now.

The entry at the key of such a call is a *trace*: lists of the files that earlier runs read. Each list, together with
the present content of its files, names a variant of the key, and there the value is. So a file that changes and
changes back is a hit again, and a call that reads other files under other circumstances has several lists.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from typing import NamedTuple, cast

from nbcache.entries.entry import Address, Entry, Meta
from nbcache.keys.key import variant
from nbcache.tracking.files import FileDep, state_digest, unrecorded

#: Lists of files, and variants, remembered per key; the oldest go first.
LISTS = 8
VARIANTS = 32
#: Names in a folder that an explanation remembers.
_NAMES = 50

Names = tuple[tuple[str, str], ...]
"""Files and what they are, as (path, kind)."""


class Trace(NamedTuple):
    """What leads from a key to its variants.

    Attributes
    ----------
    nonce : makes the variants of this trace; those left over from before a clear can never be found again
    lists : the files of earlier runs, the newest list first
    known : the variants written so far, the newest first, so that a clear finds them all
    """

    nonce: str
    lists: tuple[Names, ...] = ()
    known: tuple[str, ...] = ()


def read(entry: Entry) -> Trace:
    """The trace that an entry of kind "trace" holds."""
    return Trace(*cast("tuple[str, tuple[Names, ...], tuple[str, ...]]", entry.value()))


def places(address: Address, trace: Trace) -> Iterator[tuple[Address, tuple[FileDep, ...]]]:
    """Where the value of a call may be, given what its files hold now; the newest list first."""
    for names in trace.lists:
        files = tuple(FileDep(path, kind) for path, kind in names)
        yield Address(address.owner, variant(address.key, trace.nonce, state_digest(files))), files


def written(address: Address, trace: Trace) -> list[Address]:
    """Where values of a call have been stored."""
    return [Address(address.owner, key) for key in trace.known]


def extended(
    address: Address, trace: Trace | None, files: tuple[FileDep, ...], state: bytes
) -> tuple[Trace, Address, list[Address]]:
    """A trace that leads to the value of a run which read `files`.

    Parameters
    ----------
    state : what they held then, as `state_digest` has it; by now they may hold something else

    Returns
    -------
    The trace, the place of the value, and the places of values that the trace no longer leads to.
    """
    trace = trace or Trace(secrets.token_hex(8))
    names = tuple(sorted((dep.path, dep.kind) for dep in files))
    lists = (names, *(other for other in trace.lists if other != names))[:LISTS]
    key = variant(address.key, trace.nonce, state)
    known = (key, *(other for other in trace.known if other != key))
    forgotten = [Address(address.owner, other) for other in known[VARIANTS:]]
    return Trace(trace.nonce, lists, known[:VARIANTS]), Address(address.owner, key), forgotten


def file_parts(files: tuple[FileDep, ...]) -> Iterator[tuple[str, str, str]]:
    """What an explanation needs to name the file that changed: a part per file, with the digest of its content."""
    for dep in files:
        yield f"{dep.kind} {dep.path}", state_digest((dep,)).hex(), _outline(dep)


def _outline(dep: FileDep) -> str:
    """What can be said of a file at a glance: its size, or the names in a folder."""
    try:
        if dep.kind == "file":
            size = os.stat(dep.path).st_size
            return f"{size:,} byte{'s' if size != 1 else ''}"
        with unrecorded():
            return "\n".join(sorted(os.listdir(dep.path))[:_NAMES]) if dep.kind == "folder" else ""
    except (OSError, ValueError):
        return "not there" if dep.kind == "file" else ""


def entry_of(trace: Trace, address: Address, now: float) -> Entry:
    """The entry that holds a trace."""
    meta = Meta(owner=address.owner, arguments="", created=now, expires=None, seconds=0.0, kind="trace")
    return Entry.of(tuple(trace), meta)
