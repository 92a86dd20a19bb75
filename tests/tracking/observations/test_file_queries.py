"""A run that looks at files without opening them rests on what it asked of them, and on nothing else."""

from __future__ import annotations

import filecmp
import glob
import importlib
import importlib.metadata
import importlib.resources
import inspect
import linecache
import os
import pickle
import pkgutil
import shutil
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress
from os.path import exists as there  # bound before anything is recorded
from pathlib import Path

import pytest
from observed import state_now
from threads import in_thread

from nbcache import cache_data
from nbcache.tracking.observations import callers
from nbcache.tracking.observations.kinds import label_of, outline_of
from nbcache.tracking.observations.observation import Observation
from nbcache.tracking.observations.recorder import recording
from nbcache.tracking.packages import installed_folders

Action = Callable[[], object]


pytestmark = pytest.mark.usefixtures("work_folder")


def seen_by(run: Action) -> tuple[Observation, ...]:
    with recording() as seen:
        run()
    assert seen.steady()
    return seen.observations


def write(name: str, text: str) -> Action:
    return lambda: Path(name).write_text(text)


def touch(name: str) -> Action:
    return lambda: os.utime(name, (1, 1))


def _status_of_open() -> os.stat_result:
    with open("a.txt") as file:
        return os.fstat(file.fileno())


def _by_descriptor(ask: Callable[[int], object], path: str = "sub") -> Action:
    """Ask a function that takes a descriptor of a file or folder."""

    def asked() -> object:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            return ask(descriptor)
        finally:
            os.close(descriptor)

    return asked


def _sizes_below(top: str) -> list[int]:
    return [os.stat(name, dir_fd=inside).st_size for *_, names, inside in os.fwalk(top) for name in names]


MARK = "user.nbx"


def mark(name: str) -> None:
    try:
        os.setxattr(name, MARK, b"1")
    except OSError:
        pytest.skip("the file system has no extended attributes")


def becomes_folder(name: str) -> Action:
    return lambda: (os.remove(name), os.mkdir(name))


def becomes_link(name: str) -> Action:
    return lambda: (os.remove(name), os.symlink("nowhere", name))


def gone(name: str) -> Action:
    return lambda: shutil.rmtree(name) if os.path.isdir(name) else os.remove(name)


def refused(make: Callable[..., object], *arguments: object) -> None:
    with suppress(OSError):
        make(*arguments)


def same_by_all(one: str, other: str) -> bool:
    with suppress(OSError):
        return filecmp.cmp(one, other)
    return False


def _lines_of_a_known_file() -> None:
    linecache.cache["a.txt"] = (1, 0.0, [], os.path.abspath("a.txt"))
    linecache.checkcache("a.txt")


NOTHING: Action = lambda: None
# What is asked, what changes the answer, and what does not.
ASKED: dict[str, tuple[Action, Action, Action]] = {
    "the status of an open file": (_status_of_open, touch("a.txt"), write("other.txt", "")),
    "the time of an open file": (lambda: _status_of_open().st_mtime, touch("a.txt"), NOTHING),
    "exists, no": (lambda: os.path.exists("new.txt"), write("new.txt", ""), write("other.txt", "")),
    "exists, yes": (lambda: os.path.exists("a.txt"), lambda: os.remove("a.txt"), write("a.txt", "longer")),
    "exists, by another name": (lambda: there("new.txt"), write("new.txt", ""), NOTHING),
    "isfile": (lambda: os.path.isfile("new.txt"), write("new.txt", ""), NOTHING),
    "isdir": (lambda: os.path.isdir("new"), lambda: os.mkdir("new"), write("sub/c.txt", "")),
    "lexists": (lambda: os.path.lexists("new"), lambda: os.symlink("nowhere", "new"), NOTHING),
    "islink": (lambda: os.path.islink("new"), lambda: os.symlink("a.txt", "new"), NOTHING),
    "Path.exists": (lambda: Path("new.txt").exists(), write("new.txt", ""), write("a.txt", "longer")),
    "Path.is_file": (lambda: Path("a.txt").is_file(), lambda: os.remove("a.txt"), touch("a.txt")),
    "Path.is_dir": (lambda: Path("new").is_dir(), lambda: os.mkdir("new"), NOTHING),
    "getsize": (lambda: os.path.getsize("a.txt"), write("a.txt", "longer"), touch("a.txt")),
    "getmtime": (lambda: os.path.getmtime("a.txt"), touch("a.txt"), NOTHING),
    "stat, size": (lambda: os.stat("a.txt").st_size, write("a.txt", "longer"), NOTHING),
    "stat, time": (lambda: os.stat("a.txt").st_mtime, touch("a.txt"), NOTHING),
    "Path.stat": (lambda: Path("a.txt").stat().st_mtime, touch("a.txt"), NOTHING),
    "access": (lambda: os.access("new.txt", os.R_OK), write("new.txt", ""), write("a.txt", "longer")),
    "readlink": (lambda: os.path.exists("a.txt") and readlink("link"), lambda: relink("sub"), NOTHING),
    "resolve": (lambda: Path("link").resolve(), lambda: relink("sub"), NOTHING),
    "glob": (lambda: glob.glob("*.txt"), write("new.txt", ""), write("new.csv", "")),
    "glob, deep": (lambda: glob.glob("**/*.txt", recursive=True), write("sub/new.txt", ""), write("sub/new.csv", "")),
    "glob, hidden": (lambda: glob.glob("*"), write("new.csv", ""), write(".hidden", "")),
    "iglob": (lambda: list(glob.iglob("sub/*.txt")), write("sub/new.txt", ""), write("new.txt", "")),
    "glob, root_dir": (lambda: glob.glob("*.txt", root_dir="sub"), write("sub/new.txt", ""), write("new.txt", "")),
    "Path.glob": (lambda: list(Path().glob("*.txt")), write("new.txt", ""), write("new.csv", "")),
    "Path.glob, below": (lambda: list(Path("sub").glob("*.txt")), write("sub/c.txt", ""), write("c.txt", "")),
    "Path.rglob": (lambda: list(Path().rglob("*.txt")), write("sub/new.txt", ""), write("sub/new.csv", "")),
    "listdir": (lambda: os.listdir("sub"), write("sub/new.csv", ""), write("sub/b.txt", "longer")),
    "iterdir": (lambda: list(Path("sub").iterdir()), write("sub/new.csv", ""), write("sub/b.txt", "longer")),
    "scandir, names": (lambda: [e.name for e in os.scandir("sub")], write("sub/c.txt", ""), write("sub/b.txt", "long")),
    "scandir, sizes": (lambda: [e.stat().st_size for e in os.scandir("sub")], write("sub/b.txt", "long"), NOTHING),
    "walk": (lambda: list(os.walk(".")), write("sub/new.csv", ""), write("sub/b.txt", "longer")),
    "scandir, kinds": (
        lambda: [e.is_dir() for e in os.scandir("sub")],
        becomes_folder("sub/b.txt"),
        touch("sub/b.txt"),
    ),
    "scandir, links": (lambda: [e.is_symlink() for e in os.scandir("sub")], becomes_link("sub/b.txt"), NOTHING),
    "walk, kinds": (lambda: list(os.walk("sub")), becomes_folder("sub/b.txt"), write("sub/b.txt", "longer")),
    "Path.glob, folders": (lambda: list(Path("sub").glob("**")), becomes_folder("sub/b.txt"), touch("sub/b.txt")),
    "Path.resolve": (lambda: Path("a.txt").resolve(), becomes_link("a.txt"), write("a.txt", "longer")),
    "a folder that cannot be made": (lambda: refused(os.mkdir, "sub"), gone("sub"), write("sub/c.txt", "")),
    "a file that cannot be made": (lambda: refused(open, "a.txt", "x"), gone("a.txt"), write("a.txt", "longer")),
    "a descriptor that cannot be had": (lambda: refused(os.open, "new", os.O_RDONLY), write("new", ""), NOTHING),
    "filecmp": (lambda: same_by_all("a.txt", "b.txt"), touch("a.txt"), NOTHING),
    "lines that are kept": (_lines_of_a_known_file, touch("a.txt"), NOTHING),
    "which": (lambda: shutil.which("tool", path="sub"), lambda: tool("sub/tool"), write("sub/c.txt", "")),
    "stat, by descriptor": (_by_descriptor(lambda one: os.stat(one).st_mtime, "a.txt"), touch("a.txt"), NOTHING),
    "stat, from a folder": (
        *(_by_descriptor(lambda top: os.stat("b.txt", dir_fd=top).st_size), write("sub/b.txt", "longer")),
        write("b.txt", ""),
    ),
    "access, from a folder": (
        *(_by_descriptor(lambda top: os.access("new.txt", os.R_OK, dir_fd=top)), write("sub/new.txt", "")),
        write("new.txt", ""),
    ),
    "readlink, from a folder": (
        *(_by_descriptor(lambda top: os.readlink("link", dir_fd=top), "."), lambda: relink("sub")),
        NOTHING,
    ),
    "listdir, by descriptor": (_by_descriptor(os.listdir), write("sub/new.csv", ""), write("sub/b.txt", "longer")),
    "scandir, by descriptor": (
        *(_by_descriptor(lambda top: [entry.name for entry in os.scandir(top)]), write("sub/c.txt", "")),
        write("c.txt", ""),
    ),
    "fwalk": (lambda: _sizes_below("sub"), write("sub/b.txt", "longer"), NOTHING),
    "in a thread": (lambda: in_thread(lambda: os.path.exists("new.txt")), write("new.txt", ""), NOTHING),
}


if hasattr(os, "setxattr"):
    ASKED["extended attributes"] = (lambda: os.listxattr("a.txt"), lambda: mark("a.txt"), touch("a.txt"))
    ASKED["an extended attribute"] = (lambda: refused(os.getxattr, "a.txt", MARK), lambda: mark("a.txt"), NOTHING)


def readlink(name: str) -> str:
    return os.readlink(name)


def relink(target: str) -> None:
    os.remove("link")
    os.symlink(target, "link")


def tool(name: str) -> None:
    Path(name).write_text("#!")
    os.chmod(name, 0o755)


@pytest.mark.parametrize("what", ASKED)
def test_a_run_rests_on_what_it_asked(what: str) -> None:
    ask, changes, leaves = ASKED[what]
    os.symlink("a.txt", "link")
    seen = seen_by(ask)
    before = state_now(seen)

    leaves()
    left = state_now(seen)
    changes()

    assert left == before
    assert state_now(seen) != before


def test_changed_back_is_the_same_again() -> None:
    seen = seen_by(lambda: os.path.exists("new.txt"))
    before = state_now(seen)

    Path("new.txt").write_text("")
    os.remove("new.txt")

    assert state_now(seen) == before


def test_entries_of_a_listing_are_what_they_were() -> None:
    plain = next(os.scandir("sub"))

    with recording(), os.scandir("sub") as entries:
        (entry,) = list(entries)

        assert isinstance(entry, os.DirEntry)
        assert (entry.name, entry.path, os.fspath(entry)) == (plain.name, plain.path, plain.path)
        assert entry.is_file() and not entry.is_dir() and not entry.is_symlink()
        assert entry.inode() == plain.inode()
        assert repr(entry) == repr(plain)


def test_what_the_run_makes_itself_is_no_observation() -> None:
    def fetch() -> str:
        if not os.path.exists("fetched.txt"):
            Path("fetched.txt").write_text("new")
        return str(os.path.getsize("fetched.txt"))

    assert seen_by(fetch) == ()


def test_content_needs_no_telling_that_the_file_is_there() -> None:
    def read() -> str:
        return Path("a.txt").read_text() if os.path.exists("a.txt") and os.path.getsize("a.txt") else ""

    assert seen_by(read) == (Observation("a.txt", "file"),)


ABOUT_CODE: dict[str, Action] = {
    "metadata": lambda: importlib.metadata.version("pytest"),
    "entry points": lambda: importlib.metadata.entry_points(),
    "distributions": lambda: list(importlib.metadata.distributions()),
    "modules": lambda: list(pkgutil.iter_modules(["."])),
    "source": lambda: inspect.getsource(test_changed_back_is_the_same_again),
    "lines": linecache.checkcache,
    "processes": lambda: os.listdir("/proc") if os.path.isdir("/proc") else None,
    "import": lambda: __import__("wave"),
}


@pytest.mark.parametrize("what", ABOUT_CODE)
def test_what_python_looks_up_about_code_is_no_observation(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend("")
    sys.modules.pop("wave", None)

    assert seen_by(ABOUT_CODE[what]) == ()


def test_functions_of_os_stay_what_they_are() -> None:
    with recording():
        pass

    for function in (os.stat, os.lstat, os.access, os.scandir, os.readlink):
        assert pickle.loads(pickle.dumps(function)) is function
        assert function.__module__ == "os"
    assert os.stat in os.supports_follow_symlinks
    assert (os.stat in os.supports_dir_fd) == (os.stat.__wrapped__ in os.supports_dir_fd)  # type: ignore[attr-defined]
    with pytest.raises(FileNotFoundError):
        os.stat("nothing")
    with pytest.raises(TypeError):
        os.stat()  # type: ignore[call-arg]


def test_the_key_of_a_function_is_the_same_before_and_after_the_first_run(calls: Callable[..., None]) -> None:
    @cache_data
    def size(name: str) -> int:
        calls()
        return os.stat(name).st_size

    size("a.txt")
    size("a.txt")

    assert len(calls) == 1  # type: ignore[arg-type]


def test_a_file_that_appears_is_a_miss_and_named() -> None:
    @cache_data
    def value(name: str) -> str:
        path = Path(f"over{name}.txt")
        return path.read_text() if path.exists() else "default"

    assert value("ride") == "default"
    Path("override.txt").write_text("mine")
    told = str(value.explain("ride"))

    assert value("ride") == "mine"
    assert "override.txt" in told


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells of opened files")
@pytest.mark.parametrize("ask", [os.path.exists, os.path.isfile, os.path.getsize, lambda name: Path(name).exists()])
def test_to_ask_of_a_named_file_does_not_follow_its_content(ask: Callable[[str], object]) -> None:
    runs = []

    @cache_data
    def asked(name: str) -> object:
        runs.append(name)
        return ask(name) and ask("a.txt")

    asked("sub/b.txt")
    Path("sub/b.txt").write_text("c")
    Path("a.txt").write_text("b")
    asked("sub/b.txt")

    assert runs == ["sub/b.txt"]
    os.remove("a.txt")
    with suppress(FileNotFoundError):
        asked("sub/b.txt")
    assert len(runs) == 2


def test_old_and_new_are_told_apart_at_a_glance() -> None:
    os.symlink("a.txt", "link")
    kinds = ("existence", "link existence", "size", "access", "links", "matches", "time", "status", "link status")

    told = {kind: outline_of(Observation("link", kind)) for kind in kinds}

    assert (told["existence"], told["link existence"], told["size"]) == ("there", "a link", "1 byte")
    assert told["links"].endswith("a.txt")
    assert told["matches"] == "link"
    assert told["access"].startswith("there, to read")
    assert told["status"].startswith("1 byte of 20")
    assert {outline_of(Observation("nothing", kind)) for kind in ("existence", "size", "time")} == {"not there"}


def test_labels_say_what_was_asked() -> None:
    seen = [Observation("a", "existence"), Observation("a", "size"), Observation("*.txt", "matches")]

    assert list(map(label_of, seen)) == ["presence of a", "size of a", "files that match *.txt"]


# -- while something is imported ---------------------------------------------------------------------------------------

AT_IMPORT = """
import os
from pathlib import Path
found = os.path.exists("settings.toml"), os.listdir("."), os.path.exists("a.txt") and Path("a.txt").read_text()
def ask(): return os.path.exists("settings.toml")
"""


def test_what_a_library_asks_while_it_is_imported_is_no_observation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "site-packages"
    place.mkdir()
    (place / "asking_library.py").write_text(AT_IMPORT)
    monkeypatch.syspath_prepend(str(place))
    monkeypatch.setattr(callers, "installed_folders", lambda: (*installed_folders(), f"{place}{os.sep}"))

    assert seen_by(lambda: importlib.import_module("asking_library")) == ()
    assert seen_by(lambda: importlib.import_module("asking_library").ask()) == (
        Observation("settings.toml", "existence"),
    )


def test_what_the_users_own_module_asks_while_it_is_imported_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("asking_module.py").write_text(AT_IMPORT)
    monkeypatch.syspath_prepend("")

    seen = seen_by(lambda: importlib.import_module("asking_module"))

    assert set(seen) == {
        Observation("settings.toml", "existence"),
        Observation(".", "folder"),
        Observation("a.txt", "file"),
    }


@pytest.mark.parametrize(
    "read",
    [
        lambda: pkgutil.get_data("package_with_data", "data.txt"),
        lambda: importlib.resources.files("package_with_data").joinpath("data.txt").read_text(),
        lambda: importlib.import_module("package_with_data").__loader__.get_data("package_with_data/data.txt"),
    ],
)
def test_data_that_the_import_system_reads_for_the_user_count(
    read: Action, work_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = work_folder / "package_with_data"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "data.txt").write_text("data")
    monkeypatch.syspath_prepend(str(work_folder))
    monkeypatch.delitem(sys.modules, "package_with_data", raising=False)

    assert [one.kind for one in seen_by(read) if one.name.endswith("data.txt")] == ["file"]


def test_data_in_an_archive_that_is_imported_from_counts_by_the_archive(
    work_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile("archive.zip", "w") as archive:
        archive.writestr("archived_package/__init__.py", "")
        archive.writestr("archived_package/data.txt", "data")
    monkeypatch.syspath_prepend(str(work_folder / "archive.zip"))

    imported = seen_by(lambda: importlib.import_module("archived_package"))
    read = seen_by(lambda: pkgutil.get_data("archived_package", "data.txt"))
    del sys.modules["archived_package"]

    assert [one.kind for one in imported if one.name.endswith(".zip")] == []
    assert [one.kind for one in read if one.name.endswith(".zip")] == ["file"]
