"""A restore is done as a whole or not at all; what cannot be restored is run."""

from __future__ import annotations

import builtins
import gc
import signal
import sys

import pytest
from namespace_graph import differences, lines_of

from nbcache.notebook.cells.objects.facets import Facet
from nbcache.notebook.cells.objects.kinds import facets_of
from nbcache.notebook.cells.objects.restoring import HeldElsewhereError, Restoring, uninterrupted


class Box:
    pass


class StubbornError(Exception):
    pass


def _refuse(value, content):
    raise StubbornError


def _made():
    box = Box()
    box.v = [1]
    return {"xs": [1, 2], "d": {"a": box}, "s": {1}, "box": box, "n": 1}


@pytest.mark.parametrize("failing", range(5))
def test_a_restore_that_fails_half_way_leaves_everything_as_it_was(failing, monkeypatch):
    namespace, untouched = _made(), _made()
    hidden = {"n": 1}
    steps = [
        lambda one: one.put([(namespace["xs"], {"items": [9]}), (namespace["box"], {"attributes": {"w": 1}})]),
        lambda one: one.put([(namespace["d"], {"pairs": {"z": 1}}), (namespace["s"], {"members": {7}})]),
        lambda one: one.bind(namespace, "n", 2) or one.bind(namespace, "new", 3),
        lambda one: one.delete(namespace, "xs") or one.delete(hidden, "n"),
    ]

    def fail(one):
        raise StubbornError

    steps.insert(failing, fail)
    with pytest.raises(StubbornError), Restoring(namespace) as restoring:
        for step in steps:
            step(restoring)

    assert differences(lines_of(namespace), lines_of(untouched)) == []
    assert hidden == {"n": 1} and namespace["d"]["a"] is namespace["box"]


def test_an_object_that_does_not_take_its_content_undoes_the_others(monkeypatch):
    namespace = _made()
    room = sys.modules[Restoring.__module__]
    stubborn = Facet("attributes", lambda value: dict(vars(value)), _refuse)
    monkeypatch.setattr(room, "facets_of", lambda value: (stubborn,) if type(value) is Box else facets_of(value))
    with pytest.raises(StubbornError), Restoring(namespace) as restoring:
        restoring.put([(namespace["xs"], {"items": []}), (namespace["box"], {"attributes": {}})])
    assert namespace["xs"] == [1, 2]


def test_an_array_of_another_shape_is_found_before_anything_is_done():
    numpy = pytest.importorskip("numpy")
    namespace = {"xs": [1], "a": numpy.arange(3)}
    with pytest.raises(LookupError), Restoring(namespace) as restoring:
        restoring.put([(namespace["xs"], {"items": []}), (namespace["a"], {"array": numpy.arange(4)})])
    assert namespace["xs"] == [1]


def test_an_interrupt_waits_for_the_end():
    done = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell starts behind itself ignores it
    try:
        with pytest.raises(KeyboardInterrupt), uninterrupted():
            signal.raise_signal(signal.SIGINT)
            done.append(1)
    finally:
        signal.signal(signal.SIGINT, before)
    assert done == [1]


class TestReplacing:
    def test_every_name_gets_the_other_object(self):
        old, new = Box(), Box()
        namespace = {"a": old, "b": old, "c": 1}
        del old
        with Restoring(namespace) as restoring:
            restoring.replace([(namespace["a"], new)], [])
        assert namespace["a"] is namespace["b"] is new

    @pytest.mark.parametrize(
        "hold", [lambda one: [one], lambda one: {"k": one}, lambda one: (one, [1]), lambda one: lambda: one, id]
    )
    def test_what_something_else_holds_is_not_replaced(self, hold):
        namespace = {"a": Box()}
        keeper = Box()
        keeper.held = hold(namespace["a"])
        if hold is id:
            with Restoring(namespace) as restoring:
                restoring.replace([(namespace["a"], Box())], [])
            return
        with pytest.raises(HeldElsewhereError), Restoring(namespace) as restoring:
            restoring.replace([(namespace["a"], Box())], [])

    def test_nobody_is_asked_who_holds_what_where_nothing_is_replaced(self, monkeypatch):
        monkeypatch.setattr(gc, "get_referrers", None)  # it looks at all objects of the process
        with Restoring({"a": Box()}) as restoring:
            restoring.replace([], [])

    def test_an_array_of_objects_holds_it_too(self):
        numpy = pytest.importorskip("numpy")
        namespace = {"a": Box()}
        keeper = numpy.array([namespace["a"]], dtype=object)
        with pytest.raises(HeldElsewhereError), Restoring(namespace) as restoring:
            restoring.replace([(namespace["a"], Box())], [])
        assert keeper[0] is namespace["a"]


class TestInAShell:
    CELL = "%%cache_cell\nran()\nnext(c)"

    @pytest.fixture(autouse=True)
    def counted(self, monkeypatch, calls):
        monkeypatch.setattr(builtins, "ran", calls, raising=False)
        self.ran = calls

    def test_an_object_that_has_to_be_replaced_is_under_all_its_names(self, nb):
        for _ in range(2):
            nb("import itertools\nc = itertools.count(5); e = c")
            nb(self.CELL)
        assert len(self.ran) == 1 and nb.ns["c"] is nb.ns["e"] and next(nb.ns["c"]) == 6

    def test_where_something_hidden_holds_it_the_cell_runs(self, nb):
        said = ""
        for _ in range(2):
            nb("import itertools\nc = itertools.count(5)\ndef keep(x):\n    return lambda: x\nget = keep(c)")
            said = nb(self.CELL).out
        assert len(self.ran) == 2 and next(nb("get()").value) == 6
        assert "runs again: a count is held by something" in said

    def test_a_restore_that_fails_leaves_random_generators_to_the_run(self, nb):
        drawn = []
        for _ in range(2):
            nb("import itertools, random\nrandom.seed(3); c = itertools.count(5); get = (lambda x: lambda: x)(c)")
            drawn.append(nb("%%cache_cell\nran(); next(c)\nrandom.random()").value)
        assert len(self.ran) == 2 and drawn[0] == drawn[1]

    def test_loading_a_result_that_draws_leaves_the_generator_where_the_run_left_it(self, nb):
        nb("class P:\n    def __init__(self): self.v = random.random()\n    def __reduce__(self): return P, ()")
        drawn = []
        for _ in range(2):
            nb("import random; random.seed(3)")
            nb("%%cache_cell\nran()\np = P()")
            drawn.append(nb("random.random()").value)
        assert len(self.ran) == 1 and drawn[0] == drawn[1]

    def test_a_stored_input_that_became_another_kind_runs(self, nb):
        nb("class P:\n    def __reduce__(self): return (P, ())\np = P(); p.v = [1]")
        nb("%%cache_cell\nran()\np.v.append(2)")
        nb("p = P(); p.v = [1]")
        nb("%%cache_cell\nran()\np.v.append(2)")
        assert nb.ns["p"].v == [1, 2]

    def test_a_result_that_fails_to_load_leaves_the_names_and_runs(self, nb, monkeypatch):
        nb("xs = [1]")
        nb("%%cache_cell\nran()\nxs.append(2); y = 1")
        nb("xs = [1]; del y")
        room = sys.modules["nbcache.notebook.cells.changes"]
        monkeypatch.setattr(room.Restoring, "bind", lambda *_: (_ for _ in ()).throw(StubbornError("no")))
        ran = nb("%%cache_cell\nran()\nxs.append(2); y = 1")
        assert len(self.ran) == 2 and nb.ns["xs"] == [1, 2] and "could not be loaded" in ran.warned[0]

    def test_an_object_that_cannot_be_looked_into_lets_the_cell_run(self, nb):
        nb("import io\nb = io.BytesIO(b'x')")
        ran = nb("%%cache_cell\nran()\nb.close(); y = 1")
        assert ran.error is None and nb.ns["y"] == 1 and "not cached" in ran.warned[0]

    def test_names_with_an_underscore_are_the_user_s(self, nb):
        for _ in range(2):
            nb("_rows = [1]; holder = {'r': _rows}")
            nb("%%cache_cell\nran()\n_rows.append(2)")
        assert len(self.ran) == 1 and nb.ns["holder"]["r"] == [1, 2]
