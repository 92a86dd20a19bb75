"""Whatever would change the answer is a miss that says why; whatever would not is a hit: in one kernel and the next."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from edits import COSMETIC, EDITS, notebook
from processes import reports_of

from nbcache.engine.cache import Cache

PHASES = ("before", "after", "back")
Report = dict[str, Any]
pytestmark = pytest.mark.usefixtures("no_bytecode")


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Report]]:
    """What three processes reported, one after the other, each with another hash seed."""
    folder = tmp_path_factory.mktemp("edits")
    return reports_of("edits.py", PHASES, folder / "notebooks", NBCACHE_KEY_FILE=str(folder / "keys" / "key"))


def check_answers(*reports: Report) -> None:
    """A cached answer is the uncached one, and `explain` foresaw what would happen."""
    for report in reports:
        assert "error" not in report, report["error"]
        assert report["value"] == report["plain"]
        assert report["hit"] == report["said"], report["text"]


def check_edit(name: str, before: Report, after: Report) -> None:
    """An edit that counts is a miss that names it; one that does not is a hit."""
    edit = EDITS[name]
    if not edit.says:
        assert after["hit"], after["text"]
        return
    assert before["plain"] != after["plain"], "this edit changes nothing"
    assert not after["hit"]
    assert [line for line in after["changed"] if edit.says in line], after["text"]


@pytest.mark.parametrize("name", EDITS)
def test_in_one_kernel(name: str, cache: Cache, tmp_path: Path) -> None:
    edit = EDITS[name]
    with notebook(tmp_path / "work") as book:
        book.prepare(edit.setup)
        book.show(edit.before)
        before, again = book.call(), book.call()

        book.prepare(edit.setup_after)
        book.show(edit.after)
        book.run(edit.again)
        after, after_again = book.call(), book.call()

        book.prepare(edit.setup)
        book.show("")
        book.show(edit.before)
        book.run(edit.again)
        back = book.call()

    check_answers(before, again, after, after_again, back)
    assert not before["hit"]
    assert again["hit"], again["text"]
    check_edit(name, before, after)
    assert after_again["hit"], after_again["text"]
    assert back["hit"], back["text"]


@pytest.mark.parametrize("name", EDITS)
def test_in_a_restarted_kernel(name: str, sessions: dict[str, dict[str, Report]]) -> None:
    before, after, back = (sessions[phase][name] for phase in PHASES)

    check_answers(before, after, back)
    assert not before["hit"]
    check_edit(name, before, after)
    assert back["hit"], back["text"]


def test_cosmetic_edits_are_told_apart_from_others() -> None:
    assert all(edit.says for name, edit in EDITS.items() if not name.startswith("cosmetic"))
    assert not any(edit.says for edit in COSMETIC.values())


def test_autoreload_in_a_shell_is_an_edit_like_any_other(shell: Any, cache: Cache, tmp_path: Path) -> None:
    module = tmp_path / "reloaded.py"
    module.write_text("def g():\n    return 1\n\nclass C:\n    def m(self):\n        return g()\n")
    sys.path.insert(0, str(tmp_path))
    try:
        for cell in (
            "%load_ext autoreload\n%autoreload 2",
            "from nbcache import cache_data\nfrom reloaded import C\nc = C()",
            "@cache_data\ndef foo():\n    return c.m()",
            "first = foo(), foo(), foo.info().misses",
        ):
            shell.run_cell(cell).raise_error()
        module.write_text(module.read_text().replace("return 1", "return 2"))
        os.utime(module, (2e9, 2e9))
        shell.run_cell("changed = foo.explain().changed\nsecond = foo(), foo(), foo.info().misses").raise_error()
    finally:
        sys.path.remove(str(tmp_path))
        sys.modules.pop("reloaded", None)

    assert shell.user_ns["first"] == (1, 1, 1)
    assert shell.user_ns["second"] == (2, 2, 2)
    assert "helper reloaded.g changed: 1 line: return 1 -> return 2" in shell.user_ns["changed"]
