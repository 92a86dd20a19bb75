"""A pytest plugin: where everything must run, a skipped browser or server test is a failure.

On a desk without Chromium or Redis those tests are skipped with their reason. With `CI=true` or
`NBCACHE_REQUIRE_ALL=1` a skip would hide a missing installation step, so it fails instead.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

REQUIRED_MARKERS = ("browser", "server")


def everything_required(environment: os._Environment[str] | dict[str, str] = os.environ) -> bool:
    """Whether this run was told to accept no skipped browser or server test."""
    truths = {"1", "true", "yes", "on"}
    return any(environment.get(name, "").lower() in truths for name in ("CI", "NBCACHE_REQUIRE_ALL"))


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    longrepr = report.longrepr
    return str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the skip of a browser or server test into a failure that says why it was skipped."""
    report = yield
    marked = [name for name in REQUIRED_MARKERS if item.get_closest_marker(name)]
    if report.skipped and marked and everything_required():
        report.outcome = "failed"
        report.longrepr = f"a {marked[0]} test must run here, and was skipped: {_reason(report)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Do the same for a file that skips itself as a whole while it is imported."""
    report = yield
    if not (report.skipped and isinstance(collector, pytest.Module) and everything_required()):
        return report
    # `-m "not browser and not server"` deselects what the file would have held.
    if "not browser" in collector.config.getoption("markexpr", ""):
        return report
    source = Path(collector.path).read_text(encoding="utf-8")
    if any(f"mark.{name}" in source for name in REQUIRED_MARKERS):
        report.outcome = "failed"
        report.longrepr = f"this file holds tests that must run here, and skipped itself: {_reason(report)}"
    return report
