"""Bytes that nobody without a key can read: AES-GCM in chunks, for stores that others may look into.

Whoever changes sealed bytes is found out at once. That an entry is whole, and stands where it belongs, its signature
says, which lies inside.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable, Iterator

from nbcache.entries.signing import Keyring
from nbcache.errors import DamagedEntryError, MissingExtraError, explain

__all__ = ["CHUNK", "Sealer", "plain_size", "sealed_size"]

_MAGIC = b"nbcache sealed 1"
_SALT = 16
_HEAD = len(_MAGIC) + _SALT
_TAG = 16
#: Bytes that are sealed together, so that the beginning of a large value can be read alone.
CHUNK = 64 << 10
#: So many chunks go on together.
_TOGETHER = 64


def sealed_size(plain: int) -> int:
    """How many bytes it takes to seal so many."""
    return _HEAD + plain + _TAG * -(-plain // CHUNK)


def plain_size(sealed: int) -> int:
    """How many bytes are sealed in so many."""
    content = max(0, sealed - _HEAD)
    return content - _TAG * -(-content // (CHUNK + _TAG))


class Sealer:
    """Seals with the keys of a ring: each value has a key of its own, made from a salt and one of them.

    Raises
    ------
    MissingExtraError
        The package cryptography is not installed.
    """

    def __init__(self, keyring: Keyring) -> None:
        try:
            from cryptography.exceptions import InvalidTag
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ImportError as error:
            raise MissingExtraError(
                explain(
                    "Nothing can be encrypted.",
                    f"{error}.",
                    "pip install 'nbcache[encrypted]', or unset NBCACHE_ENCRYPT.",
                )
            ) from error
        self._keyring = keyring
        self._cipher = AESGCM
        self._altered = InvalidTag

    def seal(self, key_id: str, name: str, blocks: Iterable[bytes | memoryview]) -> Iterator[bytes]:
        """Seal blocks under a key and a name, some at a time."""
        salt = secrets.token_bytes(_SALT)
        cipher = self._cipher(self._key(key_id, salt))
        yield _MAGIC + salt
        sealed: list[bytes] = []
        for number, chunk in enumerate(_cut(blocks)):
            sealed.append(cipher.encrypt(_nonce(number), chunk, name.encode()))
            if len(sealed) == _TOGETHER:
                yield b"".join(sealed)
                sealed = []
        yield b"".join(sealed)

    def opened(self, key_id: str, name: str, content: bytes, first: int = 0) -> bytes:
        """What was sealed; of a beginning that ends with a whole chunk, the beginning.

        Parameters
        ----------
        first : the number of the first chunk that follows the head

        Raises
        ------
        DamagedEntryError
            It was not sealed under this key and name, or was altered since.
        """
        if content[: len(_MAGIC)] != _MAGIC or len(content) < _HEAD:
            raise DamagedEntryError("it is not encrypted by nbcache")
        cipher = self._cipher(self._key(key_id, content[len(_MAGIC) : _HEAD]))
        view = memoryview(content)
        starts = range(_HEAD, len(content), CHUNK + _TAG)
        try:
            return b"".join(
                cipher.decrypt(_nonce(number), view[start : start + CHUNK + _TAG], name.encode())
                for number, start in enumerate(starts, first)
            )
        except (self._altered, ValueError) as error:
            raise DamagedEntryError("its encryption was altered") from error

    def _key(self, key_id: str, salt: bytes) -> bytes:
        return hmac.digest(self._keyring.derived(key_id, b"seal"), salt, "sha256")


def _nonce(number: int) -> bytes:
    """Never used twice: each value has a key of its own."""
    return number.to_bytes(12, "big")


def _cut(blocks: Iterable[bytes | memoryview]) -> Iterable[bytes | memoryview]:
    """The same bytes in pieces of `CHUNK` bytes, the last one shorter."""
    rest = b""
    for block in blocks:
        view = memoryview(block).cast("B")
        if rest:
            taken = view[: CHUNK - len(rest)]
            rest += bytes(taken)
            view = view[len(taken) :]
            if len(rest) < CHUNK:
                continue
            yield rest
            rest = b""
        whole = len(view) - len(view) % CHUNK
        for start in range(0, whole, CHUNK):
            yield view[start : start + CHUNK]
        rest = bytes(view[whole:])
    if rest:
        yield rest
