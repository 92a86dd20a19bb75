"""Set up nbcache from a fresh clone, with Python and pip only.

python3 dev.py tour              open the tour notebook in JupyterLab
python3 dev.py tour --headless   run it here instead, and print what it shows
python3 dev.py test              run all tests, on up to four processors; what follows goes to pytest instead: -x -k ttl
python3 dev.py lint              ruff and mypy
python3 dev.py docs              build the documentation site and check it; it lands in docs/_build/html
python3 dev.py notebooks         run the notebooks with an empty cache, and save their outputs
python3 dev.py pictures          take the pictures and the animation of the README again, in Chromium
python3 dev.py zoo               try values of many libraries, and write what holds to docs/zoo.md
python3 dev.py check-notebook X.ipynb   run a notebook with and without nbcache, and compare

The environment is the folder .venv, made at the first use and brought up to date when pyproject.toml changed.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
OLDEST = (3, 11)
TOUR = HERE / "notebooks" / "01_tour.ipynb"
# What each command installs; those with "test" install less with --light.
COMMANDS = {
    "tour": "tour",
    "test": "test",
    "lint": "lint",
    "docs": "docs",
    "notebooks": "tour",
    "pictures": "test",
    "zoo": "test-light,zoo",
    "check-notebook": "test",
}


def main(arguments):
    """Do what the command line says; the exit code is that of the tool that ran."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", help="the Python to build the environment on")
    parser.add_argument("--venv", type=Path, help="where the environment is (.venv, or .venv-NAME with --python)")
    parser.add_argument("--light", action="store_true", help="test: install nothing for browsers and servers")
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="handed to the tool")
    options = parser.parse_args(arguments)

    base = options.python or supported_python()
    extras = COMMANDS[options.command]
    if options.light and extras == "test":
        extras = "test-light"
    if options.command == "test" and os.environ.get("NBCACHE_TEST_EXTRAS"):
        extras += "," + os.environ["NBCACHE_TEST_EXTRAS"]
    folder = options.venv or HERE / (f".venv-{Path(options.python).name}" if options.python else ".venv")
    python = environment(folder.absolute(), base, extras)

    if options.command == "test":
        return run(python, "-m", "pytest", *(options.rest or side_by_side()))
    if options.command == "check-notebook":
        os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE), str(HERE / "tests" / "support")])
        return run(python, "-m", "differential", *options.rest)
    if options.command == "zoo":
        os.environ["NBCACHE_ZOO"] = "1"
        if options.rest:
            return run(python, "-m", "pytest", "tests/zoo", *options.rest)
        return run(python, "tests/support/zoo/page.py", "docs/zoo.md")
    if options.command == "docs":
        return run(python, "docs/settings_table.py") or run(python, "docs/build.py", *options.rest)
    if options.command == "pictures":
        os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE), str(HERE / "tests" / "support")])
        images = HERE / "docs" / "images"
        scripts = ("browser.panel_pictures", "browser.animation")
        return max(run(python, "-m", script, images) for script in scripts)
    if options.command == "lint":
        return run(python, "-m", "ruff", "check", *options.rest) or run(python, "-m", "mypy")
    if options.command == "notebooks":
        return run(python, "tests/support/save_notebooks.py", *options.rest)
    if "--headless" in options.rest:
        return run(python, "tests/support/printed_notebook.py", TOUR)
    return run(python, "-m", "jupyterlab", TOUR, *as_root(), *options.rest)


def side_by_side():
    """What pytest is told to share its files among processors, in their order: the browser's tests come last."""
    return ["-n", str(min(os.cpu_count() or 1, 4)), "--dist", "loadfile", "--no-loadscope-reorder"]


def as_root():
    """What Jupyter wants to be told where root runs it, as in most containers; it listens on this machine only."""
    return ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []


def supported_python():
    """This Python, or a newer one on PATH when this one is too old."""
    if sys.version_info >= OLDEST:
        return sys.executable
    for minor in range(20, OLDEST[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found:
            return found
    wanted = ".".join(map(str, OLDEST))
    sys.exit(f"nbcache needs Python {wanted} or newer; this is {sys.version.split()[0]}. Name one with --python.")


def environment(folder, base, extras):
    """Make the environment, or bring it up to date; return its Python."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    # What is installed depends on these only: the package itself is installed as a link to this folder.
    wanted = hashlib.sha256((HERE / "pyproject.toml").read_bytes() + f"{base} {HERE}".encode()).hexdigest()
    stamp = folder / f"installed-{extras.replace(',', '-')}.txt"
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return python
    print(f"Setting up {folder} with nbcache[{extras}]; the first time takes some minutes.", flush=True)
    if not python.exists():
        make(folder, base)
    install = [python, "-m", "pip", "install", "--disable-pip-version-check"]
    if os.environ.get("CI"):
        # A person sees that something happens; a log needs only what failed. What is imported is compiled then.
        install += ["--quiet", "--no-compile"]
    if run(*install, "--editable", f"{HERE}[{extras}]"):
        sys.exit("The installation failed; pip's message above says why.")
    stamp.write_text(wanted)
    return python


def make(folder, base):
    """Make an empty environment with pip in it."""
    has_ensurepip = subprocess.run([base, "-c", "import ensurepip"], stderr=subprocess.DEVNULL).returncode == 0
    if has_ensurepip:
        if run(base, "-m", "venv", folder):
            sys.exit(f"{base} could not make an environment in {folder}; its message above says why.")
        return
    # Debian keeps ensurepip in a package of its own; the pip outside can install the one inside.
    bare = run(base, "-m", "venv", "--without-pip", folder)
    if bare or run(base, "-m", "pip", "--python", folder / "bin" / "python", "install", "--quiet", "pip"):
        shutil.rmtree(folder, ignore_errors=True)
        sys.exit(
            f"{base} cannot make an environment: it lacks ensurepip, and has no pip that could stand in.\n"
            "On Debian and Ubuntu: sudo apt install python3-venv. Then run this command again."
        )


def run(*command):
    """Run a command in this folder, its output as it comes; return its exit code."""
    process = subprocess.Popen([str(part) for part in command], cwd=HERE)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            pass  # the tool got it as well, and decides: JupyterLab asks before it stops


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
