"""Attacks from whole processes: what their programs begin with, and what is right afterwards."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

#: Users that are not this one.
NOBODY, SOMEBODY = 65534, 65533

#: What programs that plant something begin with.
PRELUDE = """
import os, struct, sys
from pathlib import Path
import planted, victim
from nbcache.entries.entry import Address, Entry
from nbcache.entries.signing import Keyring
ours, stranger = Keyring.load(os.environ["NBCACHE_KEY_FILE"]), Keyring.ephemeral()
def address_of(path):
    return Entry.peek(path.read_bytes(), ours)[0]
def dressed(stream, dress):
    def plant(path):
        genuine = path.read_bytes()
        path.write_bytes(planted.dresses(stream, address_of(path), genuine, ours.id, stranger)[dress])
    return plant
everything = planted.streams(os.environ["CANARY"])
dresses = list(planted.dresses(b"", Address("a.b", "0" * 40), planted.envelope(b"", Address("a.b", "0" * 40), ours),
                               ours.id, stranger))
"""


def unexpected(outcomes: list[dict[str, Any]], warnings: int = 1) -> list[str]:
    """The outcomes that are not: the right value, computed once, so many warnings, and a silent hit afterwards."""
    return [
        f"{one['name']}: {one}"
        for one in outcomes
        if not (
            one["right"]
            and not one["raised"]
            and one["computed"] == 1
            and len(one["warned"]) == warnings
            and one["again"]["right"]
            and not one["again"]["raised"]
            and one["again"]["computed"] == 0
            and not one["again"]["warned"]
        )
    ]


def own(folder: Path, user: int) -> Path:
    """Give a folder, and what is in it, to a user; without the right to do so it stays this user's."""
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, user, user, follow_symlinks=False)
    return folder
