"""What a backtest returns: equity, fills, round trips and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from truebar.arrays import BoolArray, FloatArray
from truebar.backtest import account
from truebar.backtest.metrics import bar_returns, drawdown
from truebar.scores.metric import Metric


@dataclass(frozen=True)
class BacktestResult:
    """One simulated account.

    Attributes:
        equity: float64[n], at the close of each bar, quote currency.
        position: float64[n], units times close over equity at the close of each bar, signed; 0 after ruin.
        trades: one row for each round trip, in order of entry; `net_pnl` adds up to the change of equity.
            A position open at the end is the last row, with reason `open`.
        fills: one row for each execution.
        metrics: by name, each a `Metric`.
        open_time: int64[n], nanoseconds since 1970 UTC.
        timeframe: of the bars.
        initial_capital: equity before the first bar, quote currency.
    """

    equity: FloatArray
    position: FloatArray
    trades: pd.DataFrame
    fills: pd.DataFrame
    metrics: Mapping[str, Metric]
    open_time: pd.DatetimeIndex
    timeframe: str
    initial_capital: float

    @property
    def returns(self) -> FloatArray:
        """Return float64[n-1], equity_t / equity_{t-1} - 1, flat bars included; 0 after ruin."""
        return bar_returns(self.equity)

    def to_frame(self) -> pd.DataFrame:
        """Return the equity curve as a table: open_time, equity, position, drawdown."""
        return pd.DataFrame(
            {
                "open_time": self.open_time,
                "equity": self.equity,
                "position": self.position,
                "drawdown": drawdown(self.equity),
            }
        )


def positions(units: FloatArray, close: FloatArray, equity: FloatArray) -> FloatArray:
    """Return the signed share of equity held at each close; 0 where nothing is held."""
    held: BoolArray = (units != 0) & (equity > 0)
    return np.where(held, units * close / np.where(held, equity, 1.0), 0.0)


def _reasons(codes: FloatArray) -> list[str]:
    return [account.REASONS[int(code)] for code in codes]


def fills_frame(fills: FloatArray, open_time: pd.DatetimeIndex) -> pd.DataFrame:
    """Return one row per execution: bar, open_time, units, price, fee, slippage_cost, reason.

    Units are signed; fee and slippage_cost are quote currency, positive is paid. A liquidation happens
    within the bar that open_time names, everything else at its open.
    """
    bar = fills[:, account.FILL_BAR].astype(np.int64)
    return pd.DataFrame(
        {
            "bar": bar,
            "open_time": open_time[bar],
            "units": fills[:, account.FILL_UNITS],
            "price": fills[:, account.FILL_PRICE],
            "fee": fills[:, account.FILL_FEE],
            "slippage_cost": fills[:, account.FILL_SLIPPAGE],
            "reason": _reasons(fills[:, account.FILL_REASON]),
        }
    )


def trades_frame(trips: FloatArray, open_time: pd.DatetimeIndex) -> pd.DataFrame:
    """Return one row per round trip; money in quote currency, costs positive where paid.

    net_pnl = gross_pnl - fees - slippage - funding, where gross_pnl is at prices before slippage. Units are
    signed and those of the entry; a rebalance or resize changes them on the way and is in the money columns.
    """
    entry, leave = (
        trips[:, place].astype(np.int64) for place in (account.TRIP_ENTRY_BAR, account.TRIP_EXIT_BAR)
    )
    fees, slippage = trips[:, account.TRIP_FEES], trips[:, account.TRIP_SLIPPAGE]
    net = trips[:, account.TRIP_FLOW] - trips[:, account.TRIP_FUNDING]
    return pd.DataFrame(
        {
            "entry_time": open_time[entry],
            "exit_time": open_time[leave],
            "side": np.where(trips[:, account.TRIP_UNITS] > 0, "long", "short"),
            "units": trips[:, account.TRIP_UNITS],
            "entry_price": trips[:, account.TRIP_ENTRY_PRICE],
            "exit_price": trips[:, account.TRIP_EXIT_PRICE],
            "bars": leave - entry,
            "notional": trips[:, account.TRIP_NOTIONAL],
            "gross_pnl": net + fees + slippage + trips[:, account.TRIP_FUNDING],
            "fees": fees,
            "slippage": slippage,
            "funding": trips[:, account.TRIP_FUNDING],
            "net_pnl": net,
            "reason": _reasons(trips[:, account.TRIP_REASON]),
        }
    )
