"""A `!command` that only reads is cached with its output, which follows what it read; any other makes the cell run."""

from __future__ import annotations

import os
import sys

import pytest

from nbcache.notebook.cells.effects.commands import reading
from nbcache.notebook.cells.known import known_cells

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="commands of a POSIX shell")

READ = [
    "ls",
    "ls -la",
    "ls data/*.csv",
    "head -n 3 data.csv",
    "cat a.txt b.txt | sort | uniq -c",
    "wc -l < data.csv",
    "grep -c x data.csv 2>/dev/null",
    "echo one; echo two && pwd",
    "pip list 2>&1 | grep numpy",
    "python --version",
]
MORE = {
    "touch x": "touch",
    "rm data.csv": "rm",
    "cat a > b": "a command with >",
    "echo x >> log": "a command with >>",
    "ls | tee out": "tee",
    "pip install numpy": "pip",
    "wget http://example.org": "wget",
    "sort -o data.csv data.csv": "sort",
    "tail -f log": "tail",
    "uniq a b": "uniq",
    "date": "date",
    "echo $HOME": "a command that a shell computes",
    "echo `date`": "a command that a shell computes",
    "sleep 1 &": "a command with &",
    "cat 'open": "a command that cannot be read",
    "python script.py": "python",
    "git status": "git",
}


@pytest.mark.parametrize("line", READ)
def test_a_command_that_reads_only_is_known(line):
    assert isinstance(reading(line), list)


@pytest.mark.parametrize(("line", "program"), MORE.items())
def test_a_command_that_may_do_more_is_named(line, program):
    assert reading(line) == f"it runs {program}"


def test_names_of_the_notebook_may_stand_for_files_and_not_for_programs():
    assert reading("head {name}.csv", expanded=False) == [] and reading("cat $path", expanded=False) == []
    assert reading("{tool} x", expanded=False) == "it runs x"


@pytest.fixture
def nb(nb, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    nb("%cache_cells on --min-time 0s")
    return nb


def last(nb):
    return known_cells(nb.shell).rows()[-1][2]


# a command, and something that changes what it shows
FOLLOWED = {
    "content": ("!cat data.csv", "open('data.csv', 'w').write('other')"),
    "a name": ("!cat {name}.csv", "open('data.csv', 'w').write('other')"),
    "a pattern": ("!cat *.csv", "open('more.csv', 'w').write('more')"),
    "the folder": ("!ls", "open('more.csv', 'w').write('more')"),
    "a folder": ("!ls inner", "open('inner/x', 'w').write('more')"),
    "times": ("!ls -l inner", "import os; os.utime('inner/there', (1, 1))"),
    "the working folder": ("!pwd", "import os; os.chdir('inner')"),
    "a pipe": ("!cat data.csv | wc -c", "open('data.csv', 'w').write('other')"),
    "taken as a value": ("shown = !cat data.csv", "open('data.csv', 'w').write('other')"),
    "a script": ("%%bash\n# the data\ncat data.csv | \\\n  wc -c\n", "open('data.csv', 'w').write('other')"),
    "a script with a pattern": ("%%sh\nset -e\ncat *.csv", "open('more.csv', 'w').write('more')"),
    "a script's output as a value": ("%%bash --out shown\ncat data.csv", "open('data.csv', 'w').write('other')"),
    "a tree": ("!grep -r other inner", "open('inner/x', 'w').write('other')"),
}


@pytest.mark.parametrize(("command", "change"), FOLLOWED.values(), ids=FOLLOWED)
def test_a_command_is_restored_until_what_it_reads_changes(nb, command, change):
    os.mkdir("inner")
    for name in ("data.csv", "inner/there"):
        with open(name, "w") as file:
            file.write("one\n")
    nb("name = 'data'")
    plain = nb(command)
    assert last(nb).outcome == "stored", last(nb).reason
    nb.ns.pop("shown", None)
    again = nb(command)
    assert last(nb).outcome == "hit", last(nb).reason
    assert plain.out.replace("\r\n", "\n") in again.out and ("shown" in nb.ns) == ("shown" in command)

    nb(f"%cache_cells off\n{change}")
    nb("%cache_cells on --min-time 0s")
    nb(command)

    assert last(nb).outcome == "stored", last(nb).reason


def test_a_command_that_does_more_makes_the_cell_run_and_says_which(nb):
    nb("!touch new")
    assert last(nb).outcome == "not cached" and "it runs touch" in last(nb).reason and os.path.exists("new")


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("cat data.csv\ntouch new", "touch"),
        ("for one in *; do cat one; done", "for"),
        ("cat $name", "a shell computes"),
        ("cat <<END\ntext\nEND", "<<"),
        ("A=1\ncat data.csv", "A=1"),
        ("cd inner\ncat data.csv", "cd"),
    ],
)
def test_a_script_that_may_do_more_makes_the_cell_run(nb, script, why):
    nb("name = 'data.csv'")
    nb(f"%%bash\n{script}", fails=True)
    assert last(nb).outcome != "stored" and (last(nb).outcome == "failed" or why in last(nb).reason)


def test_other_programs_and_options_are_not_taken_for_a_script_that_reads(nb):
    for cell in ("%%bash -s one\ncat data.csv", "%%bash --bg\ncat data.csv", "%%script bash\ncat data.csv"):
        nb("open('data.csv', 'w').write('x'); None")
        nb(cell)
        assert last(nb).outcome == "not cached", cell


def test_what_an_expanded_name_brings_is_looked_at_when_it_runs(nb):
    nb("name = 'x; touch sly'")
    nb("!cat {name} 2>/dev/null")
    assert last(nb).outcome == "not cached" and "touch" in last(nb).reason
