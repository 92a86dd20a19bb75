"""Write the table of settings into docs/settings.md, from the settings themselves.

python docs/settings_table.py            rewrite the page
"""

from __future__ import annotations

import os
from pathlib import Path
from unittest.mock import patch

from nbcache.config import NBCache

PAGE = Path(__file__).with_name("settings.md")
START = "<!-- settings: written by `python3 dev.py docs`, from nbcache/config.py -->"
END = "<!-- end of settings -->"


def table() -> str:
    """One row per setting: its name, its variable, its default and its help text."""
    rows = ["| setting, and variable of the environment | default | meaning |", "|---|---|---|"]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("NBCACHE_")}
    with patch.dict(os.environ, plain, clear=True):
        defaults = {name: getattr(NBCache(), name) for name in NBCache.class_own_traits(config=True)}
    for name, trait in NBCache.class_own_traits(config=True).items():
        value = defaults[name]
        default = "none" if value == "" else f"`{value}`"
        rows.append(f"| `{name}` `NBCACHE_{name.upper()}` | {default} | {trait.help.replace('|', chr(92) + '|')} |")
    return "\n".join(rows)


def filled(text: str) -> str:
    """The text of the page with the table of today in it."""
    before, _, rest = text.partition(START)
    return f"{before}{START}\n\n{table()}\n\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
