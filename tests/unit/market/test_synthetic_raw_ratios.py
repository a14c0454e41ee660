"""No ratio that can be read off a bar shows half of what SYN-EDGE plants (METHOD §8)."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from truebar.config import LabelConfig
from truebar.labels import vol_scaled
from truebar.market import SyntheticMarket, oracle, synthetic
from truebar.volatility import estimate

Floats = npt.NDArray[np.float64]

ONE_YEAR = 35_040
MEASURES = ["open", "high", "low", "close", "volume", "quote_volume", "trades"]
MEASURES += ["taker_buy_volume", "taker_buy_quote_volume"]
TAKERS = {"taker_buy_volume / volume", "taker_buy_quote_volume / quote_volume"}
TAKERS |= {"taker_buy_volume / taker_sell_volume", "taker_buy_volume / trades"}


def ratios(bars: pd.DataFrame) -> pd.DataFrame:
    """Return every ratio of two columns, of parts of the bar, and of a column to the bar before."""
    made = {f"{upper} / {lower}": bars[upper] / bars[lower] for lower, upper in combinations(MEASURES, 2)}
    spread = bars["high"] - bars["low"]
    body = bars["close"] - bars["open"]
    parts = {
        "body": body,
        "upper wick": bars["high"] - bars[["open", "close"]].max(axis=1),
        "lower wick": bars[["open", "close"]].min(axis=1) - bars["low"],
        "place of close": bars["close"] - bars["low"],
        "place of open": bars["open"] - bars["low"],
    }
    made |= {f"{name} / range": part / spread for name, part in parts.items()}
    made |= {f"{name} / close": part / bars["close"] for name, part in parts.items()}
    made["upper wick - lower wick / range"] = (parts["upper wick"] - parts["lower wick"]) / spread
    made["taker_buy_volume / taker_sell_volume"] = bars["taker_buy_volume"] / (
        bars["volume"] - bars["taker_buy_volume"]
    )
    made["body / volume"] = body / bars["close"] / bars["volume"]
    made["range / volume"] = spread / bars["close"] / bars["volume"]
    made |= {f"{name} / bar before": bars[name] / bars[name].shift() for name in MEASURES}
    made["range / bar before"] = spread / spread.shift()
    made["gap of the open"] = bars["open"] / bars["close"].shift()
    return pd.DataFrame(made)


def shares_found(market: SyntheticMarket, k: float) -> tuple[pd.Series, float]:
    """Return each ratio's share of the oracle's excess direction AUC, and that excess."""
    config = LabelConfig(estimator="realized", k=k, horizon_bars=4)
    sigma = estimate(market.bars, "realized", window=96, timeframe="15m")
    label = vol_scaled(market.bars, sigma, k=k, horizon_bars=4, timeframe="15m")["label"]
    true, table = oracle(market, config).probabilities, ratios(market.bars)
    scored = (label.isin([-1, 1]) & true["p_up"].notna() & table.notna().all(axis=1)).to_numpy()
    up = (label[scored] == 1).to_numpy()
    excess = roc_auc_score(up, np.log(true["p_up"] / true["p_down"])[scored]) - 0.5
    areas = {name: abs(roc_auc_score(up, column[scored]) - 0.5) for name, column in table.items()}
    return pd.Series(areas) / excess, excess


@pytest.mark.parametrize(("seed", "k"), [(7, 1.0), (8, 1.0), (9, 0.5)])
def test_no_raw_ratio_of_a_kline_shows_half_of_the_edge(seed: int, k: float) -> None:
    shares, excess = shares_found(synthetic("SYN-EDGE", seed=seed, n_bars=ONE_YEAR), k)
    assert len(shares) > 50
    assert excess == pytest.approx(0.29 if k == 1.0 else 0.26, abs=0.03)
    assert shares.max() < 0.5
    # The strongest is the takers' share itself, so that the limit is one that could be broken.
    assert shares.idxmax() in TAKERS
    assert shares.max() > 0.3


def test_ratio_that_shows_the_flows_memory_is_caught_by_the_same_measure() -> None:
    """The planted break: a takers' share that is averaged over the bars before shows more than half."""
    market = synthetic("SYN-EDGE", seed=7, n_bars=ONE_YEAR)
    share = market.bars["taker_buy_volume"] / market.bars["volume"]
    averaged = 0.5 + share.ewm(alpha=0.2).mean() - share.ewm(alpha=0.03).mean()
    leaking = market.bars.assign(taker_buy_volume=averaged * market.bars["volume"])
    shares, _ = shares_found(replace(market, bars=leaking), 1.0)
    assert shares["taker_buy_volume / volume"] > 0.5
