"""The cached functions alive in this process, and the one cache they share."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Protocol

from nbcache.config import settings
from nbcache.engine.cache import Cache
from nbcache.engine.tiers import load_keyring, open_tiers
from nbcache.keys.key import use_secret


class Registered(Protocol):
    """What the registry keeps: something cached that has an owner's name."""

    @property
    def owner(self) -> str:
        """Module and qualified name, such as ``"__main__.foo"``."""


_lock = threading.Lock()
_alive: weakref.WeakValueDictionary[str, Registered] = weakref.WeakValueDictionary()
_branches: dict[str, weakref.WeakKeyDictionary[Registered, object]] = {}
_caches: list[Cache] = []


def _renew() -> None:
    """A forked child has only the thread that forked: no other can give the lock back."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)


def add(function: Registered, branches: object) -> None:
    """Remember a cached function; one defined again under its name takes the place of the former.

    Parameters
    ----------
    branches : what tells it from others of its name
    """
    settings()  # made now: of a first call it would be a tenth
    with _lock:
        _alive[function.owner] = function
        _branches.setdefault(function.owner, weakref.WeakKeyDictionary())[function] = branches


def namesakes(owner: str) -> list[object]:
    """What tells the functions of one name apart, of each that is alive."""
    with _lock:
        return list(_branches.get(owner, {}).values())


def alive() -> list[Registered]:
    """The cached functions alive now, by name."""
    with _lock:
        return [function for _, function in sorted(_alive.items())]


def the_cache() -> Cache:
    """The cache of this process, opened at the first use."""
    if not _caches:
        with _lock:
            if not _caches:
                _use(Cache(open_tiers()))
    return _caches[0]


def _use(cache: Cache) -> None:
    _caches.append(cache)
    settings().observe(_switched, names=["off", "persist", "private"])
    take_secret()


def take_secret() -> None:
    """With the setting `private`, let keys be made with a secret of this user, as it is now."""
    use_secret(load_keyring().sign(b"private") if settings().setting("private") else b"")


def _switched(change: object) -> None:
    """A setting that decides about every call has changed: no fast path may go on as before."""
    take_secret()
    for cache in _caches:
        cache.slots.retire_all()


def opened() -> bool:
    """Whether the cache of this process is open already, and its folder settled."""
    return bool(_caches)


def replace_cache(cache: Cache | None) -> None:
    """Put another cache in place of the present one; None: open one at the next use."""
    with _lock:
        for former in _caches:
            former.close()
        _caches.clear()
        if cache is not None:
            _use(cache)
