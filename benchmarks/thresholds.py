"""Tuning of thresholds beside its plain way: 49 pairs over the out-of-fold rows of a year of 15m bars.

    python benchmarks/thresholds.py [--bars 28000] [--rounds 5] [--record]

The plain way runs the public decision and backtest once for each pair and has no standard error. CPU medians
of alternating rounds in one process.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np

from truebar import backtest
from truebar.config import BacktestConfig, LabelConfig
from truebar.decision import FixedRule, target_positions
from truebar.edge import edge_scale, implied_edge
from truebar.labels import vol_scaled
from truebar.market import oracle, synthetic
from truebar.thresholds import optimise
from truebar.volatility import estimate

RESULTS: Final = Path(__file__).resolve().parent / "results" / "thresholds.jsonl"
LABEL: Final = LabelConfig(estimator="realized", window=96, k=1.0, horizon_bars=4)
CONFIG: Final = BacktestConfig()
MULTIPLES: Final = (0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0)


def contestants(n_bars: int) -> dict[str, Callable[[], object]]:
    """Return both sides over the same market, probabilities and sizes."""
    market = synthetic("SYN-EDGE", seed=1, n_bars=n_bars)
    bars = market.bars
    sigma = estimate(bars, "realized", window=96, timeframe="15m")
    labels = vol_scaled(bars, sigma, k=1.0, horizon_bars=4, timeframe="15m")
    probabilities, tau = oracle(market, LABEL).probabilities.to_numpy(), labels["tau"].to_numpy()
    scale = edge_scale(labels["future_return"], tau, labels["label"])
    cost = CONFIG.costs.round_trip_bps * 1e-4

    def tuned() -> object:
        return optimise(
            probabilities,
            bars=bars,
            tau=tau,
            edge_scale=scale,
            config=CONFIG,
            horizon_bars=4,
            sigma=sigma,
            timeframe="15m",
        )

    def plain() -> object:
        edge = implied_edge(probabilities, tau, scale)
        size = np.minimum(1.0, 0.20 / (sigma * np.sqrt(35_040)))
        best = -np.inf
        for long, short in product(MULTIPLES, repeat=2):
            target = target_positions(edge, FixedRule(long * cost, short * cost), size=size)
            equity = backtest.run(bars, target, CONFIG, timeframe="15m").equity
            best = max(best, float(np.diff(np.log(equity)).mean()))
        return best

    return {"truebar.thresholds.optimise": tuned, "49 x truebar.backtest.run": plain}


def main() -> None:
    """Run both sides in turn and print their CPU medians and ratio."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--bars", type=int, default=28_000)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument(
        "--record", action="store_true", help="append to benchmarks/results/thresholds.jsonl"
    )
    chosen = options.parse_args()
    sides = contestants(chosen.bars)
    spent: dict[str, list[float]] = {name: [] for name in sides}
    for side in sides.values():
        side()  # compiled
    for _ in range(chosen.rounds):
        for name, side in sides.items():
            began = time.process_time()
            side()
            spent[name].append(time.process_time() - began)
    cpu_s = {name: median(times) for name, times in spent.items()}
    ratio = cpu_s["truebar.thresholds.optimise"] / cpu_s["49 x truebar.backtest.run"]
    for name, seconds in cpu_s.items():
        sys.stdout.write(f"{name}: {seconds:.3f} CPU s\n")
    sys.stdout.write(f"ratio: {ratio:.2f}\n")
    if chosen.record:
        RESULTS.parent.mkdir(exist_ok=True)
        line = {"kind": "thresholds", "bars": chosen.bars, "pairs": 49, "cpu_s": cpu_s, "ratio": ratio}
        with RESULTS.open("a") as file:
            file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
