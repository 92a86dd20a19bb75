"""What comes back without a name: it sees what the run's own would see, and leaves what is alive as it is."""

from __future__ import annotations

import enum
import sys
from collections.abc import Callable
from typing import Any

import pytest
from cloudpickle import cloudpickle

from nbcache import cache_data
from nbcache.engine.cache import Cache
from nbcache.entries.serialize import dumps, loads

FACTOR = 3


def local_class() -> Any:
    class Scaled:
        def __init__(self, x: int) -> None:
            self.x = x

        def scaled(self) -> int:
            return self.x * FACTOR

    return Scaled


def local_enum() -> Any:
    class Color(enum.Enum):
        RED = 1

        def scaled(self) -> int:
            return self.value * FACTOR

    return Color


@pytest.mark.parametrize("make", [lambda: local_class()(2), lambda: local_enum().RED], ids=["class", "enum"])
def test_a_hit_leaves_a_class_that_is_alive_as_it_is(
    make: Callable[[], Any], cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = make()
    before = dict(vars(type(value)))

    @cache_data(show_spinner=False, track=False)
    def load() -> Any:
        return value

    load()
    found = load()

    assert type(found) is type(value) and all(vars(type(value))[name] is one for name, one in before.items())
    expected = found.scaled() // FACTOR
    monkeypatch.setitem(globals(), "FACTOR", 4)
    assert found.scaled() == value.scaled() == expected * 4


def test_a_function_that_a_hit_returns_sees_the_globals_of_its_module(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    @cache_data(show_spinner=False, track=False)
    def load(x: int) -> Any:
        def scaled(y: int = 1, *, z: int = 1) -> int:
            """Of a closure."""
            return x * y * z * FACTOR

        scaled.unit = "m"  # type: ignore[attr-defined]
        return scaled

    builtins = globals()["__builtins__"]
    load(2)
    found = load(2)

    monkeypatch.setitem(globals(), "FACTOR", 4)
    assert (found(), found(2, z=2)) == (8, 32)
    assert (found.__doc__, found.unit, found.__defaults__, found.__qualname__) == (
        "Of a closure.", "m", (1,), load.__wrapped__(2).__qualname__,
    )  # fmt: skip
    assert found.__globals__ is globals() and globals()["__builtins__"] is builtins


def test_a_function_that_calls_itself_comes_back_as_one(cache: Cache) -> None:
    @cache_data(show_spinner=False, track=False)
    def load() -> Any:
        def down(n: int) -> int:
            return 0 if n == 0 else FACTOR + down(n - 1)

        return down

    load()
    found = load()

    assert found(3) == 9 and found.__closure__[0].cell_contents is found


def test_without_its_module_a_function_sees_what_it_was_sent_with(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = dumps(lambda x: x * FACTOR)
    monkeypatch.setitem(globals(), "FACTOR", 4)

    here = loads(*sent)
    monkeypatch.delitem(sys.modules, __name__)

    assert (here(2), loads(*sent)(2)) == (8, 6)


class Fragile:
    """Something of a class that cannot be loaded for a while."""

    broken = False

    def __reduce__(self) -> Any:
        return fragile, ()


def fragile() -> Fragile:
    if Fragile.broken:
        raise OSError("not now")
    return Fragile()


def test_a_class_that_could_not_be_filled_is_filled_by_the_next_who_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    made = local_class()
    made.part = Fragile()
    sent = dumps(made(2))
    identity = cloudpickle._DYNAMIC_CLASS_TRACKER_BY_CLASS[made]
    monkeypatch.delitem(cloudpickle._DYNAMIC_CLASS_TRACKER_BY_ID, identity)  # as in another process

    monkeypatch.setattr(Fragile, "broken", True)
    with pytest.raises(OSError, match="not now"):
        loads(*sent)
    monkeypatch.setattr(Fragile, "broken", False)

    found = loads(*sent)
    assert type(found) is not made and found.scaled() == 6
    assert type(loads(*sent)) is type(found)


def slotted() -> Any:
    class Slotted:
        __slots__ = ("__hidden", "open")

        def hide(self, value: int) -> int:
            self.__hidden = value
            return self.__hidden

    return Slotted


def test_a_class_of_another_process_has_its_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    made = slotted()
    value = made()
    value.open = 1
    sent = dumps(value)
    monkeypatch.delitem(
        cloudpickle._DYNAMIC_CLASS_TRACKER_BY_ID, cloudpickle._DYNAMIC_CLASS_TRACKER_BY_CLASS[made]
    )  # as in another process

    found = loads(*sent)

    assert type(found) is not made and found.open == 1 and found.hide(2) == 2
    with pytest.raises(AttributeError):
        found.other = 1
