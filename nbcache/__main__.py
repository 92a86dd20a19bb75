# PYTHON_ARGCOMPLETE_OK
"""The command line: `nbcache info`, `clear`, `verify`, `trust` and `path`, the verbs of the magics for a terminal."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from nbcache import __version__, registry
from nbcache.config import settings
from nbcache.errors import CacheError, UnknownNameError
from nbcache.inspection.listing import entry_rows, function_rows
from nbcache.notebook.display.messages import cleared
from nbcache.notebook.display.tables import Table
from nbcache.notebook.magics import info, target, trust

_TRUST = "create | fingerprint | share FILE | add FILE | rotate | forget ID | adopt FOLDER"


def main(words: list[str]) -> int:
    """Run one command; 0 when all is well, 1 when something is damaged or wrong, 2 for a line that means nothing."""
    parser = _parser()
    _complete(parser)
    try:
        given = parser.parse_args(words)
    except SystemExit as stop:
        return 0 if stop.code is None else int(stop.code)
    if given.dir:
        os.environ["NBCACHE_DIR"] = given.dir
    try:
        code: int = given.run(given)
    except CacheError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # of `nbcache info | head`
        sys.stdout = None
        return 0
    return code


def script() -> None:
    """Run the command line of this process."""
    sys.exit(main(sys.argv[1:]))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="nbcache", description="See and clear what notebooks have cached.")
    parser.add_argument("--version", action="version", version=f"nbcache {__version__}")
    parser.add_argument("--dir", help="the folder of the store (NBCACHE_DIR, or .nbcache in this folder)")
    verbs = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")

    def verb(name: str, run: Callable[[Any], int], text: str) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=text, description=text)
        made.set_defaults(run=run)
        return made

    shown = verb("info", _info, "show what is cached: per function, or per call of one")
    shown.add_argument("name", nargs="?", help="a function (load, or module.load) or a cell")
    shown.add_argument("--json", action="store_true", help="print rows as JSON, times as epoch seconds, sizes as bytes")
    cleared = verb("clear", _clear, "delete everything, or all of one function or cell")
    cleared.add_argument("name", nargs="?", help="a function (load, or module.load) or a cell")
    verb("path", _path, "print the folder of the store")
    verb("verify", _verify, "look at every entry; damaged ones are set aside").add_argument(
        "--json", action="store_true", help="print rows as JSON"
    )
    trusted = verb("trust", _trust, f"show the keys that entries are signed with, or: {_TRUST}")
    trusted.add_argument("words", nargs=argparse.REMAINDER, metavar="...", help=_TRUST)
    return parser


def _complete(parser: argparse.ArgumentParser) -> None:
    """Complete words in a shell, where the user has set up argcomplete."""
    if "_ARGCOMPLETE" in os.environ:
        try:
            import argcomplete
        except ImportError:
            return
        argcomplete.autocomplete(parser)


def _info(given: Any) -> int:
    cache = registry.the_cache()
    if given.name is None:
        rows = function_rows(cache, [])
        _print(info.functions_table(rows), rows, given.json)
    else:
        owner = _owner(given.name)
        entries = entry_rows(cache, owner)
        _print(info.entries_table(owner, entries), entries, given.json)
    return 0


def _clear(given: Any) -> int:
    owner = None if given.name is None else _owner(given.name)
    removed = registry.the_cache().clear(owner)
    print(cleared(removed, owner or ""))
    return 0


def _path(given: Any) -> int:
    print(settings().folder())
    return 0


def _verify(given: Any) -> int:
    table = trust.command("verify")
    if given.json:
        print(json.dumps([dict(zip(table.titles, row, strict=True)) for row in table.rows], indent=1))
    else:
        print(table)
    return 1 if table.rows else 0


def _trust(given: Any) -> int:
    print(trust.command(shlex.join(given.words)))
    return 0


def _owner(name: str) -> str:
    """Who is called so: by the whole name, or by its end where that is nobody else's."""
    cache = registry.the_cache()
    known = [row.name for row in function_rows(cache, [])]
    found = [owner for owner in known if owner == name or owner == f"cell {name}"]
    found = found or [owner for owner in known if owner.endswith(f".{name}")]
    if len(found) == 1:
        return found[0]
    if found:
        raise UnknownNameError(f"{name!r} is one of {', '.join(found)}: give the whole name.")
    raise target.unknown(name, known)


def _print(table: Table, rows: Sequence[Any], as_json: bool) -> None:
    if not as_json:
        print(table)
        return
    plain = [{one.name: getattr(row, one.name) for one in fields(row) if one.name != "address"} for row in rows]
    print(json.dumps(plain, indent=1))


if __name__ == "__main__":
    script()
