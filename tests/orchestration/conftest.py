"""A home of its own for every test of the graph, and small markets to put into it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.bars import bars_of

CHECKOUT = Path(__file__).resolve().parents[2]
TRUEBAR = Path(sys.executable).with_name("truebar")
QUIET = {"DAGSTER_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}


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


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh TRUEBAR_HOME, named in the environment of this process too."""
    path = tmp_path / "home"
    monkeypatch.setenv("TRUEBAR_HOME", str(path))
    return path
