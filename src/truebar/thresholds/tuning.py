"""Tune entry thresholds on out-of-fold rows with the very decision and engine that trade (METHOD §3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from truebar.arrays import FloatArray
from truebar.backtest.account import Market
from truebar.backtest.inputs import cost_rates, market_arrays
from truebar.backtest.simulation import simulate
from truebar.backtest.trips import round_trips
from truebar.config import BacktestConfig
from truebar.decision import MAY_HOLD, FixedRule, target_positions
from truebar.edge import implied_edge, valid_probabilities
from truebar.errors import ConfigurationError, InvalidProbabilityError, SchemaError, TooFewRowsError
from truebar.funding import expected_funding
from truebar.label_values import known_labels
from truebar.probabilities import probability_columns
from truebar.risk.sizing import position_sizes
from truebar.thresholds.choice import Tried, caution, interval_of, most_cautious
from truebar.thresholds.signals import display_score
from truebar.thresholds.values import CurvePoint, Thresholds, at_cost, round_trip_cost
from truebar.times import timeframe_of
from truebar.validation.significance import LEAST_ROUND_TRIPS

TuningMethod = Literal["ev_net", "f1", "pr_auc"]

COST_MULTIPLES: Final = (0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0)
"""Thresholds tried on each side, in units of C."""


@dataclass(frozen=True)
class Rows:
    """What every pair is tried on: the market, edges, sizes and funding of the same bars."""

    market: Market
    edge: FloatArray
    size: FloatArray
    funding: FloatArray


def _edges(
    probabilities: npt.ArrayLike,
    tau: npt.ArrayLike,
    edge_scale: float | npt.ArrayLike,
    bars: pd.DataFrame,
    labels: FloatArray | None,
) -> FloatArray:
    """Return e of each row, NaN where there is no prediction, after checking that the rows match."""
    rows = probability_columns(probabilities)
    wrong = np.flatnonzero(~valid_probabilities(rows) & ~np.isnan(rows).any(axis=1))
    if wrong.size:
        raise InvalidProbabilityError(
            f"{wrong.size} of {len(rows)} rows are no probabilities, the first is row {wrong[0]}: "
            f"{rows[wrong[0]].tolist()}. Tuning would take them for rows to stay flat in; expected values "
            "within [0, 1] that sum to one, or NaN for a row without a prediction."
        )
    edge = implied_edge(rows, tau, edge_scale)
    for name, size in (("bars", len(bars)), ("labels", edge.size if labels is None else labels.size)):
        if size != edge.size:
            raise SchemaError(f"{name} have {size} rows and probabilities {edge.size}; expected the same.")
    if np.isnan(edge).all():
        raise TooFewRowsError(f"none of {edge.size} rows has an edge; thresholds need out-of-fold rows.")
    return edge


def _sizes(
    probabilities: npt.ArrayLike,
    edge: FloatArray,
    tau: npt.ArrayLike,
    bars: pd.DataFrame,
    *,
    config: BacktestConfig,
    sigma: npt.ArrayLike | None,
    class_moments: npt.ArrayLike | None,
    timeframe: str | None,
) -> FloatArray:
    """Return the size at entry of each row; without sigma the largest size allowed."""
    if sigma is None and config.sizing.kelly:
        raise ConfigurationError("Kelly sizing needs sigma and class_moments; give both, or switch it off.")
    if sigma is None:
        return np.full(edge.size, config.sizing.q_max)
    return position_sizes(
        sigma,
        timeframe=timeframe or timeframe_of(bars["open_time"]),
        config=config.sizing,
        probabilities=probabilities,
        edge=edge,
        tau=tau,
        class_moments=class_moments,
        round_trip_cost=round_trip_cost(config),
    )


def _pairs(config: BacktestConfig) -> list[tuple[float, float]]:
    """Return the pairs to try; a side that may not be held stays at C."""
    cost = round_trip_cost(config)
    may_long, may_short = MAY_HOLD[config.position_mode]
    tried = [multiple * cost for multiple in COST_MULTIPLES]
    return [
        (long, short)
        for long in (tried if may_long else [cost])
        for short in (tried if may_short else [cost])
    ]


def _try(rows: Rows, pair: tuple[float, float], config: BacktestConfig) -> Tried:
    """Return what the account of one pair earned."""
    target = target_positions(
        rows.edge,
        FixedRule(*pair),
        size=rows.size,
        funding=rows.funding,
        position_mode=config.position_mode,
    )
    account = simulate(rows.market, target, cost_rates(config), config.initial_capital)
    logs = np.diff(np.log(account.equity)) if account.equity.min() > 0 else np.empty(0)
    ledger = round_trips(account.journal, account.equity.size, float(rows.market.close[-1]))
    return Tried(*pair, log_returns=logs, n_trades=ledger.n_completed)


def _by_gain(every: list[Tried], config: BacktestConfig, horizon_bars: int) -> Thresholds:
    """Return the thresholds of method `ev_net` with the curve of all pairs."""
    points = []
    for tried in every:
        low, high = interval_of(tried, horizon_bars=horizon_bars)
        score = tried.gain if tried.log_returns.size else None
        points.append(
            CurvePoint(
                long=tried.long, short=tried.short, score=score, low=low, high=high, n_trades=tried.n_trades
            )
        )
    chosen = most_cautious(every, horizon_bars=horizon_bars)
    if chosen is None:
        reason = f"no pair has {LEAST_ROUND_TRIPS} round trips; both thresholds stay at the cost"
        return at_cost(config).model_copy(
            update={"method": "ev_net", "reason": reason, "curve": tuple(points)}
        )
    return Thresholds(long=chosen.long, short=chosen.short, method="ev_net", curve=tuple(points))


def _by_signals(every: list[Tried], rows: Rows, labels: FloatArray, method: TuningMethod) -> Thresholds:
    """Return the thresholds of `f1` or `pr_auc`, the larger ones among equals, with the curve."""
    edge = rows.edge - rows.funding
    points = [
        CurvePoint(
            long=tried.long,
            short=tried.short,
            score=display_score(edge, labels, long=tried.long, short=tried.short, method=method),
            n_trades=tried.n_trades,
        )
        for tried in every
    ]
    best = max(points, key=lambda point: (point.score, caution(point.long, point.short)))
    return Thresholds(long=best.long, short=best.short, method=method, curve=tuple(points))


def optimise(
    probabilities: npt.ArrayLike,
    *,
    bars: pd.DataFrame,
    tau: npt.ArrayLike,
    edge_scale: float | npt.ArrayLike,
    config: BacktestConfig,
    method: TuningMethod = "ev_net",
    funding: pd.DataFrame | None = None,
    labels: npt.ArrayLike | None = None,
    horizon_bars: int = 1,
    sigma: npt.ArrayLike | None = None,
    class_moments: npt.ArrayLike | None = None,
    mark: pd.DataFrame | None = None,
    timeframe: str | None = None,
) -> Thresholds:
    """Return entry thresholds tuned on out-of-fold rows over {0.75, 1, 1.25, 1.5, 2, 2.5, 3}·C per side.

    `ev_net` runs decision and engine for each pair and maximises the mean net log return per bar. Among the
    pairs with at least 30 round trips whose paired difference from the best is within one stationary-
    bootstrap standard error it takes the largest sum, then the larger minimum; without such a pair
    both thresholds are C. `f1` and `pr_auc` compare edges with labels and are for display.

    Args:
        probabilities: float[n, 3], calibrated out-of-fold p_down, p_flat, p_up; rows without are NaN.
        bars: n closed klines, in the same order.
        tau: float[n], log return.
        edge_scale: m, one number, or float[n] where rows come from folds with their own.
        config: costs, sides and sizing of the account that will trade.
        method: what is maximised.
        funding: `market.funding`; paid by the account, and expected by the edge over `horizon_bars`.
        labels: [n], -1, 0, 1 or missing; for `f1` and `pr_auc`.
        horizon_bars: h; sets the blocks of the standard error and the funding expected.
        sigma: float[n], volatility per bar; without it every position has the largest size allowed.
        class_moments: (q_down, q_flat, q_up), for Kelly sizing; one triple, or float[n, 3] where rows come
            from folds with their own.
        mark: `market.mark_klines`.
        timeframe: of the bars; their smallest step by default.

    The thresholds may be used from the last label_end of the rows given. The curve's score is the mean net
    log return per bar (`ev_net`) or the mean of both sides' score; its interval is normal, from the
    stationary-bootstrap standard error.

    Raises:
        ConfigurationError: for an unknown method, or labels or sigma missing where they are needed.
        InvalidProbabilityError: when a row is infinite, outside [0, 1], or does not sum to one.
        SchemaError, CorruptDataError: when rows do not match or bars are not what they must be.
        WrongTimeframeError: when no two bars are one `timeframe` apart.
        TooFewRowsError: when no row has an edge.
    """
    if method not in {"ev_net", "f1", "pr_auc"}:
        raise ConfigurationError(f"method {method!r} is unknown; expected ev_net, f1 or pr_auc.")
    known = None if labels is None else known_labels(labels)
    edge = _edges(probabilities, tau, edge_scale, bars, known)
    rows = Rows(
        market=market_arrays(bars, funding, mark, timeframe=timeframe),
        edge=edge,
        size=_sizes(
            probabilities,
            edge,
            tau,
            bars,
            config=config,
            sigma=sigma,
            class_moments=class_moments,
            timeframe=timeframe,
        ),
        funding=expected_funding(bars["open_time"], funding, horizon_bars=horizon_bars, timeframe=timeframe),
    )
    every = [_try(rows, pair, config) for pair in _pairs(config)]
    if method == "ev_net":
        return _by_gain(every, config, horizon_bars)
    if known is None:
        raise ConfigurationError(f"method {method} compares edges with labels; give labels.")
    return _by_signals(every, rows, known, method)
