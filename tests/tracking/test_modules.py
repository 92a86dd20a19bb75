"""The user's modules are followed, however they are imported, edited or reloaded; a package counts by its version."""

from __future__ import annotations

import sys
import textwrap
from typing import Any

import pytest
from notebook_code import labels, run, state_of

from nbcache.tracking.fingerprint import Tracker

pytestmark = pytest.mark.usefixtures("main_module")


@pytest.fixture
def project(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A folder on the path for modules of the user's; what was imported from it is forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def edit(folder: Any, **sources: str) -> None:
    """Write modules anew, and forget the old ones as a restarted kernel does."""
    for name, source in sources.items():
        path = folder / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source))
    for name in [name for name in sys.modules if name.partition(".")[0] in {key.partition("__")[0] for key in sources}]:
        del sys.modules[name]
    import importlib

    importlib.invalidate_caches()


MODULE_USES = [
    "import helper_mod\ndef foo(): return helper_mod.f()",
    "from helper_mod import f\ndef foo(): return f()",
    "import helper_mod as m\ndef foo(): return m.f()",
    "def foo():\n import helper_mod\n return helper_mod.f()",
    "def foo():\n from helper_mod import f\n return f()",
    "def foo():\n import helper_mod as m\n def g(): return m.f()\n return g()",
    "import helper_mod\ndef foo(): return getattr(helper_mod, 'f')()",
    "import helper_mod\nm = [helper_mod]\ndef foo(): return m[0].f()",
    "def foo():\n import importlib\n return importlib.import_module('helper_mod').f()",
    "import importlib\ndef foo(): return importlib.import_module('helper_mod').f()",
]


@pytest.mark.parametrize("use", MODULE_USES)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def f(): return 1", "def f(): return 2"),
        ("K = 1\ndef f(): return K", "K = 2\ndef f(): return K"),
        ("def g(): return 1\ndef f(): return g()", "def g(): return 2\ndef f(): return g()"),
    ],
)
def test_an_edited_module_is_a_change_however_it_is_used(project: Any, use: str, before: str, after: str) -> None:
    edit(project, helper_mod=before)
    one = state_of(use)
    edit(project, helper_mod=before + "\n# a comment\n")
    same = state_of(use)
    edit(project, helper_mod=after)
    other = state_of(use)

    assert one.digest == same.digest
    assert one.digest != other.digest


@pytest.mark.parametrize("use", MODULE_USES[:6])
def test_an_unrelated_function_of_a_module_does_not_count(project: Any, use: str) -> None:
    edit(project, helper_mod="def f(): return 1\ndef g(): return 1")
    one = state_of(use)
    edit(project, helper_mod="def f(): return 1\ndef g(): return 2")

    assert state_of(use).digest == one.digest


def test_a_chain_of_modules_and_packages_is_followed(project: Any) -> None:
    use = "import pack.low\ndef foo(): return pack.low.f()"
    edit(
        project,
        pack____init__="",
        pack__low="from . import deep\ndef f(): return deep.g()",
        pack__deep="def g(): return 1",
    )
    one = state_of(use)
    edit(
        project,
        pack____init__="",
        pack__low="from . import deep\ndef f(): return deep.g()",
        pack__deep="def g(): return 2",
    )
    other = state_of(use)

    assert labels(one, other) == {"helper pack.deep.g"}


def test_a_relative_import_inside_a_function_is_followed(project: Any) -> None:
    low = "def f():\n from .deep import g\n return g()"
    use = "import pack.low\ndef foo(): return pack.low.f()"
    edit(project, pack____init__="", pack__low=low, pack__deep="def g(): return 1")
    one = state_of(use)
    edit(project, pack____init__="", pack__low=low, pack__deep="def g(): return 2")

    assert state_of(use).digest != one.digest


def test_a_reload_is_seen_at_once(project: Any) -> None:
    import importlib

    edit(project, helper_mod="def f(): return 1")
    space = run("import helper_mod\ndef foo(): return helper_mod.f()")
    tracker = Tracker({"": space["foo"]})
    before = tracker.state()

    (project / "helper_mod.py").write_text("def f(): return 222")
    importlib.reload(space["helper_mod"])

    assert not before.current()
    assert labels(before, tracker.state()) == {"helper helper_mod.f"}


def test_a_module_that_is_missing_or_fails_to_import_is_named(project: Any) -> None:
    edit(project, broken_mod="raise ValueError('no')")

    state = state_of("def foo():\n import broken_mod, absent_mod\n return absent_mod.f()")

    assert any("broken_mod" in line for line in state.unfollowed)
    assert any("absent_mod" in line for line in state.unfollowed)
    assert state.current()


def test_a_third_party_package_counts_by_its_version() -> None:
    state = state_of("import numpy as np\ndef foo(x): return np.linalg.norm(x)")

    import numpy

    assert {part.label: part.summary for part in state.parts}["package numpy"] == numpy.__version__
    assert state.simple is not None
