"""Every feature column in plain pandas, on the grid with its missing bars as NaN: slow, and easy to read."""

from __future__ import annotations

import numpy as np
import pandas as pd

from truebar.feature_columns import COLUMN_FAMILIES

WARMUP = {column.name: column.warmup_bars for f in COLUMN_FAMILIES.values() for column in f.declared}


class Reference:
    """The columns of bars with a step of five minutes, one row a bar."""

    def __init__(self, bars: pd.DataFrame) -> None:
        times = pd.DatetimeIndex(bars["open_time"])
        self.grid = bars.set_index("open_time").reindex(pd.date_range(times[0], times[-1], freq="5min"))
        self.at = times
        self.age = np.arange(len(self.grid))
        for name in ("open", "high", "low", "close", "volume", "trades"):
            setattr(self, name, self.grid[name].astype(float))
        self.taker = self.grid["taker_buy_volume"].astype(float)
        self.log_close = np.log(self.close)
        self.ret = self.log_close.diff()
        self.there = self.close.notna()

    def window(self, values: pd.Series, w: int, how: str = "mean") -> pd.Series:
        return getattr(values.rolling(w, min_periods=1), how)()

    def known(self, values: pd.Series, w: int) -> pd.Series:
        return (w - values.notna().astype(float).rolling(w, min_periods=1).sum()) * 20 <= w

    def decaying(self, values: pd.Series, alpha: float) -> pd.Series:
        """The weighted mean of what there is, where it has 95 % of the weight."""
        weights, weight = [], 0.0
        for is_there in values.notna():
            weight = weight * (1 - alpha) + alpha * is_there
            weights.append(weight)
        mean = values.ewm(alpha=alpha, adjust=True, ignore_na=False).mean()
        return mean.where(pd.Series(weights, index=values.index) >= 0.95)

    def columns(self) -> pd.DataFrame:
        found = {**self.price(), **self.averages(), **self.volatility(), **self.volumes(), **self.flow()}
        frame = pd.DataFrame({name: found[name] for name in WARMUP})
        for name, warmup in WARMUP.items():
            frame[name] = frame[name].where(self.age >= warmup)
        return frame.replace([np.inf, -np.inf], np.nan).reindex(self.at).reset_index(drop=True)

    def price(self) -> dict[str, pd.Series]:
        found = {f"return_{n}": self.log_close - self.log_close.shift(n) for n in RETURNS}
        for n in (12, 24, 48, 96):
            moved, squares = self.window(self.ret, n, "sum"), self.window(self.ret**2, n, "sum")
            found[f"momentum_{n}"] = (moved / np.sqrt(squares)).where(self.known(self.close, n))
        for n in (12, 24, 96):
            low, high = self.window(self.low, n, "min"), self.window(self.high, n, "max")
            place = (self.close - low) / (high - low)
            found[f"range_position_{n}"] = place.where(self.known(self.close, n))
        for n in (24, 96):
            spread = np.sqrt(self.window(self.ret**2, n) * n)
            distance = (self.log_close - self.window(self.log_close, n)) / spread
            found[f"mean_distance_{n}"] = distance.where(self.known(self.close, n))
            rises = (self.ret > 0).astype(float).where(self.ret.notna())
            found[f"rise_share_{n}"] = self.window(rises, n).where(self.known(self.close, n))
        span = self.high - self.low
        found["body_share"] = (self.close - self.open) / span
        found["upper_wick_share"] = (self.high - np.maximum(self.open, self.close)) / span
        found["lower_wick_share"] = (np.minimum(self.open, self.close) - self.low) / span
        found["bar_range"] = np.log(self.high / self.low)
        found["open_jump"] = np.log(self.open / self.close.shift(1))
        return found

    def true_range(self) -> pd.Series:
        before = self.close.shift(1)
        parts = pd.concat(
            [self.high - self.low, (self.high - before).abs(), (self.low - before).abs()], axis=1
        )
        return parts.max(axis=1).where(before.notna() & self.there)

    def averages(self) -> dict[str, pd.Series]:
        unit = self.decaying(self.true_range(), 1 / 14)
        unit = unit.where(self.age >= WARMUP["sma_distance_10"])
        found = {f"ema_distance_{n}": (self.close - self.ema(n)) / unit for n in (8, 20, 50)}
        for n in (10, 20, 50, 96):
            mean = self.window(self.close, n).where(self.known(self.close, n))
            found[f"sma_distance_{n}"] = (self.close - mean) / unit
        macd = self.ema(12) - self.ema(26)
        raw = self.raw_ema(12) - self.raw_ema(26)
        signal = self.decaying(raw, 2 / 10).where(macd.notna())
        found |= {"macd": macd / unit, "macd_signal": signal / unit, "macd_histogram": (macd - signal) / unit}
        move = self.close.diff()
        for n in (7, 14):
            rise, fall = self.decaying(move.clip(lower=0), 1 / n), self.decaying((-move).clip(lower=0), 1 / n)
            found[f"rsi_{n}"] = 100 * rise / (rise + fall)
        return found | self.directional() | self.oscillators()

    def raw_ema(self, n: int) -> pd.Series:
        return self.close.ewm(alpha=2 / (n + 1), adjust=True, ignore_na=False).mean().where(self.there)

    def ema(self, n: int) -> pd.Series:
        return self.decaying(self.close, 2 / (n + 1))

    def directional(self) -> dict[str, pd.Series]:
        up, down = self.high.diff(), -self.low.diff()
        plus = up.where((up > down) & (up > 0), 0.0).where(up.notna())
        minus = down.where((down > up) & (down > 0), 0.0).where(up.notna())
        span = self.decaying(self.true_range(), 1 / 14)
        found = {
            "plus_di_14": 100 * self.decaying(plus, 1 / 14) / span,
            "minus_di_14": 100 * self.decaying(minus, 1 / 14) / span,
        }
        raw_plus = plus.ewm(alpha=1 / 14).mean()
        raw_minus = minus.ewm(alpha=1 / 14).mean()
        strength = (100 * (raw_plus - raw_minus).abs() / (raw_plus + raw_minus)).where(plus.notna())
        found["adx_14"] = self.decaying(strength, 1 / 14)
        return found

    def oscillators(self) -> dict[str, pd.Series]:
        low, high = self.window(self.low, 14, "min"), self.window(self.high, 14, "max")
        whole = self.there.rolling(14).sum() == 14
        fast = (100 * (self.close - low) / (high - low)).where(whole)
        slow = fast.rolling(3).mean()
        typical = (self.high + self.low + self.close) / 3
        mean = self.window(typical, 20)
        deviation = pd.Series(
            [(typical.iloc[max(0, i - 19) : i + 1] - mean.iloc[i]).abs().mean() for i in range(len(mean))],
            index=mean.index,
        )
        aroon = {
            name: pd.Series(
                [
                    100
                    * (25 - np.argmax((sign * values.iloc[i - 25 : i + 1]).fillna(-np.inf).to_numpy()[::-1]))
                    / 25
                    if i >= 25
                    else np.nan
                    for i in range(len(values))
                ],
                index=values.index,
            ).where(self.known(self.close, 26))
            for name, values, sign in (("aroon_up_25", self.high, 1), ("aroon_down_25", self.low, -1))
        }
        return aroon | {
            "stochastic_k_14": slow,
            "stochastic_d_14": slow.rolling(3).mean(),
            "williams_r_14": (-100 * (high - self.close) / (high - low)).where(whole),
            "cci_20": ((typical - mean) / (0.015 * deviation)).where(self.known(self.close, 20)),
        }

    def volatility(self) -> dict[str, pd.Series]:
        square, width = self.ret**2, np.log(self.high / self.low)
        body = np.log(self.close / self.open)
        realized = {
            n: np.sqrt(self.window(square, n)).where(self.known(self.close, n)).where(self.age >= n)
            for n in (8, 24, 96)
        }
        found = {f"realized_volatility_{n}": values for n, values in realized.items()}
        parkinson = {}
        for n in (24, 96):
            whole = self.known(self.close, n) & (self.age >= n - 1)
            parkinson[n] = np.sqrt(self.window(width**2, n) / (4 * np.log(2))).where(whole)
            found[f"parkinson_{n}"] = parkinson[n]
            klass = width**2 / 2 - (2 * np.log(2) - 1) * body**2
            found[f"garman_klass_{n}"] = np.sqrt(self.window(klass, n)).where(whole)
            reach = np.log(self.window(self.high, n, "max") / self.window(self.low, n, "min"))
            found[f"range_width_{n}"] = reach.where(whole)
        falls = square.where(self.ret < 0, 0.0).where(square.notna())
        found["volatility_ratio_8_96"] = realized[8] / realized[96]
        found["volatility_ratio_24_96"] = realized[24] / realized[96]
        found["parkinson_ratio_24_96"] = parkinson[24] / parkinson[96]
        found["parkinson_to_realized_96"] = parkinson[96] / realized[96]
        share = self.window(falls, 96, "sum") / self.window(square, 96, "sum")
        found["fall_share_96"] = share.where(realized[96].notna())
        mean = self.window(self.close, 20).where(self.known(self.close, 20))
        deviation = self.close.rolling(20, min_periods=1).std(ddof=0)
        found["bollinger_width_20"] = 4 * deviation / mean
        found["bollinger_position_20"] = (self.close - mean + 2 * deviation) / (4 * deviation)
        atr = self.decaying(self.true_range(), 1 / 14)
        found["atr_share_14"] = atr / self.close
        found["true_range_ratio_14"] = self.true_range() / atr
        found["range_ratio_24"] = (width / self.window(width, 24)).where(self.known(self.close, 24))
        return found

    def volumes(self) -> dict[str, pd.Series]:
        v = self.volume
        mean = {n: self.window(v, n).where(self.known(v, n)) for n in (8, 24, 96)}
        found = {f"volume_ratio_{n}": v / mean[n] for n in (24, 96)}
        found["volume_trend_8_96"] = mean[8] / mean[96]
        found["volume_score_96"] = (v - mean[96]) / v.rolling(96, min_periods=1).std(ddof=0)
        typical = (self.high + self.low + self.close) / 3
        lifted = typical.diff()
        flow = (v * typical).where(lifted.notna())
        inflow = self.window(flow.where(lifted > 0, 0.0), 14, "sum")
        outflow = self.window(flow.where(lifted < 0, 0.0), 14, "sum")
        found["money_flow_14"] = (100 * inflow / (inflow + outflow)).where(self.known(flow, 14))
        place = (2 * self.close - self.high - self.low) / (self.high - self.low)
        money = self.window(v * place, 20, "sum") / self.window(v, 20, "sum")
        found["chaikin_flow_20"] = money.where(self.known(v, 20))
        signed = (v * np.sign(self.ret)).fillna(0.0).where(v.notna())
        size = v / self.trades
        counted = v.where(self.trades.notna())
        for n in (24, 96):
            total = self.window(v, n, "sum")
            vwap = self.window(v * typical, n, "sum") / total
            found[f"vwap_distance_{n}"] = (self.close / vwap - 1).where(self.known(v, n))
            found[f"signed_volume_{n}"] = (self.window(signed, n, "sum") / total).where(self.known(v, n))
            per_trade = self.window(counted, n, "sum") / self.window(self.trades.where(v.notna()), n, "sum")
            trades = self.trades.where(v.notna())
            whole = self.known(trades, n)
            found[f"trades_ratio_{n}"] = (self.trades / self.window(trades, n)).where(whole)
            found[f"trade_size_ratio_{n}"] = (size / per_trade).where(whole)
        return found

    def flow(self) -> dict[str, pd.Series]:
        share = self.taker / self.volume
        share_known = self.taker.where(self.volume.notna())
        found = {f"taker_share_{n}": self.decaying(share, 2 / (n + 1)) for n in (1, 2, 4, 8, 16, 32, 64)}
        for n in (8, 24, 96):
            balance = self.window(2 * self.taker - self.volume, n, "sum")
            total = self.window(self.volume.where(self.taker.notna()), n, "sum")
            found[f"taker_imbalance_{n}"] = (balance / total).where(self.known(share_known, n))
        deviation = share.rolling(96, min_periods=1).std(ddof=0)
        score = (share - self.window(share, 96)) / deviation
        found["taker_score_96"] = score.where(self.known(share, 96))
        return found


RETURNS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 96)
