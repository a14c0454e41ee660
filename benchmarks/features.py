"""What a feature value costs, in batch and bar by bar, beside hand-written kernels; and compiling them all.

.venv/bin/python benchmarks/features.py [--bars 35040] [--rounds 15] [--no-compile] [--record]

Both sides run in alternating rounds of one process; CPU medians are compared. The other sides are those of
../shared/bench: `panel`, a fused kernel of 150 columns that writes into warm memory, and the state kernel of
the same 150 columns; ours go through `truebar.features.batch` and `FeatureStream`, checks, the frame and
fresh memory included. Compiling is timed in a
process of its own with an empty cache, and once more with the cache it has left. --record appends one line
to benchmarks/results/features.jsonl.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from truebar.features import FeatureStream, batch
from truebar.market import synthetic

HERE = Path(__file__).parent
SHARED = HERE.parents[1] / "shared" / "bench"
TIMEFRAME = "15m"
BATCH_RATIO_MAX, BAR_US_MAX, COMPILE_S_MAX = 1.5, 5.0, 25.0
WARM_BARS, TIMED_BARS, SLICE_BARS = 2_000, 10_000, 200

COMPILE = """
import time
import pandas as pd
from truebar.features import batch
bars = pd.DataFrame({"open_time": pd.date_range("2025-01-01", periods=3, freq="1h", tz="UTC"),
    "open": 1.0, "high": 2.0, "low": 0.5, "close": 1.0, "volume": 1.0})
wall, cpu = time.perf_counter(), time.process_time()
batch(bars)
print(time.perf_counter() - wall, time.process_time() - cpu)
"""


def race(contestants: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median CPU seconds of each, in alternating order after one call that does not count."""
    for run in contestants.values():
        run()
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    order, rng = list(contestants), random.Random(1)
    for _ in range(rounds):
        rng.shuffle(order)
        for name in order:
            start = time.process_time()
            contestants[name]()
            taken[name].append(time.process_time() - start)
    return {name: float(np.median(values)) for name, values in taken.items()}


def in_batch(bars: pd.DataFrame, rounds: int) -> dict[str, float]:
    """Return nanoseconds of CPU per value of each side."""
    columns = batch(bars, timeframe=TIMEFRAME).shape[1] - 2
    sides: dict[str, Callable[[], object]] = {"batch": lambda: batch(bars, timeframe=TIMEFRAME)}
    values = {"batch": columns * len(bars)}
    if SHARED.exists():
        import kernels  # noqa: PLC0415 - there only beside the checkout

        out, periods = np.empty((kernels.N_PANEL, len(bars))), np.array(kernels.PERIODS)
        inputs = [bars[name].to_numpy(dtype=np.float64) for name in ("high", "low", "close", "volume")]
        sides["fused kernel"] = lambda: kernels.panel(*inputs, periods, out)
        values["fused kernel"] = out.size
    taken = race(sides, rounds)
    return {name: seconds / values[name] * 1e9 for name, seconds in taken.items()}


def bar_by_bar(bars: pd.DataFrame, rounds: int) -> dict[str, dict[str, float]]:
    """Return the wall microseconds of one bar, the median and the quickest of slices that alternate.

    A slice has many bars: to ask the clock takes a tenth of a microsecond.
    """
    rows = list(bars.iloc[WARM_BARS : WARM_BARS + TIMED_BARS].itertuples(index=False))
    taken: dict[str, list[float]] = {}
    for _ in range(rounds):
        steps = bar_steps(bars.iloc[:WARM_BARS])
        for begin in range(0, len(rows), SLICE_BARS):
            some = rows[begin : begin + SLICE_BARS]
            for name, take in steps.items():
                start = time.perf_counter_ns()
                for row in some:
                    take(row)
                taken.setdefault(name, []).append((time.perf_counter_ns() - start) / len(some) / 1e3)
    return {
        name: {"median": float(np.median(spent)), "quickest": min(spent)} for name, spent in taken.items()
    }


def bar_steps(warm: pd.DataFrame) -> dict[str, Callable[[object], object]]:
    """Return what takes one bar in, of each side, after the same bars."""
    stream = FeatureStream(timeframe=TIMEFRAME)
    stream.extend(warm)
    steps: dict[str, Callable[[object], object]] = {"update": stream.update}
    if SHARED.exists():
        import incremental  # noqa: PLC0415 - there only beside the checkout

        names = ("open", "high", "low", "close", "volume")
        step = incremental.numba_state({name: warm[name].to_numpy(dtype=np.float64) for name in names})
        steps["state kernel"] = lambda row: step(row.open, row.high, row.low, row.close, row.volume)
    return steps


def compiling() -> dict[str, float]:
    """Return wall and CPU seconds of the first call with an empty cache, and wall seconds with a full one."""
    with tempfile.TemporaryDirectory() as cache:
        found = []
        for _ in range(2):
            ran = subprocess.run(  # noqa: S603 - our own text
                [sys.executable, "-c", COMPILE],
                env=os.environ | {"NUMBA_CACHE_DIR": cache},
                capture_output=True,
                text=True,
                check=True,
            )
            found.append([float(text) for text in ran.stdout.split()])
    return {"compile_wall_s": found[0][0], "compile_cpu_s": found[0][1], "cached_wall_s": found[1][0]}


def main() -> None:
    """Run every side, print the ratios, and with --record keep them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bars", type=int, default=35_040)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--record", action="store_true")
    arguments = parser.parse_args()
    if SHARED.exists():
        sys.path.insert(0, str(SHARED))
    else:
        print("../shared/bench is not there: only our own side is timed.")
    bars = synthetic("SYN-EDGE", seed=7, n_bars=arguments.bars).bars
    value_ns, bar_us = in_batch(bars, arguments.rounds), bar_by_bar(bars, arguments.rounds)
    result: dict[str, Any] = {"value_ns": value_ns, "bar_us": bar_us, "load": os.getloadavg()[0]}
    print(f"{arguments.bars:,} bars; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for name, spent in value_ns.items():
        ratio = spent / value_ns.get("fused kernel", spent)
        print(f"  {name:14} {spent:6.2f} ns a value   {ratio:5.2f} x   (batch: at most {BATCH_RATIO_MAX})")
    for name, lapse in bar_us.items():
        print(
            f"  {name:14} {lapse['median']:6.2f} us a bar, quickest slice {lapse['quickest']:.2f}"
            f"   (update: at most {BAR_US_MAX})"
        )
    if not arguments.no_compile:
        result |= compiling()
        print(
            f"  first call {result['compile_wall_s']:.1f} s wall, {result['compile_cpu_s']:.1f} s CPU "
            f"(at most {COMPILE_S_MAX}); from the cache {result['cached_wall_s']:.2f} s"
        )
    if arguments.record:
        line = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "bars": arguments.bars,
            "python": platform.python_version(),
            "numba": metadata.version("numba"),
            **result,
        }
        with (HERE / "results" / "features.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
