"""Entries altered at random and signed again, so that the reader cannot stop at the signature.

    python tests/support/fuzz_entries.py --seconds 300 --seed 1

Whatever a header, a section or a table says, the reader must answer with an entry or with one of its two errors, and
must not take much more memory than the file has. Ends with 1 at the first thing else.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import struct
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from packing import ADDRESS, META  # noqa: E402

from nbcache.entries.entry import Entry  # noqa: E402
from nbcache.entries.signing import Keyring  # noqa: E402
from nbcache.errors import DamagedEntryError, ForeignEntryError  # noqa: E402

KEYS = Keyring.ephemeral()
PREFIX, MAC = 24, 32
#: Bytes that opening one entry may take beyond its own.
SPARE = 32 << 20


def seeds() -> list[bytes]:
    """Genuine entries of every shape."""
    values = [1, {"a": [1, 2]}, "text" * 100, np.arange(100), np.arange(200_000), [np.arange(30), np.eye(40)],
              pd.DataFrame({"n": range(50), "t": list("abcde") * 10})]  # fmt: skip
    return [b"".join(map(bytes, Entry.of(value, META, b"[]").pack(ADDRESS, KEYS))) for value in values]


def signed(header: bytes, rest: bytes) -> bytes:
    """An entry with this header, signed with our own key."""
    prefix = struct.pack("<8sHHI8s", b"\x89NBCACHE", 1, 0, len(header), bytes.fromhex(KEYS.id))
    return prefix + header + KEYS.sign(b"entry/v1", prefix, header) + rest


def parted(entry: bytes) -> tuple[bytes, bytes]:
    end = PREFIX + struct.unpack_from("<I", entry, 12)[0]
    return entry[PREFIX:end], entry[end + MAC :]


ODD: list[Any] = [
    None,
    True,
    -1,
    0,
    1,
    2**31,
    2**63,
    2**64,
    10**30,
    1.5,
    "",
    "x",
    "0" * 64,
    [],
    {},
    [[]],
    "\ud800",
    [1] * 9,
]


def altered_header(entry: bytes, chance: random.Random) -> bytes:
    """Change one thing that the header says."""
    header, rest = parted(entry)
    facts = json.loads(header)
    place: Any = facts
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = chance.choice(keys)
        if not isinstance(place[key], dict | list) or not place[key] or chance.random() < 0.3:
            break
        place = place[key]
    if isinstance(place[key], int) and chance.random() < 0.5:
        place[key] = place[key] + chance.choice([-1, 1, 64, -64, 4096, 1 << 40])
    else:
        place[key] = chance.choice(ODD)
    if chance.random() < 0.1 and isinstance(place, dict):
        del place[key]
    return signed(json.dumps(facts).encode(), rest)


def altered_text(entry: bytes, chance: random.Random) -> bytes:
    """Change bytes of the header."""
    header, rest = parted(entry)
    changed = bytearray(header)
    for _ in range(chance.randrange(1, 4)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return signed(bytes(changed), rest)


def altered_section(entry: bytes, chance: random.Random) -> bytes:
    """Change bytes of a section, and let the header have its right digest."""
    import hashlib

    header, rest = parted(entry)
    facts = json.loads(header)
    offset = 0
    changed = bytearray(rest)
    which = chance.randrange(4)  # not the stream: whoever signs a stream may run code
    for number, (length, _) in enumerate(facts["sections"]):
        if number == which and length:
            for _ in range(chance.randrange(1, 6)):
                changed[offset + chance.randrange(length)] = chance.randrange(256)
            facts["sections"][number][1] = hashlib.sha256(changed[offset : offset + length]).hexdigest()
        offset += length
    return signed(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode(), bytes(changed))


def altered_bytes(entry: bytes, chance: random.Random) -> bytes:
    """Change, cut or add bytes anywhere, without a new signature."""
    changed = bytearray(entry)
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(changed))
        match chance.randrange(4):
            case 0:
                changed[at] ^= 1 << chance.randrange(8)
            case 1:
                del changed[at : at + chance.randrange(1, 200)]
            case 2:
                changed[at:at] = chance.randbytes(chance.randrange(1, 200))
            case _:
                del changed[at:]
        if not changed:
            break
    return bytes(changed)


WAYS: list[Callable[[bytes, random.Random], bytes]] = [altered_header, altered_text, altered_section, altered_bytes]


def fuzz(seconds: float, seed: int) -> Counter[str]:
    """Open altered entries for so many seconds; what came of them, by kind.

    Raises
    ------
    AssertionError
        The reader took too much memory.
    Exception
        Anything but the two errors that it may raise.
    """
    chance = random.Random(seed)
    genuine = seeds()
    done: Counter[str] = Counter()
    end = time.monotonic() + seconds
    tracemalloc.start()
    while time.monotonic() < end:
        entry = chance.choice(WAYS)(chance.choice(genuine), chance)
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        for look in (lambda: Entry.peek(entry, KEYS), lambda: Entry.open(entry, ADDRESS, KEYS, trust="sign")):
            try:
                look()
                done["read"] += 1
            except DamagedEntryError:
                done["damaged"] += 1
            except ForeignEntryError:
                done["foreign"] += 1
        peak = tracemalloc.get_traced_memory()[1] - before
        assert peak < SPARE + 4 * len(entry), f"{peak} bytes for an entry of {len(entry)}"
        done["entries"] += 1
    tracemalloc.stop()
    return done


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    done = fuzz(chosen.seconds, chosen.seed)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"seed {chosen.seed}, {chosen.seconds:.0f} s: {dict(done)}, at most {most} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
