"""What a user puts on a class of a library counts: on one of the standard library as on one of a package."""

from __future__ import annotations

import collections
import fractions
import json
import pathlib
import string
import textwrap
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from notebook_code import run

from nbcache.tracking.fingerprint import Tracker

pytestmark = pytest.mark.usefixtures("main_module")


def mine(*given: object) -> str:
    return "mine"


def others(*given: object) -> str:
    return "another's"


# The program, the class, the name on it.
READ: dict[str, tuple[str, type, str]] = {
    "imported": (
        "from collections import Counter\ndef foo(): return Counter().elements()",
        collections.Counter,
        "elements",
    ),
    "of a module": ("import string\ndef foo(): return string.Template('').substitute()", string.Template, "substitute"),
    "of a global": (
        "import collections\nA = collections.Counter()\ndef foo(): return A.elements()",
        collections.Counter,
        "elements",
    ),
    "inherited": ("from pathlib import Path\ndef foo(): return Path().as_posix()", pathlib.PurePath, "as_posix"),
    "a property": ("from pathlib import Path\ndef foo(): return Path().name", pathlib.PurePath, "name"),
    "a class method": ("from pathlib import Path\ndef foo(): return Path.cwd()", pathlib.Path, "cwd"),
    "on the base of a class of the user's": (
        "import json\nclass C(json.JSONEncoder): pass\ndef foo(): return C().encode(1)",
        json.JSONEncoder,
        "encode",
    ),
    "by a function of its module": ("import json\ndef foo(): return json.dumps(1)", json.JSONEncoder, "default"),
    "by an imported function": ("from json import dump\ndef foo(): return dump(1)", json.JSONEncoder, "iterencode"),
    "of an argument": ("def foo(a): return a.read_text()", pathlib.Path, "read_text"),
    "under a new name": (
        "import textwrap\ndef foo(): return textwrap.TextWrapper().twice",
        textwrap.TextWrapper,
        "twice",
    ),
}
PUT: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "functions": (lambda: mine, lambda: others),
    "properties": (lambda: property(mine), lambda: property(others)),
    "class methods": (lambda: classmethod(mine), lambda: classmethod(others)),
    "functions of libraries": (lambda: textwrap.fill, lambda: textwrap.dedent),
    "mocks": (lambda: mock.Mock(return_value=1), lambda: mock.Mock(return_value=2)),
}


def in_place(monkeypatch: pytest.MonkeyPatch, owner: type, name: str, value: object) -> None:
    monkeypatch.setattr(owner, name, value, raising=False)


@pytest.mark.parametrize("put", PUT)
@pytest.mark.parametrize("case", READ)
def test_what_is_put_on_a_class_of_the_standard_library_is_seen_at_once(
    case: str, put: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, owner, name = READ[case]
    tracker = Tracker({"": run(source)["foo"]})
    before = tracker.state()

    digests = []
    for make in PUT[put]:
        in_place(monkeypatch, owner, name, make())
        digests.append(tracker.state().digest)
    monkeypatch.undo()

    assert len({before.digest, *digests}) == 3
    assert tracker.state().digest == before.digest


@pytest.mark.parametrize("name", ["__init__", "__str__", "__add__"])
def test_a_special_method_counts_that_was_replaced_before_the_first_call(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = run("from fractions import Fraction\ndef foo(): return Fraction(1)")
    before = Tracker({"": space["foo"]}).state().digest

    in_place(monkeypatch, fractions.Fraction, name, mine)
    after = Tracker({"": space["foo"]})
    changed = after.state().digest
    monkeypatch.undo()

    assert changed != before
    assert after.state().digest == before


def test_what_code_does_not_read_may_be_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    space = run("from collections import Counter\ndef foo(): return Counter().elements()")
    tracker = Tracker({"": space["foo"]})
    before = tracker.state().digest

    in_place(monkeypatch, collections.Counter, "most_common", mine)
    in_place(monkeypatch, collections.Counter, "unheard_of", mine)

    assert tracker.state().digest == before
