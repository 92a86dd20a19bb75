"""Cells that draw random numbers: what a seed above them means, with and without --rng."""

from __future__ import annotations

import pytest

np = pytest.importorskip("numpy")

COMPILED = """import numpy as np, numba
@numba.njit
def start(number):
    np.random.seed(number)

@numba.njit
def draw():
    return np.random.random()
"""
DRAWS = {
    "random": ("import random", "random.seed({})", "random.random()"),
    "random by name": ("from random import random as draw, seed", "seed({})", "draw()"),
    "numpy": ("import numpy as np", "np.random.seed({})", "float(np.random.rand())"),
    "numpy by name": ("from numpy.random import normal, seed", "seed({})", "float(normal())"),
    "generator": ("import numpy as np", "rng = np.random.default_rng({})", "float(rng.random())"),
    "compiled": (COMPILED, "start({})", "draw()"),
    "old generator": ("import numpy as np", "rng = np.random.RandomState({})", "float(rng.rand())"),
}


@pytest.fixture(params=DRAWS)
def how(request):
    if request.param == "compiled":
        pytest.importorskip("numba")
    return request.param


def restored(cell):
    return "restored" in cell.out


def test_a_restored_cell_leaves_the_numbers_that_follow(nb, how):
    imports, seed, draw = DRAWS[how]
    nb(imports)
    nb(seed.format(1))
    plain = [nb(draw).value for _ in range(3)]

    for run in ("computed", "restored"):
        nb(seed.format(1))
        nb(f"%%cache_cell\nx = {draw}\ny = {draw}")
        assert [nb("x").value, nb("y").value, nb(draw).value] == plain, run


def test_another_seed_above_runs_the_cell_again(nb, how):
    imports, seed, draw = DRAWS[how]
    nb(imports)
    nb(seed.format(1))
    nb(f"%%cache_cell\nx = {draw}")
    first = nb("x").value

    nb(seed.format(2))
    second = nb(f"%%cache_cell\nx = {draw}")
    assert not restored(second)
    assert nb("x").value != first
    nb(seed.format(1))
    assert restored(nb(f"%%cache_cell\nx = {draw}"))
    assert nb("x").value == first


@pytest.mark.parametrize("how", ["random", "numpy"])
def test_an_unseeded_generator_counts_only_with_rng(nb, how):
    imports, _, draw = DRAWS[how]
    nb(f"{imports}\nimport random\n{'np.random' if how == 'numpy' else 'random'}.seed()")

    said = nb(f"%%cache_cell\nx = {draw}").out
    nb(draw)
    assert restored(nb(f"%%cache_cell\nx = {draw}"))
    assert "draws unseeded random numbers (--rng" in said

    nb(f"%%cache_cell --rng\nx = {draw}")
    nb(draw)
    assert not restored(nb(f"%%cache_cell --rng\nx = {draw}"))


def test_the_line_of_a_run_names_the_generator(nb):
    nb("import numpy as np\nnp.random.seed(1)")
    nb("%%cache_cell draws\nx = np.random.rand()")

    nb("np.random.seed(2)")

    assert "random generator numpy.random changed" in nb("%%cache_cell draws\nx = np.random.rand()").out
