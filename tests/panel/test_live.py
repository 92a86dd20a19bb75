"""Live numbers: few looks, none while nobody watches, and rarer ones when nobody answers."""

from __future__ import annotations

import threading

from clock import Clock

from nbcache.notebook.panel.live import Live


def test_nothing_looks_before_somebody_watches() -> None:
    looks: list[int] = []
    live = Live(lambda: bool(looks.append(1)), interval=0.001)

    assert not live.watched
    assert looks == []


def test_a_watched_panel_looks_until_it_rests() -> None:
    looked = threading.Event()
    threads: set[int] = set()

    def look() -> bool:
        threads.add(threading.get_ident())
        looked.set()
        return False

    live = Live(look, interval=0.001)
    live.watch()

    assert looked.wait(5)
    assert threads != {threading.get_ident()}
    live.rest()
    assert not live.watched


def test_watching_twice_starts_one_thread() -> None:
    threads: list[int] = []
    enough = threading.Event()

    def look() -> bool:
        threads.append(threading.get_ident())
        if len(threads) > 20:
            enough.set()
        return False

    live = Live(look, interval=0.001)
    live.watch()
    live.watch()

    assert enough.wait(5)
    assert len(set(threads)) == 1
    live.rest()


def test_it_can_be_watched_again_after_a_rest() -> None:
    looked = threading.Event()
    live = Live(lambda: bool(looked.set()), interval=0.001)
    live.watch()
    assert looked.wait(5)
    live.rest()
    looked.clear()

    live.watch()

    assert looked.wait(5)
    live.rest()


def test_looks_come_twice_a_second() -> None:
    clock = Clock(0.0)

    assert Live(lambda: True, clock=clock).step() == 0.5


def test_a_slow_look_is_taken_rarely() -> None:
    clock = Clock(0.0)

    def slow() -> bool:
        clock.now += 0.8
        return True

    assert Live(slow, clock=clock).step() == 8.0


def test_a_silent_front_end_is_told_less_and_less() -> None:
    live = Live(lambda: True, clock=Clock(0.0))

    waits = [live.step() for _ in range(40)]

    assert waits[:20] == [0.5] * 20
    assert waits[25] > 10
    assert waits[-1] == 30.0


def test_an_answer_brings_the_pace_back() -> None:
    live = Live(lambda: True, clock=Clock(0.0))
    for _ in range(40):
        live.step()

    live.answered()

    assert live.step() == 0.5


def test_looking_without_changes_needs_no_answer() -> None:
    live = Live(lambda: False, clock=Clock(0.0))

    assert {live.step() for _ in range(100)} == {0.5}
