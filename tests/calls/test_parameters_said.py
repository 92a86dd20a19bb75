"""What a wrong parameter is told: what was given, what is valid, and what was probably meant."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

from nbcache import CacheWarning, cache_data
from nbcache.config import settings

WRONG: dict[str, tuple[tuple[Any, ...], dict[str, Any], str]] = {
    "letters twice": ((), {"tttl": 5}, "cache_data has no parameter 'tttl'. Did you mean ttl?"),
    "letters in another order": ((), {"presist": "disk"}, "Did you mean persist?"),
    "nothing near": ((), {"zebra": 1}, "cache_data has no parameter 'zebra'. It has ttl, max_entries"),
    "a time by place": (("1h",), {}, "write @cache_data(ttl='1h')."),
    "a number by place": ((60,), {}, "write @cache_data(ttl=60)."),
    "a word by place": (("disk",), {}, 'write @cache_data(persist="disk").'),
    "two by place": ((len, 60), {}, "takes its parameters by name"),
    "a misspelt word": ((), {"replay": "dispaly"}, "replay='dispaly' is not a valid value."),
    "the word that was meant": ((), {"scope": "sesion"}, 'write scope="session"'),
    "a size without a unit": ((), {"max_size": "10"}, "max_size='10' is not a size."),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_wrong_parameter_is_told_what_is_valid(mistake: str) -> None:
    places, names, words = WRONG[mistake]
    with pytest.raises((TypeError, ValueError)) as caught:
        cache_data(*places, **names)
    assert words in str(caught.value)


@pytest.mark.parametrize("given", ["nosuch.csv", Path("nosuch"), ["data/none"]])
def test_a_dependency_that_names_nothing_is_told_once(given: Any) -> None:
    with pytest.warns(CacheWarning, match="names nothing that exists") as told:
        cached = cache_data(depends_on=given)(len)
        cached([1])
    assert len(told) == 1 and told[0].filename == __file__


@pytest.mark.parametrize("given", ["v2", "1.2", "model.2024", __file__, 3])
def test_a_dependency_that_is_a_value_or_exists_is_told_nothing(given: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cache_data(depends_on=given)(len)


@pytest.mark.parametrize(("name", "used"), [("OFF", False), ("PRIVATE", True)])
def test_a_switch_that_is_neither_on_nor_off_is_told(name: str, used: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"NBCACHE_{name}", "maybe")
    with pytest.warns(CacheWarning, match="neither 1 nor 0"):
        assert getattr(settings(), name.lower()) is used


def test_a_generator_as_a_result_is_advised_to_be_a_list() -> None:
    with pytest.warns(CacheWarning, match="return list"):
        cache_data(persist="disk")(lambda: (n for n in [1]))()
