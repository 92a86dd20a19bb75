"""Whose a module is: the standard library's, an installed package's, the user's, or our own."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
import types
from pathlib import Path

import pytest

from nbcache.tracking import packages


@pytest.fixture(autouse=True)
def fresh() -> None:
    packages.forget()


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def module_at(path: Path, name: str) -> types.ModuleType:
    module = types.ModuleType(name)
    module.__file__ = str(path)
    return module


@pytest.mark.parametrize("name", ["os", "json.decoder", "sys", "builtins", "_thread", "collections.abc"])
def test_the_standard_library_is_known(name: str) -> None:
    assert packages.home_of_name(name).kind == "stdlib"


INSTALLED = [
    (module, package)
    for module, package in (
        ("numpy.linalg", "numpy"),
        ("sklearn", "scikit_learn"),
        ("PIL.Image", "pillow"),
        ("dateutil.parser", "python_dateutil"),
        ("attr", "attrs"),
    )
    if importlib.util.find_spec(module.partition(".")[0])
]


@pytest.mark.parametrize(("module", "package"), INSTALLED)
def test_an_installed_package_has_the_version_of_its_distribution(module: str, package: str) -> None:
    home = packages.home_of_name(module)

    assert home.kind == "package"
    assert home.package.lower().replace("-", "_") == package
    assert home.version == importlib.metadata.version(package)


def test_asking_for_a_name_does_not_import_it() -> None:
    sys.modules.pop("colorsys", None)

    packages.home_of_name("colorsys")

    assert "colorsys" not in sys.modules


def test_imported_or_not_a_package_is_the_same() -> None:
    import numpy

    assert packages.home_of_module(numpy) == packages.home_of_name("numpy") == packages.home_of_name("numpy.not_there")


def test_modules_of_the_user_are_local(tmp_path: Path) -> None:
    assert packages.home_of_module(module_at(write(tmp_path / "mine.py"), "mine")) == packages.LOCAL
    assert packages.home_of_module(types.ModuleType("made_here")) == packages.LOCAL
    assert packages.home_of_name("__main__") == packages.LOCAL
    assert packages.home_of_name("no_such_module_anywhere") == packages.LOCAL


def test_a_module_of_the_user_may_be_called_like_one_of_the_standard_library(tmp_path: Path) -> None:
    assert packages.home_of_module(module_at(write(tmp_path / "calendar.py"), "calendar")) == packages.LOCAL


def test_an_editable_install_is_local(tmp_path: Path) -> None:
    path = write(tmp_path / "src" / "mine" / "__init__.py")
    write(tmp_path / "src" / "mine.egg-info" / "PKG-INFO", "Name: mine\nVersion: 1")

    assert packages.home_of_module(module_at(path, "mine")) == packages.LOCAL


def test_what_metadata_beside_it_lists_is_installed(tmp_path: Path) -> None:
    path = write(tmp_path / "target" / "theirs" / "__init__.py")
    write(tmp_path / "target" / "theirs-1.2.dist-info" / "RECORD", "theirs/__init__.py,,\n")

    assert packages.home_of_module(module_at(path, "theirs")) == packages.Home("package", "theirs", "1.2")


def test_parts_of_a_namespace_package_belong_to_their_own_distributions(tmp_path: Path) -> None:
    root = tmp_path / "site-packages"
    for part in ("one", "two"):
        write(root / "space" / part / "__init__.py")
        write(root / f"space_{part}-{part}.dist-info" / "RECORD", f"space/{part}/__init__.py,,\n")

    one = packages.home_of_module(module_at(root / "space" / "one" / "__init__.py", "space.one"))
    two = packages.home_of_module(module_at(root / "space" / "two" / "__init__.py", "space.two"))

    assert (one.package, two.package) == ("space_one", "space_two")


def test_an_unlisted_file_among_installed_packages_counts_by_its_time(tmp_path: Path) -> None:
    path = write(tmp_path / "site-packages" / "dropped_in.py", "a")
    before = packages.home_of_module(module_at(path, "dropped_in"))
    packages.forget()
    path.write_text("bb")

    after = packages.home_of_module(module_at(path, "dropped_in"))

    assert before.kind == after.kind == "package"
    assert before != after


def test_we_are_nobodys_dependency() -> None:
    import nbcache.tracking.packages

    assert packages.home_of_module(nbcache.tracking.packages).kind == "ours"
    assert packages.home_of_name("nbcache.anything").kind == "ours"


def test_modules_with_tricks_do_no_harm() -> None:
    class Lazy(types.ModuleType):
        def __getattr__(self, name: str) -> object:
            raise ZeroDivisionError(name)

    assert packages.home_of_module(Lazy("lazy_module")).kind == "local"
    assert packages.home_of_namespace({}).kind == "local"
    assert packages.home_of_name(None).kind == "local"
