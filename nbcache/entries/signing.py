"""The secret: who may put values into this user's kernels.

A `Keyring` signs with its newest key and verifies with all of them. Each purpose has a key of its own, derived from
the secret, and every field is framed by its length, so that no signature means two things.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from nbcache.entries import keyfile
from nbcache.entries.keyfile import Secret
from nbcache.errors import KeyFileError, explain

__all__ = ["Keyring", "add_key", "default_key_path", "forget_key", "rotate_key", "share_key", "state_folder"]

MAC_BYTES = 32
_BLOCK = 64
_INNER, _OUTER = bytes(byte ^ 0x36 for byte in range(256)), bytes(byte ^ 0x5C for byte in range(256))
KEPT_AFTER_ROTATION = 30 * 86400.0
"""Seconds for which a key still verifies after a newer one took its place."""

default_key_path = keyfile.default_path
state_folder = keyfile.state_folder


def _framed(parts: Sequence[bytes]) -> bytes:
    pieces: list[bytes] = []
    for part in parts:
        pieces += (len(part).to_bytes(8, "little"), part)
    return b"".join(pieces)


class _Signer:
    """HMAC-SHA256 under one key, which is hashed once and for all.

    It is made of two hashes, as RFC 2104 says: `hmac.digest` takes twice as long for short messages, and its first call
    in a process as long as reading the key file.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        padded = (key if len(key) <= _BLOCK else sha256(key).digest()).ljust(_BLOCK, b"\0")
        self._inner = sha256(padded.translate(_INNER))
        self._outer = sha256(padded.translate(_OUTER))

    def __call__(self, message: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()


class Keyring:
    """Keys in order: the first one signs, all of them verify.

    Attributes
    ----------
    id : 16 hexadecimal digits that name the signing key and tell nothing about it
    ids : the names of all keys, the signing one first
    path : the file the keys came from; `None` for keys that live in this process only
    """

    __slots__ = ("_ring", "_signers", "id", "ids", "path")

    def __init__(self, ring: Sequence[Secret], path: Path | None = None) -> None:
        if not ring:
            raise ValueError("a keyring needs a key")
        self._ring = tuple([_Signer(secret.key) for secret in ring])
        self._signers: dict[bytes, tuple[_Signer, ...]] = {}
        self.ids: tuple[str, ...] = tuple(map(_id, self._ring))
        self.id: str = self.ids[0]
        self.path = path

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self.ids)})"

    @property
    def ephemeral_only(self) -> bool:
        """Tell whether the keys end with this process."""
        return self.path is None

    @classmethod
    def load(cls, path: str | os.PathLike[str] | None = None, now: float | None = None) -> Keyring:
        """Read the keys at `path`, and make a first one if there is no such file.

        Parameters
        ----------
        path : an absolute path; `None` is the user's own key file
        now : epoch seconds, for keys that verify until some day; `None` asks the clock

        Returns
        -------
        Keyring
            Keys of this process alone when `path` is `None` and the user's state folder cannot be written.

        Raises
        ------
        KeyFileError
            The file is not a plain file of this user that nobody else can read, or holds no key; or `path` was
            given and nothing can be written there.
        """
        place = default_key_path() if path is None else absolute(path)
        try:
            try:
                ring = keyfile.read(place)
            except FileNotFoundError:
                ring = keyfile.create(place, [Secret.fresh()])
        except OSError as error:
            if path is None:
                return cls.ephemeral()
            raise KeyFileError(
                explain(
                    f"There is no key file at {place}, and none can be made.",
                    f"{error.strerror or error}.",
                    "name a key file in a folder of yours.",
                )
            ) from error
        return cls(keyfile.in_force(ring, now), place)

    @classmethod
    def ephemeral(cls) -> Keyring:
        """Make a key that ends with this process: what it signs, nobody else can verify."""
        return cls([Secret.fresh()])

    def knows(self, name: str) -> bool:
        """Tell whether the key called `name` is one of ours."""
        return name in self.ids

    def sign(self, purpose: bytes, *parts: bytes) -> bytes:
        """Return the 32 bytes that authenticate `parts`, in this order, for this purpose."""
        return self._signers_for(purpose)[0](_framed(parts))

    def verify(self, purpose: bytes, mac: bytes, *parts: bytes) -> bool:
        """Tell in constant time whether one of the keys made `mac` for `parts` and this purpose."""
        message = _framed(parts)
        matched = False
        for signer in self._signers.get(purpose) or self._signers_for(purpose):
            matched |= hmac.compare_digest(signer(message), mac)
        return matched

    def derived(self, name: str, purpose: bytes) -> bytes:
        """32 bytes for a purpose, made from the key called `name`; KeyError if that is none of ours."""
        if name not in self.ids:
            raise KeyError(name)
        return self._signers_for(purpose)[self.ids.index(name)](b"derived")

    def _signers_for(self, purpose: bytes) -> tuple[_Signer, ...]:
        found = self._signers.get(purpose)
        if found is None:
            made = [_Signer(signer(b"nbcache/" + purpose)) for signer in self._ring]
            found = self._signers[purpose] = tuple(made)
        return found


def key_id(secret: Secret) -> str:
    """Name a key by 16 hexadecimal digits that tell nothing about it."""
    return _id(_Signer(secret.key))


def _id(signer: _Signer) -> str:
    return signer(b"nbcache/key-id/v1")[:8].hex()


def fingerprint(secret: Secret) -> str:
    """32 hexadecimal digits in groups of four, which tell nothing of a key, for two people to compare."""
    text = _Signer(secret.key)(b"nbcache/fingerprint/v1")[:16].hex()
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def absolute(path: str | os.PathLike[str]) -> Path:
    """The full path of a key file.

    Raises
    ------
    KeyFileError
        It is relative.
    """
    place = Path(path).expanduser()
    if not place.is_absolute():
        raise KeyFileError(
            explain(
                f"The key file {place} is not used.",
                "a relative path names a different file in every folder, even one that came with a download.",
                "give its full path.",
            )
        )
    return place


def _place(path: str | os.PathLike[str] | None) -> Path:
    return default_key_path() if path is None else absolute(path)


def _ring_at(place: Path) -> list[Secret]:
    try:
        return keyfile.read(place)
    except OSError as error:
        raise KeyFileError(
            explain(f"There is no key to read at {place}.", f"{error.strerror or error}.", "check the path.")
        ) from error


def share_key(target: str | os.PathLike[str], path: str | os.PathLike[str] | None = None) -> str:
    """Write the signing key to a new owner-only file for people who are to share entries; returns its id.

    Everybody who has that file can make the kernels of everybody else who has it run code.

    Raises
    ------
    KeyFileError
        There is a file at `target` already, or it cannot be written.
    """
    Keyring.load(path)  # so that there is a key to share
    newest = _ring_at(_place(path))[0]
    place = absolute(target)
    try:
        published = keyfile.create(place, [Secret(newest.key)])
    except OSError as error:
        raise KeyFileError(
            explain(f"The key is not written to {place}.", f"{error.strerror or error}.", "name another place.")
        ) from error
    if published[0].key != newest.key:
        raise KeyFileError(
            explain(f"The key is not written to {place}.", "there is another key already.", "name another place.")
        )
    return key_id(newest)


def add_key(source: str | os.PathLike[str], path: str | os.PathLike[str] | None = None, *, signs: bool = False) -> str:
    """Trust what the signing key in the file `source` signed; returns its id.

    Parameters
    ----------
    signs : sign with it from now on, so that its owners can read what is stored here
    path : the ring it is added to; `None` is the user's own
    """
    newcomer = Secret(_ring_at(absolute(source))[0].key)
    Keyring.load(path)  # so that there is a ring to add to
    place = _place(path)
    others = [secret for secret in _ring_at(place) if secret.key != newcomer.key]
    keyfile.replace(place, [newcomer, *others] if signs else [*others[:1], newcomer, *others[1:]])
    return key_id(newcomer)


def rotate_key(path: str | os.PathLike[str] | None = None, *, now: float, kept: float = KEPT_AFTER_ROTATION) -> str:
    """Sign with a fresh key from now on, and verify with the old ones for `kept` seconds more; returns the new id."""
    Keyring.load(path, now)
    place = _place(path)
    fresh = Secret.fresh()
    ring = keyfile.in_force(_ring_at(place), now)
    signed_before = Secret(ring[0].key, now + kept)
    keyfile.replace(place, [fresh, signed_before, *ring[1:]])
    return key_id(fresh)


def forget_key(name: str, path: str | os.PathLike[str] | None = None) -> bool:
    """Stop trusting the key called `name`; when it was the only one, a fresh one takes its place.

    Returns
    -------
    bool
        Whether there was such a key. Its entries are plain misses from now on.
    """
    place = _place(path)
    ring = _ring_at(place)
    left = [secret for secret in ring if key_id(secret) != name]
    if len(left) == len(ring):
        return False
    if left:
        left[0] = Secret(left[0].key)
    keyfile.replace(place, left or [Secret.fresh()])
    return True
