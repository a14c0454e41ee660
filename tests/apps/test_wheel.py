"""The wheel in an environment of its own, without Dagster: it installs, imports, reads and answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
UV = Path(sys.executable).with_name("uv")
MODULES = "truebar.verdict, truebar.reports, truebar_io.warehouse, truebar_io.ingest, truebar_apps.cli.main"


def run(
    *command: object, home: Path | None = None, folder: Path = CHECKOUT
) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment = inherited | ({"TRUEBAR_HOME": str(home)} if home else {})
    return subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of a fresh environment that has the wheel and what it needs, and nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    built = run(UV, "build", "--wheel", "--quiet", "--out-dir", folder, CHECKOUT)
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("truebar-*.whl")
    assert run(UV, "venv", "--quiet", "--python", sys.executable, folder / "venv").returncode == 0
    python = folder / "venv" / "bin" / "python"
    added = run(UV, "pip", "install", "--quiet", "--python", python, "-c", "constraints.txt", wheel)
    assert added.returncode == 0, added.stderr
    return python.parent


def test_wheel_imports_where_dagster_is_absent(installed, tmp_path):
    code = (
        f"import {MODULES}; import importlib.util as u; print(u.find_spec('dagster'), u.find_spec('assets'))"
    )
    imported = run(installed / "python", "-c", code, folder=tmp_path)
    assert imported.stdout.split() == ["None", "None"], imported.stderr


def test_wheel_ingests_the_embedded_market_and_answers_sql(installed, tmp_path):
    code = (
        "from datetime import datetime, UTC; from pathlib import Path;"
        "from truebar.partitions import Partition;"
        "from truebar_io.configuration import load_configuration;"
        "from truebar_io.home import Home; from truebar_io.sources import ingest_sources;"
        "from truebar_io.warehouse import Warehouse; home = Home(Path('home').resolve());"
        "[ingest_sources(Warehouse(home), home, Partition(*of), load_configuration(), now=datetime.now(UTC))"
        " for of in (('BTC-USD', '4h'), ('SYN-EDGE', '15m'))]"
    )
    ingested = run(installed / "python", "-c", code, folder=tmp_path)
    assert ingested.returncode == 0, ingested.stderr
    query = "select count(*) as bars from market.klines"
    answer = run(installed / "truebar", "sql", query, "--json", home=tmp_path / "home", folder=tmp_path)
    assert json.loads(answer.stdout)[0]["bars"] > 5_000, answer.stderr


def test_wheel_demo_without_a_checkout_says_what_is_needed(installed, tmp_path):
    refused = run(installed / "truebar", "demo", home=tmp_path / "home", folder=tmp_path)
    assert refused.returncode == 2
    assert "Run it inside a clone of the repository" in refused.stderr
