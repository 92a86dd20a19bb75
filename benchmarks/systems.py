"""The systems compared: how each is told to cache a function, to forget one call, and to list its entries."""

from __future__ import annotations

import functools
import logging
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Function = Callable[..., Any]


@dataclass(frozen=True)
class System:
    """One system in one configuration.

    Attributes
    ----------
    decorate : caches a function; the folder is where files may go
    forget : clears the entry of one call, or None where there is no way to
    listing : lists the entries of a cached function, or None where there is no way to
    on_disk : whether its entries outlive the process
    module : what a user imports
    """

    name: str
    module: str
    decorate: Callable[[Function, Path], Function]
    on_disk: bool = False
    supports_async: bool = False
    forget: Callable[[Function, Any], Any] | None = None
    listing: Callable[[Function], Any] | None = None


def _nbcache(persist: str | None) -> Callable[[Function, Path], Function]:
    def decorate(function: Function, folder: Path) -> Function:
        os.environ.setdefault("NBCACHE_DIR", str(folder / "nbcache"))
        os.environ.setdefault("NBCACHE_KEY_FILE", str(folder / "state" / "key"))
        from nbcache import cache_data

        return cache_data(persist=persist or False)(function)

    return decorate


def _streamlit(persist: str | None) -> Callable[[Function, Path], Function]:
    def decorate(function: Function, folder: Path) -> Function:
        logging.disable(logging.CRITICAL)
        import streamlit as st

        if persist:
            # Outside its server, Streamlit leaves persist="disk" out without a word: give it its own disk storage.
            from streamlit.runtime.caching import cache_data_api
            from streamlit.runtime.caching.storage import local_disk_cache_storage as disk

            disk.get_cache_folder_path = lambda: str(folder / "streamlit")
            cache_data_api._data_caches.get_storage_manager = disk.LocalDiskCacheStorageManager
        return st.cache_data(persist=persist, show_spinner=False)(function)

    return decorate


def _joblib(mmap_mode: str | None) -> Callable[[Function, Path], Function]:
    def decorate(function: Function, folder: Path) -> Function:
        from joblib import Memory

        return Memory(folder / "joblib", mmap_mode=mmap_mode, verbose=0).cache(function)

    return decorate


def _joblib_forget(cached: Any, argument: Any) -> None:
    cached.call_and_shelve(argument).clear()


def _diskcache(function: Function, folder: Path) -> Function:
    from diskcache import Cache

    # Its default bound of 1 GB would evict what other systems keep.
    cache = Cache(folder / "diskcache", size_limit=2**36)
    cached = cache.memoize(typed=True)(function)
    cached.cache = cache
    return cached


def _cachier(backend: str) -> Callable[[Function, Path], Function]:
    def decorate(function: Function, folder: Path) -> Function:
        warnings.simplefilter("ignore")
        from cachier import cachier

        return cachier(backend=backend, cache_dir=folder / "cachier")(function)

    return decorate


def _marimo(on_disk: bool) -> Callable[[Function, Path], Function]:
    def decorate(function: Function, folder: Path) -> Function:
        logging.disable(logging.CRITICAL)
        import marimo as mo

        if not on_disk:
            return mo.cache(function)
        from marimo._save.loaders.pickle import PickleLoader
        from marimo._save.stores.file import FileStore

        return mo.cache(function, loader=PickleLoader.partial(store=FileStore(str(folder / "marimo"))))

    return decorate


def _cashews(url: str) -> Callable[[Function, Path], Function]:
    def decorate(function: Function, folder: Path) -> Function:
        import asyncio

        from cashews import Cache

        # It caches coroutine functions only, so a loop runs each call, at about 10 µs.
        cache = Cache()
        cache.setup(url.format(folder=folder / "cashews"))

        @functools.wraps(function)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        cached = cache(ttl="365d")(awaited)
        run = asyncio.new_event_loop().run_until_complete
        return lambda *args, **kwargs: run(cached(*args, **kwargs))

    return decorate


def _lru_cache(function: Function, folder: Path) -> Function:
    return functools.lru_cache(maxsize=None)(function)


def _clear(cached: Any, argument: Any) -> None:
    cached.clear(argument)


SYSTEMS = {
    system.name: system
    for system in (
        System("nbcache", "nbcache", _nbcache(None), supports_async=True, forget=_clear,
               listing=lambda f: list(f.entries())),
        System("nbcache disk", "nbcache", _nbcache("disk"), on_disk=True, supports_async=True, forget=_clear,
               listing=lambda f: list(f.entries())),
        System("streamlit", "streamlit", _streamlit(None), supports_async=True, forget=_clear),
        System("streamlit disk", "streamlit", _streamlit("disk"), on_disk=True, supports_async=True, forget=_clear),
        System("joblib", "joblib", _joblib(None), on_disk=True, forget=_joblib_forget,
               listing=lambda f: f.store_backend.get_items()),
        System("joblib mmap", "joblib", _joblib("c"), on_disk=True, forget=_joblib_forget,
               listing=lambda f: f.store_backend.get_items()),
        System("diskcache", "diskcache", _diskcache, on_disk=True,
               forget=lambda f, argument: f.cache.delete(f.__cache_key__(argument)),
               listing=lambda f: list(f.cache.iterkeys())),
        System("cachier", "cachier", _cachier("memory")),
        System("cachier disk", "cachier", _cachier("pickle"), on_disk=True),
        System("marimo", "marimo", _marimo(False), supports_async=True),
        System("marimo disk", "marimo", _marimo(True), on_disk=True, supports_async=True),
        System("cashews", "cashews", _cashews("mem://")),
        System("cashews disk", "cashews", _cashews("disk://?directory={folder}"), on_disk=True),
        System("lru_cache", "functools", _lru_cache),
    )
}  # fmt: skip

ours = ("nbcache", "nbcache disk")
peers = tuple(name for name in SYSTEMS if name not in ours)
