"""Entries packed, written and opened, for the tests of entries."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nbcache.entries.entry import Address, Entry, Meta
from nbcache.entries.signing import Keyring

ADDRESS = Address("module.function", "0123456789" * 4)
META = Meta(
    "module.function",
    "x=1",
    1_700_000_000.25,
    None,
    1.5,
    observations=(("data.csv", "file"),),
    parts=(("code", "00ff", "def f"), ("global ALPHA", "01", "0.1")),
)
RECORDING = b'[{"text": "shown"}]'


def packed(value: object, keyring: Keyring, address: Address = ADDRESS, meta: Meta = META) -> bytes:
    """The bytes of an entry's file."""
    return b"".join(Entry.of(value, meta, RECORDING).pack(address, keyring))


def write(path: Path, pieces: Sequence[Any]) -> Path:
    """Write a file as the store does: owner-only."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as file:
        for piece in pieces:
            file.write(piece)
    return path


def opened(path: Path, keyring: Keyring, **options: Any) -> Entry:
    """Open an entry's file as the store does."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        return Entry.open(descriptor, ADDRESS, keyring, **options)
    finally:
        os.close(descriptor)
