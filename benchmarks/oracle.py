"""How far the oracle's probabilities are from the truth, and how long a year takes.

    python benchmarks/oracle.py [--rows 30] [--draws 400000] [--record]

The truth is plain simulation: METHOD §8 written down once more, without antithetic paths or lattices. Its
own noise, the standard error of a share of so many draws, stands beside the error.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from truebar.config import LabelConfig
from truebar.labels import vol_scaled
from truebar.market import SyntheticMarket, oracle, synthetic
from truebar.units import BARS_PER_YEAR
from truebar.volatility import estimate

RESULTS: Final = Path(__file__).resolve().parent / "results" / "oracle.jsonl"
HORIZONS: Final = (1, 4, 8, 32)
SEED: Final = 12
ONE_YEAR: Final = int(BARS_PER_YEAR["15m"])

Floats = npt.NDArray[np.float64]


def simulated_returns(
    state: pd.Series,
    horizon: int,
    paths: int,
    random: np.random.Generator,
    *,
    strength: float = 0.25,
    drift: float = 0.0,
) -> Floats:
    """Return log returns over the horizon from one row of states, at 15m; drift is a log return per year."""
    season = np.exp(0.35 * np.sin(2 * np.pi * np.arange(96) / 96 - 1))
    season /= math.sqrt(np.mean(season**2))
    weight = math.sqrt(1 - 0.97**2)
    deviation = math.sqrt(1 + 0.64 - 1.6 * 0.6 * weight / (1 - 0.8 * 0.97))
    base = 1 / ONE_YEAR
    v, a, b, total = (np.full(paths, value) for value in (state["v"], state["a"], state["b"], 0.0))
    for step in range(horizon):
        shock = random.standard_t(5, paths) * math.sqrt(3 / 5)
        flow = random.standard_normal(paths)
        sigma = season[(int(state["slot"]) + step) % 96] * np.sqrt(v)
        total += sigma * (strength * (a - 0.8 * b) / deviation + shock) + drift / ONE_YEAR
        v = np.minimum(base * 0.01 + (0.05 + 0.04 * (shock < 0)) * v * shock**2 + 0.92 * v, 25 * base)
        a = 0.8 * a + 0.6 * flow
        b = 0.97 * b + weight * flow
    return total


def measured(market: SyntheticMarket, horizon: int, rows: int, draws: int) -> dict[str, float]:
    """Return root mean square and largest error of p_down, p_flat and p_up, their noise, and CPU seconds."""
    config = LabelConfig(estimator="realized", window=96, k=1.0, horizon_bars=horizon)
    sigma = estimate(market.bars, "realized", window=96, timeframe="15m")
    tau = vol_scaled(market.bars, sigma, k=1.0, horizon_bars=horizon, timeframe="15m")["tau"].to_numpy()
    oracle(market, config, np.arange(500))  # compiled
    began = time.process_time()
    found = oracle(market, config).probabilities.to_numpy()
    spent = time.process_time() - began
    random = np.random.default_rng(horizon)
    chosen = random.choice(np.flatnonzero(np.isfinite(found).all(axis=1)), rows, replace=False)
    errors, noise = [], []
    for row in chosen:
        returns = simulated_returns(market.states.iloc[row], horizon, draws, random)
        share = np.array([np.mean(returns < -tau[row]), 0.0, np.mean(returns > tau[row])])
        share[1] = 1 - share.sum()
        errors.append(found[row] - share)
        noise.append(share * (1 - share) / draws)
    return {
        "rms_error": float(np.sqrt(np.mean(np.square(errors)))),
        "max_error": float(np.abs(errors).max()),
        "rms_noise": float(np.sqrt(np.mean(noise))),
        "cpu_s_per_year": spent,
    }


def main() -> None:
    """Print a line for each horizon, and append them with --record."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--rows", type=int, default=30, help="rows that are simulated")
    options.add_argument("--draws", type=int, default=400_000, help="plain draws of each row")
    options.add_argument("--record", action="store_true", help="append to benchmarks/results/oracle.jsonl")
    chosen = options.parse_args()
    market = synthetic("SYN-EDGE", seed=SEED, n_bars=ONE_YEAR)
    sys.stdout.write("| bars ahead | rms error | largest | rms noise of the truth | CPU s a year |\n")
    sys.stdout.write("| --- | --- | --- | --- | --- |\n")
    for horizon in HORIZONS:
        found = measured(market, horizon, chosen.rows, chosen.draws)
        cells = [f"{found[name]:.5f}" for name in ("rms_error", "max_error", "rms_noise")]
        sys.stdout.write(f"| {horizon} | {' | '.join(cells)} | {found['cpu_s_per_year']:.2f} |\n")
        sys.stdout.flush()
        if chosen.record:
            line = {"kind": "oracle", "horizon_bars": horizon, "rows": chosen.rows, "draws": chosen.draws}
            RESULTS.parent.mkdir(exist_ok=True)
            with RESULTS.open("a") as file:
                file.write(json.dumps(line | found) + "\n")


if __name__ == "__main__":
    main()
