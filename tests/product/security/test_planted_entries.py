"""Planted entries: nothing foreign is ever unpickled, whatever it wears and wherever it lies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import planted
from attacks import unexpected
from kernels import Kernel


def test_the_plants_do_run_when_they_are_unpickled(python: Callable[..., str], tmp_path: Path) -> None:
    program = """
    import os, pickle, sys
    import planted
    ran = []
    for name, stream in planted.streams(os.environ["CANARY"]).items():
        if "memory" in name or name in ("deep nesting", "a length that is a lie", "a memo that doubles"):
            continue
        if name in ("nothing of pickle", "an import"):
            continue
        loaded = pickle.loads(stream)
        if hasattr(loaded, "wait"):
            loaded.wait()
        if os.path.exists(os.environ["CANARY"]):
            os.unlink(os.environ["CANARY"])
            ran.append(name)
        else:
            print("did not run:", name)
    print(len(ran))
    """

    assert python(program, CANARY=str(tmp_path / "canary")).split() == ["14"]


def test_no_planted_entry_runs_whatever_it_wears(attacked: Callable[[str], list[dict[str, Any]]]) -> None:
    outcomes = attacked("""
victim.show(
    victim.attack(f"{name} | {dress}", lambda: victim.small(7), dressed(stream, dress))
    for name, stream in everything.items() for dress in dresses
)
""")

    silent = [one for one in outcomes if one["name"].endswith("| of another key")]
    said = [one for one in outcomes if one not in silent]
    assert len(silent) == len(planted.streams("")) and len(said) == 7 * len(silent)
    assert unexpected(said) == []
    assert unexpected(silent, warnings=0) == []


def test_no_plant_runs_in_any_place_of_an_entry(attacked: Callable[[str], list[dict[str, Any]]]) -> None:
    outcomes = attacked("""
Path("data.txt").write_text("content")
places = {
    "large": (lambda: victim.large(7), ".nbc"),
    "note": (lambda: victim.reading("data.txt"), ".note.nbc"),
    "variant": (lambda: victim.reading("data.txt"), ".nbc"),
}
victim.show(
    victim.attack(f"{place}: {name} | {dress}", call, dressed(everything[name], dress), ending)
    for place, (call, ending) in places.items()
    for name in ("os.system", "exec", "numpy object array", "cloudpickle", "deep nesting", "memory by repetition")
    for dress in ("bare", "unsigned", "of another key in our name", "spliced behind our header")
)
""")

    assert unexpected(outcomes) == []


def test_nothing_but_entries_is_ever_loaded(attacked: Callable[[str], list[dict[str, Any]]]) -> None:
    outcomes = attacked("""
import glob
stream = everything["os.system"]
state = Path(os.environ["XDG_STATE_HOME"])
victim.small(1); victim.large(1); victim.registry.the_cache().clear(); victim.restart()
def strew(path):
    base = victim.store() / "v1"
    for name in (".usage", ".removed", ".removed.1", ".lock", ".collected"):
        if not (base / name).exists() or name != ".lock":
            (base / name).write_bytes(stream)
    for folder in (".waits", ".tmp", ".trash", ".quarantine", "0" * 16, path.parent.name):
        (base / folder).mkdir(exist_ok=True)
        (base / folder / "planted").write_bytes(stream)
    names = ("evil.nbc", "evil.pkl", "__init__.py", "0" * 40 + ".nbc", "uses", ".uses", path.stem, path.stem + ".pkl")
    for name in names:
        (path.parent / name).write_bytes(stream)
        (path.parent.parent / name).write_bytes(stream)
    for record in glob.glob(str(state / "**" / "*"), recursive=True):
        if Path(record).is_file():
            Path(record).write_bytes(stream)
def once(name, call):
    victim.restart(); victim.registry.the_cache().clear()
    right = call()
    strew(victim.files()[-1])
    victim.restart()
    listed = victim.outcome("listed", lambda: len(victim.cache_data.entries()), 1)
    return [victim.outcome(name, call, right), listed,
            victim.outcome("cleared", lambda: victim.cache_data.clear(), None),
            victim.outcome("after", call, right)]
victim.show([*once("small", lambda: victim.small(3)), *once("large", lambda: victim.large(3))])
""")

    assert [one for one in outcomes if not one["right"] or one["raised"] or one["warned"]] == []


def test_an_entry_moved_to_another_place_is_refused(attacked: Callable[[str], list[dict[str, Any]]]) -> None:
    outcomes = attacked("""
import shutil
def other_than(path):
    return next(file for file in victim.files() if file != path)
def from_another_call(path):
    victim.small(8)
    shutil.copyfile(other_than(path), path)
def from_another_function(path):
    victim.numbered(7)
    shutil.copyfile(other_than(path), path)
def with_the_rest_of_another(path):
    mine = path.read_bytes()
    victim.small(8)
    other = other_than(path).read_bytes()
    cut = 24 + struct.unpack_from("<I", mine, 12)[0] + 32
    path.write_bytes(mine[:cut] + other[cut:][: len(mine) - cut].ljust(len(mine) - cut, b"\\0"))
def with_the_buffers_of_another(path):
    mine = path.read_bytes()
    victim.large(8)
    path.write_bytes(mine[:4096] + other_than(path).read_bytes()[4096:])
victim.show([
    *(victim.attack(plant.__name__, lambda: victim.small(7), plant)
      for plant in (from_another_call, from_another_function, with_the_rest_of_another)),
    victim.attack("with_the_buffers_of_another", lambda: victim.large(7), with_the_buffers_of_another),
])
""")

    assert unexpected(outcomes) == []


def test_an_expired_entry_put_back_with_a_new_date_is_not_served(tmp_path: Path) -> None:
    key = tmp_path / "key"
    with Kernel(tmp_path / "store", key) as kernel:
        kernel.value("hourly(1)")
        kernel.value("restart()")
        later = "setattr(registry.the_cache(), 'clock', lambda: __import__('time').time() + 7200)"
        kernel.value(later)
        kernel.value("os.utime(files()[-1], (2e9, 2e9))")

        kernel.value("hourly(1)")

        assert kernel.value("computed.count") == 2
