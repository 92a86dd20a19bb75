"""The options of `%%cache_cell`: what they mean, and how a line of them is read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from nbcache.config import seconds, settings, size_in_bytes
from nbcache.engine.policy import Policy
from nbcache.errors import CacheError
from nbcache.notebook.line import argument, help_text, parse_argstring, with_arguments

if TYPE_CHECKING:
    from nbcache.notebook.cells.syntax.bodies import Names

__all__ = [
    "Options",
    "cell_arguments",
    "check_names",
    "is_off",
    "parse",
]


@dataclass(frozen=True, slots=True)
class Options:
    """How one cell is cached.

    Attributes
    ----------
    name : by which other magics know the cell; empty for none
    inputs : the names the cell reads, instead of what was found in it; None for what was found
    also, ignore : names that are inputs too, and names that are none
    outputs : the only names that are kept; None for all
    policy : how long and where
    force : run it even if it is cached
    replay : whether a hit shows the outputs again
    rng : whether the state of the global random generators is an input and an output
    strict : whether a cell that cannot be cached is an error
    quiet : whether to say nothing about hits and misses
    """

    name: str = ""
    inputs: tuple[str, ...] | None = None
    also: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    outputs: tuple[str, ...] | None = None
    policy: Policy = field(default_factory=lambda: Policy(disk=True))
    force: bool = False
    replay: bool = True
    rng: bool = False
    strict: bool = False
    quiet: bool = False

    def in_key(self) -> bytes:
        """What of the options makes two cells different."""
        return repr((self.inputs, sorted(self.also), sorted(self.ignore), self.outputs, self.rng)).encode()


_ARGUMENTS = (
    argument("name", nargs="?", default="", help="a name for %%cache_clear, %%cache_info and %%cache_explain"),
    argument("--ttl", help='how long a result may be used: "90s", "1h30m", "2d"; counted from the run'),
    argument("--persist", choices=("disk", "memory"), default="disk", help="where results are kept (disk)"),
    argument("--max-entries", type=int, help="how many results of this cell are kept; the least recently used goes"),
    argument("--max-size", help='how much this cell may keep: "500MB", "1.5GiB"'),
    argument("--inputs", action="append", help="names read, with commas between: instead of those found in the cell"),
    argument("--also", action="append", help="names that count as read too"),
    argument("--ignore", action="append", help="names whose values do not count"),
    argument("--outputs", action="append", help="names to keep, and no others"),
    argument("--rng", action="store_true", help="the state of the global random generators counts, and is restored"),
    argument("--force", action="store_true", help="run the cell now, and keep the new result"),
    argument("--no-replay", action="store_true", help="on a hit restore names, and show nothing again"),
    argument("--strict", action="store_true", help="an error where the cell cannot be cached, instead of a warning"),
    argument("-q", "--quiet", action="store_true", help="say nothing about hits and misses"),
    argument("-h", "--help", action="store_true", help="show this help and do not run the cell"),
)


#: Gives a magic the arguments of `%%cache_cell`, shown by `%%cache_cell?`.
cell_arguments = with_arguments(*_ARGUMENTS)


@cell_arguments
def cache_cell(line: str) -> None:
    """Cache this cell: run it once, and restore names and outputs while nothing it depends on has changed."""


def parse(line: str) -> Options | None:
    """Read a line of options; `None` when it asks for help, which has then been printed.

    Raises
    ------
    UsageError
        A misspelt option, or a value that means nothing.
    """
    given = parse_argstring(cache_cell, line)
    if given.help:
        print(help_text(cache_cell))
        return None
    if given.max_entries is not None and given.max_entries < 1:
        raise UsageError(f"--max-entries {given.max_entries}: at least 1 result has to be kept.")
    try:
        policy = Policy(
            ttl=seconds(given.ttl),
            max_entries=given.max_entries,
            max_size=size_in_bytes(given.max_size),
            disk=given.persist == "disk",
        )
    except CacheError as error:
        raise UsageError(str(error)) from None
    return Options(
        name=given.name,
        inputs=None if given.inputs is None else _listed(given.inputs, "--inputs"),
        also=_listed(given.also, "--also"),
        ignore=_listed(given.ignore, "--ignore"),
        outputs=None if given.outputs is None else _listed(given.outputs, "--outputs"),
        policy=policy,
        force=given.force,
        replay=not given.no_replay,
        rng=given.rng,
        strict=given.strict,
        quiet=given.quiet,
    )


def _listed(texts: Iterable[str] | None, option: str) -> tuple[str, ...]:
    names = [name.strip() for text in texts or () for name in text.split(",") if name.strip()]
    for name in names:
        if not name.isidentifier():
            raise UsageError(f"{option} {name}: not a name.")
    return tuple(sorted(set(names)))


def is_off() -> str:
    """Say why no cell is cached at all now; empty when cells are."""
    if settings().off:
        return "caching is turned off"
    return "trust = safe loads nothing that could run code" if settings().trust == "safe" else ""


def check_names(options: Options, names: Names, roots: Collection[str], namespace: Mapping[str, Any]) -> None:
    """Refuse names in options that are neither in the namespace nor in the cell.

    Parameters
    ----------
    roots : the names that the code itself reads
    """
    for option, given, known in (
        ("--inputs", options.inputs or (), set()),
        ("--also", options.also, set()),
        ("--ignore", options.ignore, {*names.reads, *names.binds, *roots}),
        ("--outputs", options.outputs or (), names.binds),
    ):
        for name in given:
            dynamic = option == "--outputs" and (names.star or names.whole or names.state)
            if name not in namespace and name not in known and not dynamic:
                raise UsageError(f"{option} {name}: there is no such name here.")
