"""Rows of numbers about the cache: per function or cell, and per entry. Looking changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat
from operator import attrgetter

from nbcache.compute.garbage import uncollected
from nbcache.engine.cache import Cache
from nbcache.entries.entry import Meta
from nbcache.inspection.rows import EntryInfo, FunctionInfo
from nbcache.stores.protocol import Stored, Whose


def function_row(
    cache: Cache, owner: str, stored: Iterable[Stored] | None = None, whose: Whose | None = None
) -> FunctionInfo:
    """What is kept and counted for one owner.

    Parameters
    ----------
    stored : the owner's entries, where they are known already
    whose : of several functions of the name, which one's, by their keys; None for all
    """
    with uncollected():
        rows = list(cache.entries(owner) if stored is None else stored)
    counts = cache.slots.counts(owner)
    if whose is not None:
        rows = [row for row in rows if whose(row.address.key)]
        counts = counts.of(whose)
    return FunctionInfo(
        name=owner,
        entries=len(rows),
        bytes=sum(row.size for row in rows),
        hits=counts.hits,
        misses=counts.misses,
        seconds_saved=counts.seconds_saved,
        last_used=max([counts.last_used, *(row.used for row in rows)]) or None,
    )


def function_rows(cache: Cache, alive: Iterable[str]) -> list[FunctionInfo]:
    """A row for everybody who is alive, has counted something, or has entries, by name."""
    by_owner: dict[str, list[Stored]] = {owner: [] for owner in (*alive, *cache.slots.owners())}
    with uncollected():
        for row in cache.entries():
            by_owner.setdefault(row.meta.owner, []).append(row)
    return [function_row(cache, owner, rows) for owner, rows in sorted(by_owner.items())]


def entry_rows(cache: Cache, owner: str | None = None, whose: Whose | None = None) -> list[EntryInfo]:
    """A row per entry of one owner, or of all: by owner, the newest first.

    Parameters
    ----------
    whose : of several functions of the name, which one's, by their keys; None for all
    """
    with uncollected():
        found = [row for row in cache.entries(owner) if whose is None or whose(row.address.key)]
        return _in_order(_rows(cache, found)) if found else []


def stored(cache: Cache, owner: str | None = None) -> int:
    """How many entries an owner, or everybody, has."""
    return sum(1 for _ in cache.entries(owner))


def source_of(meta: Meta) -> str:
    """What an entry of a cell says of its code, as text; empty where that is private."""
    return next((text for label, _, text in reversed(meta.parts) if label == "code"), "")


def cell_sources(cache: Cache, owners: Iterable[str]) -> dict[str, str]:
    """The source of cells, by their owners, as the first entry of each that tells it does."""
    return {
        owner: next(filter(None, (source_of(row.meta) for row in cache.entries(owner))), "")
        for owner in owners
        if owner.startswith("cell ")
    }


def _rows(cache: Cache, found: list[Stored]) -> list[EntryInfo]:
    """A row for each entry, made field by field: there may be very many."""
    addresses, metas, sizes, _, tiers = zip(*found, strict=True)
    owners, arguments, created, _, seconds, *_ = zip(*metas, strict=True)
    counts: dict[str, int] = {}
    for owner in set(owners):
        counts.update(cache.slots.counts(owner).entry_hits)
    hits = [counts.get(key, 0) for _, key in addresses] if counts else repeat(0)
    return EntryInfo.of(owners, arguments, sizes, created, map(cache.expiry, found), hits, seconds, tiers, addresses)


def _in_order(rows: list[EntryInfo]) -> list[EntryInfo]:
    # three sorts of one kind of thing each: half the time of one sort of triples
    rows.sort(key=attrgetter("arguments"))
    rows.sort(key=attrgetter("created"), reverse=True)
    rows.sort(key=attrgetter("function"))
    return rows
