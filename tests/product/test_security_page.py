"""The security page names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path


def test_every_test_that_the_security_page_names_exists() -> None:
    root = Path(__file__).resolve().parents[2]
    named = set(re.findall(r"`(test_\w+)`", (root / "SECURITY.md").read_text(encoding="utf-8")))
    texts = [path.read_text(encoding="utf-8") for path in (root / "tests").rglob("test_*.py")]
    defined = {name for text in texts for name in re.findall(r"^ *def (test_\w+)", text, re.MULTILINE)}

    assert len(named) > 40
    assert named - defined == set()
