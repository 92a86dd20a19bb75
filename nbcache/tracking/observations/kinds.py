"""The kinds of observation, and the digest of a whole list of them."""

from __future__ import annotations

import marshal
import os
from collections.abc import Mapping
from typing import Any

import xxhash

from nbcache.tracking.observations import file_queries
from nbcache.tracking.observations.environment import ALL_VARIABLES, VARIABLES
from nbcache.tracking.observations.files import FILES, FOLDERS, MISSING, TREES
from nbcache.tracking.observations.generators.draws import ANY_STATE, SEEDED_STATE
from nbcache.tracking.observations.handles.databases import DEFAULT_TABLES
from nbcache.tracking.observations.logging_levels import LEVELS
from nbcache.tracking.observations.observation import Kind, Observation
from nbcache.tracking.observations.processes.unseen import UNSEEN, UNSEEN_KIND
from nbcache.tracking.observations.styles import PARAMETERS
from nbcache.tracking.observations.warning_filters import GIVEN
from nbcache.tracking.observations.working_folder import FOLDER

_PATHS: Mapping[str, Kind] = {
    "file": FILES,
    "folder": FOLDERS,
    "tree": TREES,
    "missing": MISSING,
    "existence": file_queries.EXISTENCE,
    "link existence": file_queries.LINK_EXISTENCE,
    "size": file_queries.SIZE,
    "time": file_queries.MODIFIED,
    "status": file_queries.STATUS,
    "link status": file_queries.LINK_STATUS,
    "links": file_queries.LINKS,
    "access": file_queries.ACCESS,
    "attributes": file_queries.ATTRIBUTES,
    "matches": file_queries.MATCHES,
}
KINDS: Mapping[str, Kind] = {
    **_PATHS,
    "variable": VARIABLES,
    "variables": ALL_VARIABLES,
    "working folder": FOLDER,
    "style": PARAMETERS,
    "tables": DEFAULT_TABLES,
    "warning": GIVEN,
    "logging": LEVELS,
    "generator": SEEDED_STATE,
    "generator state": ANY_STATE,
    UNSEEN_KIND: UNSEEN,
}

#: Kinds whose names are paths, and those of them that are about other things than content.
PATHS = frozenset(_PATHS)
LOOKS = PATHS - {"file", "folder", "tree"}
#: What needs no telling of a file whose content counts.
IMPLIED = frozenset({"existence", "link existence", "size"})


def digest_of(seen: Observation) -> bytes:
    """Digest what it is now.

    Nothing equals a kind of another version that this one does not know, nor what cannot be looked at.
    """
    kind = KINDS.get(seen.kind)
    try:
        return os.urandom(16) if kind is None else kind.digest(seen.name)
    except Exception:  # a library's own mistake, a name that means nothing here: the call computes
        return os.urandom(16)


def state_digest(digests: Mapping[Observation, bytes]) -> bytes:
    """Digest what observations are, or were when it was recorded; their order does not matter."""
    by_kind: dict[str, dict[str, bytes]] = {}
    for (name, kind), digest in digests.items():
        by_kind.setdefault(kind, {})[name] = digest
    rows: list[Any] = []
    for kind in sorted(by_kind):
        of_kind = by_kind[kind]
        names = sorted(of_kind)
        rows += (kind, names, [of_kind[name] for name in names])
    # version 0 knows no references and nothing of interned strings: equal rows are written alike
    return xxhash.xxh3_128_digest(marshal.dumps(rows, 0))


def label_of(seen: Observation) -> str:
    """What a reader calls it."""
    kind = KINDS.get(seen.kind)
    return f"{seen.kind} {seen.name}" if kind is None else kind.label(seen.name)


def outline_of(seen: Observation) -> str:
    """What can be said of it at a glance."""
    kind = KINDS.get(seen.kind)
    return "" if kind is None else kind.outline(seen.name)
