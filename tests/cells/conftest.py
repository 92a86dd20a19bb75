"""A real shell for the tests of cells, and what a cell in it gives."""

from __future__ import annotations

import atexit
import contextlib
import io
import sys
import textwrap
import warnings
from types import SimpleNamespace

import pytest
from traitlets.config import Config

from nbcache import CacheWarning


@pytest.fixture(scope="module")
def one_shell():
    """One real shell for all tests of this file: making and resetting one costs more than most of them."""
    from IPython.core.interactiveshell import InteractiveShell

    main = sys.modules["__main__"]
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    yield shell
    atexit.unregister(shell.atexit_operations)
    InteractiveShell.clear_instance()
    sys.modules["__main__"] = main


@pytest.fixture
def shell(one_shell):
    """That shell, with its namespace as it was new."""
    fresh, hidden = dict(one_shell.user_ns), dict(one_shell.user_ns_hidden)
    yield one_shell
    if "nbcache" in one_shell.extension_manager.loaded:
        one_shell.run_line_magic("unload_ext", "nbcache")
    one_shell.user_ns.clear()
    one_shell.user_ns.update(fresh)
    one_shell.user_ns_hidden.clear()
    one_shell.user_ns_hidden.update(hidden)
    one_shell.user_ns["Out"].clear()
    hook = one_shell.displayhook
    hook._, hook.__, hook.___ = fresh["_"], fresh["__"], fresh["___"]
    one_shell.config.pop("NBCache", None)  # what %config has set


@pytest.fixture
def nb(shell, cache):
    """Run cells in a shell with the extension; say what each gave."""
    shell.run_cell("%load_ext nbcache", store_history=True)
    ran = []
    shell.nbcache_test_runs = ran

    def run(source, fails=False):
        before = len(ran)
        source = textwrap.dedent(source).strip("\n")
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
                result = shell.run_cell(source, store_history=True)
        error = result.error_before_exec or result.error_in_exec
        assert fails or error is None, error
        return SimpleNamespace(
            value=result.result,
            out=out.getvalue(),
            err=err.getvalue(),
            error=error,
            count=len(ran) - before,
            warned=[str(one.message) for one in warned if issubclass(one.category, CacheWarning)],
        )

    run.ns = shell.user_ns
    run.shell = shell
    return run


@pytest.fixture
def counter(nb, monkeypatch):
    """Count the runs of cells that `marked_cells` makes."""
    import builtins

    monkeypatch.setattr(builtins, "ran", lambda: nb.shell.nbcache_test_runs.append(1), raising=False)
