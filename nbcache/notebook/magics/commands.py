"""What the line magics do: find what a line is pointed at, and call the one method that does it."""

from __future__ import annotations

from typing import Any

from nbcache import registry
from nbcache.calls.bound import BoundCachedFunction
from nbcache.calls.decorating import CachedClassMethod
from nbcache.calls.function import CachedFunction
from nbcache.decorator import cache_data
from nbcache.engine.hooks import hooks
from nbcache.engine.traces import without_variant
from nbcache.errors import UnknownNameError
from nbcache.inspection.explanation import Explanation
from nbcache.inspection.listing import cell_sources, entry_rows, stored
from nbcache.inspection.rows import EntryInfo, FunctionInfo
from nbcache.notebook.cells.code import cell_owner
from nbcache.notebook.cells.known import explain_cell, known_cells
from nbcache.notebook.display.messages import cleared
from nbcache.notebook.display.tables import Table
from nbcache.notebook.magics import info, target
from nbcache.notebook.magics.target import Target

Known = CachedFunction[Any, Any] | BoundCachedFunction[..., Any]


class Commands:
    """The commands of one shell.

    Parameters
    ----------
    namespace : the user's names, in which names are looked up and arguments evaluated
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._namespace: dict[str, Any] = shell.user_ns

    def clear(self, line: str) -> str:
        """Clear what the line names; say in one sentence how much that was."""
        aim = self._aim(line)
        if aim is None:
            cache = registry.the_cache()
            return cleared(cache.clear(), left=lambda: stored(cache))
        known = self._function(aim)
        if known is None:
            owner, cache = self._cell(aim), registry.the_cache()
            shared = sum(map(cache.delete, known_cells(self._shell).shared(owner)))
            return cleared(shared + cache.clear(owner), f"the {owner}", left=lambda: stored(cache, owner))
        if aim.is_call:
            args, kwargs = aim.evaluate(self._namespace)
            removed = known.forget(*args, **kwargs)
            return cleared(removed, _typed(aim), call=True, left=lambda: int(known.is_cached(*args, **kwargs)))
        return cleared(known.forget_all(), f"{aim.name}()", left=lambda: len(known.entries()))

    def info(self, line: str) -> Table:
        """The table of everything, or of what the line names."""
        aim = self._aim(line)
        if aim is None:
            codes = {owner: cell.code.source for owner, cell, _ in known_cells(self._shell).rows()}
            rows = [row for row in cache_data.info() if _worth_a_row(row)]
            codes |= cell_sources(registry.the_cache(), [row.name for row in rows if row.name not in codes])
            return info.functions_table(rows, codes=codes)
        owner, cache = self._owner(aim), registry.the_cache()

        def on_disk(row: EntryInfo) -> bool:
            return cache.tiers.has_disk() and cache.tiers.outer.disk.find(row.address) is not None

        known = self._function(aim)
        entries = self._rows_of_cell(owner) if known is None else known.entries()
        return info.entries_table(owner, entries, on_disk=on_disk)

    def _rows_of_cell(self, owner: str) -> list[EntryInfo]:
        """The entries of a cell, with those of equal cells of another name that have answered it."""
        cache = registry.the_cache()
        shared = set(known_cells(self._shell).shared(owner))
        others = [row for one in sorted({address.owner for address in shared}) for row in entry_rows(cache, one)]
        return [*entry_rows(cache, owner), *(row for row in others if without_variant(row.address) in shared)]

    def explain(self, line: str) -> Explanation:
        """Why the call or the cell that the line names would be a hit or a miss."""
        aim = self._aim(line)
        if aim is None:
            raise UnknownNameError(_which_call(names(self._namespace)))
        known = self._function(aim)
        if known is None:
            return explain_cell(self._shell, self._cell(aim))
        args, kwargs = aim.evaluate(self._namespace)
        return known.explain(*args, **kwargs)

    def panel(self, line: str) -> Any:
        """The panel of everything, or of what the line names."""
        aim = self._aim(line)
        return hooks.panel(None if aim is None else self._owner(aim))

    def _aim(self, line: str) -> Target | None:
        """What the line is pointed at; the name of a cell need be no identifier."""
        text = line.strip()
        if text and not text.isidentifier() and self._is_cell(cell_owner(text)):
            return Target(text)
        return target.parse(line)

    def _owner(self, aim: Target) -> str:
        if aim.is_call:
            raise TypeError(f"Give the name alone, {aim.name}: all its calls are listed.")
        known = self._function(aim)
        owner: str = self._cell(aim) if known is None else known.owner
        return owner

    def _function(self, aim: Target) -> Known | None:
        """The cached function that the name is now bound to; None where it is not bound to one."""
        try:
            found = target.resolve(aim.name, self._namespace)
        except LookupError:
            return None
        if isinstance(found, CachedClassMethod):
            found = found.__func__
        if isinstance(found, property):
            found = found.fget
        return found if isinstance(found, CachedFunction | BoundCachedFunction) else None

    def _cell(self, aim: Target) -> str:
        """The owner of the cached cell of that name."""
        owner = cell_owner(aim.name)
        if self._is_cell(owner):
            return owner
        raise target.unknown(aim.name, names(self._namespace))

    def _is_cell(self, owner: str) -> bool:
        cache = registry.the_cache()
        if known_cells(self._shell).shared(owner):
            return True
        return owner in cache.slots.owners() or any(True for _ in cache.entries(owner))


def names(namespace: dict[str, Any]) -> list[str]:
    """What can stand after a magic: the cached functions of a namespace, by name, and the known cells."""
    functions = [name for name, value in namespace.items() if isinstance(value, CachedFunction) and name[0] != "_"]
    cells = [owner.removeprefix("cell ") for owner in registry.the_cache().slots.owners() if owner.startswith("cell ")]
    return sorted({*functions, *cells})


def _which_call(known: list[str]) -> str:
    example = f"%cache_explain {known[0] if known else 'foo'} 1"
    return f"Which call? For example {example}." + (f" Cached: {target.several(known)}." if known else "")


def _typed(aim: Target) -> str:
    named = (f"**{text}" if name == "**" else f"{name}={text}" for name, text in aim.keywords)
    return f"{aim.name}({', '.join([*(aim.arguments or ()), *named])})"


def _worth_a_row(row: FunctionInfo) -> bool:
    """A cell that was never kept is none that is cached; `%cache_cells status` says why."""
    return bool(row.entries or row.hits or not row.name.startswith("cell "))
