"""Several processes on one store: one computes, and what one clears or refreshes reaches the others."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from kernels import Kernel


def test_a_clear_in_one_process_reaches_the_memory_of_another(tmp_path: Path) -> None:
    with Kernel(tmp_path / "store", tmp_path / "key") as one, Kernel(tmp_path / "store", tmp_path / "key") as other:
        one.value("small(1)")
        other.value("small(1)")
        assert other.value("computed.count") == 0

        one.value("small.clear(1)")
        other.value("registry.the_cache().tiers.look()")
        other.value("small(1)")
        assert other.value("computed.count") == 1

        one.value("cache_data.clear()")
        other.value("registry.the_cache().tiers.look()")
        other.value("small(1)")
        assert other.value("computed.count") == 2


def test_a_refresh_in_one_process_reaches_the_memory_of_another(tmp_path: Path) -> None:
    with Kernel(tmp_path / "store", tmp_path / "key") as one, Kernel(tmp_path / "store", tmp_path / "key") as other:
        assert one.value("numbered(5)") == [5, 1]
        assert other.value("numbered(5)") == [5, 1]
        assert one.value("numbered.refresh(5)") == [5, 2]

        other.value("registry.the_cache().tiers.look()")

        assert other.value("numbered(5)") == [5, 2]
        assert other.value("computed.count") == 0


def test_a_thread_looks_for_what_others_cleared_more_often_than_every_second(tmp_path: Path) -> None:
    with Kernel(tmp_path / "store", tmp_path / "key") as kernel:
        kernel.value("small(1)")
        assert kernel.value("registry.the_cache().tiers._watcher.alive()")
        assert kernel.value("__import__('nbcache.engine.tiers').engine.tiers._EVERY") < 1


def test_four_processes_compute_once(tmp_path: Path) -> None:
    with ExitStack() as stack:
        kernels = [Kernel(tmp_path / "store", tmp_path / "key") for _ in range(4)]
        for kernel in kernels:
            stack.enter_context(kernel)
        for kernel in kernels:
            kernel.tell("[int(large(n)[0]) for n in range(20)]")
        answers = [kernel.line() for kernel in kernels]

        assert [answer["value"] for answer in answers] == [list(range(20))] * 4
        assert [answer["warned"] + [answer["raised"]] for answer in answers] == [[""]] * 4
        assert sum(kernel.value("computed.count") for kernel in kernels) == 20


def test_a_waiting_process_goes_on_when_the_computing_one_is_killed(tmp_path: Path) -> None:
    with Kernel(tmp_path / "store", tmp_path / "key") as holder, Kernel(tmp_path / "store", tmp_path / "key") as waiter:
        holder.tell("gated(1)")
        assert holder.line() == "begun"
        waiter.tell("gated(1)")

        holder.process.kill()

        assert waiter.line() == "begun"
        waiter.tell("go on")
        assert waiter.line() == {"value": 2, "raised": "", "warned": []}


def test_a_waiting_process_takes_what_the_computing_one_stored(tmp_path: Path) -> None:
    with Kernel(tmp_path / "store", tmp_path / "key") as holder, Kernel(tmp_path / "store", tmp_path / "key") as waiter:
        holder.tell("gated(1)")
        assert holder.line() == "begun"
        waiter.tell("gated(1)")
        holder.tell("go on")

        assert holder.line()["value"] == 2
        assert waiter.line() == {"value": 2, "raised": "", "warned": []}
        assert waiter.value("computed.count") == 0


def test_what_is_cleared_while_it_is_computed_elsewhere_is_not_stored(tmp_path: Path) -> None:
    with Kernel(tmp_path / "store", tmp_path / "key") as holder, Kernel(tmp_path / "store", tmp_path / "key") as other:
        other.value("small(1)")  # so that there is something to clear
        holder.tell("gated(1)")
        assert holder.line() == "begun"
        other.value("cache_data.clear()")
        holder.tell("go on")

        assert holder.line()["value"] == 2
        assert other.value("gated.is_cached(1)") is False
        assert other.value("files()") == []
