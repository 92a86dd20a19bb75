"""A few seconds of `tests/support/fuzz_entries.py`: entries altered at random and signed again."""

from __future__ import annotations

from fuzz_entries import fuzz


def test_the_reader_answers_whatever_a_signed_entry_says_with_an_entry_or_its_two_errors() -> None:
    done = fuzz(seconds=3, seed=20)

    assert done["entries"] > 50 and done["damaged"] and done["read"]
