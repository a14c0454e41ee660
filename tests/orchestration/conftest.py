"""A home of its own for every test of the graph, and small markets to put into it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.bars import bars_of

CHECKOUT = Path(__file__).resolve().parents[2]
TRUEBAR = Path(sys.executable).with_name("truebar")
QUIET = {"DAGSTER_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}
SMALL = {
    "TRUEBAR_XGB__OPTUNA__N_TRIALS": "2",
    "TRUEBAR_XGB__OPTUNA__SPACE__ROUNDS__LOW": "20",
    "TRUEBAR_XGB__OPTUNA__SPACE__ROUNDS__HIGH": "40",
    "TRUEBAR_XGB__OPTUNA__SPACE__MAX_DEPTH__HIGH": "3",
    "TRUEBAR_XGB__XGB__ROUNDS": "40",
    "TRUEBAR_XGB__XGB__MAX_BIN": "64",
    "TRUEBAR_XGB__VALIDATION__FOLDS": "3",
    "TRUEBAR_XGB__XGB__LEARNING_RATE": "0.15",
    "TRUEBAR_MARKETS__SYN_EDGE__SYNTHETIC__BARS": "8000",
    "TRUEBAR_MARKETS__SYN_NULL__SYNTHETIC__BARS": "8000",
}
"""Short searches and small synthetic markets, so that the whole work can be done many times."""


def environment(home: Path) -> dict[str, str]:
    """Return the environment of a command that works on `home` alone."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("DAGSTER_")}
    return {**inherited, **QUIET, "TRUEBAR_HOME": str(home), "COLUMNS": "200", "OMP_NUM_THREADS": "1"}


def truebar(home: Path, *arguments: str, timeout_s: float = 600) -> subprocess.CompletedProcess[str]:
    """Run the command line in the checkout on `home` and return what it did."""
    return subprocess.run(
        [str(TRUEBAR), *arguments],
        cwd=CHECKOUT,
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def answer(home: Path, *arguments: str) -> Any:
    """Return what a command that must succeed prints with --json."""
    finished = truebar(home, *arguments, "--json")
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


def bundles(result: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Return the bundle of each partition that a command tells of."""
    return {(v["symbol"], v["timeframe"]): v["bundle"] for v in result["verdicts"]}


def random_walk(bars: int, *, seed: int, start: str = "2024-01-01", minutes: int = 60) -> pd.DataFrame:
    """Return klines of a market without direction; made for tests, like no real one."""
    rng = np.random.default_rng(seed)
    made = bars_of(100 * np.exp(np.cumsum(rng.normal(0, 0.01, bars))), start=start, step=f"{minutes}min")
    spread = np.abs(rng.normal(0, 0.004, (2, bars)))
    return made.assign(
        high=made["high"] * (1 + spread[0]),
        low=made["low"] * (1 - spread[1]),
        volume=rng.lognormal(3, 0.5, bars),
    )


def land(home: Path, symbol: str, timeframe: str, frame: pd.DataFrame, name: str = "a.parquet") -> Path:
    """Drop a file into landing/ the way a collector should: whole, by rename."""
    folder = home / "landing" / symbol / timeframe
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{name}.part"
    if name.endswith(".csv"):
        frame.to_csv(partial, index=False)
    else:
        frame.to_parquet(partial, index=False)
    return partial.rename(folder / name)


@pytest.fixture(scope="module")
def small() -> Iterator[None]:
    """Make searches and synthetic markets small, in this process and those that it starts."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SMALL.items():
            patch.setenv(name, value)
        yield


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh TRUEBAR_HOME, named in the environment of this process too."""
    path = tmp_path / "home"
    monkeypatch.setenv("TRUEBAR_HOME", str(path))
    return path
