"""Old values are served while new ones are computed in the background: in a thread, or in a task."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from nbcache.compute.refresh import Refresher, background
from nbcache.config import error_text
from nbcache.engine.job import Fetched, Job
from nbcache.errors import explain, warn
from nbcache.stores.forks import renew_after_fork

__all__ = ["Background"]


class Background:
    """The refreshes of one cache that are under way.

    Parameters
    ----------
    refresh, refresh_async : compute a job and keep what came out
    """

    def __init__(self, refresh: Callable[[Job], Fetched], refresh_async: Callable[[Job], Awaitable[Fetched]]) -> None:
        self.refresher = Refresher(time.monotonic)
        renew_after_fork(self.refresher)
        self._refresh = refresh
        self._refresh_async = refresh_async
        self._tasks: set[asyncio.Task[None]] = set()

    def in_thread(self, job: Job) -> None:
        """Refresh in a thread."""
        self.refresher.submit((job.key.owner, job.text), lambda: self._refresh(job), _failed(job))

    def in_task(self, job: Job) -> None:
        """Refresh in a task of the running event loop."""
        identity = (job.key.owner, job.text)
        if not self.refresher.begin(identity):
            return

        async def run() -> None:
            failed = True
            try:
                with background():
                    await self._refresh_async(job)
                failed = False
            except Exception as error:
                _failed(job)(error)
            finally:
                self.refresher.finish(identity, failed=failed)

        task = asyncio.get_running_loop().create_task(run())
        self._tasks.add(task)  # the loop itself keeps only weak references
        task.add_done_callback(self._tasks.discard)


def _failed(job: Job) -> Callable[[BaseException], None]:
    def report(error: BaseException) -> None:
        warn(
            explain(
                f"The refresh of {job.subject} in the background failed; the old value is kept.",
                error_text(error),
                "call refresh() to see the error; the refresh is tried again after a minute.",
            )
        )

    return report
