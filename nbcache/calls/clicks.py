"""Whether a call was made by the click of a button, so that the button is not mistaken for an argument."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import FrameType

_DISPATCH = ("ipywidgets.widgets.widget", "__call__")


def is_click(args: Sequence[object]) -> bool:
    """Tell whether `args` is only the Button whose click is being handled right now.

    `button.on_click(foo.clear)` makes ipywidgets call `foo.clear(button)`. That button is not an argument of
    `foo`. The same button passed by a user's own code outside of a click is an argument like any other.

    Parameters
    ----------
    args : the positional arguments of the call, which had no keyword arguments

    Notes
    -----
    ipywidgets is never imported here: where it is not loaded, nobody can have clicked. The stack is read only
    when the sole argument is a Button, so ordinary calls pay for one length test.
    """
    if len(args) != 1:
        return False
    widgets = sys.modules.get("ipywidgets")
    button_type = getattr(widgets, "Button", None)
    if not isinstance(button_type, type) or not isinstance(args[0], button_type):
        return False
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if _dispatches(frame, args[0]):
            return True
        frame = frame.f_back
    return False


def _dispatches(frame: FrameType, button: object) -> bool:
    """Tell whether `frame` is ipywidgets calling the click handlers of `button`."""
    if (frame.f_globals.get("__name__"), frame.f_code.co_name) != _DISPATCH:
        return False
    passed = frame.f_locals.get("args")
    return isinstance(passed, tuple) and len(passed) == 1 and passed[0] is button
