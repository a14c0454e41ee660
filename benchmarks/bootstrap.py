"""How long luck takes to measure: resamples, intervals, a whole verdict, and the luckiest of 100 trials.

.venv/bin/python benchmarks/bootstrap.py [--rounds 5] [--record]

All sides of a comparison run in alternating rounds of one process; CPU medians are compared. Resamples:
20,000 rows x 1,000 with blocks of 20, beside arch, which hands out resampled values one after the other, and
beside numpy, one coin a row. The area under the ROC curve: 100 resamples of 7,000 rows, beside scikit-learn
on the very rows. A verdict: `truebar.verdict.judge` on 7,000 rows with
1,000 resamples an interval. The luckiest of 100 trials: 28,000 bars, 1,000 joint resamples, and the most
memory the process ever held. The first call is timed in a process of its own, its machine code from the
cache. --record appends one line to benchmarks/results/bootstrap.jsonl.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from arch.bootstrap import StationaryBootstrap
from sklearn.metrics import roc_auc_score

from truebar import backtest
from truebar.backtest import BacktestResult
from truebar.config import BacktestConfig
from truebar.scores.direction import direction_score
from truebar.scores.ranks import ranked, roc_areas
from truebar.scores.rows import class_shares
from truebar.scores.trial import trial_score
from truebar.validation.significance import bootstrap_counts, luckiest_sharpe, stationary_bootstrap
from truebar.verdict import Verdict, bootstrap_generator, judge

HERE = Path(__file__).parent
ROWS, RESAMPLES, BLOCK = 20_000, 1_000, 20.0
VAULT_ROWS, FEW = 7_000, 100
DEV_BARS, TRIALS = 28_000, 100
HORIZON_BARS = 4
BUDGET_S = 2.0
"""Wall seconds that 1,000 resamples of 20,000 rows may take, first call included."""

FIRST_CALL = f"""
import time
import numpy as np
from truebar.validation.significance import stationary_bootstrap
wall, cpu = time.perf_counter(), time.process_time()
stationary_bootstrap({ROWS}, mean_block={BLOCK}, n_resamples={RESAMPLES}, generator=np.random.default_rng(0))
print(time.perf_counter() - wall, time.process_time() - cpu)
"""

FloatArray = npt.NDArray[np.float64]
Contestants = dict[str, Callable[[], object]]


def race(contestants: Contestants, rounds: int) -> dict[str, float]:
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


def first_call() -> dict[str, float]:
    """Return wall and CPU seconds of the first bootstrap of a new process, its machine code in the cache."""
    for _ in range(2):  # the first one fills the cache where it is empty
        done = subprocess.run(  # noqa: S603 - our own script in our own environment
            [sys.executable, "-c", FIRST_CALL], capture_output=True, text=True, check=True
        )
    wall, cpu = map(float, done.stdout.split())
    return {"wall_s": round(wall, 3), "cpu_s": round(cpu, 3)}


def by_numpy() -> npt.NDArray[np.int64]:
    """Return the resamples by one coin a row: go on with the next row, or jump."""
    rng = np.random.default_rng(0)
    rows = np.empty((RESAMPLES, ROWS), dtype=np.int64)
    for resample in range(RESAMPLES):
        jumps = rng.random(ROWS) < 1 / BLOCK
        jumps[0] = True
        starts = np.flatnonzero(jumps)
        offset = rng.integers(0, ROWS, starts.size) - starts
        rows[resample] = (np.arange(ROWS) + np.repeat(offset, np.diff(np.append(starts, ROWS)))) % ROWS
    return rows


def by_arch() -> None:
    """Draw the resamples by arch, which hands out resampled values one after the other."""
    drawn = StationaryBootstrap(BLOCK, np.arange(ROWS), seed=0)
    for _ in drawn.bootstrap(RESAMPLES):
        pass


def resamples() -> Contestants:
    """Return the sides that draw the same resamples."""
    how = {"mean_block": BLOCK, "n_resamples": RESAMPLES}
    return {
        "stationary_bootstrap": lambda: stationary_bootstrap(ROWS, generator=np.random.default_rng(0), **how),
        "bootstrap_counts": lambda: bootstrap_counts(ROWS, generator=np.random.default_rng(0), **how),
        "numpy, a coin a row": by_numpy,
        "arch": by_arch,
    }


def vault() -> tuple[FloatArray, FloatArray, BacktestResult]:
    """Return probabilities, labels of 4 bars and an account on 7,000 bars with a weak signal."""
    rng = np.random.default_rng(7)
    signal = rng.standard_normal(VAULT_ROWS)
    returns = np.zeros(VAULT_ROWS)
    returns[1:] = 0.005 * (0.2 * signal[:-1] + rng.standard_t(5, VAULT_ROWS - 1))
    close = 100 * np.exp(returns.cumsum())
    opened = np.concatenate(([100.0], close[:-1]))
    bars = pd.DataFrame(
        {
            "open_time": pd.date_range("2025-01-01", periods=VAULT_ROWS, freq="15min", tz="UTC"),
            "open": opened,
            "high": np.maximum(opened, close),
            "low": np.minimum(opened, close),
            "close": close,
            "volume": 1.0,
        }
    )
    future = np.full(VAULT_ROWS, np.nan)
    future[:-HORIZON_BARS] = np.log(close[HORIZON_BARS:] / close[:-HORIZON_BARS])
    labels = np.where(np.isnan(future), np.nan, np.where(np.abs(future) > 0.012, np.sign(future), 0))
    odds = np.exp(np.column_stack((-0.2 * signal, np.full(VAULT_ROWS, 0.6), 0.2 * signal)))
    target = np.where(np.abs(signal) > 1.5, np.sign(signal), 0.0)
    account = backtest.run(bars, 0.5 * target, BacktestConfig())
    return odds / odds.sum(axis=1, keepdims=True), labels, account


def areas(probabilities: FloatArray, labels: FloatArray) -> Contestants:
    """Return the sides that compute the direction AUC of the same resamples."""
    known = ~np.isnan(labels)
    score, known_labels = direction_score(probabilities[known]), labels[known]
    ranking = ranked(score, known_labels == 1, known_labels != 0)
    how = {"mean_block": BLOCK, "n_resamples": FEW}
    counts = bootstrap_counts(score.size, generator=np.random.default_rng(0), **how)
    drawn = stationary_bootstrap(score.size, generator=np.random.default_rng(0), **how)

    def by_sklearn() -> FloatArray:
        found = np.empty(FEW)
        for resample, rows in enumerate(drawn):
            moved = rows[known_labels[rows] != 0]
            found[resample] = roc_auc_score(known_labels[moved] == 1, score[moved])
        return found

    if not np.allclose(by_sklearn(), roc_areas(ranking, counts), rtol=1e-12):
        raise SystemExit("roc_areas and scikit-learn disagree on the same resamples.")
    return {"roc_areas": lambda: roc_areas(ranking, counts), "scikit-learn": by_sklearn}


def verdict(probabilities: FloatArray, labels: FloatArray, account: BacktestResult) -> Verdict:
    """Return the verdict on the vault, 1,000 resamples an interval."""
    return judge(
        probabilities=probabilities,
        labels=labels,
        backtest=account,
        dev_shares=class_shares(labels),
        horizon_bars=HORIZON_BARS,
        generator=bootstrap_generator("recipe", "data"),
        leakage_checks={"features": True},
        funding_counted=True,
        vault_looks=1,
        n_trials=1,
        bundle="b",
        data_digest="d",
        n_resamples=RESAMPLES,
    )


def search() -> Contestants:
    """Return what a study asks of luck: SR₀ of its trials, and the score of one trial."""
    rng = np.random.default_rng(1)
    common, own = rng.standard_normal((DEV_BARS, 1)), rng.standard_normal((DEV_BARS, TRIALS))
    returns = 1e-3 * (0.85 * common + 0.53 * own)
    future, edge = 0.01 * rng.standard_normal((2, DEV_BARS))
    yardstick = np.full(DEV_BARS, 0.01)
    return {
        "luckiest_sharpe": lambda: luckiest_sharpe(
            returns, horizon_bars=HORIZON_BARS, generator=np.random.default_rng(0), n_resamples=RESAMPLES
        ),
        "trial_score": lambda: trial_score(future, edge, yardstick),
    }


def main() -> None:
    """Run all sides, print their times and ratios, and record them if asked to."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--record", action="store_true")
    asked = arguments.parse_args()
    first = first_call()
    probabilities, labels, account = vault()
    drawn = race(resamples(), asked.rounds)
    ranks = race(areas(probabilities, labels), asked.rounds)
    whole = race({"judge": lambda: verdict(probabilities, labels, account)}, asked.rounds)
    luck = race(search(), asked.rounds)
    ours = drawn["stationary_bootstrap"]
    ratios = {
        f"{name} / stationary_bootstrap": value / ours for name, value in drawn.items() if value != ours
    }
    ratios["scikit-learn / roc_areas"] = ranks["scikit-learn"] / ranks["roc_areas"]
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    taken = drawn | ranks | whole | luck
    print(
        f"first call in a new process: {first['wall_s']:.2f} s, {first['cpu_s']:.2f} s of CPU; "
        f"{BUDGET_S:g} s are allowed, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    for name, value in taken.items():
        print(f"{name:>22} {value * 1e3:9.2f} ms CPU, median of {asked.rounds}")
    for name, ratio in ratios.items():
        print(f"{name:>44} {ratio:7.2f}")
    print(f"most memory held: {memory_mb:.0f} MiB")
    if asked.record:
        record(first, taken, ratios, memory_mb)


def record(
    first: dict[str, float], taken: dict[str, float], ratios: dict[str, float], memory_mb: float
) -> None:
    """Append one line to the results."""
    line = {
        "recorded_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "first_call": first,
        "cpu_ms": {name: round(value * 1e3, 3) for name, value in taken.items()},
        "ratios": {name: round(value, 3) for name, value in ratios.items()},
        "max_rss_mb": round(memory_mb),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "arch": metadata.version("arch"),
    }
    path = HERE / "results" / "bootstrap.jsonl"
    path.parent.mkdir(exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
