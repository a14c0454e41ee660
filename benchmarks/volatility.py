"""Five volatilities and labels against the bundled kernels, all in one process, through the public names.

    python benchmarks/volatility.py [--rounds 15] [--record]

The references are `five` and `fixed_labels` of `../shared/bench/volatility.py`: bare numba loops over arrays,
without checks of times or prices, without rules for gaps, missing rows, zero volume and ticks. Ours takes a
DataFrame, checks it and keeps those rules. Printed are CPU medians of alternating rounds and their ratio, for
a year of 15-minute and of 1-minute bars and a window of 96.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from truebar.labels import vol_scaled, vol_scaled_all
from truebar.volatility import estimate_all

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = REPOSITORY.parent / "shared" / "bench"
WINDOW, HORIZON_BARS, K = 96, 16, 0.5
LIMIT = 1.2
"""At most so many times the bundled kernel's CPU seconds for the five estimators; labels have no limit."""

Contestants = dict[str, Callable[[], object]]


def median_cpu_seconds(contestants: Contestants, rounds: int) -> dict[str, float]:
    """Return the median CPU seconds of each, in alternating rounds; the first only warms up."""
    spent: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds + 1):
        for name in list(contestants)[:: 1 if number % 2 else -1]:
            began = time.process_time()
            contestants[name]()
            spent[name].append(time.process_time() - began)
    return {name: float(np.median(seconds[1:])) for name, seconds in spent.items()}


def estimators_and_labels(minutes: int) -> tuple[Contestants, Contestants]:
    """Return ours and the bundled kernels over one year of bars: estimators, then labels."""
    import common  # noqa: PLC0415 (only there where the bundled benchmarks are)
    import volatility as bundled  # noqa: PLC0415

    klines = common.klines(365 * 24 * 60 // minutes, 7, minutes)
    prices = [klines[name] for name in ("open", "high", "low", "close")]
    rows = prices[0].size
    bars = pd.DataFrame(klines)
    bars["open_time"] = pd.to_datetime(bars["open_time"], unit="ms", utc=True)
    timeframe = f"{minutes}m"
    sigma = estimate_all(bars, window=WINDOW, timeframe=timeframe)["yang_zhang"].to_numpy(copy=True)
    out, label, end = np.empty((5, rows)), np.empty(rows, np.int8), np.empty(rows, np.int64)
    several = {"k": [0.5, 0.75, 1.0, 1.25, 1.5], "horizon_bars": [4, 16]}
    estimators: Contestants = {
        "ours": lambda: estimate_all(bars, window=WINDOW, timeframe=timeframe),
        "reference": lambda: bundled.five(*prices, WINDOW, out),
    }
    labels: Contestants = {
        "ours": lambda: vol_scaled(bars, sigma, k=K, horizon_bars=HORIZON_BARS, timeframe=timeframe),
        "ours, 2 horizons x 5 k": lambda: vol_scaled_all(bars, sigma, timeframe=timeframe, **several),
        "reference": lambda: bundled.fixed_labels(prices[3], sigma, K, HORIZON_BARS, label, end),
    }
    return estimators, labels


def measure(rounds: int) -> list[dict[str, object]]:
    """Return one record for each task and number of bars."""
    records: list[dict[str, object]] = []
    for minutes in (15, 1):
        tasks = zip(("five estimators", "labels"), estimators_and_labels(minutes), strict=True)
        for what, contestants in tasks:
            seconds = median_cpu_seconds(contestants, rounds)
            record: dict[str, object] = {
                "what": what,
                "bars": 365 * 24 * 60 // minutes,
                "cpu_seconds": seconds,
            }
            record["ratio"] = seconds["ours"] / seconds["reference"]
            record["limit"] = LIMIT if what == "five estimators" else None
            records.append(record)
    return records


def main() -> None:
    """Measure, print, and append to the results if asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--record", action="store_true", help="append to benchmarks/results/volatility.jsonl")
    arguments = parser.parse_args()
    if not (SHARED / "volatility.py").is_file():
        sys.exit("the references are not there: expected shared/bench/volatility.py beside the checkout.")
    here = str(Path(__file__).resolve().parent)
    sys.path[:] = [str(SHARED), *(path for path in sys.path if path != here)]  # both are called volatility
    records = measure(arguments.rounds)
    for record in records:
        print(json.dumps(record))
    if arguments.record:
        line = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "load": os.getloadavg()[0],
            "results": records,
        }
        results = REPOSITORY / "benchmarks" / "results" / "volatility.jsonl"
        results.parent.mkdir(exist_ok=True)
        with results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
