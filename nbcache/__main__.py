"""``python -m nbcache trust ...`` and ``python -m nbcache verify``: what `%cache_trust` does, in a terminal."""

from __future__ import annotations

import shlex
import sys

from nbcache.errors import CacheError
from nbcache.notebook.magics import trust

_USAGE = "usage: python -m nbcache trust [share FILE | add FILE | rotate | forget ID | adopt FOLDER]\n" \
    "       python -m nbcache verify"  # fmt: skip


def main(words: list[str]) -> int:
    """Run one command; 0 when all is well, 1 when something is damaged or wrong, 2 for a line that means nothing."""
    if words in (["-h"], ["--help"]):
        print(_USAGE)
        return 0
    if not words or words[0] not in ("trust", "verify"):
        print(_USAGE, file=sys.stderr)
        return 2
    name, given = words[0], words[1:]
    try:
        table = trust.command(shlex.join(given if name == "trust" else words))
    except CacheError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    print(table)
    return 1 if name == "verify" and table.rows else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
