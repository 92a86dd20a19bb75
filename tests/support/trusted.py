"""Cached functions that count what they compute, and the store of somebody else, for the tests of trust."""

from __future__ import annotations

import builtins
from pathlib import Path

import pytest

from nbcache import cache_data, registry
from nbcache.notebook.display.tables import Table


class Counter:
    """Counts computations without being part of a key."""

    def __init__(self) -> None:
        self.count = 0

    def __cache_key__(self) -> str:
        return "counter"


computed = Counter()


@cache_data(persist="disk", show_spinner=False)
def squared(n: int) -> dict[str, int]:
    computed.count += 1
    return {"square": n * n}


@cache_data(show_spinner=False, persist=False)
def remembered(n: int) -> list[int]:
    computed.count += 1
    return [n]


def again() -> None:
    """Forget what is in memory, and the settings that were read, as a new kernel would."""
    from nbcache.config import NBCache

    registry.replace_cache(None)
    NBCache.clear_instance()


def row(table: Table, name: str) -> str:
    return next(text for title, text in table.rows if title == name)


def files(folder: Path) -> list[Path]:
    return sorted((folder / "v1").glob("[0-9a-f]*/*/*.nbc"))


def answering(monkeypatch: pytest.MonkeyPatch, answer: str) -> list[str]:
    """Answer what is asked, and keep the questions."""
    asked: list[str] = []

    def ask(question: str = "") -> str:
        asked.append(question)
        return answer

    monkeypatch.setattr(builtins, "input", ask)
    return asked
