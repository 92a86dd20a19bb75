"""The house keeps its floors: this file reads the imports, and the shape of every room."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Container, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "nbcache"

# The floors, lowest first: wings, and rooms or wings inside them by their dotted names. A room belongs to the longest
# name that it lies in, and may import from lower floors, and from its own wing.
FLOORS: list[set[str]] = [
    {"system"},
    {"errors"},
    {"advice"},
    {"tracebacks"},
    {"config", "compute"},
    {"hashing"},
    {"entries"},
    {"tracking.code"},
    {"tracking"},
    {"tracking.written"},
    {"stores"},
    {"stores.disk", "stores.remote"},
    {"stores.tiered"},
    {"keys"},
    {"engine"},
    {"registry"},
    {"inspection"},
    {"calls"},
    {"decorator"},
    {"notebook.line", "notebook.display"},
    {"notebook.panel", "notebook.cells.syntax", "notebook.cells.objects"},
    {"notebook.cells.effects"},
    {"notebook.cells"},
    {"notebook.magics"},
    {"notebook"},
    {"__init__"},
    {"__main__"},
]

# The wings that carry the promises know still less than what lies below them.
NARROW: dict[str, set[str]] = {
    "compute": {"system", "errors", "tracebacks"},
    "hashing": {"errors"},
    "entries": {"system", "errors", "advice", "hashing"},
    "tracking": {"system", "errors", "tracebacks", "hashing"},
    "stores": {"system", "errors", "config", "entries"},
    "keys": {"errors", "hashing", "tracking"},
}

FLOOR = {place: floor for floor, places in enumerate(FLOORS) for place in places}

# guest library: the wings or rooms it may enter. A library that is not listed may enter none.
GUESTS: dict[str, set[str]] = {
    "traitlets": {"config", "notebook"},
    "platformdirs": {"config", "entries.keyfile"},
    "xxhash": {"hashing", "tracking", "keys", "entries", "stores"},
    "cloudpickle": {"calls.pickling", "compute.workers", "entries.byvalue"},
    "joblib": {"compute.parallel"},
    "ray": {"compute.parallel"},
    "fsspec": {"stores.remote"},
    "s3fs": {"stores.remote"},
    "redis": {"stores.remote"},
    "cryptography": {"stores.remote"},
    "IPython": {"notebook"},
    "ipywidgets": {"notebook.panel"},
    "anywidget": {"notebook.panel"},
    "comm": {"notebook"},
    "argcomplete": {"__main__"},
    # Met only where a value of theirs is at hand, so they are loaded already.
    "numpy": {"entries.guests", "entries.lossless", "notebook.cells.objects.views"},
    "pandas": {"entries.guests"},
    "polars": {"entries.guests"},
    "torch": {"entries.tensors"},
    "PIL": {"entries.lossless"},
    "rdkit": {"entries.lossless"},
    "pyarrow": {"entries.guests", "hashing.arrow"},
}
ALWAYS_THERE = {"traitlets", "platformdirs", "xxhash", "IPython"}

UNPICKLERS = {"pickle", "_pickle", "cloudpickle", "marshal", "shelve", "dill", "copyreg"}
VAGUE_NAMES = re.compile(r"(^|_)(utils?|helpers?|common|misc|tools?|stuff|manager|handler)($|_)", re.IGNORECASE)
VAGUE_CLASSES = re.compile(r"(Manager|Handler|Helper|Base|Mixin|Util|Utils)$")
LATER_MARKS = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "X" * 3 + r"\b", "HA" + "CK")))
ONE_MACHINE = re.compile(r"(?<![\w.~$}])/(?:work|root|home/\w+|Users/\w+|opt/\w+)/")


class Import(NamedTuple):
    room: str  # "stores.disk"
    target: str  # "nbcache.entries.entry" or "numpy"
    name: str  # the name taken from the target, or ""
    line: int
    when: str  # "start": when the room is loaded; "later": within a function; "types": for type checkers only

    def __str__(self) -> str:
        return f"nbcache/{self.room.replace('.', '/')}.py:{self.line} imports {self.target} {self.name}".rstrip()


@cache
def rooms() -> dict[str, Path]:
    """Every file of the package by its dotted room; a wing's `__init__` is called by the wing's name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imports() -> tuple[Import, ...]:
    """Every import of the package, function-level and type-checking ones included."""
    return tuple(found for room, path in rooms().items() for found in _imports_of(room, path))


def _imports_of(room: str, path: Path) -> Iterator[Import]:
    package = ["nbcache", *path.relative_to(PACKAGE).parts[:-1]]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    when = dict(_when(tree))
    for node in ast.walk(tree):
        here = (node.lineno, when[id(node)]) if isinstance(node, ast.Import | ast.ImportFrom) else (0, "")
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(room, alias.name, "", *here)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                # `from . import disk` names a room, `from .disk import DiskStore` a thing in it.
                if ".".join([*module.split(".")[1:], alias.name]) in rooms():
                    yield Import(room, f"{module}.{alias.name}", "", *here)
                else:
                    yield Import(room, module, alias.name, *here)


def _when(tree: ast.AST, here: str = "start") -> Iterator[tuple[int, str]]:
    """When each node of a module is met."""
    for node in ast.iter_child_nodes(tree):
        there = here
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            there = "types"
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and here == "start":
            there = "later"
        yield id(node), there
        yield from _when(node, there)


def wing(room: str) -> str:
    return room.split(".")[0]


def room_of(target: str) -> str:
    return target.removeprefix("nbcache.") if target != "nbcache" else "__init__"


def inside(room: str, places: Container[str]) -> str:
    """The longest of the places that a room is or lies in; empty when there is none."""
    parts = room.split(".")
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((name for name in names if name in places), "")


def own(found: Import) -> bool:
    return found.target.split(".")[0] == "nbcache"


def test_every_wing_and_room_has_a_floor() -> None:
    assert [room for room in rooms() if not inside(room, FLOOR)] == []


def test_every_floor_holds_something() -> None:
    assert [place for place in FLOOR if not any(inside(room, {place}) for room in rooms())] == []


def test_no_file_lies_deeper_than_three_folders_in_the_package() -> None:
    deep = [path for path in PACKAGE.rglob("*.*") if len(path.relative_to(PACKAGE).parts) > 4]
    assert [path for path in deep if "__pycache__" not in path.parts] == []


def test_no_folder_holds_many_more_than_twenty_rooms() -> None:
    counts = Counter(path.parent.relative_to(ROOT) for path in rooms().values() if path.stem != "__init__")
    assert {str(folder): count for folder, count in counts.items() if count > 22} == {}


def test_the_map_of_the_house_shows_every_room_in_the_order_of_its_floor() -> None:
    rows = re.findall(r"^\| (`.*?) \|", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.MULTILINE)
    shown = [name.replace("/", ".") for row in rows for name in re.findall(r"`([\w/]+?)/?`", row)]

    assert set(shown) == set(FLOOR)
    assert [FLOOR[name] for name in shown] == sorted(FLOOR[name] for name in shown)


def test_imports_point_to_lower_floors_only() -> None:
    wrong = [
        f"{found}: {here} is on floor {FLOOR[here]}, {there} on floor {FLOOR[there]}; imports point down"
        for found in imports()
        if own(found)
        and (there := inside(room_of(found.target), FLOOR)) != (here := inside(found.room, FLOOR))
        and FLOOR[there] >= FLOOR[here]
    ]
    assert not wrong, "\n".join(wrong)


def test_the_wings_that_carry_the_promises_know_little() -> None:
    wrong = [
        f"{found}: {here} may know {', '.join(sorted(NARROW[here]))} only"
        for found in imports()
        if own(found)
        and (here := wing(found.room)) in NARROW
        and (there := wing(room_of(found.target))) != here
        and there not in NARROW[here]
    ]
    assert not wrong, "\n".join(wrong)


def test_no_import_closes_a_circle() -> None:
    graph: dict[str, set[str]] = {room: set() for room in rooms()}
    for found in imports():
        if own(found) and room_of(found.target) != found.room:
            graph[found.room].add(room_of(found.target))
    seen: set[str] = set()

    def visit(room: str, path: tuple[str, ...]) -> None:
        assert room not in path, f"circle: {' -> '.join((*path, room))}"
        if room not in seen:
            for below in graph.get(room, ()):
                visit(below, (*path, room))
            seen.add(room)

    for room in graph:
        visit(room, ())


def test_guest_libraries_stay_in_their_rooms() -> None:
    wrong = []
    for found in imports():
        guest = found.target.split(".")[0]
        if own(found) or guest in sys.stdlib_module_names:
            continue
        if not inside(found.room, GUESTS.get(guest, set())):
            wrong.append(str(found))
    assert not wrong


def test_heavy_guests_are_met_at_their_first_use() -> None:
    wrong = [
        str(found)
        for found in imports()
        if found.when == "start"
        and (guest := found.target.split(".")[0]) in GUESTS
        and guest not in ALWAYS_THERE
        # A class can be made only where its parent is: these rooms are loaded at their first use themselves.
        and not inside(found.room, {"notebook.panel", "entries.byvalue"})
    ]
    assert not wrong


def test_no_store_can_unpickle() -> None:
    wrong = [str(found) for found in imports() if wing(found.room) == "stores" and found.target in UNPICKLERS]
    assert not wrong


def test_no_room_reaches_for_anothers_private_names() -> None:
    wrong = [
        str(found)
        for found in imports()
        if own(found) and found.name.startswith("_") and not found.name.startswith("__")
    ]
    assert not wrong


@pytest.mark.parametrize("statement", ["import nbcache", "from nbcache import cache_data"])
def test_importing_nbcache_loads_no_heavy_guest(statement: str) -> None:
    heavy = ["numpy", "pandas", "ipywidgets", "joblib", "anywidget", "fsspec", "redis", "dask", "IPython"]
    probe = f"{statement}\nimport sys\nprint([name for name in {heavy!r} if name in sys.modules])"

    loaded = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=ROOT)

    assert loaded.stdout.strip() == "[]"


def test_loading_the_extension_loads_no_heavy_guest() -> None:
    heavy = ["numpy", "pandas", "ipywidgets", "joblib", "anywidget", "fsspec", "redis", "dask"]
    probe = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "shell.run_line_magic('load_ext', 'nbcache')\n"
        f"import sys\nprint([name for name in {heavy!r} if name in sys.modules])"
    )

    loaded = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=ROOT)

    assert loaded.stdout.strip() == "[]", loaded.stderr


def test_loading_the_extension_loads_neither_engine_nor_stores() -> None:
    probe = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "shell.run_line_magic('load_ext', 'nbcache')\n"
        "import sys\n"
        "wings = ('nbcache.engine.cache', 'nbcache.stores', 'nbcache.entries', 'nbcache.hashing', 'nbcache.tracking')\n"
        "print([name for name in wings if name in sys.modules])"
    )

    loaded = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=ROOT)

    assert loaded.stdout.strip() == "[]", loaded.stderr


def test_no_room_is_longer_than_400_lines() -> None:
    lengths = {room: len(path.read_text(encoding="utf-8").splitlines()) for room, path in rooms().items()}
    assert {room: length for room, length in lengths.items() if length > 400} == {}


def test_every_room_says_what_it_is_for() -> None:
    silent = [
        room
        for room, path in rooms().items()
        if path.stat().st_size and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_names_of_rooms_and_classes_say_something() -> None:
    vague = [room for room in rooms() if any(VAGUE_NAMES.search(part) for part in room.split("."))]
    for room, path in rooms().items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and VAGUE_CLASSES.search(node.name):
                vague.append(f"{room}.{node.name}")
    assert vague == []


def test_no_error_is_swallowed_without_a_word() -> None:
    silent = []
    for room, path in rooms().items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ExceptHandler) or not isinstance(node.body[0], ast.Pass):
                continue
            caught = ast.unparse(node.type) if node.type else "everything"
            if caught in ("everything", "Exception", "BaseException"):
                silent.append(f"{room}:{node.lineno} swallows {caught}")
    assert silent == []


def committed_texts() -> Iterator[tuple[Path, str]]:
    """The texts of this repository that a person wrote."""
    folders = ("nbcache", "tests", "notebooks", "benchmarks", "jupyter-config", ".ci", "docs")
    suffixes = {".py", ".md", ".toml", ".yaml", ".ipynb", ".js", ".css", ""}
    files = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    files += (path for path in ROOT.glob("*.*") if path.name != ".git")  # a file in a work tree
    for path in sorted(files):
        hidden = {".git", "__pycache__", ".nbcache", ".ipynb_checkpoints"} & set(path.parts)
        if path.is_file() and path.suffix in suffixes and not hidden:
            yield path.relative_to(ROOT), path.read_text(encoding="utf-8")


def test_nothing_is_left_for_later() -> None:
    assert [str(path) for path, text in committed_texts() if LATER_MARKS.search(text)] == []


def test_no_text_names_a_path_of_one_machine() -> None:
    named = [f"{path}: {match.group()}" for path, text in committed_texts() for match in ONE_MACHINE.finditer(text)]
    assert named == []
