"""Whose values this user's kernels load: the keys in force, the store they guard, and what changes them.

Looking makes nothing: neither a key nor a folder.
"""

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path

from nbcache import registry
from nbcache.config import settings
from nbcache.entries import keyfile
from nbcache.entries.signing import (
    absolute,
    add_key,
    default_key_path,
    fingerprint,
    forget_key,
    key_id,
    rotate_key,
    share_key,
)
from nbcache.errors import InvalidParameterError, KeyFileError, UnknownNameError
from nbcache.stores.disk.clearing import owner_folders
from nbcache.stores.folders import Places, list_names, refusal
from nbcache.stores.names import is_key_folder, parts_of_file


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of this user, as their file has them.

    Attributes
    ----------
    path : the key file
    ids : the names of the keys, the signing one first; empty when there is no usable file
    until : for each key the moment (epoch seconds) it ends; None for never
    trouble : why the file is not used, in one line; empty when all is well
    """

    path: Path
    ids: tuple[str, ...] = ()
    until: tuple[float | None, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Holding:
    """How many files lie under some keys, and their bytes."""

    files: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """What `%cache_trust` shows.

    Attributes
    ----------
    owner, mode : of the store's folder; empty and 0 where there is none yet
    refusal : why nothing is loaded from the folder; empty when all is well
    own, foreign : what lies under our keys, and under those of others
    foreign_ids : the names of the others' keys
    set_aside : how many damaged entries lie in quarantine
    """

    trust: str
    keys: Keys
    folder: Path
    owner: str
    mode: int
    refusal: str
    own: Holding
    foreign: Holding
    foreign_ids: tuple[str, ...]
    set_aside: int


def key_path() -> Path:
    """The key file in force."""
    chosen = settings().key_file
    return Path(chosen).expanduser() if chosen else default_key_path()


def keys(now: float | None = None) -> Keys:
    """The keys in force, read from their file."""
    path = key_path()
    try:
        ring = keyfile.in_force(keyfile.read(absolute(path)), now)
    except FileNotFoundError:
        return Keys(path)
    except KeyFileError as error:
        return Keys(path, trouble=_why(error))
    return Keys(path, tuple(map(key_id, ring)), tuple(secret.until for secret in ring))


def standing() -> Standing:
    """The keys, the store, and what in it is ours, others' and set aside."""
    ring = keys()
    places = _places()
    owner, mode, refused = "", 0, ""
    held: dict[str, Holding] = {}
    set_aside = 0
    try:
        status = os.stat(places.root)
        owner, mode = _user(status.st_uid), stat.S_IMODE(status.st_mode)
        refused = _refusal_of(places)
        held = {name: _held(places.base, name) for name in list_names(places.base) if is_key_folder(name)}
        set_aside = len(list_names(places.quarantine))
    except FileNotFoundError:
        refused = ""
    except OSError as error:
        refused = f"{error.strerror or error}"
    foreign = {name: holding for name, holding in held.items() if name not in ring.ids and holding.files}
    return Standing(
        trust=settings().trust,
        keys=ring,
        folder=places.root,
        owner=owner,
        mode=mode,
        refusal=refused,
        own=_sum([holding for name, holding in held.items() if name in ring.ids]),
        foreign=_sum(list(foreign.values())),
        foreign_ids=tuple(sorted(foreign)),
        set_aside=set_aside,
    )


def store_refusal() -> str:
    """Why the folder of the store is not used; empty where it is, or where there is none yet."""
    try:
        return _refusal_of(_places())
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"{error.strerror or error}"


def _places() -> Places:
    return Places(Path(os.path.realpath(settings().folder())))


def _refusal_of(places: Places) -> str:
    return refusal(str(places.root), follow=True) or refusal(str(places.base)) or ""


def create() -> tuple[str, bool]:
    """Make a first key, unless there is one; returns the signing key's id, and whether it was made now."""
    made = not keys().ids
    return _ring()[0], made


def fingerprints() -> list[tuple[str, str]]:
    """The id and the fingerprint of each key in force, the signing one first; a first key is made if there is none."""
    _ring()
    return [(key_id(one), fingerprint(one)) for one in keyfile.in_force(keyfile.read(key_path()))]


def share(target: str) -> str:
    """Write the signing key into a new owner-only file; returns its id."""
    if not keys().ids:
        _ring()
    return share_key(_full(target), key_path())


def add(source: str) -> str:
    """Trust what the key in a file signed; returns its id."""
    added = add_key(_full(source), key_path())
    _use_new_keys()
    return added


def rotate(now: float | None = None) -> str:
    """Sign with a fresh key from now on; the others still verify for a while. Returns the new id."""
    fresh = rotate_key(key_path(), now=time.time() if now is None else now)
    _use_new_keys()
    return fresh


def forget(name: str) -> str:
    """Trust a key no longer, at once: what is in memory from disk goes too. Returns the id.

    Parameters
    ----------
    name : an id, or the beginning of one that no other begins with
    """
    known = _ring()
    meant = [one for one in known if name and one.startswith(name.lower())]
    if len(meant) != 1:
        found = "is the beginning of several keys" if meant else "is not one of the keys"
        raise UnknownNameError(f"{name!r} {found}: {', '.join(known)}.")
    forget_key(meant[0], key_path())
    _use_new_keys()
    forget_backed()
    return meant[0]


def forget_backed() -> None:
    """Drop from memory what the store on disk has too, so that it is verified again before it is used."""
    if registry.opened():
        memory = registry.the_cache().tiers.memory
        for owner in memory.owners():
            for address, entry in memory.backed(owner):
                memory.drop(address, entry)


def _ring() -> tuple[str, ...]:
    """The ids of the keys, for who wants to change them; a first key is made if there is none."""
    ring = keys()
    if ring.trouble:
        raise KeyFileError(f"The key file {ring.path} is not used: {ring.trouble}")
    if not ring.ids:
        keyfile.create(ring.path, [keyfile.Secret.fresh()])
        ring = keys()
    return ring.ids


def _use_new_keys() -> None:
    if registry.opened():
        registry.the_cache().tiers.reopen()
        registry.take_secret()


def _full(path: str) -> Path:
    """A path that the user typed here and now, made absolute against the present folder."""
    if not path:
        raise InvalidParameterError("The name of the file is empty.")
    return Path(os.path.abspath(os.path.expanduser(path)))


def _held(base: Path, key: str) -> Holding:
    files = size = 0
    for folder in owner_folders(base, (key,)):
        for name in list_names(folder):
            if parts_of_file(name) is not None:
                try:
                    size += os.lstat(folder / name).st_size
                except FileNotFoundError:
                    continue
                files += 1
    return Holding(files, size)


def _sum(holdings: list[Holding]) -> Holding:
    return Holding(sum(one.files for one in holdings), sum(one.size for one in holdings))


def _user(uid: int) -> str:
    try:
        import pwd

        return pwd.getpwuid(uid).pw_name
    except (ImportError, KeyError):
        return f"uid {uid}"


def _why(error: KeyFileError) -> str:
    """The line of a message that says why."""
    lines = str(error).splitlines()
    return next((line.removeprefix("Why: ") for line in lines if line.startswith("Why: ")), lines[0])
