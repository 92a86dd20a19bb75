"""What the README and the pages of the site show is true: each snippet runs, each command and link exists."""

from __future__ import annotations

import doctest
import inspect
import json
import re
import runpy
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import nbcache.errors
from nbcache.config import NBCache

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
LANGUAGES = {"python", "text", "sh", "toml", "json", "{toctree}", "{include}", "{eval-rst}", "{settings}"}
GUESTS = ("numpy", "pandas", "sklearn", "matplotlib", "joblib", "duckdb", "polars")


class Block(NamedTuple):
    """One fenced block of a page."""

    language: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    found = re.finditer(r"^```([^\n]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [Block(one[1].split()[0] if one[1] else "", one[2], text[: one.start()].count("\n") + 1) for one in found]


def commands(page: Path) -> list[str]:
    """The lines of a page's shell blocks, without comments."""
    lines = [line for block in blocks(page) if block.language == "sh" for line in block.text.splitlines()]
    return [line.partition(" #")[0].strip() for line in lines if line.strip() and not line.startswith("#")]


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


WITH_CODE = [page for page in PAGES if any(block.language == "python" for block in blocks(page))]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_block_says_what_it_is(page: Path) -> None:
    assert {block.language for block in blocks(page)} <= LANGUAGES


@pytest.fixture
def reader(shell: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A shell in an empty folder, as somebody has who follows a page from its top."""
    monkeypatch.setenv("NBCACHE_DIR", str(tmp_path / ".nbcache"))
    shell.run_line_magic("load_ext", "nbcache")
    yield shell
    shell.run_line_magic("cache_cells", "off")


@pytest.mark.parametrize("page", WITH_CODE, ids=named)
def test_the_snippets_of_a_page_run_and_print_what_the_page_says(page: Path, reader: Any, capsys: Any) -> None:
    found = blocks(page)
    for guest in GUESTS:
        if any(re.search(rf"^(import|from) {guest}\b", block.text, re.MULTILINE) for block in found):
            pytest.importorskip(guest)
    same = doctest.OutputChecker()

    for block, following in zip(found, [*found[1:], Block("", "", 0)], strict=True):
        if block.language != "python":
            continue
        capsys.readouterr()
        done = reader.run_cell(re.sub(r"time\.sleep\([\d.]+\)", "time.sleep(0.001)", block.text), store_history=True)
        printed = capsys.readouterr().out
        assert done.success, f"{named(page)}, line {block.line}: {done.error_in_exec or done.error_before_exec!r}"
        if following.language == "text":
            told = following.text.replace("…", "...")
            flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
            printed = re.sub(r"^Out\[\d+\]: ?", "", printed, flags=re.MULTILINE).replace("…", "...")
            assert same.check_output(told, printed, flags), f"{named(page)}, line {following.line}:\n{printed}"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_the_commands_of_a_page_exist(page: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    verbs = runpy.run_path(str(ROOT / "dev.py"), run_name="dev")["COMMANDS"]
    settings = {f"NBCACHE_{name.upper()}" for name in NBCache.class_own_traits(config=True)} | {"NBCACHE_AUTOLOAD"}
    text = page.read_text(encoding="utf-8")

    for command in re.findall(r"\bdev\.py (?:--\S+ (?:python\S+ )?)*([\w-]+)", text):
        assert command in verbs, command
    for extras in re.findall(r"pip install [^\n`]*\[([\w,]+)\]", text):
        assert set(extras.split(",")) <= set(project["optional-dependencies"]), extras
    for variable in re.findall(r"\bNBCACHE_[A-Z_]+\b", text):
        assert variable in settings | {"NBCACHE_PICTURES", "NBCACHE_PYODIDE", "NBCACHE_REQUIRE_ALL"}, variable
    for line in commands(page):
        known = ("python3 dev.py ", "pip install ", "nbcache ", "export NBCACHE_", "python -m nbcache ", "rm -r ",
                 "python benchmarks/run.py", "bash .ci/run")  # fmt: skip
        assert line.startswith(known), line


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_data_blocks_can_be_read(page: Path) -> None:
    for block in blocks(page):
        if block.language == "toml":
            tomllib.loads(block.text)
        if block.language == "json":
            json.loads(block.text)


def anchors(page: Path) -> set[str]:
    """The names of a page's headings, as code-hosting sites and the site make them."""
    heads = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=named)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)\s:]+)\)", text) + re.findall(r'(?:src|srcset)="([^":]+)"', text)
    for target in targets:
        path, _, heading = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{named(page)} links to {target}"
        if heading:
            assert heading in anchors(there), f"{named(page)} links to {target}"


def test_every_test_that_a_page_names_exists() -> None:
    for page in PAGES:
        for path in set(re.findall(r"`(tests/[\w/.]+)`", page.read_text(encoding="utf-8"))):
            assert (ROOT / path).exists(), f"{named(page)} names {path}"


def test_every_error_and_warning_has_its_place_in_troubleshooting() -> None:
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    kinds = {
        name
        for name, kind in inspect.getmembers(nbcache.errors, inspect.isclass)
        if issubclass(kind, Exception) and kind.__module__ == "nbcache.errors"
    }

    assert kinds - set(re.findall(r"^### `(\w+)`$", page, re.MULTILINE)) == set()
    for section in re.split(r"^### ", page, flags=re.MULTILINE)[1:]:
        if section.split("\n")[0].strip("`") in kinds:
            assert "**Cause.**" in section and "**Cure.**" in section, section.splitlines()[0]


def test_the_warnings_of_troubleshooting_are_given_by_the_package() -> None:
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    package = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "nbcache").rglob("*.py"))
    given = (
        "is not cached; it was computed and returned.",
        "so nobody could tell when it is out of date.",
        "is larger than its max_size and is kept alone.",
        "changes its argument",
        "This cell has run, and its result is not cached.",
        "This cell is not cached; it runs every time.",
        "A stored entry cannot be used; its value is computed again.",
        "could not be loaded and is computed again.",
        "Results on disk are kept for this session only.",
        "in the background failed; the old value is kept.",
        "A hit skips these side effects",
    )

    for text in given:
        assert text in package, text
        assert text in page, text


def test_every_page_is_in_the_table_of_contents() -> None:
    listed = {
        line.split("<")[-1].strip("> ")
        for block in blocks(ROOT / "docs" / "index.md")
        if block.language == "{toctree}"
        for line in block.text.splitlines()
    }
    assert {page.stem for page in (ROOT / "docs").glob("*.md")} - listed == {"index"}


def test_no_page_names_a_path_of_this_machine() -> None:
    home = re.compile(r"/(home|root|Users|tmp)/\w")
    for page in PAGES:
        assert not home.search(page.read_text(encoding="utf-8")), named(page)
