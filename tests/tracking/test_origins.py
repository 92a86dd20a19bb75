"""As what a global counts that the function changes itself: what a run left counts as what it found."""

from __future__ import annotations

import gc
import textwrap
import weakref
from collections import OrderedDict
from typing import Any

import pytest

from nbcache.tracking import identities
from nbcache.tracking.fingerprint import Tracker
from nbcache.tracking.origins import Origins
from nbcache.tracking.state import Changes, State


class Follower:
    """A function that is followed, and run as the cache runs it."""

    def __init__(self, source: str, name: str = "foo") -> None:
        self.space: dict[str, Any] = {"__name__": "__main__"}
        exec(compile(textwrap.dedent(source), "<cell>", "exec"), self.space)
        self.tracker = Tracker({"": self.space[name]})
        self.origins = Origins()
        self.name = name

    @property
    def state(self) -> State:
        return self.tracker.state(self.origins)

    def run(self, *args: Any, apart: bool = False) -> Changes:
        state = self.state
        run = self.origins.begin(state.counted)
        try:
            self.space[self.name](*args)
        finally:
            changes = state.note(self.origins, run, apart=apart)
            self.origins.end(run)
        return changes

    def edit(self, source: str) -> None:
        exec(source, self.space)


CLOSURE = "def make():\n seen = []\n n = 0\n def inner(x=0):\n  nonlocal n\n  n += 1\n  seen.append(x)\n return inner\n"
EDIT_OF_CLOSURE = "[cell.cell_contents.append(9) for cell in {}.__closure__ if type(cell.cell_contents) is list]"
CHANGES = [
    ("A = []\ndef foo(): A.append(1)", "global A", "A.append(5)"),
    ("A = {}\ndef foo(): A['n'] = A.get('n', 0) + 1", "global A", "A['m'] = 1"),
    ("A = 0\ndef foo():\n global A\n A += 1", "global A", "A = 70"),
    ("A = 0\ndef h():\n global A\n A += 1\ndef foo(): h(); return A", "global A", "A = 70"),
    ("def foo():\n global A\n try: A\n except NameError: A = 1", "global A", "A = 70"),
    ("class C: n = 0\ndef foo(): C.n += 1", "class C.n", "C.n = 70"),
    ("def foo(acc=[]): acc.append(1)", "default of foo", "foo.__defaults__[0].append(5)"),
    (
        "def make():\n n = 0\n def foo():\n  nonlocal n\n  n += 1\n return foo\nfoo = make()",
        "closure n",
        "foo.__closure__[0].cell_contents = 70",
    ),
    ("class C: pass\nA = C()\nA.n = 0\ndef foo(): A.n += 1", "global A", "A.n = 70"),
    ("def h(): pass\nh.n = 0\ndef foo(): h.n += 1", "global h.n", "h.n = 70"),
    ("class C:\n def __init__(self): self.seen = {}\n def __call__(self): self.seen[1] = 1\nA = C()\ndef foo(): A()",
     "global A", "A.seen[2] = 2"),
    (f"{CLOSURE}H = {{'a': make()}}\ndef foo(): H['a']()", "closure seen", EDIT_OF_CLOSURE.format("H['a']")),
    (f"{CLOSURE}H = [make()]\ndef foo(): H[0]()", "global H", EDIT_OF_CLOSURE.format("H[0]")),
    (f"{CLOSURE}class C: pass\nH = C()\nH.f = make()\ndef foo(): H.f()", "global H", EDIT_OF_CLOSURE.format("H.f")),
    (f"{CLOSURE}def within(r):\n def foo(): r['a']()\n return foo\nfoo = within({{'a': make()}})", "closure r",
     EDIT_OF_CLOSURE.format("foo.__closure__[0].cell_contents['a']")),
]  # fmt: skip


@pytest.mark.parametrize(("source", "label", "edit"), CHANGES)
def test_what_a_run_left_counts_as_what_it_found(source: str, label: str, edit: str) -> None:
    followed = Follower(source)
    before = followed.state.digest

    changes = followed.run()
    after = followed.state.digest
    followed.run()
    again = followed.state.digest

    assert label in changes.mine
    assert after == again == before


@pytest.mark.parametrize(("source", "label", "edit"), CHANGES)
def test_what_anybody_else_changes_is_a_change(source: str, label: str, edit: str) -> None:
    followed = Follower(source)
    before = followed.state.digest
    followed.run()
    followed.state

    followed.edit(edit)
    edited = followed.state.digest
    followed.run()

    assert edited != before
    assert followed.state.digest == edited


@pytest.mark.parametrize(("source", "label", "edit"), CHANGES)
def test_what_was_learnt_holds_in_a_later_session(source: str, label: str, edit: str) -> None:
    followed = Follower(source)
    before = followed.state.digest
    followed.run()
    later = Follower(source)
    later.origins.learn(followed.origins.on_record())

    fresh = later.state.digest
    later.space[later.name]()
    left = later.state.digest
    later.edit(edit)

    assert fresh == left == before
    assert later.state.digest != before


def test_a_function_in_the_registry_of_a_library_may_change_its_closure() -> None:
    followed = Follower(f"import functools\n{CLOSURE}f = make()\ng = functools.singledispatch(f)\ndef foo(): g(1)")
    before = followed.state.digest

    followed.run()
    followed.run()
    left = followed.state.digest
    followed.edit(EDIT_OF_CLOSURE.format("f"))

    assert left == before
    assert followed.state.digest != before


def test_a_change_back_is_the_state_before() -> None:
    followed = Follower("A = [1]\nK = 1\ndef foo(): A.append(2); return K")
    before = followed.state.digest
    followed.run()

    followed.edit("K = 2; A.append('theirs')")
    changed = followed.state.digest
    followed.edit("K = 1; A.pop()")

    assert changed != before
    assert followed.state.digest == before


def test_another_object_with_the_first_content_is_no_change() -> None:
    followed = Follower("A = [1]\ndef foo(): A.append(2)")
    before = followed.state.digest
    followed.run()

    followed.edit("A = [1]")
    equal = followed.state.digest
    followed.edit("A = [3]")

    assert equal == before
    assert followed.state.digest != before


def test_what_a_run_leaves_again_counts_as_what_the_last_one_found() -> None:
    followed = Follower("A = {}\ndef foo(): A['seed'] = 42")
    before = followed.state.digest
    followed.run()

    followed.edit("A['seed'] = 7")
    edited = followed.state.digest
    followed.run()
    left = followed.state.digest
    followed.edit("A['seed'] = 7")
    once_more = followed.state.digest

    assert before != edited
    assert left == edited == once_more


def test_what_a_run_puts_into_a_registry_is_not_followed_then() -> None:
    followed = Follower("A = []\ndef foo():\n class Made: pass\n A.append(Made())\n A.append(len)")
    before = followed.state.digest

    followed.run()

    assert followed.state.digest == before


def test_a_change_that_is_first_seen_after_a_run_in_the_background_is_somebody_elses() -> None:
    followed = Follower("A = []\nK = [1]\ndef foo(): A.append(1); K")
    before = followed.state.digest
    followed.run()

    state = followed.state
    run = followed.origins.begin(state.counted)
    followed.space["foo"]()
    followed.edit("K.append(2)")  # by the user, while the run goes on
    changes = state.note(followed.origins, run, apart=True)
    followed.origins.end(run)

    assert changes.others == ("global K",)
    assert followed.state.digest != before


def test_runs_at_one_time_that_leave_the_same_count_as_one() -> None:
    followed = Follower("A = []\ndef foo(x): A.append(x)")
    state = followed.state
    one = followed.origins.begin(state.counted)
    followed.space["foo"](1)
    half = followed.state  # met while the first run is under way, and nothing is known yet
    two = followed.origins.begin(half.counted)
    followed.space["foo"](2)
    mine = half.note(followed.origins, two).mine
    followed.origins.end(two)
    theirs = state.note(followed.origins, one).mine
    followed.origins.end(one)

    assert state.digest_where(theirs) == half.digest_where(mine) == followed.state.digest
    assert Follower("A = []\ndef foo(x): A.append(x)").tracker.state(followed.origins).digest == followed.state.digest


def test_a_call_during_a_run_finds_what_that_run_has_found() -> None:
    followed = Follower("A = []\ndef foo(x): A.append(x)")
    followed.run(0)
    before = followed.state
    one = followed.origins.begin(before.counted)
    followed.space["foo"](1)

    during = followed.state

    assert during.digest == before.digest
    followed.origins.end(one)
    assert followed.state.digest != before.digest  # nobody has said yet whose change it is


def test_what_the_function_changes_is_not_kept_alive() -> None:
    followed = Follower("class C: n = 0\nA = C()\ndef foo(): A.n += 1")
    followed.run()
    gone = weakref.ref(followed.space["A"])

    del followed.space["A"]
    followed.state
    gc.collect()

    assert gone() is None


def test_a_change_of_two_hundred_runs_goes_on_record_in_short() -> None:
    followed = Follower("A = []\ndef foo(): A.append(1)")
    before = followed.state.digest
    for _ in range(200):
        followed.run()

    record = followed.origins.on_record()

    assert len(record) <= 32
    assert followed.state.digest == before


UNREADABLE = [
    ("import threading\nA = iter([1])\ndef foo(): A", "A = iter([2])"),
    ("A = (n for n in range(3))\ndef foo(): A", "A = (n for n in range(3))"),
    ("import socket\nA = socket.socket()\ndef foo(): A", "A = socket.socket()"),
    ("import socket\nA = [socket.socket()]\ndef foo(): A", "A[0] = socket.socket()"),
    ("import threading\nclass C: pass\nA = C(); A.k = 1; A.lock = threading.Lock()\ndef foo(): A", "A.k = 2"),
    (
        "import threading\nclass C:\n def __init__(self, k): self.k, self.lock = k, threading.RLock()\n"
        "A = C(1)\ndef foo(): A",
        "A = C(2)",
    ),
]


@pytest.mark.parametrize(("source", "edit"), UNREADABLE)
def test_another_object_in_place_of_one_that_cannot_be_read_is_a_change(source: str, edit: str) -> None:
    followed = Follower(source)
    before = followed.state
    assert followed.state is before

    followed.edit(edit)

    assert followed.state.digest != before.digest
    assert followed.state.digest == followed.state.digest


@pytest.mark.parametrize(("source", "edit"), UNREADABLE)
def test_the_first_object_of_a_session_stands_for_the_first_of_another(
    source: str, edit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A namespace may have the id of one that an earlier test has left.
    monkeypatch.setattr(identities, "_known", OrderedDict())
    one, other = Follower(source), Follower(source)

    assert one.state.digest == other.state.digest


def test_two_closures_over_what_cannot_be_read_are_two_functions() -> None:
    source = "def make(con):\n def foo(): return con\n return foo\none, other = make(iter([1])), make(iter([2]))"
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(source, space)

    digests = [Tracker({"": space[name]}).state().digest for name in ("one", "other", "one")]

    assert digests[0] == digests[2] != digests[1]


def test_locks_have_no_content() -> None:
    followed = Follower("import threading\nA = threading.Lock()\ndef foo(): A")
    before = followed.state.digest

    followed.edit("A = threading.Lock()")

    assert followed.state.digest == before


def test_a_text_that_is_kept_when_it_is_made_is_no_change() -> None:
    follower = Follower(
        """
        class Word:
            def __init__(self): self.used, self.shown = False, None
            def __repr__(self):
                self.shown = self.shown or f"Word({self.used})"
                return self.shown
            def parse(self): self.used, self.shown = True, None
        word = Word()
        def foo(): word.parse()
        """
    )
    before = follower.state.digest

    follower.run()

    assert follower.state.digest == before
    follower.space["word"].used = "by somebody else"
    assert follower.state.digest != before
