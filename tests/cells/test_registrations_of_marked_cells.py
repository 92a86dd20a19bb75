"""What a marked cell registers is there after it, however often it runs: such a cell is not restored, and says so."""

from __future__ import annotations

import copyreg
import logging

import pytest

from nbcache.notebook.cells.known import known_cells

# code that registers something, whether it is there, how it is undone, and the import it needs
REGISTERS = {
    "a pandas accessor": (
        "pandas",
        "@pandas.api.extensions.register_dataframe_accessor('marked')\nclass Marked:\n    def __init__(self, f): pass",
        "hasattr(pandas.DataFrame, 'marked')",
        "del pandas.DataFrame.marked; pandas.DataFrame._accessors.discard('marked')",
    ),
    "a line magic": (
        "IPython",
        "from IPython.core.magic import register_line_magic\n@register_line_magic\ndef marked(line): pass",
        "'marked' in get_ipython().magics_manager.magics['line']",
        "del get_ipython().magics_manager.magics['line']['marked']",
    ),
    "a way to pickle": (
        "copyreg",
        "copyreg.pickle(slice, lambda s: (slice, (s.start, s.stop)))",
        "slice in copyreg.dispatch_table",
        "copyreg.dispatch_table.pop(slice)",
    ),
    "a handler": (
        "logging",
        "logging.getLogger('marked').addHandler(logging.NullHandler())",
        "bool(logging.getLogger('marked').handlers)",
        "logging.getLogger('marked').handlers.clear()",
    ),
    "a handler, in a helper": (
        "logging",
        "def add(): logging.getLogger('marked').addHandler(logging.NullHandler())\nadd()",
        "bool(logging.getLogger('marked').handlers)",
        "logging.getLogger('marked').handlers.clear()",
    ),
    "a representation": (
        "IPython",
        "get_ipython().display_formatter.formatters['text/html'].for_type(complex, str)",
        "complex in get_ipython().display_formatter.formatters['text/html'].type_printers",
        "get_ipython().display_formatter.formatters['text/html'].pop(complex)",
    ),
}


@pytest.mark.parametrize(("library", "registers", "there", "undo"), REGISTERS.values(), ids=REGISTERS)
def test_what_a_marked_cell_registers_is_there_each_time(nb, library, registers, there, undo):
    pytest.importorskip(library)
    nb.shell.ex(f"import {library}")
    for _ in range(3):
        ran = nb(f"%%cache_cell\n{registers}")

        assert "it changes" in " ".join(ran.warned) and nb.shell.ev(there)
        nb.shell.ex(undo)


MAGICS = {
    "folder": ("%cd .", ""),
    "another folder": ("import os; os.makedirs('inner', exist_ok=True)\n%cd inner", "%cd .."),
    "environment": ("%env CELL_MARKED=1", "import os; del os.environ['CELL_MARKED']"),
}


@pytest.mark.parametrize(("magic", "undo"), MAGICS.values(), ids=MAGICS)
def test_a_magic_that_changes_the_session_hides_no_registration_of_a_helper(nb, magic, undo):
    nb("import logging\ndef add(): getattr(logging.getLogger('marked'), 'addHandler')(logging.NullHandler())")
    try:
        for _ in range(2):
            ran = nb(f"%%cache_cell\n{magic}\nadd()\nx = 1")
            assert "loggers" in " ".join(ran.warned) and logging.getLogger("marked").handlers
            logging.getLogger("marked").handlers.clear()
            nb.shell.run_cell(undo)
    finally:
        logging.getLogger("marked").handlers.clear()


@pytest.mark.parametrize(("magic", "undo"), MAGICS.values(), ids=MAGICS)
def test_a_cell_with_nothing_but_such_a_magic_is_kept_and_says_so(nb, magic, undo):
    ran = nb(f"%%cache_cell\n{magic}\nx = 1")
    nb.shell.run_cell(undo)

    assert known_cells(nb.shell).rows()[-1][2].outcome == "stored" and not ran.warned
    assert "skips these side effects" in ran.out + ran.err


def test_with_its_outputs_named_such_a_cell_is_kept(nb):
    nb.shell.ex("import logging")
    cell = "%%cache_cell --outputs x\nlogging.getLogger('marked').addHandler(logging.NullHandler())\nx = 1"
    try:
        ran = nb(cell)
        assert "skips these side effects" in ran.out + ran.err and not ran.warned
    finally:
        logging.getLogger("marked").handlers.clear()
    nb.shell.ex("del x")

    nb(cell)

    assert nb.shell.ev("x") == 1 and not logging.getLogger("marked").handlers


def test_a_cell_that_registers_nothing_is_restored(nb):
    cell = "%%cache_cell\nimport copyreg\nx = len(copyreg.dispatch_table) * 0"
    assert not nb(cell).warned and not nb(cell).warned
    assert known_cells(nb.shell).rows()[-1][2].outcome == "hit" and slice not in copyreg.dispatch_table
