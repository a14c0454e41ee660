"""The best possible forecast of a synthetic market, and what it scores (METHOD §8)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from truebar.arrays import BoolArray, FloatArray
from truebar.backtest.inputs import cost_rates, market_arrays
from truebar.backtest.simulation import simulate
from truebar.bars import grid_of
from truebar.classes import PROBABILITIES
from truebar.config import BacktestConfig, LabelConfig
from truebar.decision import FixedRule, target_positions
from truebar.edge import class_second_moments
from truebar.errors import ConfigurationError, SchemaError, TooFewRowsError
from truebar.labels import vol_scaled
from truebar.market.simulated.markets import SyntheticMarket
from truebar.market.simulated.outlook import look_ahead
from truebar.risk.sizing import position_sizes
from truebar.scores.activity import log_loss_rows
from truebar.scores.direction import direction_score
from truebar.scores.ranks import ranked, roc_areas
from truebar.scores.rows import scored_rows
from truebar.thresholds.values import round_trip_cost
from truebar.units import BASIS_POINT
from truebar.volatility import estimate

MAX_HORIZON_BARS: Final = 500

MIN_ACCOUNT_BARS: Final = 2


@dataclass(frozen=True, eq=False)
class Oracle:
    """The Bayes-optimal forecast of a synthetic market and its scores on the rows asked for.

    Attributes:
        probabilities: p_down, p_flat, p_up, one row per bar, known at its close. NaN where the horizon
            meets a halt, and where the label has no sigma. The last bars, whose horizon is not over, have
            probabilities and no score.
        expected_return: float64[n], E[R] of the log return over the horizon; NaN in the same rows.
        roc_auc: direction AUC, on labelled rows other than flat (METHOD §6); NaN without an up and a down.
        log_loss: mean of -ln p of the class that came, over the labelled rows; NaN without any.
        ev_bps: mean net log return per bar, in basis points, of an account that enters where |E[R]| is more
            than the round-trip cost and leaves where it turns; NaN with fewer than two bars, -inf after ruin.
    """

    probabilities: pd.DataFrame
    expected_return: FloatArray
    roc_auc: float
    log_loss: float
    ev_bps: float


def oracle(
    market: SyntheticMarket,
    label_config: LabelConfig,
    rows: npt.ArrayLike | None = None,
    *,
    backtest_config: BacktestConfig | None = None,
) -> Oracle:
    """Return what is known about each bar's label to who knows the states behind the market.

    The states follow from the columns up to rounding, so that no forecast from the bars does better but by
    luck. Probabilities are within 0.005 of the truth, tried up to 32 bars ahead, and exact for one. SYN-NULL
    has E[R] = 0 without drift, yet over several bars p_up and p_down differ by up to 0.006, because
    volatility rises after a fall: its direction AUC is expected at 0.503 for 4 bars and 0.510 for 16.

    Args:
        market: from `truebar.market.synthetic`.
        label_config: estimator, window, k, horizon and neutral zone of the label.
        rows: what is scored: bool[n], or places of bars; all by default. Rows without a label or without
            probabilities are left out. The account runs over the bars from the first row asked for to the
            last, flat where a row is not asked for.
        backtest_config: costs, sides and sizes of the account; those of METHOD §3 by default. Its edge is
            E[R] itself, its thresholds are the round-trip cost, and it leaves at 0.

    Raises:
        ConfigurationError: for a horizon beyond 500 bars.
        TooFewRowsError: when no row is asked for.
        SchemaError: for rows that are not places of bars.

    >>> from truebar.market import synthetic
    >>> market = synthetic("SYN-NULL", seed=1, n_bars=300)
    >>> known = oracle(market, LabelConfig(horizon_bars=1))
    >>> bool(known.probabilities.iloc[0].isna().all()), known.ev_bps
    (True, 0.0)
    """
    horizon = label_config.horizon_bars
    if horizon > MAX_HORIZON_BARS:
        raise ConfigurationError(
            f"horizon_bars is {horizon}; the oracle looks at most {MAX_HORIZON_BARS} bars ahead."
        )
    asked = _asked(rows, len(market.bars))
    span = slice(int(np.argmax(asked)), int(np.flatnonzero(asked)[-1]) + 1)
    account = BacktestConfig() if backtest_config is None else backtest_config
    labels = _labels(market, label_config)
    tau = labels["tau"].to_numpy()
    outlook = look_ahead(market, tau if label_config.neutral_zone else tau * 0.0, horizon)
    known = np.isfinite(tau) & _meets_no_halt(market, horizon)
    probabilities = _as_probabilities(outlook.down, outlook.up, known)
    expected = np.where(known, outlook.expected_return, np.nan)
    roc_auc, log_loss = _scores(probabilities[asked], labels["label"].to_numpy()[asked])
    return Oracle(
        probabilities=pd.DataFrame(probabilities, columns=list(PROBABILITIES)),
        expected_return=expected,
        roc_auc=roc_auc,
        log_loss=log_loss,
        ev_bps=_net_ev_bps(market, labels, probabilities, np.where(asked, expected, np.nan), span, account),
    )


def _asked(rows: npt.ArrayLike | None, size: int) -> BoolArray:
    """Return bool[n]: which bars are asked for."""
    if rows is None:
        return np.ones(size, dtype=np.bool_)
    given = np.asarray(rows)
    if given.size == 0:
        given = given.astype(np.int64)  # an empty list has no type of its own
    if given.ndim != 1 or given.dtype.kind not in "biu":
        raise SchemaError(
            f"rows have shape {given.shape} and type {given.dtype}; expected bool[n] or places of bars."
        )
    asked = np.zeros(size, dtype=np.bool_)
    if given.dtype.kind == "b":
        if given.size != size:
            raise SchemaError(f"rows say yes or no to {given.size} bars; the market has {size}.")
        asked |= given
    else:
        if given.size and (given.min() < 0 or given.max() >= size):
            raise SchemaError(f"rows are places {given.min()} to {given.max()}; the market has {size} bars.")
        asked[given] = True
    if not asked.any():
        raise TooFewRowsError("no row is asked for, so there is nothing to score; leave rows out for all.")
    return asked


def _labels(market: SyntheticMarket, config: LabelConfig) -> pd.DataFrame:
    sigma = estimate(market.bars, config.estimator, window=config.window, timeframe=market.timeframe)
    return vol_scaled(
        market.bars,
        sigma,
        k=config.k,
        horizon_bars=config.horizon_bars,
        neutral_zone=config.neutral_zone,
        timeframe=market.timeframe,
    )


def _meets_no_halt(market: SyntheticMarket, horizon_bars: int) -> BoolArray:
    """Return bool[n]: whether no bar is missing in (t, t + h], as far as history goes."""
    slot = grid_of(market.bars, market.timeframe).slot
    place = np.arange(slot.size)
    end = np.minimum(place + horizon_bars, slot.size - 1)
    return np.asarray(slot[end] - slot == end - place)


def _as_probabilities(down: FloatArray, up: FloatArray, known: BoolArray) -> FloatArray:
    """Return float64[n, 3] that sum to one, NaN where nothing is known."""
    rising = np.clip(up, 0.0, 1.0)
    falling = np.clip(down, 0.0, 1.0 - rising)
    return np.where(known[:, None], np.column_stack((falling, 1.0 - rising - falling, rising)), np.nan)


def _scores(probabilities: FloatArray, labels: FloatArray) -> tuple[float, float]:
    """Return direction AUC and log loss."""
    rows = scored_rows(probabilities, labels)
    if rows.labels.size == 0:
        return math.nan, math.nan
    ranking = ranked(direction_score(rows.probabilities), rows.labels == 1, rows.labels != 0)
    area = roc_areas(ranking, ranking.once)[0]
    return float(area), float(log_loss_rows(rows.probabilities, rows.one_hot).mean())


def _net_ev_bps(
    market: SyntheticMarket,
    labels: pd.DataFrame,
    probabilities: FloatArray,
    edge: FloatArray,
    span: slice,
    config: BacktestConfig,
) -> float:
    """Return the mean net log return per bar of who trades the true edge, in basis points.

    Args:
        market: n bars.
        labels: n rows of `vol_scaled`.
        probabilities: float64[n, 3].
        edge: float64[n], E[R], NaN where a row is not asked for.
        span: bars that the account runs over.
        config: of the account.
    """
    if span.stop - span.start < MIN_ACCOUNT_BARS:
        return math.nan
    cost = round_trip_cost(config)
    moments = (labels["future_return"], labels["tau"], labels["label"])
    sizes = position_sizes(
        labels["sigma"],
        timeframe=market.timeframe,
        config=config.sizing,
        probabilities=probabilities,
        edge=edge,
        tau=labels["tau"],
        class_moments=class_second_moments(*moments) if config.sizing.kelly else None,
        round_trip_cost=cost,
    )
    target = target_positions(
        edge[span], FixedRule(cost, cost), size=sizes[span], position_mode=config.position_mode
    )
    prices = market_arrays(market.bars.iloc[span], None, None, timeframe=market.timeframe)
    equity = simulate(prices, target, cost_rates(config), config.initial_capital).equity
    return float(np.diff(np.log(equity)).mean()) / BASIS_POINT if equity.min() > 0 else -math.inf
