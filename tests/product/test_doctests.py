"""The examples in docstrings print what they say."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path
from typing import Any

import pytest

import nbcache

PACKAGE = Path(__file__).resolve().parents[2] / "nbcache"
WITH_EXAMPLES = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    for path in PACKAGE.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_the_examples_of_a_module_print_what_they_say(module: str, cache: Any) -> None:
    tested = importlib.import_module(module)

    result = doctest.testmod(tested, extraglobs={"nbcache": nbcache}, optionflags=doctest.ELLIPSIS)

    assert result.failed == 0
    assert result.attempted > 0
