"""Which paths are nobody's input: asked for each file that a run opens, so remembered by folder."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbcache.tracking.observations import paths
from nbcache.tracking.observations.paths import ignore_folder, is_private, moved

LIBRARIES = sysconfig.get_paths()["purelib"]

PATHS: dict[str, tuple[str, bool]] = {
    "in the working folder": ("data.csv", False),
    "below": ("sub/data.csv", False),
    "above": ("../data.csv", False),
    "the working folder": (".", False),
    "a compiled module": ("module.pyc", True),
    "a name that ends like one": ("data.abc", False),
    "of a library": (os.path.join(LIBRARIES, "numpy", "data.txt"), True),
    "the folder of libraries": (os.path.join(LIBRARIES, ""), True),
    "a device": ("/dev/null", True),
    "shared memory": ("/dev/shm/data", False),
    "of the system": ("/usr/share/zoneinfo/UTC", True),
    "a folder beside one of the system's": ("/usr/share/zoneinfo2", False),
    "a folder of the system": ("/usr/share/zoneinfo", True),
    "names of hosts": ("/etc/hosts", True),
    "a user's own configuration": ("/etc/mine.conf", False),
    "at the top": ("/data.csv", False),
    "of the cache, by a relative name": (".cache-here/entry", True),
    "the cache itself": (".cache-here", True),
    "beside the cache": (".cache-here.csv", False),
    "of matplotlib": (os.path.join("~", ".cache", "matplotlib", "fontlist.json"), True),
}


@pytest.fixture(autouse=True)
def cache_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder with a cache in it, and as little known of folders as at the beginning."""
    monkeypatch.chdir(tmp_path)
    for name, fresh in (("_known", {}), ("_known_from_here", set())):
        monkeypatch.setattr(paths, name, fresh)
    monkeypatch.setattr(paths, "_above", dict(paths._above))
    monkeypatch.setattr(paths, "_ignored", list(paths._ignored))
    ignore_folder(".cache-here")
    yield tmp_path


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("full", [False, True], ids=["as given", "in full"])
def test_a_path_is_private_or_not_however_it_is_named_and_however_often_it_is_asked(name: str, full: bool) -> None:
    given, private = PATHS[name]
    given = os.path.expanduser(given)
    if full:
        given = os.path.abspath(given)

    assert [is_private(given), is_private(given)] == [private, private]


def test_what_is_known_of_relative_names_ends_where_the_folder_changes(cache_here: Path) -> None:
    assert is_private(".cache-here/entry")
    (cache_here / "sub").mkdir()
    os.chdir("sub")
    moved()

    assert not is_private(".cache-here/entry")


def test_a_cache_that_is_opened_later_is_private_from_then_on() -> None:
    before = is_private("later/entry")
    ignore_folder("later")

    assert (before, is_private("later/entry")) == (False, True)
