"""The names of a session as texts that two sessions can be compared by: values, types, and which share objects."""

from __future__ import annotations

import re
from typing import Any

from namespace_graph import lines_of

_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
_CELL = re.compile(r"<ipython-input-\d+")  # a session with nbcache has one cell more

# What draws or trains is compared by what it shows and answers: its inside has counters, caches and times.
_BY_TYPE = (
    "matplotlib.artist.Artist",
    *("matplotlib.container.BarContainer", "seaborn.axisgrid.FacetGrid"),
    # whether its memory is shared with an array is its own business
    *("PIL.Image.Image", "PIL.PngImagePlugin.PngImageFile"),
    # how long its fits took; the bytes between the fields of a record
    *("sklearn.model_selection._search.GridSearchCV", "sklearn.tree._tree.Tree"),
    # what it has deduced, in the order in which sets gave it: another one in each process
    "sympy.core.assumptions.StdFactKB",
    # what was compiled, for which types
    *("numba.core.registry.CPUDispatcher", "numba.experimental.jitclass.base.JitClassType"),
    "numpy.dtype",  # nobody can tell two equal ones
    # it names the folders of this very session; it forgets how it was seeded first
    *("os._Environ", "numpy.random.mtrand.RandomState"),
)


def described(names: dict[str, Any]) -> list[str]:
    """The graph below the user's names, an object a line."""
    return [_CELL.sub("<cell", _ADDRESS.sub("0x", line)) for line in lines_of(names, sorted(names), _BY_TYPE)]
