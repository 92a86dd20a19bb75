"""A cache for the panel's tests: rows in a dictionary, which count what is asked of them and fail on purpose."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from nbcache.notebook.panel.rows import Cleared, EntryRow, FunctionRow, Totals

NOW = 1_000_000.0


class FakeSource:
    """Cached functions with `entries` argument sets each."""

    def __init__(self, functions: dict[str, int] | None = None) -> None:
        self.changes = 0
        self.asked: list[str] = []
        self.failure: Exception | None = None
        self.too_late = False
        self.held: dict[str, dict[Hashable, EntryRow]] = {}
        for name, number in (functions or {}).items():
            self.held[name] = {(name, str(i)): entry(name, i) for i in range(number)}

    def fail_if_told(self, what: str) -> None:
        self.asked.append(what)
        if self.failure is not None:
            raise self.failure

    def version(self) -> int:
        return self.changes

    def wait(self) -> None:
        self.asked.append("wait")

    def totals(self) -> Totals:
        self.fail_if_told("totals")
        rows = self.functions()
        size = sum(row.size for row in rows)
        return Totals(
            entries=sum(row.entries for row in rows), memory=size, disk=size, disk_limit=10 * 1024**3,
            hits=sum(row.hits for row in rows), misses=sum(row.misses for row in rows),
            seconds_saved=sum(row.seconds_saved for row in rows),
        )  # fmt: skip

    def functions(self) -> list[FunctionRow]:
        self.fail_if_told("functions")
        return [
            FunctionRow(
                name=name,
                label=name,
                entries=len(held),
                size=sum(e.size for e in held.values()),
                hits=sum(e.hits for e in held.values()),
                misses=len(held),
                seconds_saved=sum(e.hits * e.seconds for e in held.values()),
                last_used=NOW - 60 * place if held else None,
                states=("memory", "disk"),
                seconds=sum(e.seconds for e in held.values()),
            )
            for place, (name, held) in enumerate(self.held.items())
        ]

    def entries(self, name: str) -> list[EntryRow]:
        self.fail_if_told(f"entries of {name}")
        return list(self.held.get(name, {}).values())

    def clear_all(self) -> Cleared:
        self.fail_if_told("clear_all")
        return self._clear(self.held.copy())

    def clear_function(self, name: str) -> Cleared:
        self.fail_if_told(f"clear {name}")
        return self._clear({name: self.held[name]})

    def clear_entry(self, address: Hashable) -> Cleared:
        self.fail_if_told(f"clear {address}")
        found = {name: {address: held[address]} for name, held in self.held.items() if address in held}
        return self._clear(found)

    def _clear(self, found: dict[str, dict[Hashable, EntryRow]]) -> Cleared:
        for name, gone in found.items():
            self.held[name] = {address: row for address, row in self.held[name].items() if address not in gone}
        self.changes += 1

        def undo() -> bool:
            if not self.too_late:
                for name, gone in found.items():
                    self.held[name] = {**gone, **self.held[name]}
                self.changes += 1
            return not self.too_late

        return Cleared(sum(map(len, found.values())), undo)

    def hit(self, name: str, key: str) -> None:
        """Count a hit, as a call in another cell would."""
        found = self.held[name][name, key]
        self.held[name][name, key] = replace(found, hits=found.hits + 1)
        self.changes += 1

    def put(self, name: str, number: int, seconds: float | None = None) -> None:
        self.held.setdefault(name, {})[name, str(number)] = entry(name, number, seconds)
        self.changes += 1


def entry(name: str, number: int, seconds: float | None = None) -> EntryRow:
    return EntryRow(
        address=(name, str(number)), label=f"{name}({number})", arguments=str(number), size=1000 + number,
        created=NOW - number, used=NOW - number, expires=NOW + 3600 if number % 2 else None, hits=number % 7,
        seconds=0.5 + number % 3 if seconds is None else seconds, states=("memory",) if number % 2 else ("disk",),
    )  # fmt: skip
