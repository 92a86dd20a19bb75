"""Settings, and texts for times and sizes."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from traitlets import TraitError

from nbcache import CacheWarning, InvalidSizeError, InvalidTTLError
from nbcache.config import NBCache, seconds, settings, size_in_bytes, switches


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        (0, 0.0),
        (90, 90.0),
        (1.5, 1.5),
        (timedelta(minutes=2), 120.0),
        ("1h23s", 3623.0),
        ("1D", 86400.0),
        ("1.5 days", 129600.0),
        ("1w", 604800.0),
        ("1m", 60.0),
        ("5min", 300.0),
        ("90s", 90.0),
        ("500ms", 0.5),
        ("PT1H", 3600.0),
        ("P1DT2H", 93600.0),
        ("1:00:00", 3600.0),
        ("1 day, 2:00:00", 93600.0),
        ("1 hour and 30 minutes", 5400.0),
        (" 2 d ", 172800.0),
        (np.timedelta64(1, "h"), 3600.0),
        (np.int64(3), 3.0),
        (Decimal("1.5"), 1.5),
    ],
)
def test_a_time_is_read(text, expected):
    assert seconds(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "5", "1.5", "1M", "1 month", "inf", "NaT", "nan", "-1h", "1h 1h", "PT", "P", "h", "1 h x", "1:99:00"),
        *("١ parsec", float("inf"), float("nan"), -0.1, True, [1], b"1h", object()),
        *(np.timedelta64("NaT", "s"), np.bool_(True), np.zeros(2), 10**400, 1j, Unprintable()),
    ],
)
def test_a_time_that_means_nothing_is_refused_with_advice(text):
    with pytest.raises(InvalidTTLError, match="Do: "):
        seconds(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *((None, None), (5, 5), ("500MB", 500 << 20), ("500 mb", 500 << 20), ("1.5GiB", 3 << 29)),
        *(("1TB", 1 << 40), ("7B", 7), ("1kib", 1024)),
    ],
)
def test_a_size_is_read_in_powers_of_1024(text, expected):
    assert size_in_bytes(text) == expected


@pytest.mark.parametrize(
    "text", ["", "10", "1e9", "1,000KB", "0.5B", "1PB", "5  MB", " 5MB", "-1MB", 0, -5, 1.5, True, "MB", b"5MB"]
)
def test_a_size_that_means_nothing_is_refused(text):
    with pytest.raises(InvalidSizeError, match="Do: "):
        size_in_bytes(text)


def test_an_empty_environment_variable_counts_as_unset(monkeypatch):
    for name in ("PERSIST", "DIR", "TRUST", "MAX_DISK_SIZE", "STORE", "KEY_FILE", "OFF"):
        monkeypatch.setenv(f"NBCACHE_{name}", "")
    chosen = settings()
    assert (chosen.persist, chosen.dir, chosen.trust, chosen.disk_bound, chosen.store, chosen.key_file, chosen.off) == (
        "memory", ".nbcache", "sign", 10 << 30, "", "", False)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "trait", "value"),
    [
        ("PERSIST", "disk", "persist", "disk"),
        ("PERSIST", "true", "persist", "disk"),
        ("PERSIST", "1", "persist", "disk"),
        ("PERSIST", "0", "persist", "memory"),
        ("TRUST", "safe", "trust", "safe"),
        ("MAX_DISK_SIZE", "5GB", "disk_bound", 5 << 30),
        ("MAX_DISK_SIZE", "12345", "disk_bound", 12345),
        ("STORE", "memory://x", "store", "memory://x"),
        ("OFF", "1", "off", True),
        ("OFF", "no", "off", False),
    ],
)
def test_the_environment_sets_defaults(name, text, trait, value, monkeypatch):
    monkeypatch.setenv(f"NBCACHE_{name}", text)
    assert getattr(settings(), trait) == value


@pytest.mark.parametrize(
    ("trait", "switch"),
    [("off", "off"), ("private", "private"), ("explain_misses", "explain_misses"), ("persist", "on_disk")],
)
def test_the_next_call_sees_that_a_setting_was_changed_and_changed_back(trait, switch):
    before, otherwise = getattr(switches(), switch), getattr(settings(), trait)
    setattr(settings(), trait, "disk" if trait == "persist" else not otherwise)
    assert getattr(switches(), switch) is not before
    setattr(settings(), trait, otherwise)
    assert getattr(switches(), switch) is before
    NBCache.clear_instance()
    assert getattr(switches(), switch) is before


def test_a_setting_is_the_same_whoever_asks_for_it_and_is_read_once(monkeypatch):
    names = NBCache.class_own_traits(config=True)
    by_traitlets = {name: getattr(settings(), name) for name in names}
    NBCache.clear_instance()
    chosen = settings()
    assert {name: chosen.setting(name) for name in names} == by_traitlets
    monkeypatch.setenv("NBCACHE_DIR", "elsewhere")
    assert chosen.setting("dir") == chosen.dir == by_traitlets["dir"]
    chosen.dir = "here"
    assert chosen.setting("dir") == "here"


def test_the_folder_expands_the_home_and_is_absolute(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NBCACHE_DIR", "~/cache")
    assert settings().folder() == tmp_path / "cache"
    settings().dir = "here"
    assert settings().folder() == Path.cwd() / "here"


def test_a_mistyped_trust_becomes_the_stricter_one_with_a_warning(monkeypatch):
    monkeypatch.setenv("NBCACHE_TRUST", "sgin")
    with pytest.warns(CacheWarning, match="strict"):
        assert settings().trust == "strict"


def test_a_mistyped_bound_is_the_default_with_a_warning(monkeypatch):
    monkeypatch.setenv("NBCACHE_MAX_DISK_SIZE", "lots")
    with pytest.warns(CacheWarning, match="10GB"):
        assert settings().disk_bound == 10 << 30


def test_a_mistyped_variable_is_told_at_the_users_line(python):
    program = """
        import warnings
        from nbcache import cache_data
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            cache_data(lambda x: x * x)(2)
        print([(w.category.__name__, w.filename == __file__) for w in caught])
    """
    assert python(program, NBCACHE_PERSIST="diks").strip() == "[('CacheWarning', True)]"


def test_a_bad_value_is_refused_and_the_old_one_stays():
    chosen = settings()
    for name, value in (("persist", "tape"), ("trust", "off"), ("max_disk_size", "lots")):
        before = getattr(chosen, name)
        with pytest.raises(TraitError):
            setattr(chosen, name, value)
        assert getattr(chosen, name) == before


def test_every_setting_has_help():
    assert all(trait.help for trait in NBCache.class_own_traits(config=True).values())
