"""What entries are called in a store: digests only, so that no name of the user's can point anywhere else."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b

from nbcache.entries.entry import Address

_KEY = re.compile(r"[0-9a-f]{40}(?:-[0-9a-f]{16})?")

#: Endings of the files of results, and of bookkeeping such as traces.
RESULT = ".nbc"
NOTE = ".note.nbc"

#: The journals in an owner's folder: when entries were used, and the rows of a listing.
USES, ROWS = ".recent", ".rows"

_FOLDER = re.compile(r"[0-9a-f]{32}")
_FILE = re.compile(r"([0-9a-f]{40}(?:-[0-9a-f]{16})?)(\.nbc|\.note\.nbc)")
_KEY_ID = re.compile(r"[0-9a-f]{16}")


@lru_cache(maxsize=1024)
def owner_name(owner: str) -> str:
    """The 32 hex digits that stand for an owner."""
    return blake2b(owner.encode("utf-8", "surrogatepass"), digest_size=16, person=b"nbcache owner").hexdigest()


@lru_cache(maxsize=1024)
def key_name(key: str) -> str:
    """The key itself if it has the usual form, else a digest of it."""
    if _KEY.fullmatch(key) is not None:
        return key
    return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=20, person=b"nbcache key").hexdigest()


def entry_name(address: Address) -> str:
    """The name of an entry below the folder of a signing key, the same in every store."""
    return f"{owner_name(address.owner)}/{key_name(address.key)}"


def is_owner_folder(name: str) -> bool:
    return _FOLDER.fullmatch(name) is not None


def is_key_folder(name: str) -> bool:
    return _KEY_ID.fullmatch(name) is not None


def parts_of_file(name: str) -> tuple[str, str] | None:
    """The key and the ending of a file of ours; None for any other name."""
    match = _FILE.fullmatch(name)
    return None if match is None else (match.group(1), match.group(2))


def is_journal(name: str) -> bool:
    """Whether a file in an owner's folder is a journal, or what a killed process left of one."""
    return name.partition("-")[0] in (USES, ROWS)


def may_be_note(stem: str) -> bool:
    """Whether bookkeeping can have this name: a variant of a key always is a result."""
    return len(stem) == 40
