"""What the same decisions earn where trading is cheaper or dearer: how much of a result the costs decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy.typing as npt
import pandas as pd

from truebar import backtest
from truebar.config import BacktestConfig
from truebar.scores.metric import Metric

COST_MULTIPLES: Final = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0)
"""Of the configured fee and slippage; 1 is the account that the verdict judges."""


@dataclass(frozen=True)
class CostPoint:
    """One account: the same targets at a multiple of the configured costs.

    Attributes:
        multiple: of fee and slippage.
        round_trip_bps: what one entry and one exit cost then.
        net_return: over the record.
        sharpe: yearly.
        n_trades: completed round trips; a liquidation or ruin may change it.
    """

    multiple: float
    round_trip_bps: float
    net_return: Metric
    sharpe: Metric
    n_trades: Metric


def cost_sensitivity(
    bars: pd.DataFrame,
    target_position: npt.ArrayLike,
    config: BacktestConfig,
    *,
    timeframe: str,
    multiples: Sequence[float] = COST_MULTIPLES,
) -> tuple[CostPoint, ...]:
    """Return the account of the same targets at each multiple of the costs, through the engine.

    Thresholds and sizes stay those that were chosen for the configured costs: this says what costs take from
    these decisions, not what a model tuned for other costs would do.

    Args:
        bars: closed klines, ascending, n rows.
        target_position: float[n], share of equity decided at close t.
        config: capital, sides and the costs that are multiplied.
        timeframe: of the bars.
        multiples: of fee and slippage, each at least 0.

    Raises:
        As `truebar.backtest.run`.
    """
    return tuple(
        _at(bars, target_position, config, timeframe=timeframe, multiple=multiple) for multiple in multiples
    )


def _at(
    bars: pd.DataFrame,
    target_position: npt.ArrayLike,
    config: BacktestConfig,
    *,
    timeframe: str,
    multiple: float,
) -> CostPoint:
    """Return the account at one multiple of the costs."""
    costs = config.costs.model_copy(
        update={
            "fee_bps": config.costs.fee_bps * multiple,
            "slippage_bps": config.costs.slippage_bps * multiple,
        }
    )
    found = backtest.run(
        bars, target_position, config.model_copy(update={"costs": costs}), timeframe=timeframe
    ).metrics
    return CostPoint(
        multiple=multiple,
        round_trip_bps=costs.round_trip_bps,
        net_return=found["net_return"],
        sharpe=found["sharpe"],
        n_trades=found["n_trades"],
    )
