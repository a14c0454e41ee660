"""What a backtest returns: equity, fills, round trips and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from truebar.arrays import FloatArray
from truebar.backtest.account import BAR, FEE_RATE, MARKET_PRICE, PRICE, REASON, REASONS, UNITS
from truebar.backtest.curve import Curve, curve
from truebar.backtest.metrics import drawdown
from truebar.backtest.summary import account_metrics
from truebar.backtest.trips import (
    TRIP_ENTRY_BAR,
    TRIP_ENTRY_PRICE,
    TRIP_EXIT_BAR,
    TRIP_EXIT_PRICE,
    TRIP_FEES,
    TRIP_FLOW,
    TRIP_FUNDING,
    TRIP_NOTIONAL,
    TRIP_REASON,
    TRIP_SLIPPAGE,
    TRIP_UNITS,
    Ledger,
    fills_of,
    positions,
    round_trips,
)
from truebar.opens import Opens
from truebar.scores.metric import Metric
from truebar.times import utc_index


@dataclass(frozen=True)
class BacktestResult:
    """One simulated account; what is made of its equity and journal is made when it is first asked for.

    Attributes:
        equity: float64[n], at the close of each bar, quote currency.
        journal: float64[rows, JOURNAL_FIELDS], see `truebar.backtest.account`.
        opens: times of the bars' opens.
        timeframe: of the bars.
        initial_capital: equity before the first bar, quote currency.
        last_close: price that values a position still open after the last bar, quote currency.
    """

    equity: FloatArray
    journal: FloatArray
    opens: Opens
    timeframe: str
    initial_capital: float
    last_close: float

    @cached_property
    def curve(self) -> Curve:
        """Return what the equity curve is like."""
        return curve(self.equity)

    @property
    def returns(self) -> FloatArray:
        """Return float64[n-1], equity_t / equity_{t-1} - 1, flat bars included; 0 after ruin."""
        return self.curve.returns

    @cached_property
    def ledger(self) -> Ledger:
        """Return the round trips as numbers."""
        return round_trips(self.journal, self.equity.size, self.last_close)

    @cached_property
    def metrics(self) -> Mapping[str, Metric]:
        """Return the metrics of the account by name (`truebar.backtest.summary`)."""
        return account_metrics(self.equity, self.curve, self.ledger, self.timeframe, self.initial_capital)

    @cached_property
    def open_time(self) -> pd.DatetimeIndex:
        """Return the [n] times of the bars' opens, UTC."""
        return utc_index(self.opens.nanoseconds())

    @cached_property
    def position(self) -> FloatArray:
        """Return float64[n], units times close over equity at the close of each bar, signed; 0 after ruin."""
        return positions(self.equity, self.journal, self.initial_capital)

    @cached_property
    def trades(self) -> pd.DataFrame:
        """Return one row for each round trip, in order of entry; `net_pnl` adds up to the change of equity.

        A position open at the end is the last row, with reason `open`.
        """
        return trades_frame(self.ledger.trips, self.open_time)

    @cached_property
    def fills(self) -> pd.DataFrame:
        """Return one row for each execution."""
        return fills_frame(fills_of(self.journal), self.open_time)

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


def _reasons(codes: FloatArray) -> npt.NDArray[np.object_]:
    return np.array(REASONS, dtype=object)[codes.astype(np.int64)]


def fills_frame(fills: FloatArray, open_time: pd.DatetimeIndex) -> pd.DataFrame:
    """Return one row per execution: bar, open_time, units, price, fee, slippage_cost, reason.

    Units are signed; fee and slippage_cost are quote currency, positive is paid. A liquidation happens
    within the bar that open_time names, everything else at its open.
    """
    bar = fills[:, BAR].astype(np.int64)
    units, price = fills[:, UNITS], fills[:, PRICE]
    return pd.DataFrame(
        {
            "bar": bar,
            "open_time": open_time[bar],
            "units": units,
            "price": price,
            "fee": np.abs(units) * price * fills[:, FEE_RATE],
            "slippage_cost": units * (price - fills[:, MARKET_PRICE]),
            "reason": _reasons(fills[:, REASON]),
        }
    )


def trades_frame(trips: FloatArray, open_time: pd.DatetimeIndex) -> pd.DataFrame:
    """Return one row per round trip; money in quote currency, costs positive where paid.

    net_pnl = gross_pnl - fees - slippage - funding, where gross_pnl is at prices before slippage. Units are
    signed and those of the entry; a rebalance or resize changes them on the way and is in the money columns.
    """
    entry, leave = (trips[:, place].astype(np.int64) for place in (TRIP_ENTRY_BAR, TRIP_EXIT_BAR))
    fees, slippage = trips[:, TRIP_FEES], trips[:, TRIP_SLIPPAGE]
    net = trips[:, TRIP_FLOW] - trips[:, TRIP_FUNDING]
    return pd.DataFrame(
        {
            "entry_time": open_time[entry],
            "exit_time": open_time[leave],
            "side": np.where(trips[:, TRIP_UNITS] > 0, "long", "short"),
            "units": trips[:, TRIP_UNITS],
            "entry_price": trips[:, TRIP_ENTRY_PRICE],
            "exit_price": trips[:, TRIP_EXIT_PRICE],
            "bars": leave - entry,
            "notional": trips[:, TRIP_NOTIONAL],
            "gross_pnl": net + fees + slippage + trips[:, TRIP_FUNDING],
            "fees": fees,
            "slippage": slippage,
            "funding": trips[:, TRIP_FUNDING],
            "net_pnl": net,
            "reason": _reasons(trips[:, TRIP_REASON]),
        }
    )
