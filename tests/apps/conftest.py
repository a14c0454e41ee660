"""The command line, run in the process of the test."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable

import pytest

from truebar_apps.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def truebar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what runs the command line in this process; it gives exit status, stdout and stderr."""
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["truebar", *arguments])
        with pytest.raises(SystemExit) as ended:
            main.main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return run
