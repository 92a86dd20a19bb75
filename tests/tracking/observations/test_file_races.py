"""Files that change at the worst moment: just after a run has read them, or a hit was found by them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nbcache import cache_data


class Rewrites:
    """Changes a file when it is unpickled, as a neighbour might at that moment."""

    def __init__(self, path: str, content: str) -> None:
        self.path = path
        self.content = content

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        Path(self.path).write_text("newer")


@pytest.mark.parametrize("persist", ["disk", False])
def test_a_file_that_changes_between_the_run_and_the_keeping_is_not_taken_for_what_was_read(
    tmp_path: Path, persist: Any
) -> None:
    path = tmp_path / "data.txt"
    path.write_text("older")

    def change_meanwhile(value: str) -> bool:
        path.write_text("newer")
        return True

    @cache_data(persist=persist, show_spinner=False, cache_if=change_meanwhile)
    def reading() -> str:
        with open(path) as file:
            return file.read()

    assert [reading(), reading(), reading()] == ["older", "newer", "newer"]


@pytest.mark.parametrize("persist", ["disk", False])
def test_a_file_that_changes_while_an_inner_hit_is_loaded_is_not_taken_for_what_it_was_found_by(
    tmp_path: Path, persist: Any
) -> None:
    path = tmp_path / "data.txt"
    path.write_text("older")

    @cache_data(persist=persist, show_spinner=False)
    def inner() -> Rewrites:
        with open(path) as file:
            return Rewrites(str(path), file.read())

    @cache_data(persist=persist, show_spinner=False)
    def outer(n: int) -> str:
        return inner().content

    inner()
    path.write_text("older")
    outer(1)
    path.write_text("newer")

    assert outer(1) == "newer"
