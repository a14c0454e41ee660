"""The engine of METHOD §3 in plain Python: slow, one rule after another, no shared code with the kernel."""

import itertools
from dataclasses import dataclass, field


@dataclass
class Account:
    cash: float
    fee: float
    slippage: float
    units: float = 0.0
    fills: list[dict] = field(default_factory=list)
    trips: list[dict] = field(default_factory=list)
    trip: dict | None = None

    def equity(self, price: float) -> float:
        return self.cash + self.units * price

    def _move(self, bar: int, units: float, price: float, fee: float) -> None:
        if self.trip is None:
            self.trip = {"entry": bar, "side": 1 if units > 0 else -1, "net": 0.0}
        flow = -units * price - abs(units) * price * fee
        self.cash += flow
        self.trip["net"] += flow
        self.units += units

    def to(self, new_units: float, bar: int, price: float, reason: str, fee: float, slippage: float) -> None:
        traded = new_units - self.units
        if traded == 0:
            return
        paid = price * (1 + slippage) if traded > 0 else price * (1 - slippage)
        self.fills.append({"bar": bar, "units": traded, "price": paid, "reason": reason})
        if self.units != 0 and (new_units == 0 or (new_units > 0) != (self.units > 0)):
            self._move(bar, -self.units, paid, fee)
            self.units = 0.0
            self.trips.append(self.trip | {"exit": bar, "reason": reason})
            self.trip = None
            traded = new_units
        if traded != 0:
            self._move(bar, traded, paid, fee)
        self.units = new_units

    def pay(self, amount: float) -> None:
        self.cash -= amount
        if self.trip is not None:
            self.trip["net"] -= amount


def bars_of(frame, mark):
    """Yield each bar as a dict, with mark prices where the mark has that bar."""
    marks = {} if mark is None else {row["open_time"]: row for row in mark.to_dict("records")}
    for row in frame.to_dict("records"):
        own = {"open": row["open"], "high": row["high"], "low": row["low"]}
        yield row | {"mark": marks.get(row["open_time"], own)}


def run(frame, target, config, funding=None, mark=None):
    """Return (equity, fills, trips)."""
    rows = list(bars_of(frame, mark))
    step = min(b["open_time"] - a["open_time"] for a, b in itertools.pairwise(rows))
    events = (
        []
        if funding is None
        else [(r["funding_time"].round("s"), r["rate"]) for r in funding.to_dict("records")]
    )
    costs, rules = config.costs, config.execution
    fee, slippage = costs.fee_bps / 10_000, costs.slippage_bps / 10_000
    account = Account(config.initial_capital, fee, slippage)
    equity = [config.initial_capital]
    acted_on, liquidated, restore, over = 0.0, False, False, False
    for i in range(1, len(rows)):
        bar, price = rows[i], rows[i]["open"]
        if over:
            equity.append(account.cash)
            continue
        for time, rate in events:
            if rows[i - 1]["open_time"] + step <= time <= bar["open_time"]:
                account.pay(account.units * bar["mark"]["open"] * rate)
        want = float(target[i - 1])
        if liquidated and want != 0 and want != target[i - 2]:
            liquidated = False
        if liquidated:
            want = 0.0
        trades = not (bar["volume"] == 0 and bar["open"] == bar["high"] == bar["low"] == bar["close"])
        if trades and account.units != 0 and account.equity(price) <= 0:
            account.to(0.0, i, price, "liquidation", rules.liquidation_fee_bps / 10_000, 0.0)
        elif trades and (want != acted_on or restore):
            units = want * account.equity(price) / price
            if want == acted_on:
                reason = "rebalance"
            elif account.units == 0:
                reason = "entry"
            elif units == 0:
                reason = "exit"
            else:
                reason = "resize" if (units > 0) == (account.units > 0) else "flip"
            account.to(units, i, price, reason, fee, slippage)
            acted_on, restore = want, False
        for time, rate in events:
            if bar["open_time"] < time < bar["open_time"] + step:
                account.pay(account.units * bar["mark"]["open"] * rate)
        if trades and account.units != 0:
            worst = bar["mark"]["low"] if account.units > 0 else bar["mark"]["high"]
            if account.equity(worst) <= rules.maintenance_margin * abs(account.units) * worst:
                account.to(0.0, i, worst, "liquidation", rules.liquidation_fee_bps / 10_000, 0.0)
                acted_on, liquidated, restore = 0.0, True, False
        value = account.equity(bar["close"])
        equity.append(value)
        if value <= 0:
            account.to(0.0, i, bar["close"], "ruin", 0.0, 0.0)
            over = True
        elif abs(account.units * bar["close"]) / value > rules.rebalance_leverage:
            restore = True
    if account.trip is not None:
        net = account.trip["net"] + account.units * rows[-1]["close"]
        account.trips.append(account.trip | {"net": net, "exit": len(rows) - 1, "reason": "open"})
    return equity, account.fills, account.trips
