"""What the logger `nbcache` is told, for those who turn it on."""

from __future__ import annotations

import logging

import pytest

from nbcache import cache_data


def test_it_is_told_of_computations_and_clears_and_of_no_argument(caplog: pytest.LogCaptureFixture) -> None:
    cached = cache_data(lambda word: [word])
    with caplog.at_level(logging.DEBUG, logger="nbcache"):
        cached("secret"), cached("secret")
        cached.clear()
    computed, cleared = caplog.messages
    assert computed.startswith("computed ") and cleared.endswith(" (1)")
    assert "secret" not in caplog.text and {one.name for one in caplog.records} == {"nbcache"}


def test_it_says_nothing_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    cached = cache_data(lambda word: [word])
    cached("a"), cached.clear()
    assert capsys.readouterr() == ("", "")
