"""Compile the kernels ahead, so that the first run and every test begin with machine code that is there.

numba compiles at the first call and keeps the code beside the source. This makes every first call on small
simulated markets, the features in one process and the rest of the science in another.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING

from truebar_apps.cli.options import JsonOption
from truebar_apps.cli.output import console, print_json

if TYPE_CHECKING:
    from truebar.config import LabelConfig
    from truebar.history import History
    from truebar.market.simulated.markets import SyntheticMarket

BARS = 3_000
TIMEFRAME = "15m"


def compile_features() -> None:
    """Compute every feature in batch and bar by bar."""
    from truebar.features import FeatureStream, batch  # noqa: PLC0415 (numba takes a while to load)
    from truebar.market import synthetic  # noqa: PLC0415

    bars = synthetic("SYN-NULL", seed=1, n_bars=200).bars
    batch(bars, timeframe=TIMEFRAME)
    stream = FeatureStream(timeframe=TIMEFRAME)
    for bar in bars.head(2).itertuples(index=False):
        stream.update(bar)


def compile_protocol() -> None:
    """Fit, judge and bound by its oracle a recipe on two plain columns: labels, folds, account, scores."""
    import numpy as np  # noqa: PLC0415

    from truebar.config import BacktestConfig, LabelConfig, XgbConfig  # noqa: PLC0415
    from truebar.evaluation import trade  # noqa: PLC0415
    from truebar.market import oracle, synthetic  # noqa: PLC0415
    from truebar.models.recipe import xgboost_request  # noqa: PLC0415
    from truebar.protocol import fit_recipe  # noqa: PLC0415
    from truebar.validation import dev_vault  # noqa: PLC0415
    from truebar.verdict import judge  # noqa: PLC0415

    market = synthetic("SYN-EDGE", seed=1, n_bars=BARS)
    label = LabelConfig(estimator="realized", window=96, k=1.0, horizon_bars=4)
    model = XgbConfig(xgb={"rounds": 3}, optuna={"n_trials": 1})
    request = xgboost_request(("moved", "taken"), label, model, BacktestConfig())
    recipe = request.freeze(label, request.parameters, "temperature")
    history = _history(market, label)
    sides = dev_vault(history.open_time, history.labels["label_end"])
    fitted = fit_recipe(history, market.bars, sides["dev"], recipe, timeframe=TIMEFRAME)
    inside = slice(int(sides["vault"][0]), int(sides["vault"][-1]) + 1)
    probabilities = fitted.predict(history.features[inside].astype(np.float64))
    account = trade(
        market.bars.iloc[inside],
        probabilities,
        sigma=history.column("sigma")[inside],
        tau=history.column("tau")[inside],
        facts=fitted.facts,
        rule=fitted.thresholds,
        recipe=recipe,
        timeframe=TIMEFRAME,
    )
    judge(
        probabilities=probabilities,
        labels=history.label[inside],
        backtest=account,
        dev_shares=fitted.facts.class_shares,
        horizon_bars=label.horizon_bars,
        generator=np.random.default_rng(1),
        leakage_checks={},
        vault_looks=1,
        n_trials=1,
        bundle="",
        data_digest="",
        funding_counted=True,
    )
    oracle(market, label, sides["vault"][:200])


def _history(market: SyntheticMarket, label: LabelConfig) -> History:
    """Return two plain columns of a market and its labels."""
    import pandas as pd  # noqa: PLC0415

    from truebar.history import History  # noqa: PLC0415
    from truebar.labels import vol_scaled  # noqa: PLC0415
    from truebar.volatility import estimate_all  # noqa: PLC0415

    bars = market.bars
    sigma = estimate_all(bars, window=label.window, timeframe=TIMEFRAME)[label.estimator].to_numpy()
    labels = vol_scaled(bars, sigma, k=label.k, horizon_bars=label.horizon_bars, timeframe=TIMEFRAME)
    matrix = pd.DataFrame(
        {
            "open_time": bars["open_time"],
            "available_at": bars["close_time"],
            "moved": bars["close"] / bars["open"] - 1,
            "taken": bars["taker_buy_volume"] / bars["volume"],
        }
    )
    return History.align(matrix, labels.assign(open_time=bars["open_time"].to_numpy()))


JOBS: dict[str, Callable[[], None]] = {"features": compile_features, "protocol": compile_protocol}


def _timed(name: str) -> float:
    """Run one job and return the CPU seconds that it took."""
    began = time.process_time()
    JOBS[name]()
    return time.process_time() - began


def compile_(json: JsonOption = False) -> None:
    """Compile the kernels ahead of the first run; what is compiled already is only looked at."""
    began = time.monotonic()
    with ProcessPoolExecutor(len(JOBS), mp_context=get_context("spawn")) as pool:
        cpu_s = dict(zip(JOBS, pool.map(_timed, JOBS), strict=True))
    wall_s = time.monotonic() - began
    if json:
        print_json({"wall_s": wall_s, "cpu_s": cpu_s})
        return
    parts = ", ".join(f"{name} {seconds:.0f} CPU s" for name, seconds in cpu_s.items())
    console().print(f"kernels are compiled: {parts}, {wall_s:.0f} s in all")
