"""What IPython keeps for itself is no input of a cell, wherever its folder lies."""

from __future__ import annotations

import pytest
from IPython.core.profiledir import ProfileDir


@pytest.fixture
def profile(nb, tmp_path, monkeypatch):
    """A profile of IPython's that lies in the project, with another folder beside it."""
    folder = tmp_path / "ipy" / "profile_default"
    for place in (folder / "startup", tmp_path / "ipy" / "data"):
        place.mkdir(parents=True)
        (place / "one.txt").write_text("one")
    monkeypatch.setattr(nb.shell, "profile_dir", ProfileDir(location=str(folder)))
    nb("import os")
    return folder


def test_a_profile_in_the_project_that_changes_is_no_change(nb, profile):
    cell = f"%%cache_cell\nfound = sorted(os.listdir({str(profile / 'startup')!r}))"
    nb(cell)

    (profile / "startup" / "two.txt").write_text("two")

    assert "restored" in nb(cell).out


def test_a_folder_beside_the_profile_that_changes_is_a_change(nb, profile):
    cell = f"%%cache_cell\nfound = sorted(os.listdir({str(profile.parent / 'data')!r}))"
    nb(cell)

    (profile.parent / "data" / "two.txt").write_text("two")

    assert "restored" not in nb(cell).out
    assert nb("found").value == ["one.txt", "two.txt"]
