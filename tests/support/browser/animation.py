"""Record the animation of the README: a notebook is run, its kernel restarted, and everything run again.

In `tests/support/`: `python -m browser.animation ../../docs/images`. What is seen is a real JupyterLab in Chromium; the
bar above it, with the stopwatch, is drawn by this script. The first run is shown faster than it was, and says so.
"""

from __future__ import annotations

import argparse
import io
import itertools
import shutil
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import nbformat
from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import BrowserContext, Page, sync_playwright

from browser.jupyter import CHROMIUM_FLAGS, Notebook, Server, open_notebook

CELLS = [
    "%load_ext nbcache\n%cache_cells on --min-time 1s\n\n"
    "import matplotlib.pyplot as plt\n"
    "from sklearn.datasets import load_digits\n"
    "from sklearn.ensemble import ExtraTreesClassifier\n"
    "from sklearn.model_selection import cross_val_predict, cross_val_score",
    "X, y = load_digits(return_X_y=True)\n"
    "for n in (10, 30, 100):\n"
    "    scores = cross_val_score(ExtraTreesClassifier(n, random_state=0), X, y)\n"
    "    print(n, 'trees:', scores.mean().round(3))",
    "guesses = cross_val_predict(ExtraTreesClassifier(600, random_state=0), X, y, cv=10)\nint((guesses != y).sum())",
    "fig, axes = plt.subplots(1, 10, figsize=(8, 1))\n"
    "for ax, i in zip(axes, (guesses != y).nonzero()[0]):\n"
    "    ax.imshow(X[i].reshape(8, 8), cmap='Greys')\n"
    "    ax.set(title=f'{y[i]}, read as {guesses[i]}', xticks=[], yticks=[])\n"
    "    ax.title.set_fontsize(6)",
]
WIDTH, HEIGHT, BAR = 860, 830, 44
FASTER = 4
"""How many times faster than it was the first run is shown."""


class Frame(NamedTuple):
    """One picture of the notebook, what the bar says above it, and when it was taken."""

    picture: bytes
    text: str
    seconds: float
    at: float


def story(notebook: Notebook) -> tuple[list[Frame], list[Frame]]:
    """Run all, restart, run all: the frames of both runs."""
    runs = []
    for text in ("Run all", "Restart the kernel, run all"):
        if runs:
            notebook.restart_kernel()
            notebook.page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
        notebook.page.evaluate("() => window.jupyterapp.commands.execute('notebook:move-cursor-up')")
        runs.append(recorded(notebook.page, text))
    return runs[0], runs[1]


def recorded(page: Page, text: str) -> list[Frame]:
    """Run all cells, and take pictures until the last one is done."""
    area = page.locator(".jp-Notebook:visible")
    frames: list[Frame] = []
    page.evaluate(
        "() => { window.ended = false;"
        " window.jupyterapp.commands.execute('notebook:run-all-cells').then(() => { window.ended = true; }); }"
    )
    start = time.monotonic()
    ended = False
    while not ended:
        ended = page.evaluate("() => window.ended")
        now = time.monotonic() - start
        picture = area.screenshot(animations="disabled", caret="hide")
        frames.append(Frame(picture, text, now, now))
        page.wait_for_timeout(200)
    page.wait_for_timeout(300)  # the figure is drawn
    frames.append(Frame(area.screenshot(animations="disabled"), text, frames[-1].seconds, frames[-1].at + 0.3))
    return frames


def drawn(frame: Frame, speed: int, dark: bool) -> Image.Image:
    """The picture with its bar above."""
    back, ink, quiet = ("#1c1c1c", "#ffffff", "#a0a0a0") if dark else ("#f2f2f2", "#111111", "#606060")
    shown = Image.open(io.BytesIO(frame.picture)).convert("RGB")
    image = Image.new("RGB", (shown.width, shown.height + BAR), back)
    image.paste(shown, (0, BAR))
    pen = ImageDraw.Draw(image)
    large, small = ImageFont.truetype("DejaVuSans.ttf", 19), ImageFont.truetype("DejaVuSans.ttf", 14)
    pen.text((16, 11), frame.text, ink, large)
    if speed > 1:
        pen.text((16 + pen.textlength(frame.text, large) + 12, 15), f"shown {speed} times faster", quiet, small)
    clock = f"{frame.seconds:.1f} s"
    pen.text((image.width - 16 - pen.textlength(clock, large), 11), clock, ink, large)
    return image


def save(first: list[Frame], second: list[Frame], dark: bool, path: Path) -> None:
    """Write the animation, with few colours: it is part of every clone."""
    images, lengths = [], []
    for frames, speed, rest in ((first, FASTER, 1600), (second, 1, 3500)):
        kept = frames[:: max(1, len(frames) // 24)]
        kept = kept if kept[-1] is frames[-1] else [*kept, frames[-1]]
        for frame, following in itertools.pairwise(kept):
            images.append(drawn(frame, speed, dark))
            lengths.append(max(40, int(1000 * (following.at - frame.at) / speed)))
        images.append(drawn(frames[-1], speed, dark))
        lengths.append(rest)
    palette = images[-1].quantize(96, dither=Image.Dither.NONE)
    few = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
    few[0].save(path, save_all=True, append_images=few[1:], duration=lengths, loop=0, optimize=True)
    print(path, f"{path.stat().st_size // 1024} KB, {first[-1].seconds:.1f} s and {second[-1].seconds:.1f} s")


def record(server: Server, context: BrowserContext, folder: Path) -> None:
    """Record the story once in each theme; each starts with an empty cache."""
    for theme in ("light", "dark"):
        with open_notebook(server, context, width=WIDTH, height=HEIGHT) as notebook:
            book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
            if theme == "dark":
                notebook.theme("JupyterLab Dark")
            notebook.page.wait_for_timeout(1000)  # the layout of an earlier page is restored
            notebook.page.evaluate(CLOSE_FILES)
            notebook.page.wait_for_timeout(500)
            for cell in book.cells:
                notebook.page.evaluate(ADD, cell.source)
            notebook.page.evaluate(REMOVE_FIRST)
            first, second = story(notebook)
            save(first, second, theme == "dark", folder / f"restart-{theme}.gif")


_CELLS = """[...window.jupyterapp.shell.widgets('main')]
  .map(widget => [widget, widget.content].find(each => each && each.sessionContext && each.content))
  .find(found => found).content.model.sharedModel"""
ADD = f"source => {{ {_CELLS}.addCell({{ cell_type: 'code', source, metadata: {{}} }}); }}"
CLOSE_FILES = """async () => {
  const commands = window.jupyterapp.commands, area = 'application:toggle-left-area';
  if (commands.isToggled(area)) await commands.execute(area);
}"""
REMOVE_FIRST = f"() => {{ {_CELLS}.deleteCell(0); }}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=Path, help="the folder for the pictures, such as docs/images")
    asked = parser.parse_args()
    asked.images.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp())
    server = Server(folder / "jupyter")
    try:
        server.start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS)
            record(server, browser.new_context(), asked.images)
            browser.close()
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
