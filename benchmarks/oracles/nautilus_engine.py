"""One case in Nautilus Trader: bars at each close, a trade tick at each open, market orders on the tick."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig
from nautilus_trader.model.currencies import BTC, USDT
from nautilus_trader.model.data import Bar, BarType, TradeTick
from nautilus_trader.model.enums import AccountType, AggressorSide, OmsType, OrderSide
from nautilus_trader.model.events import OrderFilled
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TradeId, Venue
from nautilus_trader.model.instruments import CryptoPerpetual
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.persistence.wranglers import BarDataWrangler
from nautilus_trader.trading.strategy import Strategy
from oracle_market import CAPITAL, MINUTES, Case

VENUE = Venue("SIM")
IDENTIFIER = InstrumentId(Symbol("BTCUSDT"), VENUE)
BAR_TYPE = BarType.from_str(f"{IDENTIFIER}-{MINUTES}-MINUTE-LAST-EXTERNAL")
UNIT_DIGITS = 8


def instrument(case: Case) -> CryptoPerpetual:
    """Return the contract that is traded, with the case's fee for taker and maker."""
    fee = Decimal(str(case.fee_bps)) / 10_000
    return CryptoPerpetual(
        IDENTIFIER, IDENTIFIER.symbol, BTC, USDT, USDT, False, 2, UNIT_DIGITS,
        Price(0.01, 2), Quantity(10**-UNIT_DIGITS, UNIT_DIGITS), 0, 0,
        margin_init=Decimal("0.01"), margin_maint=Decimal("0.01"), maker_fee=fee, taker_fee=fee,
    )  # fmt: skip


class FollowTarget(Strategy):
    """Decide at each bar's close, trade on the next tick what moves the account to its share of equity."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        self.case, self.row, self.due = case, -1, 0.0
        self.held, self.filled = 0.0, 0.0
        self.equity: list[float] = []
        self.fills: list[tuple[int, float, float]] = []

    def on_start(self) -> None:
        """Subscribe to closes and opens."""
        self.subscribe_bars(BAR_TYPE)
        self.subscribe_trade_ticks(IDENTIFIER)

    def worth(self, price: Price) -> float:
        """Return the account's equity at a price, as the engine keeps it."""
        total = float(self.portfolio.account(VENUE).balance_total(USDT))
        return total + sum(float(position.unrealized_pnl(price)) for position in self.cache.positions_open())

    def on_bar(self, bar: Bar) -> None:
        """Take over the target of the bar that closes."""
        self.row += 1
        self.due = float(self.case.target[self.row])
        self.equity.append(self.worth(bar.close))

    def on_trade_tick(self, tick: TradeTick) -> None:
        """Fill a changed target at the open."""
        if self.due == self.filled:
            return
        self.filled = self.due
        traded = self.due * self.worth(tick.price) / float(tick.price) - self.held
        side = OrderSide.BUY if traded > 0 else OrderSide.SELL
        quantity = Quantity(abs(traded), UNIT_DIGITS)
        if quantity > 0:
            self.submit_order(self.order_factory.market(IDENTIFIER, side, quantity))

    def on_order_filled(self, event: OrderFilled) -> None:
        """Keep the fill."""
        units = float(event.last_qty) * (1 if event.order_side == OrderSide.BUY else -1)
        self.held += units
        self.fills.append((self.row + 1, units, float(event.last_px)))


def tick(row: int, price: float, stamp: int) -> TradeTick:
    """Return the trade that opens a bar."""
    units, name = Quantity(1_000, UNIT_DIGITS), TradeId(str(row))
    return TradeTick(IDENTIFIER, Price(price, 2), units, AggressorSide.BUYER, name, stamp, stamp)


def by_nautilus(case: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return equity at each close, and bar, units and price of each fill."""
    contract = instrument(case)
    stamps = case.open_time_ms * 1_000_000
    closes = pd.to_datetime(case.open_time_ms + MINUTES * 60_000 - 1, unit="ms", utc=True)
    columns = {"open": case.open, "high": case.high, "low": case.low, "close": case.close, "volume": 1e6}
    bars = BarDataWrangler(BAR_TYPE, contract).process(
        pd.DataFrame(columns, index=pd.DatetimeIndex(closes, name="timestamp"))
    )
    ticks = [
        tick(row, price, int(stamp)) for row, (price, stamp) in enumerate(zip(case.open, stamps, strict=True))
    ]
    engine = BacktestEngine(
        BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True), run_analysis=False)
    )
    engine.add_venue(
        VENUE, OmsType.NETTING, AccountType.MARGIN, [Money(CAPITAL, USDT)],
        default_leverage=Decimal(50), bar_execution=False,
    )  # fmt: skip
    engine.add_instrument(contract)
    engine.add_data(bars)
    engine.add_data(ticks)
    strategy = FollowTarget(case)
    engine.add_strategy(strategy)
    engine.run()
    equity, fills = np.array(strategy.equity), np.array(strategy.fills).reshape(-1, 3)
    engine.dispose()
    return equity, fills[:, 0], fills[:, 1], fills[:, 2]
