"""The full protocol on synthetic markets, one at a time: what size.py and power.py run (METHOD §5, §8).

Everything that decides is fixed here and named by one hash, so that no result of another configuration can
be counted among those of this one.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from truebar.arrays import IntArray
from truebar.calibration import Calibrator
from truebar.config import BacktestConfig, LabelConfig, OptunaConfig, XgbConfig
from truebar.evaluation import trade
from truebar.features import batch
from truebar.fingerprint import fingerprint
from truebar.history import History
from truebar.labels import vol_scaled
from truebar.market import SyntheticMarket, oracle
from truebar.models.recipe import Recipe, Request, xgboost_request
from truebar.models.xgboost import embargo_of, out_of_fold
from truebar.protocol import FittedRecipe, choose_calibration, fit_recipe, leakage_of, tune_thresholds
from truebar.scores.metric import Metric
from truebar.validation import PurgedKFold, dev_vault
from truebar.verdict import bootstrap_generator, conditions, judge
from truebar.volatility import estimate

RESULTS: Final = Path(__file__).resolve().parent / "results"
TIMEFRAME: Final = "15m"
N_BARS: Final = 35_040

COLUMNS: Final = (
    *(f"return_{n}" for n in (1, 2, 4, 8, 16, 32, 96)),
    *(f"momentum_{n}" for n in (24, 96)),
    *(f"range_position_{n}" for n in (24, 96)),
    *(f"mean_distance_{n}" for n in (24, 96)),
    "body_share",
    "bar_range",
    "rsi_14",
    "macd_histogram",
    "adx_14",
    *(f"realized_volatility_{n}" for n in (8, 96)),
    "volatility_ratio_8_96",
    "garman_klass_24",
    "bollinger_position_20",
    "volume_ratio_96",
    "volume_trend_8_96",
    "trades_ratio_96",
    "trade_size_ratio_24",
    *(f"taker_share_{n}" for n in (1, 2, 4, 8, 16, 32, 64)),
    "taker_imbalance_24",
)
"""35 simple columns: the benchmark judges the protocol, not the features."""

LABEL: Final = LabelConfig(estimator="realized", window=96, k=1.0, horizon_bars=4)
MODEL: Final = XgbConfig(
    xgb={"rounds": 60, "learning_rate": 0.12, "max_bin": 64}, optuna=OptunaConfig(n_trials=1)
)
COSTS: Final = {
    "default": BacktestConfig(),
    "tenth": BacktestConfig(costs={"fee_bps": 0.5, "slippage_bps": 1.0}),
}


def request_of(costs: str) -> Request:
    """Return the fixed request: no search, the default booster, calibration by one standard error."""
    return xgboost_request(COLUMNS, LABEL, MODEL, COSTS[costs])


def config_hash() -> str:
    """Return the hash of all that is fixed."""
    requests = {costs: request_of(costs).model_dump(mode="json") for costs in COSTS}
    return fingerprint({"requests": requests, "timeframe": TIMEFRAME, "n_bars": N_BARS})[:16]


@dataclass(frozen=True, eq=False)
class Prepared:
    """A market with features, labels, slices, and what is the same at all costs."""

    market: SyntheticMarket
    history: History
    dev: np.ndarray
    vault: np.ndarray
    fitted: FittedRecipe
    recipe: Recipe


def history_of(market: SyntheticMarket) -> History:
    """Return the 35 columns and the labels of a market."""
    bars = market.bars
    matrix = batch(bars, timeframe=TIMEFRAME)[["open_time", "available_at", *COLUMNS]]
    sigma = estimate(bars, LABEL.estimator, window=LABEL.window, timeframe=TIMEFRAME)
    labels = vol_scaled(bars, sigma, k=LABEL.k, horizon_bars=LABEL.horizon_bars, timeframe=TIMEFRAME)
    return History.align(matrix, labels.assign(open_time=bars["open_time"].to_numpy()))


def prepare(market: SyntheticMarket) -> Prepared:
    """Return the history, the slices, and the fitted recipe of a market."""
    history = history_of(market)
    sides = dev_vault(history.open_time, history.labels["label_end"])
    request = request_of("default")
    draft = request.freeze(LABEL, request.parameters, "none")
    made = out_of_fold(history, sides["dev"], draft, timeframe=TIMEFRAME)
    method = choose_calibration(history, made, request.calibrations, horizon_bars=LABEL.horizon_bars)
    recipe = draft.model_copy(update={"calibration": method})
    fitted = fit_recipe(history, market.bars, sides["dev"], recipe, timeframe=TIMEFRAME, made=made)
    return Prepared(market, history, sides["dev"], sides["vault"], fitted, recipe)


def folds_of(ready: Prepared) -> list[tuple[IntArray, IntArray]]:
    """Return the rows that each fold's model was fitted on and asked about."""
    dev, history = ready.dev, ready.history
    splitter = PurgedKFold(
        ready.recipe.validation.folds, embargo_bars=embargo_of(ready.recipe, TIMEFRAME, len(dev))
    )
    split = splitter.split(history.open_time[dev], history.labels["label_end"].iloc[dev])
    return [(dev[fitted], dev[asked]) for fitted, asked in split]


def judged(ready: Prepared) -> Iterable[dict[str, Any]]:
    """Yield what the one look at the vault says, at each of the costs."""
    bars = ready.market.bars
    leakage = leakage_of(
        ready.history,
        bars,
        ready.recipe,
        dev=ready.dev,
        vault=ready.vault,
        folds=folds_of(ready),
        timeframe=TIMEFRAME,
        generator=np.random.default_rng(ready.market.seed),
    )
    inside = slice(int(ready.vault[0]), int(ready.vault[-1]) + 1)
    fitted, history = ready.fitted, ready.history
    probabilities = fitted.predict(history.features[inside])
    for costs, config in COSTS.items():
        # Only thresholds and account depend on the costs: model and calibrator are the same.
        recipe = ready.recipe.model_copy(update={"backtest": config})
        thresholds = tune_thresholds(history, bars, fitted.calibrated, recipe, timeframe=TIMEFRAME)
        account = trade(
            bars.iloc[inside],
            probabilities,
            sigma=history.column("sigma")[inside],
            tau=history.column("tau")[inside],
            facts=fitted.facts,
            rule=thresholds,
            recipe=recipe,
            timeframe=TIMEFRAME,
        )
        digest = history.digest(ready.vault)
        verdict = judge(
            probabilities=probabilities,
            labels=history.label[inside],
            backtest=account,
            dev_shares=fitted.facts.class_shares,
            horizon_bars=LABEL.horizon_bars,
            generator=bootstrap_generator(recipe.digest(), digest),
            leakage_checks=leakage,
            vault_looks=1,
            n_trials=1,
            bundle="none: the benchmark packs no bundle",
            data_digest=digest,
            funding_counted=True,
        )
        held = conditions(verdict.metrics, leakage, funding_counted=True)
        yield {
            "costs": costs,
            "verdict": verdict.verdict,
            "conditions": held,
            "metrics": {name: _short(metric) for name, metric in verdict.metrics.items()},
            "auc": verdict.metrics["roc_auc"].value,
            "calibration": _method(fitted.calibrator),
            "theta": [thresholds.long, thresholds.short],
        }


def _method(calibrator: Calibrator) -> str:
    return str(calibrator.method)


def _short(metric: Metric) -> list[float | None]:
    """Return value, low and high with six digits."""
    ends = (metric.value, metric.low, metric.high)
    return [None if end is None else float(f"{end:.6g}") for end in ends]


def oracle_auc(ready: Prepared) -> float:
    """Return the Bayes-optimal direction AUC on the vault's rows."""
    return float(oracle(ready.market, LABEL, ready.vault).roc_auc)


def parser(description: str, seeds: int) -> argparse.ArgumentParser:
    """Return the options that both benchmarks have."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--seeds", type=int, default=seeds, help="markets to run, from seed 0 on")
    options.add_argument("--first", type=int, default=0, help="seed to begin with: for slices")
    options.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="markets at once")
    options.add_argument("--out", type=Path, default=None, help="file to append to")
    return options


def done(path: Path, key: tuple[str, ...]) -> set[tuple[Any, ...]]:
    """Return which markets a file has results for, of this configuration."""
    if not path.is_file():
        return set()
    lines = [json.loads(text) for text in path.read_text().splitlines() if text.strip()]
    mine = [line for line in lines if line["config_hash"] == config_hash()]
    return {tuple(line[name] for name in key) for line in mine}


def run_all(work: Any, tasks: list[Any], path: Path, jobs: int) -> None:
    """Run every task in its own process slot and append its lines as they come; each whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    sys.stderr.write(f"configuration {config_hash()}: {len(tasks)} markets to run\n")
    with ProcessPoolExecutor(max_workers=jobs) as pool:
        for number, lines in enumerate(pool.map(work, tasks), start=1):
            with path.open("a") as file:
                file.write("".join(json.dumps(line, allow_nan=False) + "\n" for line in lines))
            spent = time.perf_counter() - began
            edges = [f"{line['costs']} {line['verdict']}" for line in lines]
            sys.stderr.write(f"{number}/{len(tasks)} {spent:.0f} s: {', '.join(edges)}\n")
