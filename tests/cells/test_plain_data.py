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
    "lists": [[n, n] for n in range(N)],
    "lists as values": {n: [n] for n in range(N)},
    "records": [{"number": n, "parts": [str(n), {"half": n / 2}]} for n in range(N)],
    "tuples that hold lists": [(n, [n]) for n in range(N)],
    "a tuple that holds lists": tuple([n] for n in range(N)),
}
_row = [2]
_pair = (1, [2])
_round = ([],)
_round[0].append(_round)
NOT = {
    "small": [1],
    "a list that a name holds": [*range(N), _row],
    "a list that a name holds, further down": [*range(N), {"a": [_row]}],
    "a list that is there twice": [*range(N), *[[1]] * 2],
    "a list in a tuple that a name holds": [*range(N), _pair],
    "a tuple in its own list": [*range(N), _round],
    "a set": [*range(N), set()],
    "bytes that change": [*range(N), bytearray()],
    "a list of objects": [*range(N), [object()]],
    "a list of a subclass": [*range(N), type("L", (list,), {})()],
    "very deep": [*range(N), [[[[[[[[[]]]]]]]]]],
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


@pytest.mark.parametrize(
    ("made", "same"),
    {
        "a row": ("rows = [[i] for i in range(1000)]; last = rows[-1]", "last is rows[-1]"),
        "the row of a loop": ("rows = []\nfor i in range(1000):\n    row = [i]; rows.append(row)", "row is rows[-1]"),
        "a row of two tables": ("one = [[i] for i in range(1000)]; other = one[::2]", "other[3] is one[6]"),
        "a record": ("rows = [{'a': {}} for i in range(1000)]; part = rows[7]['a']", "part is rows[7]['a']"),
        "a pair": ("rows = [(i, []) for i in range(1000)]; pair = rows[7]", "pair[1] is rows[7][1]"),
        "a closure": (
            "rows = [[i] for i in range(1000)]\ndef put(row):\n    return lambda: row\nlook = put(rows[7])",
            "look() is rows[7]",
        ),
        "the value shown": ("rows = [[i] for i in range(1000)]\nrows[7]", "_ is rows[7]"),
        "an iterator": ("rows = [[i] for i in range(1000)]; left = iter(rows[7:])", "next(left) is rows[7]"),
        "a row of its own": ("rows = [[i] for i in range(1000)]; rows[7][0] = rows[8]", "rows[7][0] is rows[8]"),
        "none": (
            "rows = [[i] for i in range(1000)]; rows[1].append(5)",
            "rows[1] == [1, 5] and rows[1] is not rows[2]",
        ),
    }.values(),
    ids=str,
)
def test_a_row_that_something_else_holds_is_still_that_row(nb, made, same):
    nb("%cache_cells on --min-time 0s")
    nb(made)
    nb(made)
    assert known_cells(nb.shell).rows()[-1][2].outcome == "hit"
    nb(f"assert {same}")
