"""The options of `%%cache_cell`: what they mean, and how a line of them is read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from nbcache.config import seconds, settings, size_in_bytes
from nbcache.engine.policy import Policy
from nbcache.errors import CacheError, did_you_mean
from nbcache.notebook.line import argument, as_typed, help_text, one_of, parse_argstring, with_arguments

if TYPE_CHECKING:
    from nbcache.notebook.cells.syntax.bodies import Names

__all__ = [
    "HELP",
    "PERSIST",
    "Options",
    "cell_arguments",
    "check_names",
    "is_off",
    "parse",
    "size",
    "time",
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

    def said(self) -> str:
        """Those of the options that are in the key, as they are typed; "none" for none."""
        lists = {"--inputs": self.inputs, "--also": self.also, "--ignore": self.ignore, "--outputs": self.outputs}
        typed = [f"{option} {','.join(names)}" for option, names in lists.items() if names]
        return " ".join([*typed, *(["--rng"] if self.rng else [])]) or "none"

    def in_key(self) -> bytes:
        """What of the options makes two cells different."""
        return repr((self.inputs, sorted(self.also), sorted(self.ignore), self.outputs, self.rng)).encode()


def time(text: str) -> float | None:
    """The type of an argument that is a time: seconds."""
    try:
        return seconds(text)
    except CacheError:
        if text.replace(".", "", 1).isdigit():
            raise as_typed(text, f"needs a unit: write {text}s, {text}m or {text}h.") from None
        raise as_typed(text, "is not a time: write it as 90s, 1h30m or 2d.") from None


def size(text: str) -> int | None:
    """The type of an argument that is a size: bytes."""
    try:
        return size_in_bytes(text)
    except CacheError:
        if text.isdigit():
            raise as_typed(text, f"needs a unit: write {text}MB or {text}GB.") from None
        raise as_typed(text, "is not a size: write it as 500MB or 1.5GiB.") from None


def _count(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise as_typed(text, "is not a number of results, 1 or more.")
    return int(text)


PERSIST = argument(
    "--persist", type=one_of("disk", "memory"), default="disk", metavar="WHERE",
    help="where to keep results: disk (the default), where they outlive the kernel, or memory",
)  # fmt: skip
HELP = argument("-h", "--help", action="store_true", help="show this help; nothing is run")
_ARGUMENTS = (
    argument("name", nargs="?", default="", metavar="NAME",
             help="a name for %%cache_clear, %%cache_info and %%cache_explain"),
    argument("--ttl", type=time, metavar="TIME", help="how long a result is valid after the run: 90s, 1h30m, 2d"),
    PERSIST,
    argument("--max-entries", type=_count, metavar="N",
             help="keep at most N results of this cell, evicting the least recently used"),
    argument("--max-size", type=size, metavar="SIZE", help="keep at most this much of this cell: 500MB, 1.5GiB"),
    argument("--inputs", action="append", metavar="A,B", help="the names it reads, instead of those found in it"),
    argument("--also", action="append", metavar="A,B", help="names to follow in addition to those found"),
    argument("--ignore", action="append", metavar="A,B", help="names whose values do not count"),
    argument("--outputs", action="append", metavar="A,B", help="the only names to keep"),
    argument("--rng", action="store_true", help="follow the state of the global random generators, and restore it"),
    argument("--force", action="store_true", help="run the cell now, and keep the new result"),
    argument("--no-replay", action="store_true", help="on a hit, restore the names and show no output again"),
    argument("--strict", action="store_true", help="a cell that cannot be cached is an error, not a warning"),
    argument("-q", "--quiet", action="store_true", help="say nothing about hits and misses"),
    HELP,
)  # fmt: skip


#: Gives a magic the arguments of `%%cache_cell`, shown by `%%cache_cell?`.
cell_arguments = with_arguments("%%cache_cell", *_ARGUMENTS)


@cell_arguments
def cache_cell(line: str) -> None:
    """Cache this cell: run it once, and restore its names and outputs while nothing it depends on has changed.

    The key follows the code of the cell (not its layout), the values of the names it reads, the functions and
    classes it uses, and the files it reads. Kept are the names it binds, objects it changes in place, and its
    outputs, in order. A cell that raises an error is not kept.

    Examples
    --------
    ::

        %%cache_cell prices --ttl 1d
        table = load("prices.csv")
        table.plot()
    """


def parse(line: str) -> Options | None:
    """Read a line of options; `None` when it asks for help, which has then been printed.

    Raises
    ------
    UsageError
        A misspelt option, or a value that is not valid.
    """
    given = parse_argstring(cache_cell, line)
    if given.help:
        print(help_text(cache_cell))
        return None
    policy = Policy(
        ttl=given.ttl,
        max_entries=given.max_entries,
        max_size=given.max_size,
        disk=given.persist == "disk",
    )
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
            raise UsageError(f"{option} {name}: {name} cannot be the name of a variable.")
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
                raise UsageError(_no_such_name(option, name, {*known} or set(namespace)))


def _no_such_name(option: str, name: str, known: Collection[str]) -> str:
    public = sorted(one for one in known if not one.startswith("_"))
    if option == "--outputs":
        return f"--outputs {name}: this cell binds no {name}; it binds {', '.join(public) or 'nothing'}."
    return f"{option} {name}: there is no variable {name}.{did_you_mean(name, public)}"
