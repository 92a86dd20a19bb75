"""Which entries of a function have named arguments of given values?"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from nbcache.engine.cache import Cache
from nbcache.entries.entry import Address
from nbcache.keys.arguments import Arguments
from nbcache.stores.protocol import Whose
from nbcache.tracking.argument_code import ArgumentCode


def check_names(name: str, arguments: Arguments, partial: Mapping[str, Any]) -> None:
    """Refuse names by which nothing can be found; TypeError, as for a call."""
    known = arguments.signature.parameters
    takes_any = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in known.values())
    for given in partial:
        if given.startswith("_"):
            raise TypeError(f"{name}() leaves {given!r} out of the key, so it cannot select results")
        if given not in known and not takes_any:
            raise TypeError(f"{name}() got an unexpected keyword argument {given!r}")


def entries_where(
    cache: Cache,
    owner: str,
    whose: Whose | None,
    arguments: Arguments,
    code: ArgumentCode,
    partial: Mapping[str, Any],
) -> list[Address]:
    """The entries of an owner, of those that are meant, whose named arguments have these values."""
    wanted = {(f"argument {name}", arguments.digest_of(name, value, code).hex()) for name, value in partial.items()}
    return [
        row.address
        for row in cache.entries(owner)
        if (whose is None or whose(row.address.key))
        and wanted <= {(label, digest) for label, digest, _ in row.meta.parts}
    ]
