"""Files in the place of entries that are damaged, closed or no files at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import planted
from attacks import NOBODY, own, unexpected
from kernels import Kernel


def test_whatever_lies_in_the_place_of_an_entry_is_set_aside(attacked: Callable[[str], list[dict[str, Any]]]) -> None:
    outcomes = attacked("""
import tempfile
Path("data.txt").write_text("content")
places = {
    "small": (lambda: victim.small(7), ".nbc"),
    "large": (lambda: victim.large(7), ".nbc"),
    "note": (lambda: victim.reading("data.txt"), ".note.nbc"),
    "variant": (lambda: victim.reading("data.txt"), ".nbc"),
}
# A file that may not be read is no obstacle to root: another test, as another user.
victim.show(
    victim.attack(f"{place}: {name}", call, plant, ending)
    for place, (call, ending) in places.items()
    for name, plant in planted.hostile_files(Path(tempfile.mkdtemp(dir="."))).items()
    if name != "a file that may not be read"
)
""")

    assert len(outcomes) == 4 * 15
    assert unexpected(outcomes) == []


def test_a_file_that_may_not_be_read_is_set_aside(ground: Path) -> None:
    own(ground, NOBODY)
    with Kernel(ground / "store", ground / "key", user=NOBODY) as kernel:
        kernel.value("small(1)")
        kernel.value("files()[-1].chmod(0)")
        kernel.value("restart()")

        answer = kernel.ask("small(1)['square']")

        assert answer["value"] == 1 and not answer["raised"] and len(answer["warned"]) == 1
        assert kernel.value("restart()") is None
        assert kernel.value("small(1)['square']") == 1
        assert kernel.value("computed.count") == 2


def test_a_warning_of_a_damaged_entry_says_where_and_what_to_do_and_points_at_the_user(
    attacked: Callable[[str], list[dict[str, Any]]],
) -> None:
    outcomes = attacked("""
victim.show([victim.attack("cut", lambda: victim.small(7), lambda path: path.write_bytes(path.read_bytes()[:-1]))])
""")

    message, at = outcomes[0]["warned"][0], outcomes[0]["at"][0]
    assert ".nbc" in message and "Why: " in message and "Do: " in message and ".quarantine" in message
    assert not Path(at).is_relative_to(Path(planted.layout.__file__).parent.parent)


def test_a_file_changed_under_a_value_in_memory_costs_no_value(tmp_path: Path) -> None:
    with Kernel(tmp_path / "store", tmp_path / "key") as kernel:
        kernel.value("[large(1) for _ in range(3)] and None")
        kernel.value("os.utime(files()[-1], (1, 1))")

        answer = kernel.ask("int(large(1)[5])")

        assert answer["value"] == 6 and not answer["raised"] and len(answer["warned"]) == 1
        assert kernel.value("int(large(1)[5])") == 6


def test_many_damaged_entries_are_not_a_flood_of_warnings(tmp_path: Path) -> None:
    with Kernel(tmp_path / "store", tmp_path / "key") as kernel:
        kernel.value("[small(n) for n in range(100)] and None")
        kernel.value("[path.write_bytes(b'') for path in files()] and None")
        kernel.value("restart()")

        answer = kernel.ask("[small(n)['n'] for n in range(100)]")

        assert answer["value"] == list(range(100))
        assert 1 <= len(answer["warned"]) <= 5
