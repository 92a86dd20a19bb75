"""Results on their way to a shared store: sent in the background, kept while it is away, drained at the end."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from disk_stores import Shop
from store_contract import LastingContract, StoreContract, address_of, entry_of

from nbcache import NBCache, cache_data, registry
from nbcache.entries.signing import Keyring
from nbcache.stores.names import entry_name
from nbcache.stores.remote import outbox as room
from nbcache.stores.remote.folder import FolderBucket
from nbcache.stores.remote.outbox import Outbox
from nbcache.stores.remote.store import RemoteStore, open_remote


class TestBehindAnOutbox(StoreContract, LastingContract):
    """The promises of every store, for whoever looks once all was sent."""

    @pytest.fixture
    def made(self) -> Iterator[list[Outbox]]:
        stores: list[Outbox] = []
        yield stores
        for store in stores:
            store.close()

    @pytest.fixture
    def reopened(self, shop: Shop, tmp_path: Path, made: list[Outbox]) -> Callable[[], Outbox]:
        def again() -> Outbox:
            for store in made:
                store.close()
            url = f"file://{tmp_path}/shared"
            made.append(Outbox(open_remote(url, shop.keyring, clock=shop.clock, warn=shop.said.append)))
            return made[-1]

        return again

    @pytest.fixture
    def stranger(self, shop: Shop, tmp_path: Path) -> RemoteStore:
        return open_remote(f"file://{tmp_path}/shared", Keyring.ephemeral(), clock=shop.clock, warn=shop.said.append)

    @pytest.fixture
    def store(self, reopened: Callable[[], Outbox]) -> Outbox:
        return reopened()

    def settle(self, store: Any) -> None:
        assert store.drain(10)


class Gate(FolderBucket):
    """A folder whose writes wait until they are let through, or fail."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.open = threading.Event()
        self.error: Exception | None = None

    def write(self, name: str, blocks: Iterable[bytes | memoryview], size: int, seconds: float | None) -> None:
        self.open.wait(60)
        if self.error is not None:
            raise self.error
        super().write(name, blocks, size, seconds)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    bucket = Gate(f"file://{tmp_path}/shared")
    yield bucket
    bucket.open.set()


@pytest.fixture
def box(gate: Gate, shop: Shop, clock: Any) -> Outbox:
    return Outbox(RemoteStore(gate, "file:///shared", Keyring.ephemeral(), clock=clock, warn=shop.said.append))


def sent(box: Outbox) -> int:
    return len(list(box.store.entries()))


def test_a_put_does_not_wait_for_the_server_and_is_found_here_meanwhile(gate: Gate, box: Outbox) -> None:
    began = time.monotonic()
    for number in range(20):
        box.put(address_of(number), entry_of([number]))
    assert time.monotonic() - began < 20
    found = box.get(address_of(7))
    assert sent(box) == 0 and found is not None and found.value() == [7]

    gate.open.set()
    assert box.drain(30) and sent(box) == 20


def test_what_is_cleared_on_its_way_does_not_arrive(gate: Gate, box: Outbox) -> None:
    for number in range(4):
        box.put(address_of(number), entry_of([number]))
    box.clear(address_of(0).owner)
    assert box.get(address_of(1)) is None
    box.put(address_of(9), entry_of([9]))

    gate.open.set()
    assert box.drain(30)
    assert [row.address for row in box.store.entries()] == [address_of(9)]


class SlowToTakeBack(FolderBucket):
    """A folder that holds up a deletion from the background until it is let through."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.open, self.reached, self.let = threading.Event(), threading.Event(), threading.Event()

    def write(self, name: str, blocks: Iterable[bytes | memoryview], size: int, seconds: float | None) -> None:
        self.reached.set()
        self.open.wait(60)
        super().write(name, blocks, size, seconds)

    def delete(self, names: Any) -> Any:
        if threading.current_thread().name == "nbcache-outbox":
            self.reached.set()
            self.let.wait(60)
        return super().delete(names)


@pytest.mark.parametrize("clear", ["all", "owner", "one", "many"])
def test_what_was_cleared_while_it_was_sent_is_seen_by_nobody_here(
    tmp_path: Path, shop: Shop, clock: Any, clear: str
) -> None:
    bucket = SlowToTakeBack(f"file://{tmp_path}/shared")
    box = Outbox(RemoteStore(bucket, "file:///shared", Keyring.ephemeral(), clock=clock, warn=shop.said.append))
    address = address_of(1)
    box.put(address, entry_of([1]))
    assert bucket.reached.wait(60)
    bucket.reached.clear()
    removed = {
        "all": box.clear,
        "owner": lambda: box.clear(address.owner),
        "one": lambda: box.delete(address),
        "many": lambda: len(box.delete_all([address])),
    }[clear]()
    assert removed == 1
    bucket.open.set()
    assert bucket.reached.wait(60)  # it has arrived, and is about to be taken back

    assert sent(box) == 1
    assert list(box.entries()) == [] == list(box.entries(address.owner))
    assert box.get(address) is box.peek(address) is box.find(address) is None
    assert box.get_many([address, address_of(2)]) == {address: None, address_of(2): None}
    assert box.delete_all([address]) | box.discard() <= {address, entry_name(address)}

    box.put(address, entry_of([2]))
    found = box.get(address)
    assert found is not None and found.value() == [2]
    bucket.let.set()
    assert box.drain(30)
    found = box.store.get(address)
    assert found is not None and found.value() == [2]


def test_what_waits_is_looked_up_with_many(gate: Gate, box: Outbox) -> None:
    box.put(address_of(1), entry_of([1]))
    found = box.get_many([address_of(1), address_of(2)])
    assert found[address_of(2)] is None and found[address_of(1)] is not None
    gate.open.set()


def test_a_newer_result_takes_the_place_of_the_one_that_waits(gate: Gate, box: Outbox) -> None:
    for number in range(5):
        box.put(address_of(1), entry_of([number]))
    gate.open.set()
    assert box.drain(30)
    found = box.store.get(address_of(1))
    assert found is not None and found.value() == [4]


def test_a_server_that_hangs_holds_up_the_end_for_a_bounded_time(gate: Gate, box: Outbox, shop: Shop) -> None:
    box.put(address_of(1), entry_of([1]))
    box.put(address_of(2), entry_of([2]))
    began = time.monotonic()
    assert not box.drain(0.5)
    assert time.monotonic() - began < 20
    assert len(shop.said) == 1 and "2 results could not be sent" in shop.said[0]


def test_a_full_queue_gives_up_after_a_moment_and_says_so_once(
    gate: Gate, box: Outbox, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "MOST_WAITING", 3)
    monkeypatch.setattr(room, "_PATIENCE", 0.2)
    began = time.monotonic()
    for number in range(50):
        assert box.put(address_of(number), entry_of([number])).value() == [number]
    assert time.monotonic() - began < 20 and len(shop.said) == 1

    gate.open.set()
    assert box.drain(30) and sent(box) == 3


def test_what_a_full_server_refuses_waits_until_it_takes_it(gate: Gate, box: Outbox, shop: Shop, clock: Any) -> None:
    gate.error = OSError(28, "No space left on device")
    gate.open.set()
    for number in range(5):
        box.put(address_of(number), entry_of([number]))
    began = time.monotonic()
    while not shop.said and time.monotonic() - began < 20:
        time.sleep(0.01)

    gate.error = None
    clock.move(1000)
    assert box.drain(30) and sent(box) == 5 and len(shop.said) == 1


def test_the_end_does_not_wait_for_a_server_that_is_away(gate: Gate, box: Outbox, shop: Shop) -> None:
    gate.error = ConnectionRefusedError(111, "refused")
    gate.open.set()
    for number in range(5):
        box.put(address_of(number), entry_of([number]))
    began = time.monotonic()
    while not shop.said and time.monotonic() - began < 20:
        time.sleep(0.01)
    began = time.monotonic()
    assert not box.drain(20) and time.monotonic() - began < 2
    assert len(shop.said) == 2  # that it is not used, and that something is not there


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_a_forked_child_sends_nothing_of_its_parent(gate: Gate, box: Outbox) -> None:
    box.put(address_of(1), entry_of([1]))
    child = os.fork()
    if not child:
        try:
            os._exit(0 if box.drain(1) and not list(box.entries()) else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert [row.address for row in box.entries()] == [address_of(1)]


@pytest.mark.server
def test_what_was_made_while_the_server_was_dead_is_there_once_it_lives_again(
    redis_server: Any, shop: Shop, clock: Any
) -> None:
    box = Outbox(open_remote(redis_server.url, shop.keyring, clock=clock, warn=shop.said.append))
    box.put(address_of(0), entry_of([0]))
    assert box.drain(30) and sent(box) == 1

    redis_server.kill()
    for number in range(1, 5):
        box.put(address_of(number), entry_of([number]))
    until = time.monotonic() + 30
    while not shop.said and time.monotonic() < until:
        time.sleep(0.01)
    redis_server.start()  # with nothing in it
    for number in range(5, 9):
        box.put(address_of(number), entry_of([number]))
    clock.move(1000)

    assert box.drain(30) and len(shop.said) == 1
    assert [box.store.get(address_of(number)) is not None for number in range(9)] == [False] + [True] * 8


def test_the_end_of_a_process_and_of_its_workers_sends_everything(python: Callable[..., str], tmp_path: Path) -> None:
    python(
        """
        import multiprocessing
        from nbcache import cache_data

        @cache_data(persist="disk", show_spinner=False)
        def load(x):
            return [x]

        if __name__ == "__main__":
            method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
            with multiprocessing.get_context(method).Pool(2) as pool:
                pool.map(load, range(6), chunksize=1)
                pool.close()
                pool.join()
            for x in range(6, 10):
                load(x)
        """,
        NBCACHE_STORE=f"file://{tmp_path}/shared",
    )
    assert len([name for _, _, names in os.walk(tmp_path / "shared" / "v1") for name in names]) == 10


@cache_data(persist="disk", show_spinner=False)
def squared(x: int) -> int:
    return x * x


@cache_data(persist="disk", show_spinner=False)
def read(path: str) -> str:
    return Path(path).read_text()


@pytest.mark.parametrize("kind", ["plain", "of a file"])
def test_a_map_looks_many_calls_up_in_few_requests(
    kind: str, cache: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    NBCache.instance().store = f"file://{tmp_path}/shared"
    (tmp_path / "note").write_text("a note")
    function, calls = (squared, range(120)) if kind == "plain" else (read, [f"{tmp_path}/note"])
    right = [function(call) for call in calls]
    registry.replace_cache(None)
    NBCache.instance().dir = str(tmp_path / "another machine")
    asked: list[str] = []
    within: list[str] = []
    for name in ("read_first", "read_many", "write", "create"):
        plain = getattr(FolderBucket, name)

        def counted(self: Any, *given: Any, name: str = name, plain: Any = plain) -> Any:
            if not within:  # a folder reads many one by one
                asked.append(name)
            within.append(name)
            try:
                return plain(self, *given)
            finally:
                within.pop()

        monkeypatch.setattr(FolderBucket, name, counted)

    assert function.map(calls, n_jobs=1, progress=False) == right
    assert function.info().hits == len(right)
    assert asked.count("read_many") == 2 and len(asked) <= 3
