"""What a study costs beside the naive way: a new matrix for every trial and fold, every trial to its end.

    python benchmarks/study.py [--trials 100] [--bars 35040] [--columns 150] [--record]

Both sides draw their trials with the same seeded sampler over the same folds of dev, k and estimator fixed,
so that the log losses of their best trials compare. Ours shares one quantised matrix a fold among all
trials and gives trials up early. CPU seconds; `--record` appends a line to `results/study.jsonl`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import optuna
import pandas as pd

from truebar.config import BacktestConfig, LabelConfig, OptunaConfig, PrunerConfig, XgbConfig
from truebar.features import batch
from truebar.history import History
from truebar.labels import vol_scaled
from truebar.market import synthetic
from truebar.models.recipe import Request, xgboost_request
from truebar.models.xgboost import out_of_fold
from truebar.partitions import Partition
from truebar.scores.activity import log_loss_rows
from truebar.study import Candidate, dev_of
from truebar.validation import dev_vault
from truebar.volatility import estimate
from truebar_io.home import Home
from truebar_io.stages.searching import run_study
from truebar_io.studies import Finished, PartitionStudies, Score

TIMEFRAME: Final = "15m"
LABEL: Final = LabelConfig(estimator="realized", window=96, k=1.0, horizon_bars=4)
RESULTS: Final = Path(__file__).resolve().parent / "results" / "study.jsonl"


def history_of(bars: pd.DataFrame, columns: int) -> History:
    """Return a history of `columns` features: the core set, then its columns one, two … bars before."""
    core = batch(bars, timeframe=TIMEFRAME)
    times, features = core[["open_time", "available_at"]], core.iloc[:, 2:]
    wide = [features]
    while sum(part.shape[1] for part in wide) < columns:
        lag = len(wide)
        wide.append(features.shift(lag).add_suffix(f"_before_{lag}"))
    matrix = pd.concat([times, pd.concat(wide, axis=1).iloc[:, :columns]], axis=1)
    sigma = estimate(bars, LABEL.estimator, window=LABEL.window, timeframe=TIMEFRAME)
    labels = vol_scaled(bars, sigma, k=LABEL.k, horizon_bars=LABEL.horizon_bars, timeframe=TIMEFRAME)
    return History.align(matrix, labels.assign(open_time=bars["open_time"].to_numpy()))


def request_of(history: History, trials: int, pruner: str) -> Request:
    """Return the request: k and estimator fixed, default space."""
    search = OptunaConfig(n_trials=trials, pruner=PrunerConfig.model_validate({"type": pruner}))
    model = XgbConfig(optuna=search)
    return xgboost_request(history.feature_columns, LABEL, model, BacktestConfig())


def log_loss(history: History, rows: np.ndarray, request: Request, candidate: Candidate) -> float:
    """Return the out-of-fold log loss of a candidate."""
    recipe = request.freeze(candidate.label, candidate.parameters, "none")
    made = out_of_fold(history, rows, recipe, timeframe=TIMEFRAME)
    one_hot = np.eye(3)[history.label[made.rows].astype(int) + 1]
    return float(log_loss_rows(made.probabilities, one_hot).mean())


def naive(history: History, rows: np.ndarray, request: Request, home: Path) -> tuple[float, float]:
    """Return CPU seconds and best log loss of trials run one by one, each on new matrices."""
    losses = []

    def evaluate(candidate: Candidate, told: Score) -> Finished:
        del told
        losses.append(log_loss(history, rows, request, candidate))
        return Finished(-losses[-1], {}, np.zeros(1))

    began = time.process_time()
    PartitionStudies(Home(home), Partition("SYN-EDGE", TIMEFRAME), "xgboost").run(
        "naive", request, evaluate, steps=1
    )
    return time.process_time() - began, min(losses)


def ours(
    history: History, bars: pd.DataFrame, rows: np.ndarray, request: Request, home: Path
) -> tuple[float, Candidate, dict[str, int]]:
    """Return CPU seconds of the study, the best candidate, and how its trials ended."""
    sigmas = {LABEL.estimator: estimate(bars, LABEL.estimator, window=LABEL.window, timeframe=TIMEFRAME)}
    studies = PartitionStudies(Home(home), Partition("SYN-EDGE", TIMEFRAME), "xgboost")
    began = time.process_time()
    dev = dev_of(history, bars, rows, request, sigmas=sigmas, timeframe=TIMEFRAME)
    run_study(studies, "ours", request, dev, bars)
    spent = time.process_time() - began
    states = [record.state for record in studies.records()]
    return (
        spent,
        studies.best("ours", request).candidate,
        {state: states.count(state) for state in set(states)},
    )


def main() -> None:
    """Run both sides and print what they cost."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--trials", type=int, default=100)
    options.add_argument("--bars", type=int, default=35_040)
    options.add_argument("--columns", type=int, default=150)
    options.add_argument("--pruner", default="successive_halving")
    options.add_argument("--record", action="store_true")
    chosen = options.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    bars = synthetic("SYN-EDGE", seed=7, n_bars=chosen.bars, A=0.12).bars
    history = history_of(bars, chosen.columns)
    rows = dev_vault(history.open_time, history.labels["label_end"])["dev"]
    request = request_of(history, chosen.trials, chosen.pruner)
    with TemporaryDirectory() as folder:
        cpu_ours, best, states = ours(history, bars, rows, request, Path(folder) / "ours")
        cpu_naive, loss_naive = naive(history, rows, request, Path(folder) / "naive")
    loss_ours = log_loss(history, rows, request, best)
    line: dict[str, Any] = {
        **{name: getattr(chosen, name) for name in ("trials", "bars", "columns", "pruner")},
        "cpu_s_ours": round(cpu_ours, 1),
        "cpu_s_naive": round(cpu_naive, 1),
        "ratio": round(cpu_ours / cpu_naive, 3),
        "log_loss_ours": round(loss_ours, 5),
        "log_loss_naive": round(loss_naive, 5),
        "log_loss_ratio": round(loss_ours / loss_naive, 5),
        "states": states,
    }
    sys.stdout.write(json.dumps(line) + "\n")
    if chosen.record:
        with RESULTS.open("a") as file:
            file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
