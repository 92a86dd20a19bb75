"""How the panel looks and is used in a real JupyterLab: keyboard, themes, narrow places, screen readers."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from browser.jupyter import Notebook
from browser.panel_page import CALLS, MANY, SETUP, PanelPage
from PIL import Image
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

Lab = Callable[..., Notebook]
Axe = Callable[[Page, str], list[str]]
Colour = tuple[int, int, int]
VIEWS = {True: "nbc-table", False: "nbcache-pool"}


def opened(lab: Lab, anywidget: bool, **size: int) -> PanelPage:
    """A panel with entries in sight, and hits to show."""
    notebook = lab(anywidget=anywidget, **size)
    notebook.run(SETUP)
    notebook.run(CALLS)
    notebook.run("load_data(1); load_data(1); train(3)")
    notebook.run("cache_data.panel()")
    panel = PanelPage(notebook, VIEWS[anywidget])
    panel.root.locator(".nbc-toggle").or_(panel.root.get_by_title("Show the entries of load_data")).first.click()
    expect(panel.root.get_by_text("10, mode='full'")).to_be_visible()
    return panel


def test_everything_is_reached_by_keyboard(notebook: Notebook, panel: PanelPage) -> None:
    press = notebook.page.keyboard.press
    panel.root.get_by_label("Search").focus()
    for _ in range(1 + 8 + 1):
        press("Tab")
    expect(panel.root.locator(".nbc-toggle").first).to_be_focused()

    press("ArrowRight")
    expect(panel.row("load_data(1)")).to_be_visible()
    press("ArrowDown")
    expect(panel.button("Clear load_data(1)")).to_be_focused()
    press("ArrowDown")
    press("Enter")

    panel.says("Cleared load_data(2) (1 entry).")
    expect(panel.button("Clear load_data(10, mode='full')")).to_be_focused()
    press("ArrowLeft")
    expect(panel.root.locator(".nbc-toggle").first).to_be_focused()
    press("ArrowLeft")
    expect(panel.row("load_data(1)")).to_have_count(0)

    panel.button("Clear all…").press("Enter")
    expect(panel.root.get_by_text("Cancel", exact=True)).to_be_focused()
    press("Escape")
    expect(panel.button("Clear all…")).to_be_focused()
    press("Enter")
    press("Shift+Tab")
    press("Enter")
    panel.says("Cleared the cache (3 entries).")
    press("Control+z")
    panel.says("Restored the cache (3 entries).")


@pytest.mark.parametrize("anywidget", [True, False])
def test_d_d_on_a_focused_control_deletes_no_cell(lab: Lab, anywidget: bool) -> None:
    panel = opened(lab, anywidget)
    notebook = panel.notebook
    cells = notebook.cells()
    controls = panel.root.locator("button:visible")
    assert controls.count() >= 8 + 1 + 2 * 2 + 3, "titles, Clear all, functions, entries"

    for place in range(controls.count()):
        control = controls.nth(place)
        if control.is_enabled():
            control.focus()
            notebook.page.keyboard.press("d")
            notebook.page.keyboard.press("d")
    panel.root.get_by_label("Search").focus()
    notebook.page.keyboard.type("dd")
    notebook.run("1")

    assert notebook.cells() == cells + 1


@pytest.mark.parametrize("anywidget", [True, False])
def test_every_control_tells_a_screen_reader_its_name(lab: Lab, anywidget: bool) -> None:
    panel = opened(lab, anywidget)
    if not anywidget:
        # Its buttons are named by ipywidgets as soon as they get the focus; before that, by text and title.
        expect(panel.root.get_by_title("Clear load_data(1)", exact=True)).to_be_visible()

    said = panel.root.aria_snapshot()

    nameless = [line.strip() for line in said.splitlines() if re.match(r"\s*- (button|textbox|searchbox)(?! \")", line)]
    assert nameless == []
    if anywidget:
        assert 'button "Clear load_data(1)"' in said
        assert 'searchbox "Search functions' in said
        assert 'treegrid "Cached functions"' in said


@pytest.mark.parametrize("anywidget", [True, False])
def test_light_and_dark_follow_the_theme_in_every_pixel(lab: Lab, pictures: Path, anywidget: bool) -> None:
    panel = opened(lab, anywidget, width=1400)
    notebook = panel.notebook
    notebook.page.evaluate("() => document.activeElement.blur()")
    light = _photograph(panel, pictures / f"compared-{VIEWS[anywidget]}-light.png")
    paper = _of_theme(panel)
    notebook.theme("JupyterLab Dark")
    dark = _photograph(panel, pictures / f"compared-{VIEWS[anywidget]}-dark.png")
    night = _of_theme(panel)

    assert light.size == dark.size, "the theme changes colours, not places"
    assert _luminance(paper) > 0.85
    assert _luminance(night) < 0.05
    for picture, ground in ((light, paper), (dark, night)):
        assert _ground(picture) == ground
        assert _strongest_contrast(picture, ground) >= 7
    same = sum(a == b for a, b in zip(_pixels(light), _pixels(dark), strict=True))
    assert same / (light.width * light.height) < 0.02, "something keeps its colour whatever the theme"

    notebook.theme("JupyterLab Light")
    assert _ground(_photograph(panel, pictures / "compared-again.png")) == paper


@pytest.mark.parametrize("anywidget", [True, False])
@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_both_themes_have_no_serious_finding(lab: Lab, axe: Axe, pictures: Path, theme: str, anywidget: bool) -> None:
    panel = opened(lab, anywidget, height=760)
    notebook = panel.notebook
    notebook.theme(theme)
    notebook.page.mouse.move(0, 0)

    name = f"panel-{'table' if anywidget else 'pool'}-{theme.split()[-1].lower()}"
    notebook.page.screenshot(path=pictures / f"{name}.png")

    assert axe(notebook.page, ".nbcache-panel") == []
    assert not anywidget or notebook.errors == []


@pytest.mark.parametrize(("anywidget", "width"), [(True, 320), (True, 420), (True, 540), (False, 320), (False, 420)])
def test_a_narrow_panel_needs_no_sideways_scrolling(
    lab: Lab, axe: Axe, pictures: Path, anywidget: bool, width: int
) -> None:
    panel = opened(lab, anywidget)
    notebook = panel.notebook
    notebook.page.evaluate("() => window.jupyterapp.commands.execute('filebrowser:toggle-main')")
    # A window of 1280 points at 400 % is 320 points wide, and JupyterLab itself takes a third of them; at 420 the
    # panel has 300, as in a sidebar.
    notebook.page.set_viewport_size({"width": width, "height": 800})
    panel.root.scroll_into_view_if_needed()

    notebook.page.screenshot(path=pictures / f"panel-{'table' if anywidget else 'pool'}-{width}.png")

    cards = panel.root.locator(".nbc-body .nbc-cells").evaluate_all(
        "cards => cards.map(card => card.getBoundingClientRect()).map(box => [box.top, box.bottom])"
    )
    assert all(above[1] <= below[0] + 1 for above, below in pairwise(cards)), "cards overlap"
    overflow = panel.root.evaluate("root => root.scrollWidth - root.clientWidth")
    assert overflow <= 1
    grid = panel.root.locator(".nbc-grid")
    assert not anywidget or grid.evaluate("grid => grid.scrollWidth - grid.clientWidth") <= 1
    clear = panel.root.get_by_title("Clear load_data(1)", exact=True).or_(panel.button("Clear load_data(1)")).first
    clear.scroll_into_view_if_needed()
    box = clear.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert axe(notebook.page, ".nbcache-panel") == []


@pytest.mark.parametrize("anywidget", [True, False])
def test_nothing_is_said_by_colour_alone(lab: Lab, anywidget: bool) -> None:
    notebook = lab(anywidget=anywidget)
    notebook.run(MANY.replace("10_000", "3"))
    notebook.run("show(source)")
    panel = PanelPage(notebook, VIEWS[anywidget])
    notebook.run("source.failure = PermissionError('the folder is read-only')")
    panel.root.get_by_title("Clear function_3").or_(panel.button("Clear function_3")).first.click()

    alert = panel.root.get_by_role("alert").filter(has_text="read-only")
    expect(alert).to_have_text("⚠ Error: Could not clear function_3: the folder is read-only")
    chips = panel.root.locator(".nbc-chip")
    assert set(chips.all_inner_texts()) == {"memory, disk"}
    expect(panel.root.locator("button", has_text="Function or arguments ▲")).to_be_visible()


def _photograph(panel: PanelPage, path: Path) -> Image.Image:
    panel.page.mouse.move(0, 0)
    content = panel.root.screenshot(path=path, animations="disabled")
    return Image.open(io.BytesIO(content)).convert("RGB")


def _of_theme(panel: PanelPage) -> Colour:
    """The background that the theme names for the content of a page."""
    said = panel.root.evaluate("""root => {
      const probe = root.appendChild(document.createElement('i'));
      probe.style.backgroundColor = 'var(--jp-layout-color0)';
      const colour = getComputedStyle(probe).backgroundColor;
      probe.remove();
      return colour;
    }""")
    red, green, blue = map(int, re.findall(r"\d+", said))
    return red, green, blue


def _pixels(picture: Image.Image) -> Iterator[Colour]:
    parts = iter(picture.tobytes())
    return zip(parts, parts, parts, strict=True)


def _ground(picture: Image.Image) -> Colour:
    """The colour of most pixels."""
    return Counter(_pixels(picture)).most_common(1)[0][0]


def _luminance(colour: Colour) -> float:
    """How bright a colour is, from 0 to 1, as the guidelines for accessible pages count it."""
    red, green, blue = (
        part / 255 / 12.92 if part / 255 <= 0.04045 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _strongest_contrast(picture: Image.Image, ground: Colour) -> float:
    """The contrast of the text: of the colour that stands out most, among those that are there often."""
    often = [colour for colour, count in Counter(_pixels(picture)).items() if count >= 100]
    return max(_contrast(colour, ground) for colour in often)


def _contrast(one: Colour, other: Colour) -> float:
    dark, bright = sorted((_luminance(one), _luminance(other)))
    return (bright + 0.05) / (dark + 0.05)
