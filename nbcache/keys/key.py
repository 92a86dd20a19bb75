"""The `Key` of a call or a cell: what it belongs to, the code it rests on, its arguments, and the parts of both."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from hashlib import blake2b

#: Raised by one whenever the meaning of a key changes, so that old entries become plain misses.
SCHEME = 2
#: So many hexadecimal digits tell functions of one name apart.
BRANCH = 8
_SIZES = tuple(size.to_bytes(8, "little") for size in range(256))
_BEGINNING = b"nbcache key %d, python %d.%d" % (SCHEME, *sys.version_info[:2])


@dataclass(frozen=True, slots=True)
class Key:
    """Names one result.

    Attributes
    ----------
    owner : the function or cell the result belongs to, such as ``"__main__.foo"`` or ``"cell prices"``
    fingerprint : digest of the code and everything it reaches
    arguments : (name, digest) of every argument, or of every name that a cell reads
    branch : what tells functions of one name apart, `BRANCH` hexadecimal digits with which the key begins; "" for
        a cell, whose name is its own
    """

    owner: str
    fingerprint: bytes
    arguments: tuple[tuple[str, bytes], ...]
    branch: str = ""

    @property
    def text(self) -> str:
        """The key as 40 hexadecimal digits, the name of its entry in every store."""
        parts = [self.owner.encode(), self.fingerprint]
        for name, digest in self.arguments:
            parts += (name.encode(), digest)
        return self.branch + combine(*parts)[len(self.branch) :]


def is_name(owner: str) -> bool:
    """Whether an owner's name means one function at a time; that of a lambda, or of a function in another, does not."""
    return "<" not in owner


def branch_of(key: str) -> str:
    """The branch of the function that a key belongs to."""
    return key[:BRANCH]


def combine(*parts: bytes) -> str:
    """One digest of 40 hexadecimal digits over parts, each with its length, for this scheme and Python version."""
    pieces = [_BEGINNING]
    for part in parts:
        size = len(part)
        pieces.append(_SIZES[size] if size < len(_SIZES) else size.to_bytes(8, "little"))
        pieces.append(part)
    return blake2b(b"".join(pieces), digest_size=20).hexdigest()


def variant(text: str, nonce: str, state: bytes) -> str:
    """The key of a result that moreover rests on files: `text`, and 16 digits for the state of these files."""
    return f"{text}-{combine(text.encode(), nonce.encode(), state)[:16]}"
