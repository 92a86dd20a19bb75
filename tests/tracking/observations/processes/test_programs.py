"""Files that a run hands to other programs are its inputs, unless the program writes them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nbcache import cache_data
from nbcache.tracking.observations.observation import Observation
from nbcache.tracking.observations.recorder import recording

Program = Callable[[str], object]


pytestmark = pytest.mark.usefixtures("work_folder")


def output(*words: object, **options: object) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True, **options).stdout  # type: ignore[call-overload,no-any-return]


async def _awaited(name: str) -> bytes:
    program = await asyncio.create_subprocess_exec("cat", name, stdout=subprocess.PIPE)
    return (await program.communicate())[0]


def _in_a_terminal(name: str) -> object:
    spawn = pytest.importorskip("pexpect").spawn("sh", ["-c", f"cat {name}"])
    return spawn.read()


# What hands the name of a file to a program that prints it, whatever the name is.
PROGRAMS: dict[str, Program] = {
    "run": lambda name: output("cat", name),
    "Path": lambda name: output("cat", Path(name)),
    "bytes": lambda name: output("cat", os.fsencode(name)),
    "a shell": lambda name: subprocess.run(f"cat < {name}", shell=True, capture_output=True).stdout,
    "bash -c": lambda name: output("sh", "-c", f"cat '{name}' | sort"),
    "an option": lambda name: output("sort", f"--files0-from={name}") if name == "" else output("sort", "--", name),
    "check_output": lambda name: subprocess.check_output(["cat", name]),
    "getoutput": lambda name: subprocess.getoutput(f"cat {name}"),
    "popen": lambda name: os.popen(f"cat {name}").read(),
    "system": lambda name: os.system(f"cat {name} > out.txt") or Path("out.txt").read_text(),
    "another folder": lambda name: output("cat", os.path.basename(name), cwd=os.path.dirname(name) or "."),
    "a pattern": lambda name: subprocess.getoutput(f"cat {name[:-4]}*.txt"),
    "asyncio": lambda name: asyncio.run(_awaited(name)),
    "spawnlp": lambda name: os.spawnlp(os.P_WAIT, "cp", "cp", name, "out.txt") or Path("out.txt").read_text(),
    "spawnv": lambda name: (
        os.spawnv(os.P_WAIT, "/bin/sh", ["sh", "-c", f"cat {name} > out.txt"]) or Path("out.txt").read_text()
    ),
    "a terminal": _in_a_terminal,
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["a.txt", "sub/b.txt"])
@pytest.mark.parametrize("how", PROGRAMS)
def test_a_changed_file_is_a_miss(how: str, name: str) -> None:
    run = PROGRAMS[how]
    runs = []

    @cache_data
    def text(number: int) -> str:
        runs.append(number)
        return str(run(name[: number - 1] + name[number - 1 :]))

    before = text(1)
    again = text(1)
    Path(name).write_text("changed")
    after = text(1)

    assert len(runs) == 2
    assert before == again != after
    assert "changed" in after


def test_what_a_program_writes_is_no_input() -> None:
    Path("copy.txt").write_text("old")

    with recording() as seen:
        subprocess.run(["cp", "a.txt", "copy.txt"], check=True)
        subprocess.run("cat a.txt > sub/other.txt", shell=True, check=True)

    assert seen.steady()
    assert set(seen.observations) == {Observation("a.txt", "file")}


def test_a_program_itself_counts_where_it_is_a_script(work_folder: Path) -> None:
    script = work_folder / "tool"
    script.write_text("#!/bin/sh\necho one")
    script.chmod(0o755)

    with recording() as seen:
        subprocess.run(["./tool"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([sys.executable, "-c", ""], check=True)

    assert seen.observations == (Observation("./tool", "file"),)


def test_a_folder_that_is_named_counts_by_its_names() -> None:
    with recording() as seen:
        subprocess.run(["ls", "sub"], check=True, stdout=subprocess.DEVNULL)

    assert seen.observations == (Observation("sub", "folder"),)


def test_odd_command_lines_break_nothing() -> None:
    with recording() as seen:
        subprocess.run("echo 'open", shell=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        subprocess.run(["echo", "x" * 100_000, ""], stdout=subprocess.DEVNULL, check=True)
        with pytest.raises(FileNotFoundError):
            subprocess.run(["no such program", "a.txt"])

    assert not seen.failed


# What starts a program that prints a variable.
SAYING: dict[str, Callable[[], object]] = {
    "a shell": lambda: subprocess.run("echo $COLOUR", shell=True, capture_output=True).stdout,
    "braces": lambda: subprocess.getoutput("echo ${COLOUR:-none}"),
    "sh -c": lambda: output("sh", "-c", "echo $COLOUR"),
    "system": lambda: "blue" if os.system("test $COLOUR = red") else "red",
    "popen": lambda: os.popen("echo $COLOUR").read(),
}


@pytest.mark.parametrize("how", SAYING)
def test_a_variable_that_a_command_line_names_is_an_input(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    say = cache_data(show_spinner=False)(lambda: str(SAYING[how]()))
    monkeypatch.setenv("COLOUR", "red")
    before = say()
    monkeypatch.setenv("COLOUR", "blue")
    after = say()
    monkeypatch.setenv("COLOUR", "red")

    assert ("red" in before, "blue" in after, say()) == (True, True, before)
    assert say.info().hits == 1


def test_a_variable_of_an_environment_that_the_run_made_is_no_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLOUR", "red")

    with recording() as seen:
        subprocess.run("echo $COLOUR", shell=True, env={"COLOUR": "green"}, stdout=subprocess.DEVNULL)

    assert Observation("COLOUR", "variable") not in seen.observations
