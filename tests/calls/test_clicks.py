"""A button is no argument of the call that its own click makes, and an argument like any other elsewhere."""

from __future__ import annotations

import subprocess
import sys

import ipywidgets

from nbcache.calls.clicks import is_click


class Recorder:
    """Stands for a cached function: its `clear` notes whether the call came from a click."""

    def __init__(self) -> None:
        self.clicks: list[bool] = []

    def clear(self, *args: object) -> None:
        self.clicks.append(is_click(args))


def test_clear_given_to_on_click_is_a_click() -> None:
    foo, button = Recorder(), ipywidgets.Button()
    button.on_click(foo.clear)

    button.click()

    assert foo.clicks == [True]


def test_a_click_from_the_browser_is_a_click() -> None:
    foo, button = Recorder(), ipywidgets.Button()
    button.on_click(foo.clear)

    button._handle_button_msg(button, {"event": "click"}, [])

    assert foo.clicks == [True]


def test_a_wrapped_clear_is_a_click_of_the_same_button() -> None:
    foo, button = Recorder(), ipywidgets.Button()
    button.on_click(lambda pressed: foo.clear(pressed))

    button.click()

    assert foo.clicks == [True]


def test_a_button_passed_by_hand_is_an_argument() -> None:
    foo, button = Recorder(), ipywidgets.Button()
    button.on_click(foo.clear)

    foo.clear(button)

    assert foo.clicks == [False]


def test_another_button_passed_during_a_click_is_an_argument() -> None:
    foo, pressed, other = Recorder(), ipywidgets.Button(), ipywidgets.Button()
    pressed.on_click(lambda _: foo.clear(other))

    pressed.click()

    assert foo.clicks == [False]


def test_a_button_beside_other_arguments_is_an_argument() -> None:
    foo, button = Recorder(), ipywidgets.Button()
    button.on_click(lambda pressed: foo.clear(pressed, 1))

    button.click()

    assert foo.clicks == [False]


def test_no_button_is_no_click() -> None:
    assert not is_click(())
    assert not is_click((1,))


def test_asking_does_not_import_ipywidgets() -> None:
    probe = "import sys; from nbcache.calls.clicks import is_click; is_click((1,)); print('ipywidgets' in sys.modules)"

    printed = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)

    assert printed.stdout.strip() == "False"
