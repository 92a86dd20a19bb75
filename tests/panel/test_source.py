"""The real cache as the panel sees it: entries of this session, of earlier ones, and clearing both."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from clock import Clock

from nbcache import cache_data, registry
from nbcache.config import settings
from nbcache.engine.cache import Cache
from nbcache.engine.tiers import OuterTiers, Tiers
from nbcache.entries.entry import Address, Entry, Meta
from nbcache.entries.signing import Keyring
from nbcache.notebook.display.quantities import ago
from nbcache.notebook.magics.info import functions_table
from nbcache.notebook.panel.clicks import Clicks
from nbcache.notebook.panel.model import PanelModel
from nbcache.notebook.panel.rows import FunctionRow
from nbcache.notebook.panel.source import CacheSource
from nbcache.notebook.panel.versions import Versions
from nbcache.stores.disk.store import DiskStore
from nbcache.stores.memory import MemoryStore
from nbcache.stores.protocol import Stored
from nbcache.stores.tiered import TieredStore

Session = Callable[[], Cache]


@pytest.fixture
def session(tmp_path: Path, clock: Clock) -> Iterator[Session]:
    """Begin a session on one folder: another cache with an empty memory."""
    keyring = Keyring.load(tmp_path / "keys" / "key")

    def begin() -> Cache:
        def beyond(memory: MemoryStore) -> OuterTiers:
            disk = DiskStore(tmp_path / "store", keyring)
            return OuterTiers(TieredStore([memory, disk]), disk)

        cache = Cache(Tiers(MemoryStore(clock=clock), beyond), clock)
        registry.replace_cache(cache)
        assert cache.tiers.outer
        return cache

    begin()
    yield begin
    registry.replace_cache(None)


def row(source: CacheSource, name: str) -> FunctionRow:
    return next(row for row in source.functions() if row.label.endswith(name))


def labels(source: CacheSource, name: str) -> list[str]:
    return sorted(entry.label.rpartition(".")[2] for entry in source.entries(row(source, name).name))


def test_calls_of_this_session_are_rows(session: Session) -> None:
    @cache_data(show_spinner=False)
    def square(x: int) -> int:
        return x * x

    square(2), square(3), square(3)
    source = CacheSource(alive=list)

    found = row(source, "square")
    assert (found.entries, found.hits, found.misses, found.states) == (2, 1, 2, ("memory",))
    assert labels(source, "square") == ["square(2)", "square(3)"]
    assert {entry.hits for entry in source.entries(found.name)} == {0, 1}
    assert source.totals().entries == 2


def test_a_function_never_called_has_a_row_without_entries(session: Session) -> None:
    @cache_data
    def idle() -> None: ...

    source = CacheSource(alive=lambda: [idle.owner])

    assert row(source, "idle").entries == 0


def test_entries_of_an_earlier_session_are_listed_and_cleared(session: Session) -> None:
    computed: list[int] = []

    @cache_data(persist="disk", show_spinner=False, track=False)
    def load(x: int) -> int:
        computed.append(x)
        return x

    load(1), load(2)
    session()
    source = CacheSource(alive=list)
    source.wait()

    found = row(source, "load")
    assert (found.entries, found.states) == (2, ("disk",))
    address = next(entry.address for entry in source.entries(found.name) if entry.label.endswith("load(1)"))
    assert source.clear_entry(address).count == 1
    assert labels(source, "load") == ["load(2)"]
    computed.clear()
    load(1), load(2)
    assert computed == [1]


def test_clearing_a_function_and_everything_leaves_no_row(session: Session) -> None:
    @cache_data(persist="disk", show_spinner=False)
    def load(x: int) -> int:
        return x

    @cache_data(show_spinner=False)
    def train(x: int) -> int:
        return x

    load(1), load(2), train(1)
    source = CacheSource(alive=list)

    assert source.clear_function(row(source, "load").name).count == 2
    assert row(source, "load").entries == 0
    assert source.clear_all().count == 1
    assert [found.entries for found in source.functions()] == [0, 0]
    assert source.totals().entries == 0


def test_the_version_changes_with_hits_misses_and_clears_only(session: Session) -> None:
    @cache_data(show_spinner=False)
    def square(x: int) -> int:
        return x * x

    source = CacheSource(alive=list)
    seen = [source.version()]
    for act in (lambda: square(2), lambda: square(2), lambda: square(2), square.clear):
        act()
        seen.append(source.version())

    assert len(set(seen)) == 5
    assert source.version() == source.version()


def test_what_another_process_wrote_is_noticed(session: Session, tmp_path: Path) -> None:
    @cache_data(persist="disk", show_spinner=False)
    def load(x: int) -> int:
        return x

    here = registry.the_cache()
    source = CacheSource(lambda: here, alive=list)
    load(1)
    assert row(source, "load").entries == 1
    before = source.version()

    session()
    load(2)

    assert source.version() != before
    source.wait()
    assert labels(source, "load") == ["load(1)", "load(2)"]


def test_expired_entries_are_marked_and_not_counted(session: Session, clock: Clock) -> None:
    @cache_data(ttl=60, show_spinner=False)
    def load(x: int) -> int:
        return x

    load(1)
    clock.now += 30
    load(2)
    clock.now += 40
    source = CacheSource(alive=list)

    found = row(source, "load")
    assert found.entries == 1
    assert "expired" in found.states
    assert {entry.label.rpartition(".")[2]: "expired" in entry.states for entry in source.entries(found.name)} == {
        "load(1)": True,
        "load(2)": False,
    }


def test_an_entry_that_another_process_replaced_shows_its_new_age(session: Session, clock: Clock) -> None:
    @cache_data(persist="disk", show_spinner=False, track=False)
    def load(x: int) -> int:
        return x

    load(1)
    here = registry.the_cache()
    model = PanelModel(CacheSource(lambda: here, alive=list))
    model.refresh()
    name = model.functions[0].name
    model.open(name)
    first = [entry.created for entry in model.entries(name) or []]

    clock.now += 500
    session()
    load.refresh(1)
    model.refresh()
    model.source.wait()
    model.refresh()

    assert [entry.created for entry in model.entries(name) or []] == [first[0] + 500]


def test_an_entry_replaced_after_its_file_was_read_shows_its_new_age(session: Session, clock: Clock) -> None:
    @cache_data(persist="disk", show_spinner=False, track=False)
    def load(x: int) -> int:
        return x

    load(1)
    session()
    here = registry.the_cache()
    source = CacheSource(lambda: here, alive=list)
    source.wait()
    name = row(source, "load").name
    assert [entry.states for entry in source.entries(name)] == [("disk",)]

    clock.now += 500
    session()
    load.refresh(1)
    before = source.version()
    source.wait()

    assert source.version() > before
    assert [entry.created for entry in source.entries(name)] == [clock.now]


def test_entries_on_disk_are_counted_before_they_are_read(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    @cache_data(persist="disk", show_spinner=False, track=False)
    def load(x: int) -> int:
        return x

    for x in range(3):
        load(x)
    session()
    may_read = threading.Event()
    find = DiskStore.find

    def late(store: DiskStore, address: Address) -> Stored | None:
        may_read.wait(60)
        return find(store, address)

    monkeypatch.setattr(DiskStore, "find", late)
    source = CacheSource(alive=list)

    found = row(source, "load")
    assert (found.entries, found.states) == (3, ("disk", "still reading"))
    assert source.entries(found.name) == []

    may_read.set()
    source.wait()
    assert row(source, "load").states == ("disk",)
    assert labels(source, "load") == ["load(0)", "load(1)", "load(2)"]


def test_entries_of_a_shared_store_are_rows_and_can_be_cleared(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @cache_data(persist="disk", show_spinner=False, track=False)
    def load(x: int) -> int:
        return x

    monkeypatch.setattr(settings(), "store", f"file://{tmp_path}/shared")
    monkeypatch.setattr(settings(), "dir", str(tmp_path / "mine"))
    registry.replace_cache(None)
    load(1), load(2)
    registry.the_cache().tiers.outer.disk.clear()
    registry.replace_cache(None)
    source = CacheSource(alive=list)
    source.wait()

    found = row(source, "load")
    assert (found.entries, found.states, source.totals().shared) == (2, ("shared",), "file")
    assert source.clear_function(found.name).count == 2
    assert [cleared.entries for cleared in source.functions()] == [0]
    assert not load.is_cached(1)


class Later:
    """Time handed in: the end of the waiting comes when a test says so."""

    act: Callable[[], None] | None = None

    def __call__(self, seconds: float, act: Callable[[], None]) -> Callable[[], None]:
        self.act = act
        return lambda: None


@pytest.mark.parametrize("persist", ["disk", False])
def test_a_clear_can_be_taken_back_until_its_time_is_over(session: Session, persist: str | bool, clock: Clock) -> None:
    @cache_data(persist=persist, show_spinner=False, track=False)
    def load(x: int) -> int:
        return x

    load(1), load(2)
    used = clock.now
    clock.now += 60
    later = Later()
    source = CacheSource(alive=list, later=later)
    before, name = source.functions(), row(source, "load").name

    cleared = source.clear_function(name)
    assert cleared.count == 2
    found = row(source, "load")
    assert (found.entries, found.size, found.last_used, source.entries(name)) == (0, 0, used, [])
    assert source.totals().disk == 0
    assert load.info().last_used == used
    assert cleared.undo is not None
    assert cleared.undo()
    assert source.functions() == before

    again = source.clear_entry(source.entries(name)[0].address)
    seen = source.version()
    assert later.act is not None
    later.act()
    assert again.undo is not None
    assert not again.undo()
    assert source.version() != seen
    assert row(source, "load").entries == 1


def test_a_cell_without_a_name_is_known_by_its_first_line(session: Session) -> None:
    cache, code = registry.the_cache(), "'%%cache_cell'\n\n# the totals\ntotal = sum(table)\nmean = total / 3"
    owner = "cell 0123456789ab"
    meta = Meta(owner, "", 1.0, None, 2.5, "cell", parts=(("code", "12", code),))
    cache.tiers.put(Address(owner, "0" * 32), Entry.of({"total": 3}, meta), disk=True)
    session()
    source = CacheSource(alive=list)
    source.wait()

    found = next(row for row in source.functions() if row.name == owner)
    assert (found.label, found.code, found.is_cell) == ("total = sum(table)", code, True)
    (entry,) = source.entries(owner)
    assert entry.label == "total = sum(table)"
    assert entry.arguments.startswith("run of ")
    source.clear_function(owner)
    assert [row for row in source.functions() if row.name == owner] == []


def test_the_panel_and_the_table_of_everything_have_the_same_order_and_last_use(session: Session, clock: Clock) -> None:
    namespace = {"cache_data": cache_data, "__name__": "__main__"}
    for name in ("zeta", "load10", "load2", "Alpha"):
        exec(f"@cache_data(show_spinner=False)\ndef {name}(x):\n    return x\n", namespace)
        namespace[name](1)  # type: ignore[operator]
        clock.now += 60
    namespace["load2"](1)  # type: ignore[operator]
    model = PanelModel(CacheSource(alive=list), clock=clock)
    model.refresh()
    shown = [(line.function.label, ago(line.function.last_used, clock.now)) for line in model.lines()]

    table = functions_table(cache_data.info(), clock.now)

    assert [name for name, _ in shown] == ["Alpha", "load2", "load10", "zeta"]
    assert [(row[0], row[-1]) for row in table.rows if row[0] in namespace] == shown


def define(factor: int) -> Callable[[int], int]:
    namespace = {"cache_data": cache_data, "__name__": "__main__"}
    exec(f"@cache_data(show_spinner=False)\ndef scale(x):\n    return x * {factor}\n", namespace)
    return namespace["scale"]  # type: ignore[return-value]


def test_many_entries_have_their_code_compared_bit_by_bit(session: Session) -> None:
    define(2)(1)
    define(3)(1)
    clock = Clock()
    source = CacheSource(alive=list, versions=Versions(at_once=1, clock=clock))

    before = source.version()
    assert "older versions" not in row(source, "scale").states
    assert source.version() == before
    clock.now += 10
    assert source.version() > before
    assert "older versions" in row(source, "scale").states


def test_entries_of_older_code_are_marked_and_told_apart(session: Session, clock: Clock) -> None:
    define(2)(1)
    clock.now += 60
    define(3)(1)
    source = CacheSource(alive=list)

    found = row(source, "scale")
    entries = source.entries(found.name)
    assert "older versions" in found.states
    assert sorted("older version" in entry.states for entry in entries) == [False, True]
    assert len({entry.label for entry in entries}) == 2


def test_looking_unpickles_nothing_and_counts_nothing(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    @cache_data(persist="disk", show_spinner=False)
    def load() -> Bomb:
        return Bomb()

    load()  # its first result is read back at once
    session()
    monkeypatch.setattr(Bomb, "armed", True)
    source = CacheSource(alive=list)
    source.wait()

    found = row(source, "load")
    source.entries(found.name)
    assert (found.entries, found.hits) == (1, 0)
    assert source.clear_function(found.name).count == 1


def test_a_damaged_file_is_no_row_and_is_asked_for_once(session: Session, tmp_path: Path) -> None:
    @cache_data(persist="disk", show_spinner=False)
    def load(x: int) -> int:
        return x

    load(1), load(2)
    session()
    one = sorted((tmp_path / "store").rglob("*.nbc"))[0]
    one.write_bytes(b"not an entry")
    source = CacheSource(alive=list)
    source.wait()

    assert row(source, "load").entries == 1
    assert row(source, "load").entries == 1


def test_only_addresses_can_be_cleared(session: Session) -> None:
    with pytest.raises(TypeError, match="not the address"):
        CacheSource().clear_entry("load(1)")
    assert CacheSource().clear_entry(Address("nobody", "0" * 40)).count == 0


def test_the_model_draws_the_real_cache(session: Session) -> None:
    @cache_data(show_spinner=False)
    def drawn_square(x: int) -> int:
        return x * x

    drawn_square(2)
    model = PanelModel(CacheSource())
    model.refresh()
    name = next(row.name for row in model.functions if row.label.endswith("drawn_square"))
    model.open(name)

    notice = Clicks(model).clear_entry(name, model.entries(name)[0].address)  # type: ignore[index]

    assert notice.text.endswith("drawn_square(2) (1 entry).")
    assert not drawn_square.is_cached(2)


class Bomb:
    armed = False

    def __reduce__(self) -> object:
        return _explode, ()


def _explode() -> Bomb:
    if Bomb.armed:
        raise AssertionError("an entry was unpickled")
    return Bomb()
