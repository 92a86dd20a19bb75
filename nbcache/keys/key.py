"""The `Key` of a call or a cell: what it belongs to, the code it rests on, its arguments, and the parts of both."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from operator import methodcaller

#: Raised by one whenever the meaning of a key changes, so that old entries become plain misses.
SCHEME = 3
#: So many hexadecimal digits tell functions of one name apart, and so many, behind them, calls with other arguments.
BRANCH = ARGUMENTS = 8
_FEW = 256
_SIZES = tuple(size.to_bytes(8, "little") for size in range(_FEW))
_secret = b""
_BEGINNING = b"nbcache key %d, python %d.%d" % (SCHEME, *sys.version_info[:2])
#: What every key begins with, hashed already.
_begun = blake2b(_BEGINNING, digest_size=20)


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
        arguments: list[bytes] = []
        for name, digest in self.arguments:
            arguments += (name.encode(), digest)
        framed = _framed(arguments)
        begins = self.branch + _digest(framed)[:ARGUMENTS]
        return begins + _digest(_framed((self.owner.encode(), self.fingerprint)) + framed)[len(begins) :]


def is_name(owner: str) -> bool:
    """Whether an owner's name means one function at a time; that of a lambda, or of a function in another, does not."""
    return "<" not in owner


def branch_of(key: str) -> str:
    """The branch of the function that a key belongs to."""
    return key[:BRANCH]


def same_arguments(key: str) -> Callable[[str], bool]:
    """Which keys of functions, or texts that begin with one, are those of calls with the same arguments.

    Whatever else they rest on. No code of Python runs for each: it is asked of every key that an owner has.
    """
    return methodcaller("startswith", key[BRANCH : BRANCH + ARGUMENTS], BRANCH)


def use_secret(secret: bytes) -> None:
    """Make all keys from now on with a secret of up to 64 bytes, so that nobody without it finds values by trying."""
    global _secret, _begun
    _secret, _begun = secret, blake2b(_BEGINNING, key=secret, digest_size=20)


def keyed(digest: str) -> str:
    """A digest as it may be written down: as it is, or, where keys are made with a secret, with that secret too."""
    return blake2b(digest.encode(), key=_secret, digest_size=16).hexdigest() if _secret else digest


def combine(*parts: bytes) -> str:
    """One digest of 40 hexadecimal digits over parts, each with its length, for this scheme and Python version."""
    return _digest(_framed(parts))


def _framed(parts: Iterable[bytes]) -> bytes:
    pieces: list[bytes] = []
    for part in parts:
        size = len(part)
        pieces += (_SIZES[size] if size < _FEW else size.to_bytes(8, "little"), part)
    return b"".join(pieces)


def _digest(framed: bytes) -> str:
    hashed = _begun.copy()
    hashed.update(framed)
    return hashed.hexdigest()


def variant(text: str, nonce: str, state: bytes) -> str:
    """The key of a result that moreover rests on files: `text`, and 16 digits for the state of these files."""
    return f"{text}-{combine(text.encode(), nonce.encode(), state)[:16]}"
