"""In cells as in functions: what a name of a library's stands for, and what users add to its classes, counts."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

GEO = (
    "import pandas as pd\n@pd.api.extensions.register_dataframe_accessor('geo')\n"
    "class Geo:\n    def __init__(self, frame): pass\n    def factor(self): return {}"
)
#: Cells that run before, a cached cell, what changes its answer, and what takes that back.
CHANGES = {
    "a module under an alias": ("import math as m", "x = repr(m.sqrt(4))", "import cmath as m", "import math as m"),
    "a function of another module": (
        "from math import sqrt",
        "x = repr(sqrt(4))",
        "from cmath import sqrt",
        "from math import sqrt",
    ),
    "a function put into a module": (
        "import json\njson.other = lambda: 1",
        "x = json.other()",
        "json.other = lambda: 2",
        "json.other = lambda: 1",
    ),
    "an accessor": (
        GEO.format(1) + "\ndf = pd.DataFrame({'a': [1]})",
        "x = df.geo.factor()",
        "import warnings\nwarnings.simplefilter('ignore')\n" + GEO.format(2),
        GEO.format(1),
    ),
    "a name in a text": (
        "import pandas as pd\ndf = pd.DataFrame({'v': [1, 5]})\nlimit = 1",
        "x = len(df.query('v > @limit'))",
        "limit = 9",
        "limit = 1",
    ),
    "a name of globals": ("limit = 1", "x = globals()['limit']", "limit = 9", "limit = 1"),
}


@pytest.fixture(autouse=True)
def libraries_as_they_were() -> Iterator[None]:
    pytest.importorskip("pandas")
    yield
    vars(sys.modules["json"]).pop("other", None)
    if "geo" in vars(sys.modules["pandas"].DataFrame):
        del sys.modules["pandas"].DataFrame.geo


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_a_miss_and_its_way_back_a_hit(name: str, nb: Any) -> None:
    before, cell, change, back = CHANGES[name]
    said, seen = [], []

    for statement in (before, "0", change, back):
        nb(statement)
        said.append(nb(f"%%cache_cell\n{cell}").out)
        seen.append(nb.ns["x"])

    assert "restored" not in said[0]
    assert "restored" in said[1]
    assert "restored" not in said[2]
    assert "restored" in said[3]
    assert seen[0] == seen[1] == seen[3] != seen[2]
