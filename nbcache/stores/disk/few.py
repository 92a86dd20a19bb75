"""Which few of an owner's many files are worth reading: found by their names, since each read costs a tenth of a ms."""

from __future__ import annotations

import os
from itertools import islice

from nbcache.stores.folders import list_names
from nbcache.stores.names import RESULT, parts_of_file
from nbcache.stores.protocol import Whose

#: Of so many files at most the age is looked up.
_LOOKED_AT = 5000


def few_names(folder: str, wanted: Whose | None, most: int) -> list[str]:
    """The newest results of a folder whose keys are wanted, at most so many; OSError."""
    listed = list_names(folder)
    found = filter(_is_result, listed if wanted is None else filter(wanted, listed))  # a name begins with the key
    names = list(islice(found, _LOOKED_AT))
    if len(names) <= most:
        return names
    return sorted(names, key=lambda name: _age_of(f"{folder}/{name}"), reverse=True)[: max(0, most)]


def _is_result(name: str) -> bool:
    parts = parts_of_file(name)
    return parts is not None and parts[1] == RESULT


def _age_of(path: str) -> float:
    try:
        return os.lstat(path).st_mtime
    except OSError:
        return 0.0
