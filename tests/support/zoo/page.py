"""Write the page of the zoo: class by class, what holds, and what is refused for which reason.

Run as a script with the page to write; what does not hold is on the page, and makes the exit code 1.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import warnings
from itertools import chain
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from zoo.claimed import CLAIMED, OUT_OF_REACH  # noqa: E402 - found by the line above

HEAD = """# What nbcache does with values of {types} types

Made by `python3 dev.py zoo`. Each type is a line of the tables in `tests/support/zoo/`: how two equal values are made
apart, one that differs in a detail, what changes it in place, and what uses it. *As an argument*: equal content one
key, every difference another, and to use it is no difference. *As a result*: a hit is equal, of the same type, and
independent. *As a global*: to use it is no miss, an edit is one. *After a restart*: all of these in a second process,
with another hash seed and imports in another order. *In cells*: in that process the cell that makes it and the one that
uses it are restored.

`yes`: it holds. `no`: refused, for the reason in the last column; the function runs, and its value is returned.
`own`: two that are made alike differ by themselves, so that only the same object was compared.

| | types |
|---|---|
| all hold | {whole} |
| refused somewhere, with a reason | {refused} |
| something does not hold | {failing} |

The types are those of {packages} packages and of Python itself: {names}.

Kishu, which saves the state of notebooks, lists {claimed} types. Of these {here} are here, and {holding} of them hold
whole; refused somewhere are {partly}. Not here: {absent}.
"""


def main(target: str) -> int:
    """Check all types, the light and the heavy ones in processes of their own, and write the page."""
    rows: list[str] = []
    counts = [0, 0, 0]
    packages: set[str] = set()
    held: dict[str, bool] = {}
    command = [sys.executable, str(Path(__file__).resolve())]
    running = [
        subprocess.Popen(command, env={**os.environ, "NBCACHE_ZOO": wanted}, stdout=subprocess.PIPE, text=True)
        for wanted in ("", "heavy")
    ]
    for process in running:
        more, found, tops, whole_ones = json.loads(process.communicate()[0].splitlines()[-1])
        rows += more
        packages.update(tops)
        held |= whole_ones
        counts = [*map(sum, zip(counts, found, strict=True))]
    whole, refused, failing = counts
    here = {name for name, one in CLAIMED.items() if one in held}
    holding = {name for name in here if held[CLAIMED[name]]}
    absent = {**OUT_OF_REACH, **{name: "not installed" for name in CLAIMED if name not in here}}
    head = HEAD.format(
        types=sum(counts),
        whole=whole,
        refused=refused,
        failing=failing,
        packages=len(packages),
        names=", ".join(sorted(packages)),
        claimed=len(CLAIMED) + len(OUT_OF_REACH),
        here=len(here),
        holding=len(holding),
        partly=", ".join(sorted(here - holding)) or "none",
        absent="; ".join(f"{name} ({why})" for name, why in absent.items()),
    )
    Path(target).write_text(head + "\n".join(rows) + "\n", encoding="utf-8")
    print(f"{target}: {whole} whole, {refused} refused with a reason, {failing} failing")
    return 1 if failing else 0


def part() -> None:
    """Check the types that `NBCACHE_ZOO` asks for, here and in two other processes, and print their rows."""
    warnings.simplefilter("ignore")
    folder = tempfile.mkdtemp()
    os.environ |= {"NBCACHE_DIR": f"{folder}/store", "NBCACHE_KEY_FILE": f"{folder}/keys/key"}
    first, then = sessions(folder)
    os.environ["NBCACHE_DIR"] = f"{folder}/other"

    from zoo.checks import after_restart, as_global, as_key, as_result
    from zoo.everything import families

    rows, whole, refused, failing = [], 0, 0, 0
    tops: set[str] = set()
    whole_ones: dict[str, bool] = {}
    for family in families():
        rows.append(
            f"\n## {family.name}\n\n| type | argument | result | global | restart | cells | |\n|---|---|---|---|---|---|---|"
        )
        for specimen in family.specimens:
            found = [asked(check, specimen) for check in (as_key, as_result, as_global)]
            found.append(asked(lambda one: after_restart(one, first[str(one)], then[str(one)]), specimen))
            failed = [*chain.from_iterable(found)]
            failing += bool(failed)
            reason = bool(specimen.unkeyed or specimen.unstored or specimen.uncelled)
            refused += not failed and reason
            whole += not failed and not reason
            whole_ones[str(specimen)] = not failed and not reason
            tops.add(str(first[str(specimen)].get("type", "")).partition(".")[0].removeprefix("_"))
            rows.append(row(specimen, found))
    ours = {"", "builtins", "zoo_of", "__main__", *sys.stdlib_module_names}
    packages = [top for top in tops if top not in ours and not top.startswith("zoo_of")]
    print(json.dumps([rows, [whole, refused, failing], packages, whole_ones]), flush=True)
    os._exit(0)  # not all libraries stand each other while a process ends


def asked(check: Any, specimen: Any) -> list[str]:
    """Ask one check; what it raises is a failure too."""
    try:
        return list(check(specimen))
    except Exception as error:
        return [f"{type(error).__name__}: {error}".splitlines()[0]]


def row(specimen: Any, found: list[list[str]]) -> str:
    """Lay out the line of one type."""
    held = "own" if specimen.apart else "yes"
    in_cells = "no" if specimen.unkeyed or specimen.unstored or specimen.uncelled else "yes"
    expected = ["no" if specimen.unkeyed else held, "no" if specimen.unstored else "yes", "yes", held, in_cells]
    words = ["**fails**" if failed else word for failed, word in zip([*found, found[-1]], expected, strict=True)]
    known = (specimen.unkeyed, specimen.unstored, specimen.uncelled, specimen.apart)
    reasons = [*dict.fromkeys(filter(None, known)), *chain.from_iterable(found)]
    return f"| {' | '.join([specimen.name, *words, '; '.join(reasons)])} |"


def sessions(folder: str) -> list[dict[str, Any]]:
    """What two processes report, one after the other."""
    found = []
    for seed, phase in ((1, "first"), (77, "restarted")):
        environment = {**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": os.pathsep.join(sys.path[:2])}
        command = [sys.executable, str(Path(__file__).with_name("session.py")), phase]
        done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=True)
        found.append(json.loads(done.stdout.splitlines()[-1]))
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]) if sys.argv[1:] else part())
