"""What a user says about dependencies: `track`, `depends_on`, `hash_funcs`, and names to ignore."""

from __future__ import annotations

import textwrap
import threading
from typing import Any

import pytest
from notebook_code import labels, run, state_of

from nbcache.errors import UnhashableValueError
from nbcache.tracking.fingerprint import Tracker, tracker_of_code

pytestmark = pytest.mark.usefixtures("main_module")


def test_code_of_a_cell_follows_functions_but_not_what_it_assigns_or_is_told_to_ignore() -> None:
    space = run("K = 1\ndef h(): return K\nx = 1\ny = 5")
    code = compile("y = h() + x\nz = y", "<cell>", "exec")
    tracker = tracker_of_code([code], space, ignore=frozenset({"x"}))
    before = tracker.state()

    space.update(x=2, y=3, z=4)
    assert before.current()
    space["K"] = 2

    assert not before.current()
    assert labels(before, tracker.state()) == {"global K"}


def test_without_tracking_own_code_defaults_and_closures_still_count() -> None:
    def digest(**words: Any) -> bytes:
        source = """
            G = {g}
            def h(): return {h}
            class C: x = {c}
            def make(n):
                def foo(x={d}): return G, h(), C, n, {own}
                return foo
            foo = make({n})
        """
        values = {"g": 1, "h": 1, "c": 1, "d": 1, "n": 1, "own": 1} | words
        return state_of(textwrap.dedent(source).format(**values), track=False).digest

    assert digest(g=2) == digest(h=2) == digest(c=2) == digest()
    assert len({digest(), digest(d=2), digest(n=2), digest(own=2)}) == 4


def test_a_path_to_depend_on_counts_by_content(tmp_path: Any) -> None:
    path = tmp_path / "data.csv"
    path.write_text("a")
    tracker = Tracker({"": run("def foo(): return 1")["foo"]}, depends_on=str(path))
    before = tracker.state()

    path.touch()
    assert tracker.state().digest == before.digest
    path.write_text("b")

    assert not before.current()
    assert labels(before, tracker.state()) == {f"depends_on {path}"}


def test_a_folder_to_depend_on_counts_by_its_files(tmp_path: Any) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a").write_text("a")
    tracker = Tracker({"": run("def foo(): return 1")["foo"]}, depends_on=[tmp_path])
    before = tracker.state()

    (tmp_path / "sub" / "a").write_text("b")

    assert not before.current()


def test_a_callable_to_depend_on_is_asked_at_each_call() -> None:
    answers = iter([1, 1, 1, 2, 2, 2, 2])
    tracker = Tracker({"": run("def foo(): return 1")["foo"]}, depends_on=lambda: next(answers))

    before = tracker.state()

    assert tracker.state() is before
    assert before.current()
    assert not before.current()
    assert tracker.state().digest != before.digest


def test_a_callable_to_depend_on_may_fail_and_the_user_is_told() -> None:
    def fails() -> int:
        raise LookupError("no table")

    with pytest.raises(LookupError, match="no table"):
        Tracker({"": run("def foo(): return 1")["foo"]}, depends_on=fails).state()
    with pytest.raises(UnhashableValueError):
        Tracker({"": run("def foo(): return 1")["foo"]}, depends_on=lambda: threading.Lock()).state()


def test_values_and_classes_to_depend_on_count() -> None:
    foo = run("def foo(): return 1")["foo"]
    holder = [1]
    tracker = Tracker({"": foo}, depends_on=[3, holder])
    before = tracker.state()
    one, other = (run(f"class C:\n def m(self): return {n}")["C"] for n in (1, 2))

    holder.append(2)

    assert tracker.state().digest != before.digest
    assert Tracker({"": foo}, depends_on=one).state().digest != Tracker({"": foo}, depends_on=other).state().digest


def test_hash_funcs_hold_for_globals() -> None:
    space = run("class C:\n def __init__(self, n): self.n = n\nA = [C(1)]\ndef foo(): return A")
    tracker = Tracker({"": space["foo"]}, hash_funcs={space["C"]: lambda c: c.n % 2})
    before = tracker.state()

    space["A"][0].n = 3
    assert before.current()
    space["A"][0].n = 4

    assert not before.current()


def test_what_a_cached_helper_depends_on_counts_for_its_caller(tmp_path: Any) -> None:
    path = tmp_path / "data.csv"
    path.write_text("a")
    space = run(
        """
        class Cached:
            __nbcache__ = True
            def __init__(self, f): self.__wrapped__ = f
        Cached.__module__ = 'nbcache.decorator'
        @Cached
        def h(): return 1
        def foo(): return h()
        """
    )
    space["h"].__nbcache_depends_on__ = (str(path),)
    tracker = Tracker({"": space["foo"]})
    before = tracker.state()

    path.write_text("b")

    assert not before.current()
    assert labels(before, tracker.state()) == {f"depends_on {path}"}
