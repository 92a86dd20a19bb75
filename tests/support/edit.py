"""One edit between two runs of a notebook, and the ways to write one down.

Source is divided into notebook cells by lines that say ``# %%``.
"""

from __future__ import annotations

import textwrap
from typing import NamedTuple


class Edit(NamedTuple):
    """One edit.

    Attributes
    ----------
    before, after : the notebook's source; it defines ``foo``, which the test calls without arguments
    says : a text in the explanation of the miss; "" for a cosmetic edit, which is a hit
    setup, setup_after : source run beforehand, which makes files
    again : source that a running kernel needs to see the edit, such as a reload
    """

    before: str
    after: str
    says: str = ""
    setup: str = ""
    setup_after: str = ""
    again: str = ""


def change(before: str, after: str, says: str) -> Edit:
    """An edit of source that changes the answer; ``foo`` without a decorator gets ours."""
    return Edit(decorated(before), decorated(after), says)


def swap(source: str, old: str, new: str, says: str = "") -> Edit:
    """An edit of some words in the source."""
    assert old in source, f"{old!r} is not in {source!r}"
    return Edit(decorated(source), decorated(source.replace(old, new)), says)


def call_after(source: str, statement: str, says: str) -> Edit:
    """No edit, but a statement run between two calls."""
    return Edit(decorated(source), decorated(source) + f"\n# %%\n{statement}\n", says)


def module(text: str, old: str, new: str, use: str, says: str, again: str = "") -> Edit:
    """An edit of the module ``mod`` beside the notebook."""
    assert old in text, f"{old!r} is not in {text!r}"
    write = "from pathlib import Path\nPath('mod.py').write_text({text!r})"
    return Edit(
        decorated(use),
        decorated(use),
        says,
        write.format(text=text),
        write.format(text=text.replace(old, new)),
        again,
    )


def unedited(source: str, *, setup: str = "", setup_after: str = "") -> Edit:
    """No edit: the same source twice, with something else done beforehand."""
    return Edit(decorated(source), decorated(source), setup=setup, setup_after=setup_after)


def data(write: str, use: str, says: str = "file data") -> Edit:
    """A file that is written with the number ``N``, 1 before and 2 after."""
    return Edit(decorated(use), decorated(use), says, f"N = 1\n{write}", f"N = 2\n{write}")


def decorated(source: str) -> str:
    source = textwrap.dedent(source).strip("\n")
    return source if "@cache_data" in source else source.replace("def foo(", "@cache_data\ndef foo(")
