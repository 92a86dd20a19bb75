"""Who waits for an event at this moment says nothing of it; whether it has happened does."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from nbcache.hashing.hasher import digest

PATIENCE = 30


def test_an_event_that_a_thread_waits_for_has_the_key_that_it_had_before() -> None:
    event = threading.Event()
    before = digest(event)
    waiting = threading.Semaphore(0)
    event._cond._release_save = lambda: (event._cond._lock.release(), waiting.release())[0]  # type: ignore[attr-defined]
    waiter = threading.Thread(target=event.wait, args=(PATIENCE,))
    waiter.start()
    assert waiting.acquire(timeout=PATIENCE)
    del event._cond._release_save  # type: ignore[attr-defined]

    during = digest(event)

    event.set()
    waiter.join(PATIENCE)
    assert during == before
    assert digest(event) != before


@pytest.mark.parametrize("kind", [asyncio.Event, asyncio.Lock, asyncio.Queue])
def test_what_a_task_waits_for_has_the_key_that_it_had_before(kind: Any) -> None:
    async def looked_at() -> tuple[bytes, bytes]:
        held = kind()
        if kind is asyncio.Lock:
            await held.acquire()
        before = digest(held)
        wait = {asyncio.Event: "wait", asyncio.Lock: "acquire", asyncio.Queue: "get"}[kind]
        task = asyncio.ensure_future(getattr(held, wait)())
        await asyncio.sleep(0)
        during = digest(held)
        task.cancel()
        return before, during

    before, during = asyncio.run(looked_at())

    assert during == before
