"""The README and the pages that its tables moved to say what is true: settings, magics, parameters, methods exist."""

from __future__ import annotations

import inspect
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from nbcache import cache_data

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def page(name: str) -> str:
    """The text of a page of the site."""
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """The text below a heading of the README, up to the next one."""
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def first_column(table: str) -> set[str]:
    return set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE))


def test_the_readme_is_read_in_a_few_minutes() -> None:
    prose = re.sub(r"^ *<.*>$|^\|[-|]+$|\|", " ", README, flags=re.MULTILINE)

    assert len(prose.split()) <= 900
    assert len(set(re.findall(r"docs/images/[\w-]+\.\w+", README))) <= 4


def test_the_settings_page_is_that_of_the_settings() -> None:
    filled = runpy.run_path(str(ROOT / "docs" / "settings_table.py"))["filled"]

    assert filled(page("settings")) == page("settings"), "run: python docs/settings_table.py"


def test_the_table_of_parameters_lists_every_parameter_of_cache_data() -> None:
    parameters = set(inspect.signature(type(cache_data).__call__).parameters) - {"self", "func"}

    assert first_column(page("functions").split("| call |")[0]) == parameters


@pytest.mark.parametrize("name", ["functions", "from-streamlit", "scaling", "troubleshooting", "panel"])
def test_the_methods_named_on_a_page_exist(name: str) -> None:
    @cache_data
    def foo(x: int) -> int:
        return x

    for owner, thing in (("foo", foo), ("cache_data", cache_data)):
        for method in set(re.findall(rf"`{owner}\.(\w+)\(?", page(name))):
            assert hasattr(thing, method), f"{owner}.{method}"


def test_the_magics_named_on_their_page_are_those_of_the_extension() -> None:
    startup = (ROOT / "jupyter-config" / "ipython" / "startup" / "50-nbcache.py").read_text(encoding="utf-8")
    (names,) = re.findall(r"names = \((.*?)\)", startup)

    documented = set(re.findall(r"^\| `%%?(cache_\w+)`", page("magics"), re.MULTILINE))

    assert documented == {f"cache_{name}" for name in re.findall(r'"(\w+)"', names)}


def test_the_options_of_a_cached_cell_are_those_of_the_page() -> None:
    from nbcache.notebook.cells.options import cache_cell
    from nbcache.notebook.line import help_text

    options = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", help_text(cache_cell)))
    rows = "".join(re.findall(r"^\| `-.*", page("cells"), re.MULTILINE))

    assert set(re.findall(r"`(--[\w-]+)", rows)) == options - {"--help"}


def test_the_rows_of_the_speed_table_are_those_of_the_full_table() -> None:
    rows = re.findall(r"^\| .*", section("Speed"), re.MULTILINE)

    assert len(rows) == 1 + 5
    assert set(rows) <= set(page("speed").splitlines())
    assert sum("**" in row for row in rows) >= 2, "rows where nbcache loses are shown too"


def test_the_two_commands_are_those_of_the_script() -> None:
    commands = re.findall(r"^python3 (dev\.py \w+)", section("Try it"), re.MULTILINE)
    done = subprocess.run([sys.executable, "dev.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True)

    assert commands == ["dev.py tour", "dev.py test"]
    assert all(command in done.stdout for command in commands)
