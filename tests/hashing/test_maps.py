"""A memory map whose file has become shorter is digested as far as it reaches; beyond, a read ends the process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("numpy")

# What is made of a file, and a change of what is left of it.
PROGRAM = """
import mmap, os, sys
import numpy as np
from nbcache.hashing.hasher import digest

path, how = sys.argv[1:]
with open(path, "wb") as file:
    file.write(bytes(10 * mmap.ALLOCATIONGRANULARITY))

def made():
    if how in ("mmap", "a view of a map"):
        owner = mmap.mmap(os.open(path, os.O_RDONLY), 0, access=mmap.ACCESS_READ)
        return owner if how == "mmap" else np.frombuffer(owner, "u1")[3:]
    values = np.memmap(path, "u1", "r", offset=5 * mmap.ALLOCATIONGRANULARITY if how == "a part of a file" else 0)
    return values[1:] if how == "a slice" else values

value = made()
whole = digest(value)
os.truncate(path, 6 * mmap.ALLOCATIONGRANULARITY - 7)
short = digest(value)
with open(path, "r+b") as file:
    file.seek(-1, os.SEEK_END)
    file.write(b"x")
changed = digest(value)
assert len({whole, short, changed}) == 3, (whole, short, changed)
if how != "mmap":
    assert digest(value) != digest(value[1:])
print("done")
"""


@pytest.mark.parametrize("how", ["mmap", "a map of numpy", "a slice", "a part of a file", "a view of a map"])
@pytest.mark.skipif(sys.platform == "win32", reason="a file that is mapped cannot be cut there")
def test_what_is_left_of_a_file_that_was_cut_while_it_was_mapped_is_read(
    how: str, python: Callable[..., str], tmp_path: Path
) -> None:
    assert python(PROGRAM, f"{tmp_path}/file", how).split() == ["done"]
