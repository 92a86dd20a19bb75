"""Build the documentation site and check it: warnings are errors, links lead somewhere, words are spelled.

python docs/build.py                 build docs/_build/html, with every notebook executed
python docs/build.py --saved         use the outputs that are saved in the notebooks: quicker

Nothing is fetched from a network, and neither does the site: its search runs in the browser.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


class Page(HTMLParser):
    """The names and the references of one page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        self.names |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag in ("img", "script", "source", "link"):
            self.loaded += [given[name] for name in ("src", "srcset", "href") if given.get(name)]


def broken(folder: Path) -> Iterator[str]:
    """What a page refers to and the site does not have; what a page loads from somewhere else."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in folder.rglob("*.html") if "_static" not in path.parts}
    for path, page in pages.items():
        for target in page.links + page.loaded:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                if target in page.loaded and parts.scheme in ("http", "https"):
                    yield f"{path.name} loads {target} from the network"
                continue
            there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            there = there / "index.html" if there.is_dir() else there
            if not there.exists():
                yield f"{path.name} refers to {target}"
            elif parts.fragment and there in pages and unquote(parts.fragment) not in pages[there].names:
                yield f"{path.name} refers to {target}: no such heading"


def misspelt() -> int:
    """Check the spelling of all pages, and of the docstrings that the site shows; how many words are wrong."""
    from codespell_lib import main

    texts = [*ROOT.glob("*.md"), *HERE.glob("*.md"), *(ROOT / "notebooks").glob("*.ipynb"), ROOT / "dev.py"]
    package = [path for path in (ROOT / "nbcache").rglob("*.py")]
    skipped = HERE / "zoo.md"  # names of types and functions
    return int(main("--builtin=clear,rare",
                    "--ignore-words-list=nin,whos", "--ignore-regex=[A-Za-z0-9+/]{100,}",
                    *(str(path) for path in [*texts, *package] if path != skipped)))  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--saved", action="store_true", help="show the saved outputs of the notebooks")
    parser.add_argument("--out", type=Path, default=HERE / "_build", help="the folder to build in (docs/_build)")
    asked = parser.parse_args()

    os.environ["NBCACHE_DOCS_EXECUTE"] = "off" if asked.saved else "force"
    from sphinx.cmd.build import build_main

    site = asked.out / "html"
    options = ["--fail-on-warning", "--keep-going", "--quiet", "-d", str(asked.out / "doctrees")]
    if build_main([*options, str(HERE), str(site)]):
        return 1
    found = sorted(set(broken(site)))
    print(*found, sep="\n", end="\n" if found else "")
    wrong = misspelt()
    if found or wrong:
        return 1
    print(f"The site is in {os.path.relpath(site)}: open index.html in a browser.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
