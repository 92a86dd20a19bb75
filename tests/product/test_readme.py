"""The README says what is true: its settings, magics, parameters, methods and links exist."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nbcache import cache_data
from nbcache.config import NBCache

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """The text below a heading, up to the next one."""
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def first_column(table: str) -> set[str]:
    return set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE))


def test_the_settings_table_lists_every_setting_and_no_other() -> None:
    assert first_column(section("Settings")) == set(NBCache.class_own_traits(config=True))


@pytest.mark.parametrize("name", sorted(NBCache.class_own_traits(config=True)))
def test_the_default_that_the_table_gives_is_the_default(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [variable for variable in os.environ if variable.startswith("NBCACHE_")]:
        monkeypatch.delenv(variable)
    (row,) = re.findall(rf"^\| `{name}` \| `NBCACHE_{name.upper()}` \| (.*?) \|", section("Settings"), re.MULTILINE)

    default = str(getattr(NBCache(), name))

    assert default == row.strip("`") or (default == "" and "`" not in row)


def test_the_table_of_parameters_lists_every_parameter_of_cache_data() -> None:
    parameters = set(inspect.signature(type(cache_data).__call__).parameters) - {"self", "func"}

    assert first_column(section("Functions").split("| call |")[0]) == parameters


def test_the_methods_named_in_the_readme_exist() -> None:
    @cache_data
    def foo(x: int) -> int:
        return x

    for owner, thing in (("foo", foo), ("cache_data", cache_data)):
        for method in set(re.findall(rf"`{owner}\.(\w+)\(", README)):
            assert callable(getattr(thing, method)), f"{owner}.{method}"


def test_the_magics_named_in_the_readme_are_those_of_the_extension() -> None:
    startup = (ROOT / "jupyter-config" / "ipython" / "startup" / "50-nbcache.py").read_text(encoding="utf-8")
    (names,) = re.findall(r"names = \((.*?)\)", startup)

    documented = set(re.findall(r"^\| `%%?(cache_\w+)`", section("Magics and cells"), re.MULTILINE))

    assert documented == {f"cache_{name}" for name in re.findall(r'"(\w+)"', names)}


def test_the_links_of_the_documents_lead_somewhere() -> None:
    for document in ROOT.glob("*.md"):
        text = document.read_text(encoding="utf-8")
        targets = re.findall(r"\]\(([^)#:]+)\)", text) + re.findall(r'(?:src|srcset)="([^":]+)"', text)
        assert [target for target in targets if not (ROOT / target).exists()] == [], document.name


def test_the_two_commands_are_those_of_the_script() -> None:
    commands = re.findall(r"^python3 (dev\.py \w+)", section("Try it"), re.MULTILINE)
    done = subprocess.run([sys.executable, "dev.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True)

    assert commands == ["dev.py tour", "dev.py test"]
    assert all(command in done.stdout for command in commands)
