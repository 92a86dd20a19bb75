"""What a code-hosting site reads: workflows, templates and the citation, and that they say what the package says."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from nbcache import __version__

ROOT = Path(__file__).resolve().parents[2]


def read(path: str) -> Any:
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def test_every_file_can_be_read() -> None:
    for path in sorted((ROOT / ".github").rglob("*.yml")):
        assert read(str(path.relative_to(ROOT))), path


def test_the_workflow_tests_the_supported_pythons_on_three_systems() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [one.rpartition(" ")[2] for one in project["classifiers"] if "Python :: 3." in one]
    matrix = read(".github/workflows/test.yml")["jobs"]["light"]["strategy"]["matrix"]
    assert matrix["python"] == named
    assert {one.partition("-")[0] for one in matrix["os"]} == {"ubuntu", "macos", "windows"}


def test_a_release_is_published_without_a_token() -> None:
    publish = read(".github/workflows/publish.yml")["jobs"]["publish"]
    assert publish["permissions"] == {"id-token": "write"}
    assert "password" not in str(publish) and "secrets." not in str(publish)


def test_the_citation_names_this_version() -> None:
    citation = read("CITATION.cff")
    assert citation["version"] == __version__ and citation["license"] == "BSD-3-Clause"
