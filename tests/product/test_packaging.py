"""What an installation puts where, and that it works there: the wheel in an empty environment."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAGICS = {f"cache_{name}" for name in ("clear", "info", "explain", "panel", "cell", "cells", "trust")}


class Installed(NamedTuple):
    sdist: Path
    wheel: Path
    prefix: Path
    site_packages: Path
    folder: Path

    def python(self, *arguments: str, **environment: str) -> str:
        """Run the environment's Python in an empty folder; return what it printed."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("NBCACHE_", "PYTHON"))}
        clean |= {
            "IPYTHONDIR": str(self.folder / "ipython"),
            "NBCACHE_DIR": str(self.folder / "cache"),
            "NBCACHE_KEY_FILE": str(self.folder / "state" / "key"),
        }
        done = subprocess.run(
            [str(self.prefix / "bin" / "python"), *arguments],
            capture_output=True, text=True, cwd=self.folder, env=clean | environment, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ipython(self, code: str, **environment: str) -> str:
        """Run code in the environment's terminal IPython, startup files included."""
        options = ("--no-banner", "--no-confirm-exit", "--colors=NoColor", "--HistoryManager.enabled=False")
        return self.python("-m", "IPython", *options, "-c", code, **environment)


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The sdist, the wheel built from it, and an environment that holds the wheel and nothing else of ours."""
    folder = tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder / "dist"), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=120)
    (sdist,) = (folder / "dist").glob("*.tar.gz")
    (wheel,) = (folder / "dist").glob("*.whl")

    prefix = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(prefix)], check=True)
    python = str(prefix / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", str(wheel)], check=True, timeout=120)
    (site_packages,) = prefix.glob("lib/python3*/site-packages")
    # The dependencies come from the environment of the tests; a linked nbcache there is not seen, as a folder
    # that a .pth file names has its own .pth files ignored.
    (site_packages / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"])
    return Installed(sdist, wheel, prefix, site_packages, folder)


def test_the_wheel_holds_the_package_its_types_its_license_and_the_startup_file(installed: Installed) -> None:
    names = zipfile.ZipFile(installed.wheel).namelist()

    assert "nbcache/__init__.py" in names
    assert "nbcache/py.typed" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert any(name.endswith(".data/data/etc/ipython/startup/50-nbcache.py") for name in names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"nbcache"}


def test_the_wheel_misses_no_file_of_the_package(installed: Installed) -> None:
    ours = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "nbcache").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert ours <= set(zipfile.ZipFile(installed.wheel).namelist())


def test_the_sdist_holds_what_is_needed_to_build_and_test(installed: Installed) -> None:
    with tarfile.open(installed.sdist) as archive:
        names = {name.split("/", 1)[-1] for name in archive.getnames()}

    assert {"pyproject.toml", "README.md", "LICENSE", "dev.py", "tests/product/test_packaging.py"} <= names
    assert "jupyter-config/ipython/startup/50-nbcache.py" in names
    assert "notebooks/01_tour.ipynb" in names


def test_the_readme_of_a_release_links_and_shows_pictures_by_absolute_addresses() -> None:
    pytest.importorskip("hatchling")
    absolute = runpy.run_path(str(ROOT / "hatch_build.py"))["absolute"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    shown = absolute(readme, "https://host.example/nbcache", "v1.2.3")

    targets = re.findall(r"\]\(([^)]+)\)", shown) + re.findall(r'(?:src|srcset)="([^"]+)"', shown)
    assert len(targets) > 10
    assert all(target.startswith("https://host.example/nbcache/") for target in targets)
    assert absolute(readme, "", "v1.2.3") == readme


def test_the_wheel_carries_the_readme(installed: Installed) -> None:
    archive = zipfile.ZipFile(installed.wheel)
    (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))

    assert "Why not joblib" in archive.read(name).decode()


def test_the_startup_file_lands_under_the_prefix_and_no_shared_configuration_does(installed: Installed) -> None:
    etc = {str(path.relative_to(installed.prefix)) for path in installed.prefix.glob("etc/**/*") if path.is_file()}

    assert {name for name in etc if not name.endswith(".pyc")} == {"etc/ipython/startup/50-nbcache.py"}


def test_what_is_imported_is_the_installed_package(installed: Installed) -> None:
    where = installed.python("-c", "import nbcache; print(nbcache.__file__)").strip()

    assert Path(where) == installed.site_packages / "nbcache" / "__init__.py"


def test_an_installed_nbcache_keeps_values_from_one_process_to_the_next(installed: Installed) -> None:
    (installed.folder / "work.py").write_text(
        "from nbcache import cache_data\n"
        "@cache_data(persist='disk', show_spinner=False)\n"
        "def square(x):\n"
        "    print('computing')\n"
        "    return x * x\n"
        "print(square(12))\n"
    )

    first = installed.python("work.py")
    second = installed.python("work.py")

    assert first.split() == ["computing", "144"]
    assert second.split() == ["144"]


def test_without_the_setting_the_startup_file_does_nothing(installed: Installed) -> None:
    probe = (
        "import sys; ip = get_ipython(); lazy = ip.magics_manager.lazy_magics;"
        "print([name for name in lazy if name.startswith('cache_')], 'nbcache' in sys.modules,"
        "ip.find_line_magic('cache_info'))"
    )

    assert installed.ipython(probe).strip() == "[] False None"
    assert installed.ipython(probe, NBCACHE_AUTOLOAD="0").strip() == "[] False None"


def test_with_the_setting_the_magics_are_there_and_nothing_is_imported_yet(installed: Installed) -> None:
    probe = (
        "import sys; ip = get_ipython(); lazy = ip.magics_manager.lazy_magics;"
        "print(*[name for name in lazy if name.startswith('cache_')]); print('nbcache' in sys.modules);"
        "print([name for name in ip.user_ns if 'nbcache' in name])"
    )

    magics, imported, names = installed.ipython(probe, NBCACHE_AUTOLOAD="1").splitlines()

    assert set(magics.split()) == MAGICS
    assert imported == "False"
    assert names == "[]"


def test_the_first_magic_used_loads_the_extension(installed: Installed) -> None:
    code = "get_ipython().run_line_magic('cache_info', ''); import sys; print('loaded', 'nbcache' in sys.modules)"

    printed = installed.ipython(code, NBCACHE_AUTOLOAD="yes")

    assert "loaded True" in printed
    assert "not found" not in printed


def test_every_magic_of_the_extension_is_registered_at_startup(installed: Installed) -> None:
    code = (
        "ip = get_ipython(); before = {k: set(v) for k, v in ip.magics_manager.magics.items()};"
        "ip.run_line_magic('load_ext', 'nbcache');"
        "print(*sorted({n for k, v in ip.magics_manager.magics.items() for n in set(v) - before[k]}))"
    )

    assert set(installed.ipython(code).split()) == MAGICS


def test_an_ipython_that_knows_no_lazy_magics_starts_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    source = (ROOT / "jupyter-config" / "ipython" / "startup" / "50-nbcache.py").read_text()
    namespace = {"get_ipython": lambda: object()}

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBCACHE_AUTOLOAD", "1")
        exec(compile(source, "50-nbcache.py", "exec"), namespace)

    assert "NBCACHE_AUTOLOAD had no effect" in capsys.readouterr().out
    assert not [name for name in namespace if "nbcache" in name]
