# PYTHON_ARGCOMPLETE_OK
"""The command line: `nbcache info`, `clear`, `verify`, `trust` and `path`: the verbs of the magics for a terminal."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, NoReturn

from nbcache import __version__, registry
from nbcache.config import settings
from nbcache.errors import CacheError, UnknownNameError, did_you_mean
from nbcache.inspection import trusted_keys
from nbcache.inspection.listing import cell_sources, entry_rows, function_rows, stored
from nbcache.notebook.display.messages import cleared
from nbcache.notebook.display.quantities import count, size
from nbcache.notebook.display.tables import Table, called, short_name
from nbcache.notebook.magics import info, trust

_TRUST = "create | fingerprint | share FILE | add FILE | rotate | forget ID | adopt FOLDER"


def main(words: list[str]) -> int:
    """Run one command; 0 when all is well, 1 when something is damaged or wrong, 2 for a line that cannot be read."""
    parser = _parser()
    _complete(parser)
    if not words:
        parser.print_help(sys.stderr)
        return 2
    try:
        given = parser.parse_args(words)
    except SystemExit as stop:
        return 0 if stop.code is None else int(stop.code)
    if given.dir:
        if not os.path.isdir(os.path.expanduser(given.dir)):
            return _wrong(f"There is no folder {given.dir}.")
        os.environ["NBCACHE_DIR"] = given.dir
    if given.run in (_info, _clear, _verify) and (why := trusted_keys.store_refusal()):
        return _wrong(f"The folder {settings().folder()} is not used: {why}.")
    try:
        code: int = given.run(given)
    except (CacheError, OSError) as error:
        if isinstance(error, BrokenPipeError):  # of `nbcache info | head`
            sys.stdout = None
            return 0
        return _wrong(_as_typed(str(error)))
    return code


def script() -> None:
    """Run the command line of this process."""
    warnings.showwarning = lambda message, *_: print(f"nbcache: {_as_typed(str(message))}", file=sys.stderr)
    sys.exit(main(sys.argv[1:]))


def _as_typed(text: str) -> str:
    """A message of a magic, as it is said in a terminal."""
    return text.replace("%cache_trust", "nbcache trust")


def _wrong(text: str, code: int = 1) -> int:
    print(f"nbcache: {text}", file=sys.stderr)
    return code


class _Parser(argparse.ArgumentParser):
    """Names what was typed, and what was probably meant."""

    def error(self, message: str) -> NoReturn:
        _, _, rest = message.partition("unrecognized arguments: ")
        wrong = re.search(r"invalid choice: '(.*?)'", message)
        if wrong:
            known = next([word for word in one.choices if word != "names"] for one in self._actions if one.choices)
            near = did_you_mean(wrong[1], known) or f" It is one of {', '.join(known)}."
            text = f"{wrong[1]} is not known.{near}"
        elif rest:
            text = f"{rest.split()[0]} cannot be used here.{did_you_mean(rest.split()[0], _OPTIONS)}"
        else:
            text = f"{_MISSING.sub(_needed, message)}."
        sys.exit(_wrong(f"{text} See {self.prog} -h.", 2))


_MISSING = re.compile(r"the following arguments are required: (.*)|argument (\S+): expected one argument")


def _needed(found: re.Match[str]) -> str:
    return f"{found[1]} is missing" if found[1] else f"{found[2]} needs a value"


_OPTIONS = ("--all", "--dir", "--help", "--json", "--version")
_EXAMPLES = """
examples:
  nbcache info                 what is cached, a row for each function and cell
  nbcache info load            the calls of the function load that are cached
  nbcache clear load           delete the results of load
  nbcache clear                delete everything; works on a full disk
  nbcache --dir ~/x/.nbcache info
  eval "$(nbcache completion bash)"   complete commands and names with Tab
"""


def _parser() -> argparse.ArgumentParser:
    layout = argparse.RawDescriptionHelpFormatter
    text = "See and clear what notebooks have cached."
    parser = _Parser(prog="nbcache", description=text, epilog=_EXAMPLES, formatter_class=layout)
    parser.add_argument("--version", action="version", version=f"nbcache {__version__}", help="print the version")
    where = "the folder of the store; else NBCACHE_DIR, or .nbcache in the current folder"
    parser.add_argument("--dir", default="", help=where)
    verbs = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")

    def verb(name: str, run: Callable[[Any], int], text: str, *, json: bool = False) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False)
        made.add_argument("--dir", default=argparse.SUPPRESS, help=where)
        if json:
            made.add_argument("--json", action="store_true", help="print JSON; times are epoch seconds, sizes bytes")
        made.set_defaults(run=run)
        return made

    def named(made: argparse.ArgumentParser) -> argparse.ArgumentParser:
        made.add_argument("name", nargs="?", help="a function (load, or module.load) or a cell")
        return made

    shown = named(verb("info", _info, "show what is cached, or the cached calls of one function", json=True))
    shown.add_argument("--all", action="store_true", help=f"list all calls, not only the newest {info.MOST_ROWS}")
    named(verb("clear", _clear, "delete everything, or the results of one function or cell"))
    verb("path", _path, "print the folder of the store")
    verb("verify", _verify, "read every entry, and quarantine damaged ones", json=True)
    trusted = verb("trust", _trust, "show the keys that entries are signed with, or change them")
    trusted.add_argument("words", nargs=argparse.REMAINDER, metavar="...", help=_TRUST)
    completed = verb("completion", _completion, "print the lines that make a shell complete commands and names")
    completed.add_argument("shell", choices=tuple(_SCRIPTS), metavar="SHELL", help="bash, zsh or fish")
    return parser


_WORDS = "info clear path verify trust completion"
_SCRIPTS = {
    "bash": f"""_nbcache() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
    case $before in
        nbcache) COMPREPLY=($(compgen -W "{_WORDS} {" ".join(_OPTIONS)}" -- "$word")) ;;
        info|clear) COMPREPLY=($(compgen -W "$(nbcache completion names 2>/dev/null)" -- "$word")) ;;
        completion) COMPREPLY=($(compgen -W "bash zsh fish" -- "$word")) ;;
        --dir) COMPREPLY=($(compgen -d -- "$word")) ;;
        *) COMPREPLY=($(compgen -W "{" ".join(_OPTIONS)}" -- "$word")) ;;
    esac
}}
complete -F _nbcache nbcache""",
    "zsh": "",
    "fish": f"""complete -c nbcache -f
complete -c nbcache -n __fish_use_subcommand -a '{_WORDS}'
complete -c nbcache -n '__fish_seen_subcommand_from info clear' -a '(nbcache completion names 2>/dev/null)'
complete -c nbcache -n '__fish_seen_subcommand_from info verify' -l json
complete -c nbcache -l dir -r""",
}
_SCRIPTS["zsh"] = f"autoload -U +X bashcompinit && bashcompinit\n{_SCRIPTS['bash']}"
_SCRIPTS["names"] = ""


def _completion(given: Any) -> int:
    if given.shell != "names":
        print(_SCRIPTS[given.shell])
        return 0
    known = [row.name for row in function_rows(registry.the_cache(), [])]
    print("\n".join(name.removeprefix("__main__.").removeprefix("cell ") for name in known))
    return 0


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
        if not rows and not given.json:
            print(f"Nothing is cached in {settings().folder()}.{_of_other_keys('are in it')}")
            return 0
        codes = cell_sources(cache, [row.name for row in rows])
        _print(info.functions_table(rows, codes=codes, counted=False), rows, given.json)
    else:
        owner = _owner(given.name)
        entries = entry_rows(cache, owner)
        most = None if given.all else info.MOST_ROWS
        table = info.entries_table(owner, entries, most=most, rest=f"nbcache info {given.name} --all", counted=False)
        _print(table, entries, given.json)
    return 0


def _clear(given: Any) -> int:
    owner = None if given.name is None else _owner(given.name)
    cache = registry.the_cache()
    removed = cache.clear(owner)
    left = 0 if removed else stored(cache, owner)
    others = "" if owner else _of_other_keys("stay; delete the folder to remove them")
    print(cleared(removed, "" if owner is None else called(owner), left=lambda: left) + others)
    return 1 if left else 0


def _of_other_keys(where: str) -> str:
    """A sentence about the files that other keys signed; empty where there are none."""
    foreign = trusted_keys.standing().foreign
    files = f"{count(foreign.files, 'file')} ({size(foreign.size)})"
    return f" {files} signed with other keys {where}." if foreign.files else ""


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
    print(_as_typed(str(trust.command(shlex.join(given.words)))))
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
    near = did_you_mean(name, [short_name(one).removeprefix("cell ").rpartition(".")[2] for one in known])
    raise UnknownNameError(f"Nothing is cached under the name {name} in {settings().folder()}.{near}")


def _print(table: Table, rows: Sequence[Any], as_json: bool) -> None:
    if not as_json:
        print(table)
        return
    plain = [{one.name: getattr(row, one.name) for one in fields(row) if one.name != "address"} for row in rows]
    print(json.dumps(plain, indent=1))


if __name__ == "__main__":
    script()
