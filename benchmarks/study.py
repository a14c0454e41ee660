"""What a study costs beside the naive way: new matrices for every trial and fold, every trial to its end.

    python benchmarks/study.py [--trials 100] [--bars 35040] [--columns 150] [--record]
    python benchmarks/study.py --folder FOLDER --minutes 8      (again and again: in slices, to the same end)

Both sides draw their trials with the same seeded sampler over the same folds of dev, score them alike
(METHOD §4) and take the best one; k and estimator are fixed, so that the winners' log losses compare. Ours
shares one quantised matrix a fold among all trials and gives trials up early. CPU seconds of both, as many
folds at once as there are cores. `--naive-trials N` runs only N trials of the naive side; its cost is then
scaled, and the line says so. `--record` appends a line to `results/study.jsonl`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import optuna
import pandas as pd

from truebar.config import BacktestConfig, LabelConfig, OptunaConfig, PrunerConfig, XgbConfig
from truebar.edge import implied_edge
from truebar.features import batch
from truebar.history import History
from truebar.labels import vol_scaled
from truebar.market import synthetic
from truebar.models.out_of_fold import OutOfFold, predicted_by
from truebar.models.recipe import Request, xgboost_request
from truebar.models.xgboost import XgboostModel, embargo_of, out_of_fold
from truebar.partitions import Partition
from truebar.scores.activity import log_loss_rows
from truebar.scores.trial import trial_score
from truebar.study import Candidate, dev_of
from truebar.study.dev import YARDSTICK_WINDOW_BARS
from truebar.validation import dev_vault
from truebar.volatility import estimate
from truebar_io.home import Home
from truebar_io.machine import workers
from truebar_io.stages.searching import run_study
from truebar_io.studies import Finished, PartitionStudies, Score

TIMEFRAME: Final = "15m"
LABEL: Final = LabelConfig(estimator="realized", window=96, k=1.0, horizon_bars=4)
STRENGTH: Final = 0.12
RESULTS: Final = Path(__file__).resolve().parent / "results" / "study.jsonl"
BLOCK: Final = 5
"""Trials between two looks at the clock."""


@dataclass(frozen=True, eq=False)
class Setting:
    """What both sides search over: the market's bars, its history, rows of dev, and their yardstick."""

    bars: pd.DataFrame
    history: History
    rows: np.ndarray
    yardstick: np.ndarray
    pruner: str

    def request(self, trials: int) -> Request:
        """Return the request: k and estimator fixed, default space."""
        search = OptunaConfig(n_trials=trials, pruner=PrunerConfig.model_validate({"type": self.pruner}))
        model = XgbConfig(optuna=search)
        return xgboost_request(self.history.feature_columns, LABEL, model, BacktestConfig())


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


def setting_of(n_bars: int, columns: int, pruner: str) -> Setting:
    """Return the market that both sides search on, and what a trial is scored by."""
    bars = synthetic("SYN-EDGE", seed=7, n_bars=n_bars, A=STRENGTH).bars
    history = history_of(bars, columns)
    dev = dev_vault(history.open_time, history.labels["label_end"])["dev"]
    per_bar = estimate(bars, "realized", window=YARDSTICK_WINDOW_BARS, timeframe=TIMEFRAME)
    rows = dev[np.isfinite(per_bar[dev]) & (per_bar[dev] > 0)]
    return Setting(bars, history, rows, per_bar[rows] * np.sqrt(LABEL.horizon_bars), pruner)


def log_loss_of(history: History, made: OutOfFold) -> float:
    """Return the mean log loss of out-of-fold rows."""
    one_hot = np.eye(3)[history.label[made.rows].astype(int) + 1]
    return float(log_loss_rows(made.probabilities, one_hot).mean())


def naive(setting: Setting, candidate: Candidate, told: Score) -> Finished:
    """Run one trial on matrices of its own, to its end."""
    del told
    history = setting.history
    recipe = setting.request(2).freeze(candidate.label, candidate.parameters, "none")
    made = out_of_fold(history, setting.rows, recipe, timeframe=TIMEFRAME, folds_at_once=workers())
    edge = implied_edge(made.probabilities, history.column("tau")[made.rows], made.edge_scale)
    score = trial_score(history.column("future_return")[made.rows], edge, setting.yardstick)
    return Finished(score, {"log_loss": log_loss_of(history, made)}, np.zeros(1))


class Side:
    """One side of the race: its studies, and the CPU seconds that they took so far, on disk."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.studies = PartitionStudies(Home(folder / name), Partition("SYN-EDGE", TIMEFRAME), "xgboost")
        self._kept = folder / f"{name}.json"
        known = json.loads(self._kept.read_text()) if self._kept.is_file() else {"trials": 0, "cpu_s": 0.0}
        self.trials, self.cpu_s = int(known["trials"]), float(known["cpu_s"])
        if len(self.studies.records()) != self.trials:
            raise SystemExit(
                f"{name} was stopped inside a block; its cost is not known. Take another folder."
            )

    def run(self, trials: int, until: float, search: Callable[[int], None]) -> bool:
        """Search in blocks up to `trials`; return whether that was reached before the clock shows `until`."""
        while self.trials < trials and time.monotonic() < until:
            began, wanted = time.process_time(), min(self.trials + BLOCK, trials)
            search(wanted)
            self.trials, self.cpu_s = wanted, self.cpu_s + time.process_time() - began
            self._kept.write_text(json.dumps({"trials": self.trials, "cpu_s": self.cpu_s}))
            sys.stderr.write(f"{self.name}: {self.trials} of {trials} trials, {self.cpu_s:.0f} CPU seconds\n")
        return self.trials >= trials

    def states(self) -> dict[str, int]:
        """Return how many trials ended how."""
        states = [record.state for record in self.studies.records()]
        return {state: states.count(state) for state in sorted(set(states))}


def search_ours(setting: Setting, side: Side) -> Callable[[int], None]:
    """Return what brings our study to so many trials; its matrices are part of the first block."""
    prepared: list[Any] = []

    def search(trials: int) -> None:
        request = setting.request(trials)
        if not prepared:
            sigmas = {LABEL.estimator: setting.history.column("sigma")}
            prepared.append(
                dev_of(
                    setting.history, setting.bars, setting.rows, request, sigmas=sigmas, timeframe=TIMEFRAME
                )
            )
        run_study(side.studies, side.name, request, prepared[0], setting.bars)

    return search


def search_naively(setting: Setting, side: Side) -> Callable[[int], None]:
    """Return what brings the naive study to so many trials."""

    def search(trials: int) -> None:
        side.studies.run(
            side.name,
            setting.request(trials),
            lambda candidate, told: naive(setting, candidate, told),
            steps=1,
        )

    return search


def log_loss_of_ours(setting: Setting, side: Side, request: Request) -> float:
    """Return the out-of-fold log loss of our winner, by the models that it left."""
    models = [XgboostModel.from_bytes(model) for model in side.studies.best(side.name, request).models]
    embargo_bars = embargo_of(request, TIMEFRAME, len(setting.rows))
    folds = request.validation.folds
    made = predicted_by(models, setting.history, setting.rows, folds=folds, embargo_bars=embargo_bars)
    return log_loss_of(setting.history, made)


def naive_log_losses(side: Side) -> tuple[float, float]:
    """Return the log loss of the naive winner by score, and the smallest of all naive trials."""
    found = [record for record in side.studies.records() if record.state == "complete"]
    winner = max(found, key=lambda record: record.score if record.score is not None else -np.inf)
    return winner.attributes["log_loss"], min(record.attributes["log_loss"] for record in found)


def line_of(options: argparse.Namespace, setting: Setting, ours: Side, plain: Side) -> dict[str, Any]:
    """Return what was found: costs, their ratio, and log losses."""
    loss_ours = log_loss_of_ours(setting, ours, setting.request(options.trials))
    loss_winner, loss_least = naive_log_losses(plain)
    cpu_naive = plain.cpu_s / plain.trials * options.trials
    return {
        **{name: getattr(options, name) for name in ("trials", "bars", "columns", "pruner")},
        "naive_trials": plain.trials,
        "naive_is_scaled": plain.trials < options.trials,
        "cpu_s_ours": round(ours.cpu_s, 1),
        "cpu_s_naive": round(cpu_naive, 1),
        "ratio": round(ours.cpu_s / cpu_naive, 3),
        "log_loss_ours": round(loss_ours, 5),
        "log_loss_naive": round(loss_winner, 5),
        "log_loss_ratio": round(loss_ours / loss_winner, 5),
        "least_log_loss_naive": round(loss_least, 5),
        "states": ours.states(),
    }


def race(options: argparse.Namespace, folder: Path) -> None:
    """Run both sides as far as the time goes; print, and record, the line when both have arrived."""
    until = time.monotonic() + 60 * options.minutes
    setting = setting_of(options.bars, options.columns, options.pruner)
    ours, plain = Side(folder, "ours"), Side(folder, "naive")
    arrived = ours.run(options.trials, until, search_ours(setting, ours))
    naive_trials = min(options.naive_trials or options.trials, options.trials)
    if not (arrived and plain.run(naive_trials, until, search_naively(setting, plain))):
        sys.stderr.write("not there yet: run the same command again\n")
        return
    line = line_of(options, setting, ours, plain)
    sys.stdout.write(json.dumps(line) + "\n")
    if options.record:
        with RESULTS.open("a") as file:
            file.write(json.dumps(line) + "\n")


def main() -> None:
    """Read the command line and race."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--trials", type=int, default=100)
    options.add_argument("--naive-trials", type=int, default=None, help="fewer; the cost is scaled")
    options.add_argument("--bars", type=int, default=35_040)
    options.add_argument("--columns", type=int, default=150)
    options.add_argument("--pruner", default="successive_halving")
    options.add_argument("--folder", type=Path, default=None, help="keeps both studies between slices")
    options.add_argument("--minutes", type=float, default=600.0, help="of this slice")
    options.add_argument("--record", action="store_true")
    chosen = options.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if chosen.folder is not None:
        race(chosen, chosen.folder)
        return
    with TemporaryDirectory() as name:
        race(chosen, Path(name))


if __name__ == "__main__":
    main()
