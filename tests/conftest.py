"""Rules of the whole suite: the long files run first, and what is skipped needs a reason.

A test that is skipped proves nothing: only missing shared data or a missing GPU is a reason.
"""

from __future__ import annotations

import pytest

from truebar_io.machine import collect_garbage_seldom

collect_garbage_seldom()

REASONS = ("../shared", "GPU")

LONG = (
    "test_daemon.py",
    "test_demo.py",
    "test_truth.py",
    "test_one_partition.py",
    "test_kills.py",
    "test_graph.py",
    "test_studies.py",
    "test_sensors.py",
)
"""Begun first, so that no worker is left alone with one of them at the end."""

_refused: list[str] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first; within a file the order stays."""
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


def refused_skip(report: pytest.TestReport | pytest.CollectReport) -> str | None:
    """Return which test was skipped, and why, where the reason is none that is allowed."""
    if not report.skipped or hasattr(report, "wasxfail"):
        return None
    reason = str(report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr)
    return None if any(allowed in reason for allowed in REASONS) else f"{report.nodeid}: {reason}"


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note a skipped test."""
    _refused.extend(filter(None, [refused_skip(report)]))


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Note a skipped module."""
    _refused.extend(filter(None, [refused_skip(report)]))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail where something was skipped for another reason."""
    if _refused and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what was skipped for another reason."""
    for line in dict.fromkeys(_refused):
        terminalreporter.write_line(f"skipped, but only {' or '.join(REASONS)} is a reason: {line}")
