"""From probabilities to an account: edge, size, decision and fills over one stretch of bars (METHOD §3)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from truebar import backtest
from truebar.arrays import FloatArray
from truebar.backtest import BacktestResult
from truebar.decision import EntryRule, target_positions
from truebar.edge import implied_edge
from truebar.errors import CorruptDataError
from truebar.models.bundle import DevFacts
from truebar.models.recipe import Recipe
from truebar.risk.sizing import position_sizes
from truebar.thresholds.values import round_trip_cost
from truebar.times import nanoseconds


def targets(
    probabilities: npt.ArrayLike,
    *,
    sigma: npt.ArrayLike,
    tau: npt.ArrayLike,
    facts: DevFacts,
    rule: EntryRule,
    recipe: Recipe,
    timeframe: str,
) -> FloatArray:
    """Return float64[n], the share of equity that the recipe's rules want at the close of each bar.

    Arguments as in `trade`. Row t uses what is known at the close of bar t.
    """
    edge = implied_edge(probabilities, tau, facts.edge_scale)
    sizes = position_sizes(
        sigma,
        timeframe=timeframe,
        config=recipe.backtest.sizing,
        probabilities=probabilities,
        edge=edge,
        tau=tau,
        class_moments=facts.class_second_moments,
        round_trip_cost=round_trip_cost(recipe.backtest),
    )
    mode = recipe.backtest.position_mode
    return target_positions(edge, rule, size=sizes, position_mode=mode)


def trade(
    bars: pd.DataFrame,
    probabilities: npt.ArrayLike,
    *,
    sigma: npt.ArrayLike,
    tau: npt.ArrayLike,
    facts: DevFacts,
    rule: EntryRule,
    recipe: Recipe,
    timeframe: str,
) -> BacktestResult:
    """Return the account that trades every bar by the recipe's rules, net of all costs.

    Args:
        bars: klines, ascending, n rows.
        probabilities: float[n, 3], calibrated p_down, p_flat, p_up; NaN where there is no valid prediction.
        sigma: float[n], volatility per bar, log return; NaN means that nothing is entered.
        tau: float[n], the labels' threshold, log return.
        facts: m and q of the rows that the model was fitted on.
        rule: entry and exit thresholds.
        recipe: costs, sides and sizes.
        timeframe: of the bars.

    Row t uses what is known at the close of bar t and fills at the open of bar t+1.

    Raises:
        SchemaError: when lengths differ.
        CorruptDataError, WrongTimeframeError, ConfigurationError: as `truebar.backtest.run`.
    """
    target = targets(
        probabilities, sigma=sigma, tau=tau, facts=facts, rule=rule, recipe=recipe, timeframe=timeframe
    )
    return backtest.run(bars, target, recipe.backtest, timeframe=timeframe)


def on_bars(bars: pd.DataFrame, rows: pd.DataFrame, columns: list[str]) -> npt.NDArray[np.float64]:
    """Return columns of `rows` on the bars, by open_time; NaN where a bar has no row.

    Args:
        bars: open_time, n rows.
        rows: open_time, unique, and the columns.
        columns: which.

    Returns:
        float64[n, len(columns)].

    Raises:
        CorruptDataError: when an open_time stands twice in `rows`.
    """
    index = pd.Index(nanoseconds(rows["open_time"]))
    if not index.is_unique:
        raise CorruptDataError("an open_time stands twice among the rows; expected one row for each bar.")
    positions = index.get_indexer(pd.Index(nanoseconds(bars["open_time"])))
    values = rows[columns].to_numpy(dtype=np.float64, na_value=np.nan)
    if len(values) == 0:
        return np.full((len(bars), len(columns)), np.nan)
    return np.where((positions >= 0)[:, None], values[positions], np.nan)
