"""A real kernel: what a notebook keeps of a cell is the same with and without the lines of spinners."""

from __future__ import annotations

from typing import Any

import pytest
from live import seen

SLOW = """
%load_ext nbcache
import time
from IPython.display import HTML, clear_output, display, update_display
from ipywidgets import Output

@cache_data(scope="session", cache_if=lambda _: False)
def spinning(seconds=0.45):
    time.sleep(seconds)

@cache_data(scope="session", cache_if=lambda _: False, show_spinner=False)
def still(seconds=0.0):
    pass
"""
CELLS = {
    "nothing else": "slow()\nslow()",
    "text around": "print('before')\nslow()\nprint('after')\nslow()",
    "a display and a value": "display(HTML('<b>one</b>'))\nslow()\ndisplay(HTML('<b>two</b>'))\nslow()\n3 * 7",
    "a display that is updated": "display('first', display_id='a')\nslow()\nupdate_display('second', display_id='a')",
    "outputs that are cleared": "print('gone')\nslow()\nclear_output()\nprint('stays')\nslow()",
    "outputs that are cleared later": "print('gone')\nslow()\nclear_output(wait=True)\nprint('stays')\nslow()",
    "an error": "print('before')\nslow()\nraise ValueError('no')",
}


@pytest.fixture(scope="module")
def kernel(one_kernel: Any) -> Any:
    one_kernel(SLOW)
    return one_kernel


@pytest.mark.parametrize("name", CELLS)
def test_a_notebook_keeps_the_same_outputs_with_spinners(kernel: Any, name: str) -> None:
    plain = kernel(f"slow = still\n{CELLS[name]}", fails=name == "an error")
    spun = kernel(f"slow = spinning\n{CELLS[name]}", fails=name == "an error")
    assert seen(spun.every) == seen(plain.every)


def test_in_a_widget_no_spinner_is_shown(kernel: Any) -> None:
    shown = kernel("slow = spinning\nbox = Output()\nwith box:\n    print('inside')\n    slow()\nprint('outside')")
    assert "inside" not in shown.out
    assert "outside" in shown.out
    assert kernel("[output.get('text') for output in box.outputs]").value == "['inside\\n']"


def test_large_outputs_are_not_sent_twice(kernel: Any) -> None:
    shown = kernel("slow = spinning\nprint('x' * 3_000_000)\nslow()")
    assert len(shown.out) == 3_000_001
    assert [output for output in shown.every if not output.get("data", True)]
