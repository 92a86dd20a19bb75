"""`%%cache_cell`, which caches one cell, and `%cache_cells`, which caches every slow one."""

from __future__ import annotations

from typing import Any

from IPython.core.magic import Magics, cell_magic, line_magic, magics_class, no_var_expand

from nbcache.notebook.cells.auto import Automatic
from nbcache.notebook.cells.costs import Costs
from nbcache.notebook.cells.hook import CellHook
from nbcache.notebook.cells.known import known_cells
from nbcache.notebook.cells.options import HELP, PERSIST, cache_cell, cell_arguments, size, time
from nbcache.notebook.display.messages import duration
from nbcache.notebook.line import argument, help_text, one_of, parse_argstring, with_arguments

__all__ = ["CellMagics"]


_arguments_of_cache_cells: Any = with_arguments(
    "%cache_cells",
    argument("command", nargs="?", default="status", type=one_of("on", "off", "status"), metavar="on | off | status",
             help="turn it on or off, or list what happened to each cell (the default)"),
    argument("--min-time", type=time, metavar="TIME", help="cache cells that run at least this long (2s)"),
    argument("--max-size", type=size, metavar="SIZE", help="keep at most this much of one cell: 500MB, 1GB"),
    PERSIST,
    argument("-q", "--quiet", action="store_true", help="say nothing when a cell is restored"),
    HELP,
)  # fmt: skip


@magics_class
class CellMagics(Magics):
    """The magics for whole cells, and the hooks of the shell that they need."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self._automatic = Automatic(known_cells(shell))
        costs = Costs(_known_costs, _keep_costs)
        self._hook = CellHook(shell, self._automatic.options, known_cells(shell), costs)

    def stop(self) -> None:
        """Take the hooks out of the shell."""
        self._automatic.off()
        self._hook.remove()

    @no_var_expand
    @cell_magic
    @cell_arguments
    def cache_cell(self, line: str, cell: str) -> Any:
        shell: Any = self.shell
        tree = shell.compile.ast_parse(shell.transform_cell(f"%%cache_cell {line}\n{cell}"))
        return self._hook.value_of(f"%%cache_cell {line}", tree.body[1:])

    @no_var_expand
    @line_magic
    @_arguments_of_cache_cells  # type: ignore[untyped-decorator]
    def cache_cells(self, line: str) -> Any:
        """Cache every cell that runs longer than a given time, without marking it.

        When such a cell runs again, in this kernel or after a restart, and nothing it depends on has changed, its
        names and outputs are restored. Cells that cannot be cached, or that do what a hit could not repeat (use the
        network, start programs, remove files), run as usual; `status` says which, and why.

        Examples
        --------
        ::

            %cache_cells on --min-time 2s
            %cache_cells status
            %cache_cells off
        """
        given = parse_argstring(self.cache_cells, line)
        if given.help:
            print(help_text(self.cache_cells))
            return None
        if given.command == "status":
            return self._automatic.status()
        if given.command == "off":
            self._automatic.off()
            self._hook.rest()
            print("Cells run as usual from now on. What is cached stays; %cache_clear deletes it.")
            return None
        least = self._automatic.min_seconds() if given.min_time is None else given.min_time
        self._automatic.on(least, given.max_size, given.persist == "disk", given.quiet)
        self._hook.watch()
        print(f"Cells that take {duration(least)} or more are now cached; %cache_cells status lists them.")
        return None


CellMagics.cache_cell.__doc__ = cache_cell.__doc__


_COSTS = "automatic caching", "what cells cost"


def _known_costs() -> tuple[str, ...]:
    from nbcache import registry  # at the first cell: loading the extension stays cheap

    return registry.the_cache().profiles.get(*_COSTS, True)


def _keep_costs(texts: tuple[str, ...]) -> None:
    from nbcache import registry

    registry.the_cache().profiles.put(*_COSTS, texts, True)
