"""The suite's own rule: what may be skipped."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")


@pytest.mark.parametrize("workers", ["0", "1"])
@pytest.mark.parametrize(
    ("reasons", "status"), [(["../shared/data is not there", "no GPU here"], 0), (["flaky today"], 1)]
)
def test_skip_for_any_other_reason_fails_the_run(
    tmp_path: Path, reasons: list[str], status: int, workers: str
) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST.read_text())
    skips = [f"def test_skipped_{k}():\n    pytest.skip({reason!r})\n" for k, reason in enumerate(reasons)]
    (tmp_path / "test_one.py").write_text(
        "\n".join(["import pytest", *skips, "def test_passed():\n    pass\n"])
    )
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "xdist",
            "-n",
            workers,
            "-p",
            "no:cacheprovider",
            str(tmp_path),
        ],
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == status, run.stdout
    assert ("is a reason:" in run.stdout) == bool(status)
