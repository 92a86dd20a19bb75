"""Cached cells in a terminal: a real one (a pseudo-terminal), in a process of its own."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parent.parent)

PROGRAM = r'''
import sys
from IPython.terminal.interactiveshell import TerminalInteractiveShell
shell = TerminalInteractiveShell.instance(simple_prompt=True, colors="nocolor")
shell.run_cell("%load_ext nbcache", store_history=True)
CELL = """%%cache_cell -q
import sys
print("one")
display("two")
print("three", file=sys.stderr)
print("four")
for n in range(3): print("\\r", n, end="")
print()
x = [1]
x"""
for _ in range(2):
    print("<begin>")
    result = shell.run_cell(CELL, store_history=True)
    assert result.result is shell.user_ns["x"] is shell.user_ns["_"]
    print("<end>")
    sys.stdout.flush()
shell.run_cell("%cache_info", store_history=True)
print("<begin>")
shell.run_cell("%%cache_cell bad\n1/0", store_history=True)
print("<end>")
'''


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


def test_a_hit_shows_what_the_run_showed_once_and_in_order():
    written = in_a_terminal(PROGRAM)
    first, second, failed = [part.partition("<end>")[0] for part in written.split("<begin>")[1:]]
    assert second.replace("Out[3]", "Out[2]").splitlines()[:4] == first.splitlines()[:4]
    for shown in (first, second):
        words = [word for word in shown.replace("'", "").split() if word in ("one", "two", "three", "four")]
        assert words == ["one", "two", "three", "four"]
        assert shown.count("[1]") == 1
    assert second.count("\r") <= 2  # folded
    assert failed.count("ZeroDivisionError") == 2  # the head and the last line of one traceback
    assert "nbcache" not in failed
