"""Cached cells in a terminal: a real one (a pseudo-terminal), in a process of its own."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from live import live

ROOT = str(Path(__file__).resolve().parents[2])

SHELL = r"""
import sys
from IPython.terminal.interactiveshell import TerminalInteractiveShell
shell = TerminalInteractiveShell.instance(simple_prompt=True, colors="nocolor")
shell.run_cell("%load_ext nbcache", store_history=True)

def show(source):
    print("<begin>")
    result = shell.run_cell(source, store_history=True)
    sys.stdout.flush()
    sys.stderr.flush()
    print("<end>")
    return result
"""


def in_a_terminal(program):
    """Run a program whose output is a terminal; return what was written there."""
    ours, theirs = pty.openpty()
    path = os.pathsep.join(filter(None, [ROOT, os.environ.get("PYTHONPATH")]))
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "PYTHONPATH": path, "TERM": "dumb"},
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not part:
            break
        written += part
    os.close(ours)
    assert process.wait(timeout=60) == 0, written.decode()
    return written.decode().replace("\r\n", "\n")


def shown(program):
    """What each `show` of a program wrote."""
    return [part.partition("<end>")[0].strip("\n") for part in in_a_terminal(SHELL + program).split("<begin>")[1:]]


CELLS = {
    "prints and displays": 'import sys\nprint("1"); display("2"); print("3", file=sys.stderr); print("4")\nx = [5]\nx',
    "only text": 'print("1")\nprint("2", end=" ")\nprint("3")',
    "a bar": 'for n in range(3): print("\\r", n, end="")\nprint()\nprint("3")',
    "a command": 'print("1")\n!echo 2\nprint("3")\nlines = !echo 4\nprint(lines[0])',
    "a script": "%%bash\necho 1\necho 2",
    "await": 'import asyncio\nprint("1")\nawait asyncio.sleep(0)\nprint("2")\n"3"',
    "nested": 'print("1")\nget_ipython().run_cell("%%cache_cell -q\\nprint(2)")\nprint("3")',
}


def test_a_cell_that_sets_up_logging_runs_and_shows_its_lines_once_and_in_order():
    cell = (
        "%%cache_cell -q\nimport logging, sys\nlogging.basicConfig(stream=sys.stdout, force=True)\n"
        'print("1")\nlogging.error("2")\nprint("3")'
    )
    for text in shown(f"for _ in range(2): show({cell!r})"):
        assert text.endswith("1\nERROR:root:2\n3") and text.count("ERROR") == 1, text


@pytest.mark.parametrize("cell", CELLS)
def test_a_hit_shows_what_the_run_showed_once_and_in_order(cell):
    source = "%%cache_cell -q\n" + CELLS[cell]
    first, second, plain = shown(
        f"import sys\nfor _ in range(2): show({source!r})\n"
        f"shell.run_cell('%unload_ext nbcache')\nshow({CELLS[cell].replace('%%cache_cell -q', '')!r})"
    )
    digits = [[letter for letter in text if letter in "12345"] for text in map(_seen, (first, second, plain))]
    assert digits[0] == digits[1] == digits[2], (first, second, plain)


def _seen(text):
    """What is left on the screen, prompts aside."""
    lines = [line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")]
    return "\n".join(line.partition("]: ")[2] if line.startswith("Out[") else line for line in lines)


@pytest.mark.parametrize(
    ("cell", "left"),
    [
        ('h = display("1", display_id=True)\nprint("2")\nh.update("3")\nprint("4")', "324"),
        ('from IPython.display import clear_output\nprint("1")\nclear_output()\nprint("2")', "2"),
    ],
)
def test_what_was_updated_or_cleared_is_shown_as_it_ended(cell, left):
    _, second = shown(f"for _ in range(2): show({'%%cache_cell -q' + chr(10) + cell!r})")
    assert [letter for letter in _seen(second) if letter in "1234"] == list(left)


def test_a_restored_value_is_the_very_object_and_a_bar_is_folded():
    first, second = shown(
        'CELL = \'%%cache_cell -q\\nx = [1]\\nfor n in range(3): print("\\\\r", n, end="")\\nprint()\\nx\'\n'
        "for _ in range(2):\n"
        "    result = show(CELL)\n"
        "    assert result.result is shell.user_ns['x'] is shell.user_ns['_']\n"
    )
    assert first.count("\r") > second.count("\r") <= 1
    assert "Out[2]: [1]" in first and "Out[3]: [1]" in second


def test_a_hit_says_so_in_one_line():
    first, second = shown("for _ in range(2): show('%%cache_cell\\nx = 1\\nprint(x)')")
    assert first == "1"
    note, printed = second.splitlines()
    assert note.startswith("restored x · computed just now") and printed == "1"


def test_an_error_is_shown_once_at_the_users_line():
    (failed,) = shown("show('%%cache_cell bad\\nx = 1\\n1/0')")
    assert failed.count("ZeroDivisionError") == 2  # the head and the last line of one traceback
    assert "line 3" in failed and "nbcache" not in failed


def test_the_magics_around_a_cell_show_their_own_lines_once():
    timed, again = shown("for _ in range(2): show('%%time\\n%%cache_cell -q\\nprint(1)')")
    for text in (timed, again):
        assert text.count("Wall time") == 1 and text.splitlines()[0] == "1"


def test_a_cell_of_a_notebook_is_a_hit_in_a_terminal_and_the_other_way_round():
    one, other = (f"import json\nx = json.dumps([{n}])\nprint(x)" for n in (1, 2))
    with live() as nb:
        nb(f"%%cache_cell\n{one}")
        program = "\n".join(f"show({'%%cache_cell' + chr(10) + cell!r})" for cell in (one, other))
        from_notebook, _ = shown(program)
        from_terminal = nb(f"%%cache_cell\n{other}")
    assert from_notebook.startswith("restored") and "[1]" in from_notebook
    assert from_terminal.hit and from_terminal.out == "[2]\n"


def test_automatic_caching_restores_a_cell_once_and_leaves_no_hook():
    first, second, off = shown(
        "shell.run_cell('%cache_cells on --min-time 0s', store_history=True)\n"
        "for _ in range(2): show('x = [1]\\nprint(\"one\")\\nx')\n"
        "shell.run_cell('%cache_cells off', store_history=True)\n"
        "assert 'run_ast_nodes' not in vars(shell) and 'system' not in vars(shell)\n"
        "show('x = [1]\\nprint(\"one\")\\nx')\n"
    )
    assert "restored x" in second and "restored" not in first + off
    for text in (first, second, off):
        assert text.count("one") == 1 and text.count("[1]") == 1
