"""What is a journal of rows: signed records in lines of their own, with what many rows share apart.

``signature | = | tag | shared facts``, ``signature | line | line ...`` and, first in a journal that was written anew,
``signature | # | length``. A signature is a keyed BLAKE2b of what follows it, as 32 hexadecimal digits.
"""

from __future__ import annotations

import hmac
from collections.abc import Container, Iterator
from hashlib import blake2b
from typing import Any, NamedTuple

from nbcache.stores.disk.row_lines import KIND, NUMBER, STEM, TAG, Line, SharedFacts, lines_of
from nbcache.stores.names import NOTE, RESULT
from nbcache.stores.protocol import RESULTS

#: So many rows share a signature where many are written at once.
_AT_ONCE = 1024
_MAC = 32
#: What a record begins with: lines, shared facts, the length of a journal that was written anew.
_LINES, _SHARED, _BASE = b"[", b"=", b"#"
_NEXT = b"\x1f"


class Journal(NamedTuple):
    """What is signed in a journal: shared facts by their tag, and lines in their order, as they are and read."""

    shared: dict[str, SharedFacts]
    texts: list[bytes]
    lines: list[tuple[list[Any], bytes]]

    def alive(self, present: dict[str, int]) -> Iterator[tuple[int, str]]:
        """The places of the lines that stand for files, and the names, the latest first; names leave `present`."""
        for place in range(len(self.lines) - 1, -1, -1):
            facts = self.lines[place][0]
            name = facts[STEM] + (RESULT if facts[KIND] in RESULTS else NOTE)
            number = present.pop(name, None)
            if number == facts[NUMBER]:
                yield place, name
            elif number is not None:
                present[name] = number


def records_of(key: bytes, lines: list[Line], known: Container[str]) -> tuple[bytes, set[str]]:
    """The records of some lines, to be appended, and the tags of the shared facts among them.

    Parameters
    ----------
    known : the tags that are in the journal already
    """
    new = {line.tag: line.shared for line in lines if line.tag not in known}
    records = [_signed(key, _SHARED + tag.encode() + text) for tag, text in new.items()]
    return b"".join(records) + _signed(key, _NEXT.join([line.text for line in lines])), set(new)


def _signed(key: bytes, body: bytes) -> bytes:
    """A record: in a line of its own, so that one that a killed process or a full disk cut short harms no other."""
    return b"\n" + blake2b(body, key=key, digest_size=_MAC // 2).hexdigest().encode() + body


def _verified(key: bytes, line: bytes) -> bytes:
    """The body of a record; nothing if its signature is wrong."""
    body = line[_MAC:]
    expected = blake2b(body, key=key, digest_size=_MAC // 2).hexdigest().encode()
    return body if hmac.compare_digest(expected, line[:_MAC]) else b""


def parsed(key: bytes, content: bytes) -> Journal:
    """What is signed in a journal; the rest is left out."""
    shared: dict[str, SharedFacts] = {}
    texts: list[bytes] = []
    try:
        for line in content.split(b"\n"):
            body = _verified(key, line)
            kind = body[:1]
            if kind == _LINES:
                texts += body.split(_NEXT)
            elif kind == _SHARED:
                shared[body[1:17].decode()] = SharedFacts(body[17:])
        return Journal(shared, texts, list(lines_of(texts)))
    except (ValueError, RecursionError):
        return Journal({}, [], [])


def began_with(key: bytes, content: bytes) -> int:
    """How long a journal was when it was written anew; 0 for one that never was."""
    first = _verified(key, content[1 : max(0, content.find(b"\n", 1))])
    return int(first[1:]) if first[:1] == _BASE else 0


def shortened(key: bytes, journal: Journal, present: dict[str, int]) -> bytes:
    """The journal of the files that are there."""
    places = sorted([place for place, _ in journal.alive(present)])
    tags = dict.fromkeys([journal.lines[place][0][TAG] for place in places])
    records = [_signed(key, _SHARED + tag.encode() + journal.shared[tag].text) for tag in tags if tag in journal.shared]
    for begin in range(0, len(places), _AT_ONCE):
        records.append(_signed(key, _NEXT.join([journal.texts[place] for place in places[begin : begin + _AT_ONCE]])))
    content = b"".join(records)
    return _signed(key, _BASE + b"%d" % len(content)) + content
