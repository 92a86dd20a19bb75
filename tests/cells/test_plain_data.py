"""Big containers of plain data are written in one piece, and come back as what they were, shared where they were."""

from __future__ import annotations

import datetime
import decimal

import pytest

from nbcache.notebook.cells.known import known_cells
from nbcache.notebook.cells.plain_data import PlainReader, PlainWriter

N = 1000
PLAIN = {
    "numbers": list(range(N)),
    "texts": {str(n): n for n in range(N)},
    "tuples": [(n, str(n), (n, None)) for n in range(N)],
    "a set": set(range(N)),
    "a frozen set": frozenset(range(N)),
    "a tuple": tuple(range(N)),
    "dates": {datetime.date.fromordinal(n + 1): decimal.Decimal(n) for n in range(N)},
}
NOT = {
    "small": [1],
    "lists": [[n] for n in range(N)],
    "one list in a tuple": [*range(N), (1, [2])],
    "a list as a value": {n: [] for n in range(N)},
    "times with a zone": [datetime.datetime.now()] * N,
    "objects": [object()] * N,
    "a subclass": type("L", (list,), {})(range(N)),
    "numbers of a class": [type("I", (int,), {})(1)] * N,
}


@pytest.mark.parametrize("value", PLAIN.values(), ids=PLAIN)
def test_plain_data_come_back_as_they_were_and_once(value):
    writer, reader = PlainWriter(), PlainReader()
    first, second = writer.write(value), writer.write(value)

    read = reader.read((*first[:2], first[2].raw()))

    assert read == value and type(read) is type(value) and reader.read(second) is read
    assert not isinstance(value, dict) or list(read) == list(value)


@pytest.mark.parametrize("value", NOT.values(), ids=NOT)
def test_what_is_not_plain_is_left_to_the_pickler(value):
    assert PlainWriter().write(value) is None


def test_the_scalars_of_numpy_are_plain_and_objects_are_not():
    np = pytest.importorskip("numpy")
    assert PlainWriter().write([np.float64(n) for n in range(N)]) and not PlainWriter().write([np.void(b"x")] * N)


def test_a_big_list_under_two_names_and_in_a_dict_is_one_list(nb):
    nb("%cache_cells on --min-time 0s")
    for _ in range(2):
        nb("xs = list(range(1000)); ys = xs; d = {'xs': xs, 'other': list(range(1000))}")
    assert known_cells(nb.shell).rows()[-1][2].outcome == "hit"
    assert nb.ns["xs"] is nb.ns["ys"] is nb.ns["d"]["xs"] == list(range(1000))
    assert nb.ns["d"]["other"] is not nb.ns["xs"]


def test_a_big_list_that_was_there_before_stays_the_very_list(nb):
    nb("%cache_cells on --min-time 0s")
    nb("xs = list(range(1000))")
    cell = "d = {'xs': xs}; xs.append(5)"
    nb(cell)
    nb("xs = list(range(1000)); held = [xs]")
    nb(cell)
    assert known_cells(nb.shell).rows()[-1][2].outcome == "hit"
    assert nb.ns["d"]["xs"] is nb.ns["xs"] is nb.ns["held"][0] and len(nb.ns["xs"]) == 1001
