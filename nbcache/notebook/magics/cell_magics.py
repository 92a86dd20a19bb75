"""`%%cache_cell`, which caches one cell, and `%cache_cells`, which caches every slow one."""

from __future__ import annotations

from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, line_magic, magics_class, no_var_expand

from nbcache.config import seconds, size_in_bytes
from nbcache.errors import CacheError
from nbcache.notebook.cells.auto import Automatic
from nbcache.notebook.cells.costs import Costs
from nbcache.notebook.cells.hook import CellHook
from nbcache.notebook.cells.known import known_cells
from nbcache.notebook.cells.options import cell_arguments
from nbcache.notebook.line import argument, parse_argstring, with_arguments

__all__ = ["CellMagics"]


_arguments_of_cache_cells: Any = with_arguments(
    argument("command", choices=("on", "off", "status"), help="turn it on or off, or say what it does"),
    argument("--min-time", default="2s", help="cache cells that run longer than this (2s)"),
    argument("--max-size", default=None, help='how much one cell may keep, such as "1GB"'),
    argument("--persist", choices=("disk", "memory"), default="disk", help="where results are kept (disk)"),
    argument("-q", "--quiet", action="store_true", help="say nothing when a cell is restored"),
)


@magics_class
class CellMagics(Magics):
    """The magics for whole cells, and the hooks of the shell that they need."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self._automatic = Automatic(known_cells(shell))
        costs = Costs(_known_costs, _keep_costs)
        self._hook = CellHook(shell, self._automatic.options, known_cells(shell).add, costs)

    def stop(self) -> None:
        """Take the hooks out of the shell."""
        self._automatic.off()
        self._hook.remove()

    @no_var_expand
    @cell_magic
    @cell_arguments
    def cache_cell(self, line: str, cell: str) -> Any:
        """Cache this cell: run it once, and restore names and outputs while nothing it depends on has changed.

        The key follows the code of the cell (not its layout), the values of the names it reads, the functions and
        classes it reaches, and the files it reads. Kept are the names it binds, inputs it changes in place, and its
        outputs, in their order. On disk they outlive the kernel.

        A cell that raises is not kept. `%cache_clear NAME`, `%cache_info NAME` and `%cache_explain NAME` know it.

        Examples
        --------
        ::

            %%cache_cell prices --ttl 1d
            table = load("prices.csv")
            table.plot()
        """
        shell: Any = self.shell
        tree = shell.compile.ast_parse(shell.transform_cell(f"%%cache_cell {line}\n{cell}"))
        return self._hook.value_of(f"%%cache_cell {line}", tree.body[1:])

    @no_var_expand
    @line_magic
    @_arguments_of_cache_cells  # type: ignore[untyped-decorator]
    def cache_cells(self, line: str) -> Any:
        """Cache every cell that runs longer than a given time, by itself.

        When such a cell runs again, in this kernel or after a restart, and nothing it depends on has changed, its
        names and outputs are restored. Cells that cannot be cached, or that do something outside of the notebook
        (write files, use the network, start programs), simply run; `status` says which, and why.

        Examples
        --------
        ::

            %cache_cells on --min-time 2s
            %cache_cells status
            %cache_cells off
        """
        given = parse_argstring(self.cache_cells, line)
        if given.command == "status":
            return self._automatic.status()
        if given.command == "off":
            self._automatic.off()
            self._hook.rest()
            return None
        try:
            least, most = seconds(given.min_time), size_in_bytes(given.max_size)
        except CacheError as error:
            raise UsageError(str(error)) from None
        self._automatic.on(least or 0.0, most, given.persist == "disk", given.quiet)
        self._hook.watch()
        return None


_COSTS = "automatic caching", "what cells cost"


def _known_costs() -> tuple[str, ...]:
    from nbcache import registry  # at the first cell: loading the extension stays cheap

    return registry.the_cache().profiles.get(*_COSTS, True)


def _keep_costs(texts: tuple[str, ...]) -> None:
    from nbcache import registry

    registry.the_cache().profiles.put(*_COSTS, texts, True)
