"""A button of its own for users' layouts: `foo.clear_button(1)`."""

from __future__ import annotations

import time
from collections.abc import Callable

from nbcache.notebook.display import quantities


def clear_button(label: str, clear: Callable[[], int | None], description: str | None = None) -> object:
    """Return a plain `ipywidgets.Button` that clears.

    Parameters
    ----------
    label : what is cleared, as users write it: "load_data(1)", "load_data", "the cache"
    clear : clears; returns the number of entries removed, or None where nobody counts
    description : the text of the button; None means "Clear " and the label

    Notes
    -----
    The button tells its outcome in its icon and its tooltip, since what a click prints or raises is seen nowhere.
    """
    import ipywidgets

    button = ipywidgets.Button(
        description=f"Clear {label}" if description is None else description,
        tooltip=f"Clear {label}",
        layout=ipywidgets.Layout(width="auto"),
    )

    def pressed(pressed_button: ipywidgets.Button) -> None:
        at = time.strftime("%H:%M:%S")
        try:
            removed = clear()
        except Exception as error:
            pressed_button.icon, pressed_button.button_style = "exclamation-triangle", "danger"
            pressed_button.tooltip = f"{label} was not cleared at {at}: {error}"
            return
        pressed_button.icon, pressed_button.button_style = "check", ""
        gone = "" if removed is None else f", {quantities.count(removed, 'entry', 'entries')} gone"
        pressed_button.tooltip = f"Clear {label} (last cleared at {at}{gone})"

    button.on_click(pressed)
    return button
