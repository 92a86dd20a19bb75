"""Nothing foreign runs and nothing computed is lost: whole processes, against hostile files and each other."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import planted
import pytest
from kernels import Kernel

NOBODY, SOMEBODY = 65534, 65533

#: What programs that plant something begin with.
PRELUDE = """
import os, struct, sys
from pathlib import Path
import planted, victim
from nbcache.entries.entry import Address, Entry
from nbcache.entries.signing import Keyring
ours, stranger = Keyring.load(os.environ["NBCACHE_KEY_FILE"]), Keyring.ephemeral()
def address_of(path):
    return Entry.peek(path.read_bytes(), ours)[0]
def dressed(stream, dress):
    def plant(path):
        genuine = path.read_bytes()
        path.write_bytes(planted.dresses(stream, address_of(path), genuine, ours.id, stranger)[dress])
    return plant
everything = planted.streams(os.environ["CANARY"])
dresses = list(planted.dresses(b"", Address("a.b", "0" * 40), planted.envelope(b"", Address("a.b", "0" * 40), ours),
                               ours.id, stranger))
"""


@pytest.fixture
def attacked(python: Callable[..., str], tmp_path: Path) -> Callable[[str], list[dict[str, Any]]]:
    """Run a program that shows outcomes, and make sure that nothing planted ran."""

    def run(program: str) -> list[dict[str, Any]]:
        canary = tmp_path / "canary"
        outcomes: list[dict[str, Any]] = json.loads(python(PRELUDE + program, CANARY=str(canary)))
        assert outcomes
        assert not canary.exists()
        return outcomes

    return run


@pytest.fixture
def ground() -> Iterator[Path]:
    """A folder that every user can look into; those of pytest are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="nbcache-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def unexpected(outcomes: list[dict[str, Any]], warnings: int = 1) -> list[str]:
    """The outcomes that are not: the right value, computed once, so many warnings, and a silent hit afterwards."""
    return [
        f"{one['name']}: {one}"
        for one in outcomes
        if not (
            one["right"]
            and not one["raised"]
            and one["computed"] == 1
            and len(one["warned"]) == warnings
            and one["again"]["right"]
            and not one["again"]["raised"]
            and one["again"]["computed"] == 0
            and not one["again"]["warned"]
        )
    ]


# -- planted entries --------------------------------------------------------------------------------------------------


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


# -- hostile files ----------------------------------------------------------------------------------------------------


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


# -- trust ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "plant",
    [
        "path.write_bytes(b'')",
        "path.write_bytes(path.read_bytes()[:-1])",
        "path.unlink() or path.symlink_to('/dev/zero')",
        "path.unlink() or path.mkdir()",
        "path.parent.chmod(0o777)",
    ],
)
def test_strict_trust_makes_what_cannot_be_verified_one_clear_error(plant: str, tmp_path: Path) -> None:
    with Kernel(tmp_path / "store", tmp_path / "key", NBCACHE_TRUST="strict") as kernel:
        kernel.value("small(1)")
        kernel.value(f"[{plant} for path in files()] and None")
        kernel.value("restart()")

        for _ in range(2):
            assert kernel.ask("small(1)")["raised"].startswith("UntrustedEntryError: ")


def test_strict_trust_makes_an_entry_of_another_key_an_error(tmp_path: Path) -> None:
    with Kernel(tmp_path / "store", tmp_path / "another") as stranger:
        stranger.value("small(1)")
    with Kernel(tmp_path / "store", tmp_path / "key", NBCACHE_TRUST="strict") as kernel:
        assert "signed with another key" in kernel.ask("small(1)")["raised"]


def test_safe_trust_hits_for_plain_values_and_computes_what_takes_code(tmp_path: Path) -> None:
    calls = {"small(1)['n']": 0, "large(1).sum()": 0, "typed('a')": 1, "framed(1).shape": 1}
    with Kernel(tmp_path / "store", tmp_path / "key") as kernel:
        right = [kernel.value(call) for call in calls]

    with Kernel(tmp_path / "store", tmp_path / "key", NBCACHE_TRUST="safe") as kernel:
        for (call, computations), expected in zip(calls.items(), right, strict=True):
            before = kernel.value("computed.count")
            assert kernel.value(call) == expected
            assert kernel.value("computed.count") - before == computations, call


def test_safe_trust_runs_nothing_even_of_our_own_key(python: Callable[..., str], tmp_path: Path) -> None:
    program = (
        PRELUDE
        + """
victim.restart(); right = victim.small(7)
path = victim.files()[-1]
path.write_bytes(planted.envelope(everything["os.system"], address_of(path), ours))
victim.restart()
victim.show([victim.outcome("signed by us", lambda: victim.small(7), right)])
"""
    )
    canary = tmp_path / "canary"

    safe = json.loads(python(program, CANARY=str(canary), NBCACHE_TRUST="safe"))[0]
    assert safe["right"] and safe["computed"] == 1 and not safe["raised"]
    assert not canary.exists()

    # What a shared key means: whoever has it can make our kernels run code.
    python(program, CANARY=str(canary))
    assert canary.exists()


# -- users ------------------------------------------------------------------------------------------------------------


def own(folder: Path, user: int) -> Path:
    """Give a folder, and what is in it, to a user; without the right to do so it stays this user's."""
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, user, user, follow_symlinks=False)
    return folder


def test_a_folder_of_another_user_is_not_used(ground: Path) -> None:
    shared = ground / "shared"
    shared.mkdir()
    own(ground, NOBODY)
    with Kernel(shared / "store", ground / "key", user=os.geteuid() or NOBODY) as first:
        first.value("small(1)")
    theirs = own(Path(tempfile.mkdtemp(dir=ground)), SOMEBODY) if os.geteuid() == 0 else ground
    with Kernel(shared / "store", theirs / "key2", user=SOMEBODY) as second:
        answer = second.ask("small(1)['n']")

        assert answer["value"] == 1 and not answer["raised"]
        assert len(answer["warned"]) == 1 and "belongs to another user" in answer["warned"][0]
        assert second.value("computed.count") == 1
        assert second.value("small(2)['n']") == 2


def test_a_folder_that_others_may_write_to_is_not_used(tmp_path: Path) -> None:
    with Kernel(tmp_path / "store", tmp_path / "key") as kernel:
        kernel.value("small(1)")
        (tmp_path / "store").chmod(0o777)
        kernel.value("restart()")

        answer = kernel.ask("small(1)['n']")

        assert answer["value"] == 1 and len(answer["warned"]) == 1
        assert "other users may write into it" in answer["warned"][0]
        assert kernel.value("computed.count") == 2


@pytest.mark.parametrize("shared", [False, True], ids=["without the key", "with the key"])
def test_users_load_each_others_entries_only_when_they_share_a_key(shared: bool, ground: Path) -> None:
    homes = [ground / "first", ground / "second"]
    users = (NOBODY, SOMEBODY) if os.geteuid() == 0 else (os.geteuid(), os.geteuid())
    for home, user in zip(homes, users, strict=True):
        home.mkdir()
        own(home, user)
    with Kernel(homes[0] / "store", homes[0] / "key", user=users[0]) as first:
        first.value("small(1)")
    # The second unpacks an archive of the first's store: the files are the second's own.
    shutil.copytree(homes[0] / "store", homes[1] / "store")
    if shared:
        shutil.copyfile(homes[0] / "key", homes[1] / "key")
        (homes[1] / "key").chmod(0o600)
    own(homes[1], users[1])

    with Kernel(homes[1] / "store", homes[1] / "key", user=users[1]) as second:
        assert second.value("small(1)['n']") == 1
        assert second.value("computed.count") == (0 if shared else 1)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o277])
def test_nobody_else_can_read_a_store_or_a_key(umask: int, ground: Path) -> None:
    own(ground, NOBODY)
    with Kernel(ground / "store", ground / "keys" / "key", user=NOBODY) as kernel:
        kernel.value(f"os.umask({umask}) and None")
        kernel.ask("(small(1), large(1), small.clear(1), small(2)) and None")
        kernel.value("restart()")

    for path in (ground / "store").rglob("*"):
        status = path.lstat()
        if path.name not in (".gitignore", "CACHEDIR.TAG"):
            assert not status.st_mode & 0o077, f"{path}: {stat.filemode(status.st_mode)}"
    assert not (ground / "store").stat().st_mode & 0o077
    assert stat.S_IMODE((ground / "keys" / "key").stat().st_mode) == 0o600


def test_a_key_that_others_can_read_is_not_used_and_nothing_is_lost(tmp_path: Path) -> None:
    key = tmp_path / "key"
    with Kernel(tmp_path / "store", key) as kernel:
        kernel.value("small(1)")
    key.chmod(0o644)

    with Kernel(tmp_path / "store", key) as kernel:
        answer = kernel.ask("small(1)['n']")

        assert answer["value"] == 1 and len(answer["warned"]) == 1
        assert "others may read or change it" in answer["warned"][0]
        assert kernel.value("computed.count") == 1


def test_a_key_in_the_store_or_the_working_folder_is_not_looked_for(tmp_path: Path) -> None:
    with Kernel(tmp_path / "store", tmp_path / "theirs") as stranger:
        stranger.value("small(1)")
    for place in ("key", "ring", "store/key", "store/ring", "store/v1/key", "store/v1/ring", ".nbcache/key"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        shutil.copyfile(tmp_path / "theirs", tmp_path / place)
        (tmp_path / place).chmod(0o600)

    with Kernel(tmp_path / "store", tmp_path / "ours" / "key") as kernel:
        kernel.value("small(1)")
        assert kernel.value("computed.count") == 1


# -- privacy ----------------------------------------------------------------------------------------------------------


def test_with_private_no_text_of_an_argument_is_kept_or_shown(tmp_path: Path) -> None:
    secret = "hunter2-4711"
    with Kernel(tmp_path / "store", tmp_path / "key", NBCACHE_PRIVATE="1") as kernel:
        kernel.value(f"typed({secret!r}) and None")
        shown = kernel.value(
            f"str([cache_data.entries(), cache_data.info(), typed.entries(), str(typed.explain({secret!r})),"
            f" str(typed.explain('other'))])"
        )
        kernel.value("files()[-1].write_bytes(files()[-1].read_bytes()[:-1]) and None")
        kernel.value("restart()")
        answer = kernel.ask(f"len(typed({secret!r}))")

    assert len(answer["warned"]) == 1
    assert secret not in shown + "".join(answer["warned"]) + answer["raised"]


@pytest.mark.parametrize("private", ["", "1"])
def test_errors_of_the_users_code_are_told_shortly_and_with_private_without_their_text(
    private: str, tmp_path: Path
) -> None:
    secret = "hunter2-4711"
    with Kernel(tmp_path / "store", tmp_path / "key", NBCACHE_PRIVATE=private) as kernel:
        answers = [kernel.ask(f"refused({secret!r}) and None")]
        kernel.value(f"fragile({secret!r}) and None")
        answers.append(kernel.ask(f"fragile({secret!r}) and None"))

    for answer in answers:
        assert not answer["raised"] and len(answer["warned"]) == 1
        assert "ValueError" in answer["warned"][0] and len(answer["warned"][0]) < 600
        assert (secret in answer["warned"][0]) == (not private)


def test_without_private_a_file_holds_an_argument_only_as_a_short_text(tmp_path: Path) -> None:
    secret = "s" * 100_000
    with Kernel(tmp_path / "store", tmp_path / "key") as kernel:
        kernel.value(f"len(typed({secret!r}[:50000]))")
        header = kernel.value("files()[-1].read_bytes()[:8000].decode('latin-1')")

    assert "s" * 2000 not in header.partition("sections")[0]


def test_no_secret_of_the_key_appears_anywhere_but_in_its_file(tmp_path: Path) -> None:
    key = tmp_path / "key"
    with Kernel(tmp_path / "store", key) as kernel:
        kernel.value("(small(1), large(1), reading(victim.__file__)) and None")
        shown = kernel.value("repr([vars(victim), registry.the_cache().tiers.outer.disk.keyring])")
    secret = key.read_text().split()[-2]

    assert len(secret) == 64
    assert secret not in shown
    for path in tmp_path.rglob("*"):
        if path.is_file() and path != key:
            assert bytes.fromhex(secret) not in path.read_bytes() and secret.encode() not in path.read_bytes()


# -- neighbours -------------------------------------------------------------------------------------------------------


def test_a_clear_in_one_process_reaches_the_memory_of_another(tmp_path: Path) -> None:
    with Kernel(tmp_path / "store", tmp_path / "key") as one, Kernel(tmp_path / "store", tmp_path / "key") as other:
        one.value("small(1)")
        other.value("small(1)")
        assert other.value("computed.count") == 0

        one.value("small.clear(1)")
        other.value("registry.the_cache().tiers.look()")
        other.value("small(1)")
        assert other.value("computed.count") == 1

        one.value("cache_data.clear()")
        other.value("registry.the_cache().tiers.look()")
        other.value("small(1)")
        assert other.value("computed.count") == 2


def test_a_refresh_in_one_process_reaches_the_memory_of_another(tmp_path: Path) -> None:
    with Kernel(tmp_path / "store", tmp_path / "key") as one, Kernel(tmp_path / "store", tmp_path / "key") as other:
        assert one.value("numbered(5)") == [5, 1]
        assert other.value("numbered(5)") == [5, 1]
        assert one.value("numbered.refresh(5)") == [5, 2]

        other.value("registry.the_cache().tiers.look()")

        assert other.value("numbered(5)") == [5, 2]
        assert other.value("computed.count") == 0


def test_a_thread_looks_for_what_others_cleared_more_often_than_every_second(tmp_path: Path) -> None:
    with Kernel(tmp_path / "store", tmp_path / "key") as kernel:
        kernel.value("small(1)")
        names = kernel.value("[thread.name for thread in __import__('threading').enumerate()]")

        assert "nbcache-watch" in names
        assert kernel.value("__import__('nbcache.engine.tiers').road.tiers._EVERY") < 1


def test_four_processes_compute_once(tmp_path: Path) -> None:
    with ExitStack() as stack:
        kernels = [Kernel(tmp_path / "store", tmp_path / "key") for _ in range(4)]
        for kernel in kernels:
            stack.enter_context(kernel)
        for kernel in kernels:
            kernel.tell("[int(large(n)[0]) for n in range(20)]")
        answers = [kernel.line() for kernel in kernels]

        assert [answer["value"] for answer in answers] == [list(range(20))] * 4
        assert [answer["warned"] + [answer["raised"]] for answer in answers] == [[""]] * 4
        assert sum(kernel.value("computed.count") for kernel in kernels) == 20


def test_a_waiting_process_goes_on_when_the_computing_one_is_killed(tmp_path: Path) -> None:
    with Kernel(tmp_path / "store", tmp_path / "key") as holder, Kernel(tmp_path / "store", tmp_path / "key") as waiter:
        holder.tell("gated(1)")
        assert holder.line() == "begun"
        waiter.tell("gated(1)")

        holder.process.kill()

        assert waiter.line() == "begun"
        waiter.tell("go on")
        assert waiter.line() == {"value": 2, "raised": "", "warned": []}


def test_a_waiting_process_takes_what_the_computing_one_stored(tmp_path: Path) -> None:
    with Kernel(tmp_path / "store", tmp_path / "key") as holder, Kernel(tmp_path / "store", tmp_path / "key") as waiter:
        holder.tell("gated(1)")
        assert holder.line() == "begun"
        waiter.tell("gated(1)")
        holder.tell("go on")

        assert holder.line()["value"] == 2
        assert waiter.line() == {"value": 2, "raised": "", "warned": []}
        assert waiter.value("computed.count") == 0


def test_what_is_cleared_while_it_is_computed_elsewhere_is_not_stored(tmp_path: Path) -> None:
    with Kernel(tmp_path / "store", tmp_path / "key") as holder, Kernel(tmp_path / "store", tmp_path / "key") as other:
        other.value("small(1)")  # so that there is something to clear
        holder.tell("gated(1)")
        assert holder.line() == "begun"
        other.value("cache_data.clear()")
        holder.tell("go on")

        assert holder.line()["value"] == 2
        assert other.value("gated.is_cached(1)") is False
        assert other.value("files()") == []


# -- a store that cannot be written ----------------------------------------------------------------------------------


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """Mount a file system of 2 MB; False where this machine does not let us."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m,mode=755", "tmpfs", str(folder)], capture_output=True, check=False
    )
    try:
        yield mounted.returncode == 0
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_on_a_full_disk_every_value_is_returned_with_one_warning(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as real, Kernel(tmp_path / "disk" / "store", tmp_path / "key") as kernel:
        if not real:
            # A limit on the size of files stands in for the full disk.
            kernel.value("__import__('resource').setrlimit(__import__('resource').RLIMIT_FSIZE, (1000, 1000))")
        answers = [kernel.ask(f"filling({n}, 300_000) == bytes([{n}]) * 300_000") for n in range(12)]

        assert [answer["value"] for answer in answers] == [True] * 12
        assert [answer["raised"] for answer in answers] == [""] * 12
        warned = [message for answer in answers for message in answer["warned"]]
        assert len(warned) == 1 and "not stored on disk" in warned[0]
        assert kernel.value("[filling(n, 300_000)[0] for n in range(12)]") == list(range(12))
        assert kernel.value("computed.count") == 12
        assert kernel.value("cache_data.clear()") is None


def test_in_a_read_only_folder_old_hits_work_and_new_values_are_returned(ground: Path) -> None:
    own(ground, NOBODY)
    with Kernel(ground / "store", ground / "key", user=NOBODY) as kernel:
        kernel.value("small(1)")
        kernel.value("[os.chmod(folder, 0o500) for folder, _, _ in os.walk(store())] and None")
        kernel.value("restart()")

        assert kernel.value("small(1)['n']") == 1
        assert kernel.value("computed.count") == 1
        answers = [kernel.ask(f"small({n})['n']") for n in (2, 3, 2)]

        assert [answer["value"] for answer in answers] == [2, 3, 2]
        assert [answer["raised"] for answer in answers] == [""] * 3
        assert sum(len(answer["warned"]) for answer in answers) == 1
        assert kernel.value("computed.count") == 3
        kernel.value("[os.chmod(folder, 0o700) for folder, _, _ in os.walk(store())] and None")


@pytest.mark.parametrize(
    "trouble",
    [
        "__import__('shutil').rmtree(store())",
        "__import__('shutil').rmtree(store()) or store().write_text('a file')",
        "os.rename(store(), str(store()) + '-moved')",
    ],
    ids=["vanished", "became a file", "moved"],
)
def test_a_folder_that_vanishes_costs_no_value(trouble: str, tmp_path: Path) -> None:
    with Kernel(tmp_path / "store", tmp_path / "key") as kernel:
        kernel.value("[small(n) for n in range(3)] and None")
        kernel.value(f"({trouble}) and None")

        answer = kernel.ask("[small(n)['n'] for n in range(6)] + [int(large(1)[0])]")

        assert answer["value"] == [0, 1, 2, 3, 4, 5, 1] and not answer["raised"]
        assert len(answer["warned"]) <= 1


def test_with_no_descriptor_left_every_value_is_returned(tmp_path: Path) -> None:
    with Kernel(tmp_path / "store", tmp_path / "key") as kernel:
        kernel.value("[small(n) for n in range(3)] and None")
        kernel.value("restart()")
        kernel.value("[small(n) for n in range(3)] and None")
        exhaust = (
            "__import__('resource').setrlimit(__import__('resource').RLIMIT_NOFILE,"
            " (len(os.listdir('/dev/fd')) - 1, 4096))"
        )
        kernel.value(exhaust)

        answer = kernel.ask("[small(n)['n'] for n in range(6)]")

        assert answer["value"] == [0, 1, 2, 3, 4, 5] and not answer["raised"]
        assert len(answer["warned"]) <= 2


def test_a_folder_whose_name_is_too_long_costs_no_value(tmp_path: Path) -> None:
    with Kernel(tmp_path / ("n" * 300), tmp_path / "key") as kernel:
        answer = kernel.ask("[small(n)['n'] for n in range(3)]")

        assert answer["value"] == [0, 1, 2] and not answer["raised"]
        assert len(answer["warned"]) == 1


def test_the_bound_of_the_folder_holds_across_functions(tmp_path: Path) -> None:
    bound = 1 << 20
    with Kernel(tmp_path / "store", tmp_path / "key", NBCACHE_MAX_DISK_SIZE=str(bound)) as kernel:
        for call in ("filling", "other_filling"):
            assert kernel.value(f"[{call}(n, 50_000)[0] for n in range(40)]") == list(range(40))
        held = sum(path.stat().st_size for path in (tmp_path / "store").rglob("*.nbc"))

        assert 0.5 * bound < held <= bound
        kernel.value("restart()")
        kernel.value("computed.__init__()")
        assert kernel.value("other_filling(39, 50_000)[0]") == 39
        assert kernel.value("computed.count") == 0
        kernel.value("filling(0, 50_000)[0]")
        assert kernel.value("computed.count") == 1


def test_clearing_everything_touches_only_our_own_files(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with Kernel(store, tmp_path / "key") as kernel:
        kernel.value("(small(1), large(1)) and None")
        outside = tmp_path / "precious"
        outside.mkdir()
        (outside / ("0" * 40 + ".nbc")).write_text("kept")
        (store / "notes.txt").write_text("kept")
        owner = kernel.value("str(files()[-1].parent)")
        (Path(owner) / "mine.txt").write_text("kept")
        (Path(owner).parent / ("f" * 32)).symlink_to(outside)

        kernel.value("cache_data.clear()")

        assert kernel.value("files()") == [] or kernel.value("[p for p in files() if not p.parent.is_symlink()]") == []
    kept = [outside / ("0" * 40 + ".nbc"), store / "notes.txt", Path(owner) / "mine.txt"]
    assert [path.read_text() for path in kept] == ["kept"] * 3


@pytest.mark.parametrize("shared", [False, True], ids=["without the key", "with the key"])
def test_users_share_a_server_only_when_they_share_a_key(shared: bool, ground: Path) -> None:
    pytest.importorskip("fsspec")
    users = (NOBODY, SOMEBODY) if os.geteuid() == 0 else (os.geteuid(), os.geteuid())
    homes = [own_home(ground / name, user) for name, user in zip(("first", "second"), users, strict=True)]
    server = ground / "server"
    server.mkdir()
    server.chmod(0o777)
    url = f"file://{server}"
    with Kernel(homes[0] / "store", homes[0] / "key", user=users[0], NBCACHE_STORE=url) as first:
        first.value("os.umask(0) and None")  # the server is for both to write to
        first.value("small(1)")
        if shared:
            shutil.copyfile(homes[0] / "key", homes[1] / "key")
            (homes[1] / "key").chmod(0o600)
            own(homes[1], users[1])

    with Kernel(homes[1] / "store", homes[1] / "key", user=users[1], NBCACHE_STORE=url) as second:
        assert second.value("small(1)['n']") == 1
        assert second.value("computed.count") == (0 if shared else 1)


def own_home(folder: Path, user: int) -> Path:
    folder.mkdir()
    return own(folder, user)


def test_every_test_that_the_security_page_names_exists() -> None:
    root = Path(__file__).resolve().parents[2]
    named = set(re.findall(r"`(test_\w+)`", (root / "SECURITY.md").read_text(encoding="utf-8")))
    texts = [path.read_text(encoding="utf-8") for path in (root / "tests").rglob("test_*.py")]
    defined = {name for text in texts for name in re.findall(r"^def (test_\w+)", text, re.MULTILINE)}

    assert len(named) > 40
    assert named - defined == set()
