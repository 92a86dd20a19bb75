"""The level of a logger counts for a run that logs or asks: by the answer that it got."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from counted import cached

from nbcache.engine.cache import Cache

LOGGER = logging.getLogger("nbx.log")


@pytest.fixture(autouse=True)
def levels() -> Iterator[None]:
    """Levels are put back."""
    loggers = [LOGGER, logging.getLogger("nbx"), logging.root]
    before = [logger.level for logger in loggers]
    yield
    logging.disable(logging.NOTSET)
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)


def _logged() -> str:
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    LOGGER.addHandler(handler)
    try:
        LOGGER.info("hello")
    finally:
        LOGGER.removeHandler(handler)
    return text.getvalue()


ASKS: dict[str, Callable[[], object]] = {
    "a question": lambda: LOGGER.isEnabledFor(logging.INFO),
    "the level": lambda: LOGGER.getEffectiveLevel(),
    "a message": _logged,
    "an adapter": lambda: logging.LoggerAdapter(LOGGER, {}).isEnabledFor(logging.INFO),
    "a logger by name": lambda: logging.getLogger("nbx.log").isEnabledFor(logging.INFO),
    "the root": lambda: logging.root.isEnabledFor(logging.INFO),
}


@pytest.mark.parametrize("how", ASKS)
def test_another_answer_is_a_miss_and_the_old_one_a_hit(how: str, cache: Cache, calls: Any) -> None:
    logger = logging.root if how == "the root" else logging.getLogger("nbx")
    foo = cached(ASKS[how], calls)
    logger.setLevel(logging.WARNING)
    first = foo()

    logger.setLevel(logging.DEBUG)
    other = foo()
    logger.setLevel(logging.WARNING)

    assert foo() == first
    assert foo() != other
    assert len(calls) == 2


def test_another_level_that_answers_the_same_is_no_miss(cache: Cache, calls: Any) -> None:
    foo = cached(_logged, calls)
    LOGGER.setLevel(logging.WARNING)
    foo()

    LOGGER.setLevel(logging.ERROR)
    foo()

    assert len(calls) == 1


def test_loggers_that_are_switched_off_count(cache: Cache, calls: Any) -> None:
    foo = cached(_logged, calls)
    LOGGER.setLevel(logging.INFO)
    assert foo() == "hello\n"

    logging.disable(logging.CRITICAL)

    assert foo() == ""


def test_a_level_that_the_run_sets_itself_is_its_own(cache: Cache, calls: Any) -> None:
    def run() -> bool:
        logging.getLogger("nbx").setLevel(logging.DEBUG)
        return LOGGER.isEnabledFor(logging.INFO)

    foo = cached(run, calls)
    foo()

    logging.getLogger("nbx").setLevel(logging.ERROR)
    foo()

    assert len(calls) == 1


def test_a_miss_names_the_logger(cache: Cache, calls: Any) -> None:
    foo = cached(_logged, calls)
    LOGGER.setLevel(logging.WARNING)
    foo()

    LOGGER.setLevel(logging.INFO)

    assert "whether the logger nbx.log passes on INFO no -> yes" in str(foo.explain())


def test_looking_makes_no_logger(cache: Cache, calls: Any) -> None:
    foo = cached(lambda: LOGGER.isEnabledFor(logging.INFO), calls)
    foo()
    known = logging.root.manager.loggerDict
    place = known.pop("nbx.log")
    try:
        foo()
        assert "nbx.log" not in known
    finally:
        known["nbx.log"] = place
