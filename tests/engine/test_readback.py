"""A result that would not come back is found out when it is stored, said once, and not stored again."""

from __future__ import annotations

import logging
import warnings
from typing import Any

import pytest

from nbcache import CacheWarning, cache_data
from nbcache.entries import guests, serialize


class Lost:
    """Can be pickled, and not unpickled."""

    def __init__(self) -> None:
        self.state = 1

    def __setstate__(self, state: Any) -> None:
        raise RuntimeError("needs a connection")


class Other:
    """Comes back as something else."""

    def __reduce__(self) -> Any:
        return (dict, ())


loaded: list[Any] = []


class Counted:
    def __getstate__(self) -> Any:
        return "state"

    def __setstate__(self, state: Any) -> None:
        loaded.append(state)


@pytest.mark.parametrize("make", [Lost, Other, lambda: {"a": [Other()]}])
def test_a_result_that_does_not_come_back_is_said_once_by_type_and_not_stored(make: Any, cache: Any) -> None:
    @cache_data
    def train(n: int) -> Any:
        return make()

    with pytest.warns(CacheWarning) as caught:
        first = train(1)
    assert type(first) is type(make())
    assert len(caught) == 1
    text = str(caught[0].message)
    assert "train() is not cached" in text and "would not be restored as it was" in text
    assert "return what it was" in text
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(1), train(2)
    assert train.info().entries == 0
    assert train.info().misses == 3


def test_a_result_is_loaded_once_for_each_type_and_not_at_every_miss(cache: Any) -> None:
    loaded.clear()

    @cache_data
    def train(n: int, _make: Any) -> Any:
        return _make()

    for n in range(5):
        train(n, Counted)
    assert len(loaded) == 1
    train(0, Counted)
    assert len(loaded) == 2


def test_results_of_another_type_of_the_same_function_are_stored(cache: Any) -> None:
    @cache_data
    def train(n: int) -> Any:
        return Lost() if n else [n]

    with pytest.warns(CacheWarning):
        train(1)
    train(0), train(0)
    assert train.info().hits == 1


@pytest.mark.parametrize("kind", ["array", "bag", "delayed", "dataframe"])
def test_a_collection_of_dask_is_a_result_like_any_other(kind: str, cache: Any) -> None:
    module = pytest.importorskip(f"dask.{kind}")
    pandas = pytest.importorskip("pandas")
    make = {
        "array": lambda: module.ones(4, chunks=2),
        "bag": lambda: module.from_sequence([1, 2]),
        "delayed": lambda: module.delayed(sum)([1, 2]),
        "dataframe": lambda: module.from_pandas(pandas.DataFrame({"a": [1]}), npartitions=1),
    }[kind]

    @cache_data
    def load() -> Any:
        return make()

    first, second = load(), load()
    assert type(first) is type(second)
    assert load.info().hits == 1


def test_a_part_that_code_in_c_leaves_out_is_found_by_content(cache: Any) -> None:
    numpy = pytest.importorskip("numpy")

    class Noted(numpy.ndarray):  # type: ignore[misc, name-defined]
        def __array_finalize__(self, source: Any) -> None:
            self.notes = ()

    def noted() -> Any:
        made = numpy.zeros(2).view(Noted)
        made.notes = ("by hand",)
        return made

    load = cache_data(show_spinner=False)(noted)
    with pytest.warns(CacheWarning, match="comes back without a part of its content"):
        load()

    assert load().notes == ("by hand",)
    assert load.info().entries == 0


class SetBack:
    """Comes back with another count than it had."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __setstate__(self, state: dict[str, int]) -> None:
        self.count = 0


def test_a_part_that_a_class_makes_anew_is_found_by_content(cache: Any) -> None:
    load = cache_data(show_spinner=False)(lambda: SetBack(3))
    with pytest.warns(CacheWarning, match="comes back without a part of its content"):
        load()

    assert load().count == 3
    assert load.info().entries == 0


def test_a_class_derived_after_the_first_result_is_written_like_its_base(cache: Any) -> None:
    pillow = pytest.importorskip("PIL.Image")
    serialize.dumps(pillow.new("L", (1, 1)))
    derived = type("Derived", (pillow.Image,), {})

    assert derived in guests.reducers()


@pytest.mark.parametrize("make", [lambda pd: pd.DataFrame({"a": [1]}), lambda pd: pd.Series([1])])
def test_what_hangs_on_a_later_frame_is_looked_for_too(make: Any, cache: Any) -> None:
    pandas = pytest.importorskip("pandas")

    @cache_data(show_spinner=False)
    def load(note: str) -> Any:
        made = make(pandas)
        if note:
            made.note = note
        return made

    load("")
    with pytest.warns(CacheWarning, match="comes back without"):
        load("by hand")

    assert load("by hand").note == "by hand"
    load("")
    assert load.info().hits == 1


@pytest.mark.filterwarnings("ignore::nbcache.CacheWarning")  # some libraries teach errors to come back with it
def test_an_error_with_what_led_to_it_is_not_kept_without(cache: Any) -> None:
    def failed() -> Exception:
        try:
            try:
                raise KeyError("a")
            except KeyError:
                raise ValueError("b") from None
        except ValueError as error:
            return error

    load = cache_data(show_spinner=False)(failed)
    load()

    assert load().__suppress_context__ and isinstance(load().__context__, KeyError)


def test_a_logger_of_nobody_is_not_taken_for_that_of_its_name(cache: Any) -> None:
    load = cache_data(show_spinner=False)(lambda: logging.Logger("of nobody", 10))

    for _ in range(2):
        with pytest.warns(CacheWarning, match="cannot be stored"):
            assert load().level == 10
