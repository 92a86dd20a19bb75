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
