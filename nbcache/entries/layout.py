"""The format of an entry, and the one place that parses it.

prefix | header | MAC | files | parts | recording | table | stream | zeros | buffers

The prefix names the format and the key; the header is canonical JSON; the MAC authenticates both. The header holds
the length and SHA-256 of each section, and the tree digest of the buffers, so that the MAC covers every byte.
Nothing behind the prefix is looked at before the MAC is right, and nothing is accepted unless all lengths add up to
the size of the file.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

from nbcache.entries.serialize import BLOBS, READONLY, WRITABLE
from nbcache.entries.signing import MAC_BYTES, Keyring
from nbcache.entries.source import Source
from nbcache.errors import DamagedEntryError, ForeignEntryError, UnstorableResultError

__all__ = ["SECTIONS", "Head", "check_padding", "compose", "pack_table", "read_head", "read_section", "unpack_table"]

SECTIONS = ("files", "parts", "recording", "table", "stream")
VERSION = 1

_MAGIC = b"\x89NBCACHE"
_PREFIX = struct.Struct("<8sHHI8s")  # magic, version, nothing, length of the header, id of the key
_MAX_HEADER = 64 << 10
_PAGE = 4096
_HUGE_PAGE = 2 << 20
_HUGE_FROM = 32 << 20
_PURPOSE = b"entry/v1"
_ALGORITHM = "hmac-sha256, sha256, sha256-tree-1MiB"
_SPAN = struct.Struct("<QQB")  # offset and length of a buffer, its kind
_KINDS = BLOBS | {READONLY, WRITABLE}
_NOTHING = ""
_ZEROS = bytes(_MAX_HEADER)
_READ = json.JSONDecoder().raw_decode
_TEXT = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


class Head(NamedTuple):
    """A header whose MAC was right.

    Attributes
    ----------
    facts : what `compose` was given
    mac : the MAC, which stands for everything in the entry
    sections : offset and length of each section, and its SHA-256 in hexadecimal, empty for an empty one
    start, length : of the buffers
    root : tree digest of the buffers
    """

    facts: dict[str, Any]
    mac: bytes
    sections: dict[str, tuple[int, int, str]]
    start: int
    length: int
    root: bytes


def compose(
    facts: dict[str, Any], sections: Sequence[bytes], length: int, root: bytes, keyring: Keyring
) -> tuple[bytes, bytes]:
    """Make what comes before the sections, and the zeros between them and the buffers.

    Parameters
    ----------
    facts : what the header says beside the layout; JSON
    sections : their content, in the order of `SECTIONS`
    length, root : of the buffers; the root of no buffers is empty
    """
    header = {
        "algorithm": _ALGORITHM,
        "key": keyring.id,
        "facts": facts,
        "sections": [[len(s), hashlib.sha256(s).hexdigest() if s else _NOTHING] for s in sections],
        "buffers": [length, root.hex()],
    }
    text = _TEXT(header).encode("ascii")
    if len(text) > _MAX_HEADER:
        raise UnstorableResultError("The names and times of a result are too long to be stored with it.")
    prefix = _PREFIX.pack(_MAGIC, VERSION, 0, len(text), bytes.fromhex(keyring.id))
    mac = keyring.sign(_PURPOSE, prefix, text)
    end = len(prefix) + len(text) + len(mac) + sum(map(len, sections))
    return prefix + text + mac, bytes(_start(end, length) - end)


def _start(end: int, length: int) -> int:
    """Place the buffers behind the sections.

    On page borders, so that they can be mapped. Many of them start at a border of huge pages: the system then keeps
    the file in large pieces, which are mapped at once and read as fast as plain memory, else up to twice as slowly.
    """
    if not length:
        return end
    step = _PAGE if length < _HUGE_FROM else _HUGE_PAGE
    return -(-end // step) * step


def read_head(source: Source, keyring: Keyring) -> Head:
    """Authenticate and parse the header, and check that all lengths add up.

    Raises
    ------
    ForeignEntryError
        Another key signed it.
    DamagedEntryError
        It is not a whole entry, or not one that a key of ours signed.
    """
    if source.size < _PREFIX.size + MAC_BYTES:
        raise DamagedEntryError("it is cut short" if source.size else "it is empty")
    prefix = source.read(0, _PREFIX.size)
    magic, version, nothing, header_length, key = _PREFIX.unpack(prefix)
    if magic != _MAGIC:
        raise DamagedEntryError("it is not an entry of nbcache")
    if version != VERSION or nothing:
        raise DamagedEntryError(f"its format is version {version}, and this nbcache reads version {VERSION}")
    if not keyring.knows(key.hex()):
        raise ForeignEntryError(f"it was signed with the key {key.hex()}")
    end = _PREFIX.size + header_length + MAC_BYTES
    if header_length > _MAX_HEADER or end > source.size:
        raise DamagedEntryError("it is cut short")
    signed = source.read(_PREFIX.size, header_length + MAC_BYTES)
    text, mac = signed[:header_length], signed[header_length:]
    if not keyring.verify(_PURPOSE, mac, prefix, text):
        raise DamagedEntryError("its signature is wrong")
    try:
        return _parsed(text, mac, end, source.size)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DamagedEntryError(f"its header is not understood ({error})") from error


def _parsed(text: bytes, mac: bytes, end: int, size: int) -> Head:
    header, read = _READ(text.decode("ascii"))
    if read != len(text):
        raise ValueError("there is more than one header")
    sections = {}
    for name, (length, digest) in zip(SECTIONS, header["sections"], strict=True):
        if type(length) is not int or length < 0:
            raise ValueError("a length is not a number")
        if type(digest) is not str or not digest.isascii():
            raise ValueError("a digest is not a text of digits")
        sections[name] = (end, length, digest)
        end += length
    length, root = header["buffers"]
    if type(length) is not int or length < 0:
        raise ValueError("a length is not a number")
    start = _start(end, length)
    if start + length != size:
        raise DamagedEntryError(f"it has {size} bytes instead of {start + length}")
    return Head(header["facts"], mac, sections, start, length, bytes.fromhex(root))


def read_section(source: Source, head: Head, name: str) -> bytes:
    """Read one section into memory of our own, and verify it there."""
    offset, length, digest = head.sections[name]
    if not length:
        return b""
    content = source.read(offset, length)
    if not hmac.compare_digest(hashlib.sha256(content).hexdigest(), digest):
        raise DamagedEntryError(f"its {name} section was altered")
    return content


def check_padding(source: Source, head: Head) -> None:
    """Check that only zeros lie between the sections and the buffers."""
    offset, length, _ = head.sections[SECTIONS[-1]]
    end = offset + length
    for offset in range(end, head.start, len(_ZEROS)):
        length = min(len(_ZEROS), head.start - offset)
        if source.read(offset, length) != _ZEROS[:length]:
            raise DamagedEntryError("there are bytes between its parts")


def pack_table(spans: Sequence[tuple[int, int]], kinds: bytes) -> bytes:
    """Write down where the buffers are and what they become."""
    return b"".join(_SPAN.pack(offset, length, kind) for (offset, length), kind in zip(spans, kinds, strict=True))


def unpack_table(table: bytes, total: int) -> tuple[list[tuple[int, int]], bytes]:
    """Read the table of buffers: in order, within the buffers' `total` bytes, and nowhere over each other."""
    spans, kinds, end = [], bytearray(), 0
    try:
        for offset, length, kind in _SPAN.iter_unpack(table):
            if offset < end or kind not in _KINDS:
                raise DamagedEntryError("its table of buffers is not in order")
            spans.append((offset, length))
            kinds.append(kind)
            end = offset + length
    except struct.error as error:
        raise DamagedEntryError("its table of buffers is cut short") from error
    if end != total:
        raise DamagedEntryError("its table does not cover its buffers")
    return spans, bytes(kinds)
