"""How long a backtest takes, beside the barest loops that could do it and beside vectorbt.

.venv/bin/python benchmarks/backtest.py [--bars 525600] [--rounds 15] [--record]

All sides run the same bars, targets, fee, slippage and 8-hourly funding, in alternating rounds of one
process; CPU medians are compared. `loop` is the loop of ../shared/bench/backtest.py (one unit, fees,
slippage, funding, drawdown, turnover) where that folder is there. `share loop` is written out below: the
equity-share rule of METHOD §3 with costs and funding and nothing else, no checks, journal or liquidation.
`truebar` is checked input, equity and journal, as the loops and vectorbt's orders with their final value;
`truebar, metrics` asks for the metrics too, as vectorbt's orders with their statistics. vectorbt (no funding)
runs in its own environment, made by benchmarks/oracles/make.sh, in the same minute: on series with times, as
../shared/bench does, and on bare ones, which spare it much; it is left out where that environment is not
there. --record appends one line to benchmarks/results/backtest.jsonl.
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
from importlib import util
from pathlib import Path
from types import ModuleType
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import pandas as pd

from truebar import backtest
from truebar.config import BacktestConfig
from truebar.market import synthetic

HERE = Path(__file__).parent
SHARED = HERE.parents[1] / "shared" / "bench"
VECTORBT = HERE.parent / "build" / "oracles" / "bin" / "python"
FEE_BPS, SLIPPAGE_BPS, SHARE, RATE, FUNDING_BARS = 5.0, 10.0, 0.5, 0.0001, 480

FloatArray = npt.NDArray[np.float64]


@numba.njit(nogil=True)
def share_loop(  # noqa: D103 - said in the module's docstring
    opened: FloatArray, close: FloatArray, target: FloatArray, fee: float, slippage: float, rate: float,
    every: int, capital: float, equity: FloatArray,
) -> tuple[float, float, float]:  # fmt: skip
    cash, units, filled, fees, funding = capital, 0.0, 0.0, 0.0, 0.0
    equity[0] = capital
    for bar in range(1, close.size):
        if bar % every == 0 and units != 0.0:
            due = units * opened[bar] * rate
            cash -= due
            funding += due
        want = target[bar - 1]
        if want != filled:
            traded = want * (cash + units * opened[bar]) / opened[bar] - units
            price = opened[bar] * (1.0 + slippage if traded > 0 else 1.0 - slippage)
            cost = abs(traded) * price * fee
            cash -= traded * price + cost
            fees += cost
            units += traded
            filled = want
        equity[bar] = cash + units * close[bar]
    return equity[-1], fees, funding


def bench_loop() -> ModuleType | None:
    """Return the module that holds the loop of the shared benchmark, or None where it is not there."""
    if not (SHARED / "backtest.py").exists():
        return None
    sys.path.insert(0, str(SHARED))
    spec = util.spec_from_file_location("shared_backtest", SHARED / "backtest.py")
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sides_of(close: FloatArray) -> FloatArray:
    """Return -1, 0 or 1 for each bar: two exponential means with a dead band between them."""
    series = pd.Series(close)
    gap = (series.ewm(span=12, adjust=False).mean() / series.ewm(span=36, adjust=False).mean() - 1).to_numpy()
    band = 0.3 * gap.std()
    sides = np.where(gap > band, 1.0, np.where(gap < -band, -1.0, 0.0))
    sides[:50] = sides[-2:] = 0.0
    return sides


def race(contestants: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median CPU seconds of each, taken in alternating order after two calls that do not count."""
    for run in contestants.values():
        run()
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


VECTORBT_SCRIPT = """
import json, sys, time
import numpy as np, pandas as pd, vectorbt
held = np.load(sys.argv[1])
want = np.concatenate(([0.0], held["target"][:-1]))
size = np.where(np.diff(np.concatenate(([0.0], want))) != 0, want, np.nan)
times = pd.date_range("2025-01-01", periods=len(want), freq="1min", tz="UTC")
indexed = [pd.Series(held[name], index=times) for name in ("close", "open")]
bare = [pd.Series(held["close"]), held["open"]]
def run(columns, statistics):
    account = vectorbt.Portfolio.from_orders(
        columns[0], size=size, size_type="targetpercent", price=columns[1],
        fees=float(sys.argv[2]), slippage=float(sys.argv[3]), init_cash=1e5, freq="1min")
    return account.stats() if statistics else account.final_value()
sides = {"vectorbt": (indexed, False), "vectorbt, stats": (indexed, True),
    "vectorbt, no times": (bare, False), "vectorbt, no times, stats": (bare, True)}
taken = {name: [] for name in sides}
for _ in range(6):
    for name, side in sides.items():
        start = time.process_time(); run(*side); taken[name].append(time.process_time() - start)
print(json.dumps({"version": vectorbt.__version__,
                  "cpu_s": {name: float(np.median(values[1:])) for name, values in taken.items()}}))
"""


def by_vectorbt(opened: FloatArray, close: FloatArray, target: FloatArray) -> dict[str, Any] | None:
    """Return vectorbt's median CPU seconds for orders and statistics, or None without its environment."""
    if not VECTORBT.exists():
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bars.npz"
        np.savez(path, open=opened, close=close, target=target)
        costs = [str(FEE_BPS / 1e4), str(SLIPPAGE_BPS / 1e4)]
        done = subprocess.run(  # noqa: S603 - our own script in our own environment
            [str(VECTORBT), "-c", VECTORBT_SCRIPT, str(path), *costs],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Run all sides, print their times and ratios, and record them if asked to."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--bars", type=int, default=525_600)
    arguments.add_argument("--rounds", type=int, default=15)
    arguments.add_argument("--seed", type=int, default=7)
    arguments.add_argument("--record", action="store_true")
    asked = arguments.parse_args()
    bars = synthetic("SYN-NULL", seed=asked.seed, n_bars=asked.bars, timeframe="1m").bars
    opened, close = (bars[name].to_numpy(copy=True) for name in ("open", "close"))
    sides = sides_of(close)
    target, equity = sides * SHARE, np.zeros(asked.bars)
    funding = pd.DataFrame({"funding_time": bars["open_time"].iloc[::FUNDING_BARS], "rate": RATE})
    config = BacktestConfig(costs={"fee_bps": FEE_BPS, "slippage_bps": SLIPPAGE_BPS})
    fee, slippage = FEE_BPS / 1e4, SLIPPAGE_BPS / 1e4
    contestants: dict[str, Callable[[], object]] = {
        "truebar": lambda: backtest.run(bars, target, config, funding=funding),
        "truebar, metrics": lambda: backtest.run(bars, target, config, funding=funding).metrics,
        "share loop": lambda: share_loop(
            opened, close, target, fee, slippage, RATE, FUNDING_BARS, 1e5, equity
        ),
    }
    shared = bench_loop()
    if shared is None:
        print("../shared/bench is not there: its loop is left out.")
    else:
        units, rates = sides.astype(np.int8), np.full(asked.bars // FUNDING_BARS + 1, RATE)
        contestants["loop"] = lambda: shared.loop_full(
            opened, close, units, fee, slippage, FUNDING_BARS, rates, 1.0, equity
        )
    taken = race(contestants, asked.rounds)
    other = by_vectorbt(opened, close, target)
    if other is None:
        print("no environment of the oracles: run benchmarks/oracles/make.sh for vectorbt.")
    show(taken, other, asked, int(np.count_nonzero(np.diff(target))))


def show(
    taken: dict[str, float], other: dict[str, Any] | None, asked: argparse.Namespace, changes: int
) -> None:
    """Print times and ratios; append them to the results if asked to."""
    ours = taken["truebar"]
    print(f"{asked.bars:,} bars, {changes:,} changes of the target; CPU medians of {asked.rounds} rounds")
    ratios = {f"truebar / {name}": ours / taken[name] for name in taken if name.endswith("loop")}
    if other is not None:
        for name, value in other["cpu_s"].items():
            ours_too = "truebar, metrics" if name.endswith("stats") else "truebar"
            ratios[f"{name} / {ours_too}"] = value / taken[ours_too]
        taken = taken | other["cpu_s"]
    for name, value in taken.items():
        print(f"{name:>26} {value * 1e3:9.2f} ms {value / asked.bars * 1e9:9.2f} ns a bar")
    for name, ratio in ratios.items():
        print(f"{name:>46} {ratio:7.2f}")
    if not asked.record:
        return
    line = {
        "recorded_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "bars": asked.bars,
        "changes": changes,
        "cpu_ms": {name: round(value * 1e3, 3) for name, value in taken.items()},
        "ratios": {name: round(value, 3) for name, value in ratios.items()},
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "vectorbt": None if other is None else other["version"],
    }
    path = HERE / "results" / "backtest.jsonl"
    path.parent.mkdir(exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
