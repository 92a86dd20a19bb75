"""`nbcache` in a terminal: the verbs of the magics, for people and for programs."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nbcache import CacheWarning, __version__, cache_data, registry
from nbcache.__main__ import main
from nbcache.config import settings
from nbcache.engine.cache import Cache
from nbcache.notebook.display.tables import Table


@pytest.fixture
def stored(cache: Cache) -> Any:
    """Entries of two functions on disk, as a kernel leaves them."""

    def named(name: str, module: str) -> Any:
        def function(x: int) -> list[int]:
            return [x]

        function.__name__ = function.__qualname__ = name
        function.__module__ = module
        return cache_data(persist="disk")(function)

    load, plot = named("load", "work"), named("plot", "work")
    load(1), load(2), plot(1)
    registry.replace_cache(None)
    return load, plot


def rows(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def test_info_shows_what_a_kernel_has_left(stored: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info"]) == 0
    text = capsys.readouterr().out
    assert "work.load" in text and "work.plot" in text

    assert main(["info", "--json"]) == 0
    assert [(row["name"], row["entries"]) for row in rows(capsys)] == [("work.load", 2), ("work.plot", 1)]


@pytest.mark.parametrize("name", ["load", "work.load"])
def test_info_of_one_function_lists_its_calls(stored: Any, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main(["info", name, "--json"]) == 0
    assert sorted(row["arguments"] for row in rows(capsys)) == ["1", "2"]


def test_clear_of_one_function_leaves_the_others(stored: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["clear", "load"]) == 0
    assert capsys.readouterr().out == "Cleared work.load() (2 entries).\n"

    assert [row.name for row in cache_data.info() if row.entries] == ["work.plot"]


def test_clear_without_a_name_clears_everything(stored: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["clear"]) == 0
    assert capsys.readouterr().out == "Cleared the cache (3 entries).\n"


def test_a_name_that_nobody_has_clears_nothing_and_shows_the_nearest(
    stored: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["clear", "laod"]) == 1
    assert "load" in capsys.readouterr().err
    assert sum(row.entries for row in cache_data.info()) == 3


def test_a_name_that_two_have_must_be_given_whole(stored: Any, capsys: pytest.CaptureFixture[str]) -> None:
    def load(x: int) -> int:
        return x

    load.__qualname__ = "load"
    load.__module__ = "other"
    cache_data(persist="disk")(load)(1)
    assert main(["clear", "load"]) == 1
    assert "other.load" in capsys.readouterr().err
    assert main(["clear", "other.load"]) == 0


def test_path_and_version(cache: Cache, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["path"]) == 0
    assert capsys.readouterr().out.strip() == str(settings().folder())
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == f"nbcache {__version__}"


def test_verify_says_by_its_exit_code_that_something_is_damaged(
    stored: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify"]) == 0
    path = next(Path(settings().folder()).rglob("*.nbc"), None) or max(
        (one for one in Path(settings().folder()).rglob("*") if one.is_file()), key=lambda one: one.stat().st_size
    )
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert main(["verify", "--json"]) == 1


@pytest.mark.parametrize("line", [[], ["inof"], ["info", "--jsn"], ["path", "x"]])
def test_a_line_that_means_nothing_is_exit_code_2(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line) == 2


@pytest.mark.parametrize("verb", ["info", "clear", "verify"])
def test_a_folder_that_is_not_used_is_no_empty_one(
    verb: str, cache: Cache, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(settings(), "dir", str(tmp_path / "file"))
    assert main([verb]) == 1
    told = capsys.readouterr()
    assert told.err == f"nbcache: The folder {tmp_path / 'file'} is not used: it is not a folder.\n" and not told.out


def test_an_empty_folder_is_named(cache: Cache, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info"]) == 0
    assert capsys.readouterr().out == f"Nothing is cached in {settings().folder()}.\n"


def test_files_that_other_keys_signed_are_told_and_stay(
    stored: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings(), "key_file", str(tmp_path / "another"))
    assert main(["info"]) == 0
    assert "files (" in (told := capsys.readouterr().out) and told.endswith("signed with other keys are in it.\n")
    registry.replace_cache(None)
    assert main(["clear"]) == 0
    assert capsys.readouterr().out.endswith("signed with other keys stay; delete the folder to remove them.\n")
    assert list(Path(settings().folder()).rglob("*.nbc"))


def test_what_could_not_be_cleared_is_said_and_is_exit_code_1(
    stored: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*arguments: Any, **options: Any) -> Any:
        raise OSError(errno.EROFS, "Read-only file system")

    for name in ("write", "mkdir", "ftruncate", "unlink", "rename", "rmdir"):
        monkeypatch.setattr(os, name, read_only)
    with pytest.warns(CacheWarning, match="could not be deleted"):
        codes = main(["clear", "load"]), main(["clear"])
    monkeypatch.undo()
    told = capsys.readouterr().out.splitlines()
    assert codes == (1, 1)
    assert told == [
        "work.load() was not cleared: 2 entries still stored.",
        "The cache was not cleared: 3 entries still stored.",
    ]


def test_a_terminal_that_is_narrow_shows_the_columns_in_their_places(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table(("call", "size"), (("load('a long text that is not shown whole')", "1 KB"), ("load(1)", "2 KB")))
    monkeypatch.setattr(sys, "stdout", _Terminal())
    monkeypatch.setenv("COLUMNS", "40")
    assert str(table).splitlines()[1:] == ["load('a long text that is not sho…  1 KB", f"{'load(1)':34}  2 KB"]


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("verb", ["info", "clear", "verify", "trust", "path"])
def test_every_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "-h"]) == 0
    assert "usage: nbcache" in capsys.readouterr().out


def test_another_folder_can_be_named(stored: Any, tmp_path: Path) -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "nbcache", "--dir", str(settings().folder()), "info", "--json"],
        capture_output=True, text=True, check=True, cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "NBCACHE_DIR"},
    ).stdout  # fmt: skip
    assert len(json.loads(printed)) == 2


MISTAKES = {
    "inof": "nbcache: inof is not known. Did you mean info?",
    "info --jsn": "nbcache: --jsn cannot be used here. Did you mean --json?",
    "completion bsh": "nbcache: bsh is not known. Did you mean bash",
    "clear laod": "nbcache: Nothing is cached under the name laod in ",
    "completion": "nbcache: SHELL is missing. See nbcache completion -h.",
    "completion tcshh": "nbcache: tcshh is not known. It is one of bash, zsh, fish. See nbcache completion -h.",
    "info --dir": "nbcache: --dir needs a value. See nbcache info -h.",
    "trust share": "nbcache: Write it as nbcache trust share FILE",
    "--dir /no/such info": "nbcache: There is no folder /no/such.",
    "trust shaer": "nbcache: nbcache trust has no command shaer. Did you mean share?",
}


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_names_what_was_typed_and_what_was_meant(
    line: str, stored: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(line.split()) in (1, 2)
    told = capsys.readouterr()
    assert told.err.startswith(MISTAKES[line]) and told.err.count("\n") == 1 and not told.out


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "examples:" in capsys.readouterr().err


def test_the_folder_can_be_named_behind_the_command(
    stored: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = str(settings().folder())
    monkeypatch.setenv("NBCACHE_DIR", "elsewhere")
    assert main(["clear", "load", "--dir", folder]) == 0
    assert capsys.readouterr().out == "Cleared work.load() (2 entries).\n"


def test_a_long_list_ends_with_the_command_that_shows_all(cache: Cache, capsys: pytest.CaptureFixture[str]) -> None:
    @cache_data(persist="disk")
    def many(x: int) -> int:
        return x

    many.map(range(60), n_jobs=1, progress=False)
    assert main(["info", "many"]) == 0
    assert capsys.readouterr().out.endswith("and 10 more: nbcache info many --all shows all.\n")
    assert main(["info", "many", "--all"]) == 0
    assert capsys.readouterr().out.count("many(") == 60


def test_a_shell_completes_commands_and_names(stored: Any, capsys: pytest.CaptureFixture[str]) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash")
    assert main(["completion", "names"]) == 0
    names = capsys.readouterr().out
    assert names.split() == ["work.load", "work.plot"]
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    typed = "COMP_WORDS=({words}); COMP_CWORD={place}; _nbcache; echo ${{COMPREPLY[@]}}\n"
    lines = [("nbcache in", 1), ("nbcache clear work.l", 2), ("nbcache completion z", 2)]
    asked = "".join(typed.format(words=words, place=place) for words, place in lines)
    stand_in = f"nbcache() {{ printf '{names.replace(chr(10), ' ')}'; }}\n"
    done = subprocess.run([bash, "-c", script + "\n" + stand_in + asked], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["info", "work.load", "zsh"]


def test_a_store_without_room_can_be_cleared(
    stored: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any, **options: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    for name in ("write", "mkdir", "ftruncate"):
        monkeypatch.setattr(os, name, full)
    code = main(["clear"])
    monkeypatch.undo()
    assert code == 0 and capsys.readouterr().out == "Cleared the cache (3 entries).\n"
