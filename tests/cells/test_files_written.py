"""Files that a cell writes are its outputs: put back where they are missing or different, left alone where equal."""

from __future__ import annotations

import builtins
import ctypes
import itertools
import os
import shutil
import sys

import pytest

from nbcache.notebook.cells.known import known_cells


@pytest.fixture
def nb(nb, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    nb("%cache_cells on --min-time 0s")
    return nb


def last(nb):
    return known_cells(nb.shell).rows()[-1][2]


def again(nb, source):
    """Run a cell a second time; true when it was a hit."""
    nb(source)
    return last(nb).outcome == "hit"


WRITERS = {
    "open": "with open('out.txt', 'w') as file: file.write('text')",
    "write_text": "from pathlib import Path; Path('out.txt').write_text('text')",
    "a computed name": "name = 'out'\nopen(f'{name}.txt', 'w').write('text')",
    "an absolute name": "import os; open(os.path.abspath('out.txt'), 'w').write('text')",
    "by another name": "import os; open('part', 'w').write('text'); os.replace('part', 'out.txt')",
    "copied": "import shutil; open('one', 'w').write('text'); shutil.copy('one', 'out.txt')",
    "numpy": "import numpy as np; np.savetxt('out.txt', np.arange(3))",
    "pandas": "import pandas as pd; pd.DataFrame({'a': [1]}).to_csv('out.txt')",
    "pickle": "import pickle; pickle.dump([1], open('out.txt', 'wb'))",
    "read again": "open('out.txt', 'w').write('text'); open('out.txt').read()",
    "in a thread": "import threading; t = threading.Thread(target=lambda: open('out.txt', 'w').write('text'))\n"
    "t.start(); t.join(); del t",
}


@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_what_is_missing_is_put_back(nb, writer):
    nb(writer)
    wrote = open("out.txt", "rb").read()
    os.remove("out.txt")

    assert again(nb, writer)
    assert open("out.txt", "rb").read() == wrote


def test_what_is_different_is_put_back_and_what_is_equal_left_alone(nb):
    cell = "open('a', 'w').write('1'); open('b', 'w').write('2'); None"
    nb(cell)
    open("a", "w").write("changed")
    os.utime("b", (1, 1))

    out = nb(cell).out

    assert open("a").read() == "1" and os.stat("b").st_mtime == 1
    assert "wrote a again" in out and "b unchanged" in out


def test_permissions_and_folders_come_back(nb):
    cell = "import os\nos.makedirs('d/e', exist_ok=True); open('d/e/f', 'w').write('x'); os.chmod('d/e/f', 0o700)"
    nb(cell)
    os.remove("d/e/f")
    os.removedirs("d/e")

    assert again(nb, cell)
    assert os.stat("d/e/f").st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("open('there', 'a').write('x')", "in place"),
        ("open('new', 'a').write('x')", "in place"),
        ("f = open('there', 'r+'); f.write('x'); f.close(); del f", "in place"),
        ("t = open('there').read(); open('there', 'w').write(t + 'x')", "both reads and writes"),
        ("import os; os.remove('there')", "removes there"),
        ("import os; os.rename('there', 'elsewhere')", "removes there"),
        ("open('/var/tmp/nbcache-test', 'w').write('x')", "outside"),
        ("import os, shutil; shutil.rmtree('old'); os.mkdir('old')", "old in place"),
        ("import sqlite3; c = sqlite3.connect('db'); c.execute('create table t(a)'); c.close(); del c", "db in place"),
    ],
)
def test_what_cannot_be_done_again_makes_the_cell_run(nb, cell, why):
    open("there", "w").write("1")
    os.mkdir("old")
    nb(cell)

    assert last(nb).outcome == "not cached" and why in last(nb).reason


def test_what_a_run_makes_and_takes_away_is_nothing(nb):
    cell = "import os, tempfile\nwith tempfile.TemporaryDirectory() as d: open(d + '/x', 'w').write('1')\ndel d"
    nb(cell)
    assert again(nb, cell)


def test_what_is_too_big_is_followed_by_its_digest_alone(nb, monkeypatch):
    from nbcache.config import settings

    monkeypatch.setattr(settings(), "max_written_size", "1KB")
    cell = "open('big', 'w').write('x' * 5000)"
    nb(cell)
    assert again(nb, cell)
    os.remove("big")
    assert not again(nb, cell) and os.path.getsize("big") == 5000


def test_a_later_cell_follows_the_file(nb):
    nb("n = 1")
    write, read = "open('out', 'w').write(str(n))", "text = open('out').read()"
    nb(write), nb(read)
    os.remove("out")
    assert again(nb, write) and again(nb, read) and nb.ns["text"] == "1"
    nb("n = 2"), nb(write), nb(read)
    assert nb.ns["text"] == "2"


@pytest.mark.parametrize(
    "make", ["os.makedirs('d/e')", "if not os.path.exists('d'): os.mkdir('d')", "pathlib.Path('d').mkdir()"]
)
def test_a_folder_that_must_not_be_there_is_put_back_where_it_is_gone(nb, make):
    cell = f"import os, pathlib\n{make}\nopen('d/f', 'w').write('x')"
    nb(cell)
    shutil.rmtree("d")
    assert again(nb, cell) and open("d/f").read() == "x"
    fails = "if" not in make
    nb(cell, fails=fails)
    assert last(nb).outcome == ("failed" if fails else "stored")


def test_a_folder_that_cannot_be_written_makes_the_cell_run(nb):
    cell = "import os\nos.makedirs('d', exist_ok=True); open('d/f', 'w').write('x')"
    nb(cell)
    os.remove("d/f")
    os.rmdir("d")
    open("d", "w").close()
    nb(cell, fails=True)
    assert last(nb).outcome == "failed"


def test_native_writers_count(nb):
    pl = pytest.importorskip("polars")
    nb("import polars as pl\nyear = 2024")
    cell = "pl.DataFrame({'a': [1]}).write_parquet(f'flights-{year}.parquet')"
    nb(cell)
    os.remove("flights-2024.parquet")
    assert again(nb, cell) and pl.read_parquet("flights-2024.parquet").height == 1


def test_what_a_native_writer_made_may_be_read_again_by_the_same_cell(nb):
    pytest.importorskip("polars")
    nb("import polars as pl")
    cell = "pl.DataFrame({'a': [1]}).write_parquet('own.parquet'); content = open('own.parquet', 'rb').read()"
    nb(cell)
    os.remove("own.parquet")
    assert again(nb, cell) and open("own.parquet", "rb").read() == nb.ns["content"]


def write_as_another_program(name, text):
    """Write without the interpreter's knowledge, as others do."""
    libc = ctypes.CDLL(None)
    file = libc.open(name.encode(), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    libc.write(file, text.encode(), len(text))
    libc.close(file)


@pytest.mark.parametrize("before", ["", "earlier, "], ids=["new", "longer than before"])
@pytest.mark.parametrize("name", ["'out.txt'", "f'{name}.txt'", "name + '.txt'"])
def test_what_another_program_writes_meanwhile_is_never_written_over(nb, monkeypatch, name, before):
    pytest.importorskip("polars")
    monkeypatch.setattr(builtins, "meanwhile", lambda: write_as_another_program("other.txt", "now, "), raising=False)
    nb("import polars as pl; name = 'out'")
    if before:
        write_as_another_program("other.txt", before)
    cell = f"open({name}, 'w').write('x'); meanwhile()"
    nb(cell)
    write_as_another_program("other.txt", "later, ")

    nb(cell)

    assert open("other.txt").read() == f"{before}now, later, now, "
    assert last(nb).outcome != "hit" and "it may not have written other.txt itself" in last(nb).reason


def test_a_temporary_file_without_a_name_is_nothing(nb):
    cell = "import tempfile\nwith tempfile.TemporaryFile() as f: f.write(b'x')\ndel f"
    nb(cell)
    assert again(nb, cell), last(nb).reason


def test_a_cached_function_that_stores_its_results_is_no_effect(nb):
    nb("@cache_data(persist='disk')\ndef load(x): return x")
    nb("v = load(1)")
    assert last(nb).outcome == "stored"


@pytest.mark.parametrize("mode", ["w", "wb", "r", "rb"])
def test_a_file_that_with_has_closed_comes_back_closed_as_what_it_was(nb, mode):
    open("there", "w").write("1")
    cell = f"with open('there', {mode!r}) as f: f.seek(0)"
    nb(cell)
    before = nb.ns["f"]
    assert again(nb, cell)
    now = nb.ns["f"]
    assert (type(now), now.name, now.mode, now.closed) == (type(before), "there", before.mode, True)


class TestAllOrNothing:
    """A hit that fails on its way leaves names, options and files as they were, and the cell runs."""

    FILES = "open('d/a', 'w').write('1'); open('d/b', 'w').write('2')"
    CELL = f"import numpy as np\nnp.set_printoptions(precision=3)\nx = 1\n{FILES}"

    @pytest.fixture
    def stored(self, nb):
        pytest.importorskip("numpy")
        os.mkdir("d")
        nb("import numpy as np; before = np.get_printoptions()['precision']")
        nb(self.CELL)
        assert last(nb).outcome == "stored", last(nb).reason
        nb.shell.ex("np.set_printoptions(precision=8); del x")
        yield nb
        nb.shell.ex("np.set_printoptions(precision=8)")

    def unpacked(self, nb, monkeypatch, fails_at):
        """Restore what is stored, with a step that fails; say what was there then."""
        room = sys.modules["nbcache.notebook.cells.cell"]
        seen = {}
        real = room.changes.apply

        def apply(*arguments):
            try:
                return real(*arguments)
            except OSError:
                seen["files"] = sorted((name, open(f"d/{name}").read()) for name in os.listdir("d"))
                seen["x"], seen["precision"] = "x" in nb.ns, nb.shell.ev("np.get_printoptions()['precision']")
                raise

        replace, count = os.replace, itertools.count()

        def failing(source, target):
            if str(target).startswith("d/") and not str(source).endswith("~~") and next(count) == fails_at:
                raise OSError("no")
            return replace(source, target)

        with monkeypatch.context() as patch:
            patch.setattr(room.changes, "apply", apply)
            patch.setattr(os, "replace", failing)
            nb(self.CELL)
        return seen

    @pytest.mark.parametrize("fails_at", [0, 1])
    def test_a_file_that_cannot_be_put_leaves_everything_as_it_was(self, stored, monkeypatch, fails_at):
        open("d/a", "w").write("mine")
        os.remove("d/b")

        seen = self.unpacked(stored, monkeypatch, fails_at)

        assert seen == {"files": [("a", "mine")], "x": False, "precision": 8}
        assert open("d/a").read() == "1" and sorted(os.listdir("d")) == ["a", "b"] and stored.ns["x"] == 1
