"""Whose is this module: the standard library's, a third party's (and at which version), or the user's.

The user's modules are followed by code, third parties' by the version of their distribution. A module belongs to
a third party when it lies in a site-packages folder, or when metadata installed beside it lists it; editable
installs lie in the user's own folders and are the user's.
"""

from __future__ import annotations

import importlib.machinery
import importlib.metadata
import importlib.util
import os
import re
import site
import sys
import sysconfig
from functools import lru_cache
from types import ModuleType
from typing import Any, Literal, NamedTuple

Kind = Literal["local", "package", "stdlib", "ours"]

_METADATA = ".dist-info"
_OURS = __name__.partition(".")[0]


class Home(NamedTuple):
    """Where a module belongs; `package` and `version` are "" unless `kind` is "package"."""

    kind: Kind
    package: str = ""
    version: str = ""


LOCAL = Home("local")
STDLIB = Home("stdlib")
OURS = Home("ours")

# Distributions that are not called like their module, so that their RECORD is looked at first.
_OTHER_NAMES = {
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "cv2": "opencv_python",
    "dateutil": "python_dateutil",
    "dotenv": "python_dotenv",
    "IPython": "ipython",
    "skimage": "scikit_image",
    "sklearn": "scikit_learn",
    "yaml": "pyyaml",
}

# Modules that exist only for the types that compilers of extension modules make.
_OF_COMPILERS = ("_cython_", "nanobind", "pybind11_")
_NAME = re.compile(r"[^\w.-]")

_homes: dict[tuple[str, str | None], Home] = {}


def home_of_module(module: ModuleType) -> Home:
    """Say whose `module` is, without running any of its code."""
    try:
        names = object.__getattribute__(module, "__dict__")
    except (AttributeError, TypeError):
        return LOCAL
    return _home(names.get("__name__"), names.get("__file__"), names.get("__path__"))


def home_of_namespace(namespace: dict[str, object]) -> Home:
    """Say whose the module is that `namespace` is the `__dict__` of (a function's `__globals__`)."""
    return _home(namespace.get("__name__"), namespace.get("__file__"), namespace.get("__path__"))


def is_local(namespace: dict[str, object]) -> bool:
    """Tell whether the user's module has this namespace; for what is installed, cheaper than to say whose it is."""
    file = namespace.get("__file__")
    if type(file) is str and file.startswith(installed_folders()) and namespace.get("__name__") != "__main__":
        return False
    return home_of_namespace(namespace).kind == "local"


def home_of_name(name: object) -> Home:
    """Say whose the module called `name` is; it need not be imported, and is not imported by this."""
    if type(name) is not str or not name:
        return LOCAL
    module: Any = sys.modules.get(name)
    if issubclass(type(module), ModuleType):
        return home_of_module(module)
    top = name.partition(".")[0]
    if top == _OURS:
        return OURS
    if top == "__main__":
        return LOCAL
    if name.startswith(_OF_COMPILERS):
        return STDLIB
    known: Any = sys.modules.get(top)
    if issubclass(type(known), ModuleType) and known.__dict__.get("__file__"):
        return home_of_module(known)
    try:
        found = importlib.util.find_spec(top)
    except (ImportError, AttributeError, ValueError):
        found = None
    if found is None:
        return STDLIB if top in sys.stdlib_module_names else LOCAL
    return _home(top, found.origin, found.submodule_search_locations)


def is_users(value: object) -> bool:
    """Tell whether a function, class or instance was defined by the user."""
    module = getattr(value, "__module__", None)
    return module is not None and module != "builtins" and home_of_name(module).kind == "local"


def _home(name: object, file: object, folders: object) -> Home:
    if type(name) is not str:
        return LOCAL
    top = name.partition(".")[0]
    if top == _OURS:
        return OURS
    if name == "__main__":
        return LOCAL
    if name.startswith(_OF_COMPILERS):
        return STDLIB
    path = file if type(file) is str and file not in ("built-in", "frozen", "namespace") else None
    if path is None and folders is None and name in sys.modules:  # a namespace made for generated code
        path, folders = _place_of(sys.modules[name])
    key = (name, path)
    known = _homes.get(key)
    if known is None:
        known = _look(top, path, folders)
        if path is None and known is LOCAL and top != name:  # made by its package as it runs, such as torch.ops
            known = home_of_name(top)
        _homes[key] = known
    return known


def _place_of(module: object) -> tuple[str | None, object]:
    try:
        names = object.__getattribute__(module, "__dict__")
    except (AttributeError, TypeError):
        return None, None
    path = names.get("__file__")
    return path if type(path) is str else None, names.get("__path__")


def _look(top: str, path: str | None, folders: object) -> Home:
    if path is None:
        if top in sys.stdlib_module_names or top in sys.builtin_module_names:
            return STDLIB
        try:
            path = next((str(folder) for folder in folders), None)  # type: ignore[attr-defined]
        except TypeError:
            path = None
        if path is None:
            return LOCAL
        path = os.path.join(path, "__init__.py")
    full = os.path.abspath(path)
    root = _site_root(full)
    if root is None:
        if top in sys.stdlib_module_names and full.startswith(_STDLIB_FOLDERS):
            return STDLIB
        root = _root_with_metadata(full, top)
        if root is None:
            return STDLIB if full.startswith(_STDLIB_FOLDERS) else LOCAL
    return _distribution(root, os.path.relpath(full, root).replace(os.sep, "/"), top)


def _folders() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the folders of the standard library, with a trailing separator, and those of installed packages."""
    paths = sysconfig.get_paths()
    standard = {paths["stdlib"], paths["platstdlib"], os.path.dirname(os.__file__)}
    # Pyodide has no user, and begins its paths with two slashes, which `abspath` keeps.
    packages = {paths["purelib"], paths["platlib"], *site.getsitepackages(), site.getusersitepackages() or ""} - {""}
    return (
        tuple([_plain(path) + os.sep for path in standard]),
        tuple(sorted({_plain(path) for path in packages}, key=len, reverse=True)),
    )


def _plain(path: str) -> str:
    full = os.path.abspath(path)
    return full[1:] if full.startswith("//") and os.sep == "/" else full


# Asked here, not at the first call: a quarter of a millisecond is much for that, and nothing for an import.
_STDLIB_FOLDERS, _SITE_FOLDERS = _folders()
_INSTALLED = _STDLIB_FOLDERS + tuple(folder + os.sep for folder in _SITE_FOLDERS)


def installed_folders() -> tuple[str, ...]:
    """Give the folders of the standard library and of installed packages, each with a trailing separator."""
    return _INSTALLED


def standard_folders() -> tuple[str, ...]:
    """Give the folders, or archives, of the standard library, each with a trailing separator."""
    return _STDLIB_FOLDERS


def _site_root(full: str) -> str | None:
    """Find the site-packages folder that `full` lies in."""
    for folder in _SITE_FOLDERS:
        if full.startswith(folder + os.sep):
            return folder
    parts = full.split(os.sep)
    for name in ("site-packages", "dist-packages"):
        if name in parts:
            return os.sep.join(parts[: len(parts) - parts[::-1].index(name)])
    return None


def _root_with_metadata(full: str, top: str) -> str | None:
    """Find the folder above the top-level module, if metadata installed there lists `full`."""
    parts = full.split(os.sep)
    for index in range(len(parts) - 1, 0, -1):
        if parts[index].partition(".")[0] == top:
            root = os.sep.join(parts[:index]) or os.sep
            relative = "/".join(parts[index:])
            return root if any(_lists(root, name, relative) for name in _installed(root)) else None
    return None


@lru_cache(maxsize=64)
def _installed(root: str) -> tuple[str, ...]:
    """List the folders of metadata in a folder of installed packages."""
    try:
        return tuple(sorted([name for name in os.listdir(root) if name.endswith(_METADATA)]))
    except OSError:
        return ()


@lru_cache(maxsize=64)
def _by_project(root: str) -> dict[str, list[str]]:
    """List the folders of metadata by the normalised names of their distributions: a first call asks for several."""
    found: dict[str, list[str]] = {}
    for name in _installed(root):
        found.setdefault(_normalised(_project(name)[0]), []).append(name)
    return found


def _lists(root: str, installed: str, relative: str) -> bool:
    """Tell whether a RECORD names a file; searched as bytes, since parsing 200 of them costs seconds."""
    content = _content(os.path.join(root, installed, "RECORD"))
    wanted = relative.encode()
    return content.startswith(wanted + b",") or b"\n" + wanted + b"," in content


@lru_cache(maxsize=1024)
def _content(record: str) -> bytes:
    try:
        with open(record, "rb") as file:
            return file.read()
    except OSError:
        return b""


@lru_cache(maxsize=4096)
def _distribution(root: str, relative: str, top: str) -> Home:
    """Find the distribution that installed a file, by its own name first, by the RECORDs otherwise."""
    by_project = _by_project(root)
    likely = [name for guess in (top.lower(), _OTHER_NAMES.get(top, "")) for name in by_project.get(guess, ())]
    for name in (*likely, *_installed(root)):
        if _lists(root, name, relative):
            return Home("package", *_project(name))
    return Home("package", top, _unlisted_version(root, top))


def _project(installed: str) -> tuple[str, str]:
    """Split "pandas-2.2.3.dist-info" into name and version."""
    name, _, version = installed.removesuffix(_METADATA).partition("-")
    return name, version


@lru_cache(maxsize=1024)
def requirements_of(package: str) -> tuple[str, ...]:
    """Give the distributions that one needs to be installed with, normalised; those of its extras are not needed."""
    for root in _SITE_FOLDERS:
        for name in _by_project(root).get(package, ()):
            head = _content(os.path.join(root, name, "METADATA")).partition(b"\n\n")[0].decode(errors="replace")
            needed = [line[14:].strip() for line in head.splitlines() if line.startswith("Requires-Dist:")]
            return tuple([_normalised(_NAME.split(one, 1)[0]) for one in needed if "extra ==" not in one])
    return ()


def _normalised(project: str) -> str:
    return (re.sub(r"[-.]+", "_", project) if "-" in project or "." in project else project).lower()


def _unlisted_version(root: str, top: str) -> str:
    """Give a version for a module that no RECORD lists: other metadata, or else the time of its file."""
    try:
        return importlib.metadata.version(top)
    except (importlib.metadata.PackageNotFoundError, ValueError):
        pass
    for name in (os.path.join(top, "__init__.py"), f"{top}.py"):
        try:
            status = os.stat(os.path.join(root, name))
        except OSError:
            continue
        return f"unversioned {status.st_size} {status.st_mtime_ns}"
    return "unversioned"


def forget() -> None:
    """Forget what is installed, so that an upgrade in a live kernel is seen."""
    _homes.clear()
    _installed.cache_clear()
    _by_project.cache_clear()
    _content.cache_clear()
    requirements_of.cache_clear()
    _distribution.cache_clear()
