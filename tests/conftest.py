"""A test that is skipped proves nothing: only missing shared data or a missing GPU is a reason."""

from __future__ import annotations

import pytest

REASONS = ("../shared", "GPU")

_refused: list[str] = []


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
