"""The first figure of a kernel that never said `%matplotlib inline`: its picture belongs to the cell that drew it."""

from __future__ import annotations

import pytest
from live import live

DRAWS = "plt.plot([1, 2])\nn = 1"


def pictures(shown):
    return ["image/png" in output.get("data", {}) for output in shown.outputs]


@pytest.mark.parametrize("imports", ["import matplotlib.pyplot as plt", "from matplotlib import pyplot as plt"])
def test_the_first_figure_comes_with_its_picture_run_and_restored(tmp_path, imports):
    pytest.importorskip("matplotlib")
    for restored in (False, True):  # each in a kernel of its own
        with live(tmp_path, NBCACHE_DIR=str(tmp_path / "store")) as nb:
            nb("%cache_cells on --min-time 0s")
            nb(imports)

            drew = nb(DRAWS)
            after = nb("n + 1")

        assert drew.hit is restored and pictures(drew) == [True]
        assert pictures(after) == [False] and after.value == "2"


def test_a_figure_in_the_cell_that_loads_matplotlib_comes_with_its_picture(tmp_path):
    pytest.importorskip("matplotlib")
    for restored in (False, True):
        with live(tmp_path, NBCACHE_DIR=str(tmp_path / "store")) as nb:
            nb("%cache_cells on --min-time 0s")

            drew = nb(f"import matplotlib.pyplot as plt\n{DRAWS}")
            following = nb("plt.plot([2, 1])\nm = 2")

        assert drew.hit is restored and following.hit is restored
        assert pictures(drew) == pictures(following) == [True]
