"""Setting up from a clone: what the script says when a Python cannot make an environment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def python_without(folder: Path, *words: str) -> Path:
    """A Python that fails whenever its command line holds one of the words."""
    script = folder / "python-without"
    cases = "|".join(f'*"{word}"*' for word in words)
    script.write_text(f'#!/bin/sh\ncase "$*" in {cases}) exit 1;; esac\nexec "{sys.executable}" "$@"\n')
    script.chmod(0o755)
    return script


def set_up(*options: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "dev.py", *(str(option) for option in options)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_a_python_without_ensurepip_and_pip_gets_advice_and_leaves_nothing_behind(tmp_path: Path) -> None:
    python = python_without(tmp_path, "import ensurepip", "-m pip")

    done = set_up("--python", python, "--venv", tmp_path / "environment", "lint")

    assert done.returncode != 0
    assert "apt install python3-venv" in done.stderr
    assert not (tmp_path / "environment").exists()


def test_a_python_that_fails_altogether_is_named(tmp_path: Path) -> None:
    python = python_without(tmp_path, "-m venv")

    done = set_up("--python", python, "--venv", tmp_path / "environment", "lint")

    assert done.returncode != 0
    assert str(python) in done.stderr


def test_what_is_installed_already_is_not_installed_again(tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    # Stands in for an environment whose pip would fail: it must not be asked.
    (environment / "bin").mkdir(parents=True)
    python_without(environment / "bin", "-m pip").rename(environment / "bin" / "python")
    probe = (
        "import dev, hashlib, sys; from pathlib import Path; folder = Path(sys.argv[1]);"
        "source = (dev.HERE / 'pyproject.toml').read_bytes() + f'{sys.executable} {dev.HERE}'.encode();"
        "(folder / 'installed-lint.txt').write_text(hashlib.sha256(source).hexdigest())"
    )
    subprocess.run([sys.executable, "-c", probe, str(environment)], cwd=ROOT, check=True)

    done = set_up("--venv", environment, "lint", "--version")

    assert "Setting up" not in done.stdout
