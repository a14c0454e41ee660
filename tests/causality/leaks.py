"""Leaks to plant, each with its honest twin: the same idea, made of what was known at the bar's close."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

Bars = pd.DataFrame
Context = Mapping[str, pd.DataFrame]
HOUR = pd.Timedelta("1h")


def table(bars: Bars, values: pd.Series | np.ndarray) -> pd.DataFrame:
    """A column under test beside one that is always clean."""
    clean = bars["close"].diff().to_numpy()
    return pd.DataFrame({"clean": clean, "tested": np.asarray(values, dtype=float)})


def season_of_all(bars: Bars) -> pd.Series:
    return bars["volume"].groupby(bars["open_time"].dt.hour).transform("mean")


def season_so_far(bars: Bars) -> pd.Series:
    by_hour = bars["volume"].groupby(bars["open_time"].dt.hour)
    return by_hour.transform(lambda volume: volume.expanding().mean())


def four_hours(bars: Bars) -> pd.DataFrame:
    """Close of each stretch of four hours, with the time it opens and the time it has closed."""
    opened = bars["open_time"].dt.floor("4h")
    closes = bars["close"].groupby(opened).last().rename("coarse").reset_index()
    return closes.assign(closed=closes["open_time"] + 4 * HOUR)


def coarse_by_open_time(bars: Bars) -> pd.Series:
    coarse = four_hours(bars)
    return pd.merge_asof(bars[["open_time"]], coarse[["open_time", "coarse"]], on="open_time")["coarse"]


def coarse_by_close_time(bars: Bars) -> pd.Series:
    closing = pd.DataFrame({"closed": bars["open_time"] + HOUR})
    return pd.merge_asof(closing, four_hours(bars)[["closed", "coarse"]], on="closed")["coarse"]


def labels_of(bars: Bars, horizon: int = 6) -> pd.Series:
    return np.sign(bars["close"].shift(-horizon) - bars["close"])


def base_rate_of_all(bars: Bars) -> np.ndarray:
    return np.full(len(bars), labels_of(bars).mean())


def base_rate_so_far(bars: Bars) -> pd.Series:
    return labels_of(bars).shift(6).expanding().mean()  # a label is known six bars later


def label_as_a_feature(bars: Bars) -> pd.Series:
    return labels_of(bars).shift(5)  # it ends one bar after this one


def scaled_by_all(bars: Bars) -> pd.Series:
    return (bars["close"] - bars["close"].mean()) / bars["close"].std()


def scaled_so_far(bars: Bars) -> pd.Series:
    past = bars["close"].expanding()
    return (bars["close"] - past.mean()) / past.std()


def quantile_bin_of_all(bars: Bars) -> np.ndarray:
    return np.searchsorted(np.quantile(bars["volume"], [0.25, 0.5, 0.75]), bars["volume"]).astype(float)


def quantile_bin_so_far(bars: Bars) -> np.ndarray:
    edges = pd.concat([bars["volume"].expanding().quantile(share) for share in (0.25, 0.5, 0.75)], axis=1)
    return (edges.to_numpy() < bars["volume"].to_numpy()[:, None]).sum(axis=1).astype(float)


def gap_ahead(bars: Bars) -> pd.Series:
    return (bars["open_time"].shift(-1) - bars["open_time"]) / HOUR


def gap_behind(bars: Bars) -> pd.Series:
    return (bars["open_time"] - bars["open_time"].shift(1)) / HOUR


def detrended_by_all(bars: Bars) -> np.ndarray:
    rows = np.arange(len(bars))
    return bars["close"].to_numpy() - np.polyval(np.polyfit(rows, bars["close"], 1), rows)


def distance_to_past_line(bars: Bars) -> pd.Series:
    return bars["close"].rolling(50).apply(lambda close: close[-1] - (close[0] + close[-1]) / 2, raw=True)


def alternate(values: pd.Series) -> pd.Series:
    return values.where(np.arange(len(values)) % 2 == 1)


BAR_LEAKS: dict[str, tuple[Callable[[Bars], object], Callable[[Bars], object]]] = {
    "centred window": (
        lambda bars: bars["close"].rolling(9, center=True).mean(),
        lambda bars: bars["close"].rolling(9).mean(),
    ),
    "lead()": (lambda bars: bars["close"].shift(-1), lambda bars: bars["close"].shift(1)),
    "taker columns of the bar still open": (
        lambda bars: (bars["taker_buy_volume"] / bars["volume"]).shift(-1),
        lambda bars: bars["taker_buy_volume"] / bars["volume"],
    ),
    "season table over all history": (season_of_all, season_so_far),
    "scaler over all rows": (scaled_by_all, scaled_so_far),
    "quantile bins over all rows": (quantile_bin_of_all, quantile_bin_so_far),
    "rank over all rows": (
        lambda bars: bars["volume"].rank(pct=True),
        lambda bars: bars["volume"].expanding().rank(pct=True),
    ),
    "trend over all rows": (detrended_by_all, distance_to_past_line),
    "coarser timeframe joined by open_time": (coarse_by_open_time, coarse_by_close_time),
    "label used before it ends": (label_as_a_feature, lambda bars: labels_of(bars).shift(6)),
    "class rate over all rows": (base_rate_of_all, base_rate_so_far),
    "filled backwards": (
        lambda bars: alternate(bars["close"]).bfill(),
        lambda bars: alternate(bars["close"]).ffill(),
    ),
    "interpolated": (
        lambda bars: alternate(bars["close"]).interpolate(),
        lambda bars: alternate(bars["close"]).ffill(),
    ),
    "gap that is still to come": (gap_ahead, gap_behind),
    "divided by the next volume": (
        lambda bars: bars["volume"] / bars["volume"].shift(-1, fill_value=1),
        lambda bars: bars["volume"] / bars["volume"].shift(1),
    ),
    "normalised by the last price": (
        lambda bars: bars["close"] / bars["close"].iloc[-1],
        lambda bars: bars["close"] / bars["close"].iloc[0],
    ),
}
"""By name: what knows its future, and the honest twin."""


def context_of(bars: Bars, seed: int = 3) -> Context:
    """Return funding, another symbol whose closes arrive late, revisions of the bars, and a listing."""
    rng = np.random.default_rng(seed)
    times = pd.date_range(bars["open_time"].iloc[0], bars["open_time"].iloc[-1], freq="8h").as_unit("ns")
    funding = pd.DataFrame(
        {"funding_time": times, "rate": rng.normal(0, 1e-4, len(times)), "available_at": times}
    )
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.01, len(bars))))
    other = pd.DataFrame({"open_time": bars["open_time"], "close": close})
    other["available_at"] = other["open_time"] + HOUR + pd.Timedelta("20min")
    first = pd.DataFrame({"open_time": bars["open_time"], "close": bars["close"]})
    first["available_at"] = first["open_time"] + HOUR
    late = first.iloc[::5].assign(close=first["close"].iloc[::5] * 1.01)
    late["available_at"] += 30 * HOUR
    revisions = pd.concat([first, late]).sort_values("available_at", kind="stable").reset_index(drop=True)
    listed = pd.DataFrame({"available_at": times[::9], "symbols": np.arange(len(times[::9])) + 40.0})
    return {"funding": funding, "other": other, "revisions": revisions, "listing": listed}


def closing(bars: Bars) -> pd.DataFrame:
    return pd.DataFrame({"available_at": bars["open_time"] + HOUR})


def next_funding(bars: Bars, context: Context) -> pd.Series:
    return pd.merge_asof(
        closing(bars), context["funding"], on="available_at", direction="forward", allow_exact_matches=False
    )["rate"]


def last_funding(bars: Bars, context: Context) -> pd.Series:
    return pd.merge_asof(closing(bars), context["funding"], on="available_at")["rate"]


def other_by_stamp(bars: Bars, context: Context) -> pd.Series:
    return bars[["open_time"]].merge(context["other"], on="open_time", how="left")["close"]


def other_by_arrival(bars: Bars, context: Context) -> pd.Series:
    return pd.merge_asof(closing(bars), context["other"], on="available_at")["close"]


def as_revised(bars: Bars, context: Context) -> pd.Series:
    newest = context["revisions"].groupby("open_time", as_index=False).last()
    return bars[["open_time"]].merge(newest, on="open_time", how="left")["close"]


def as_first_seen(bars: Bars, context: Context) -> pd.Series:
    oldest = context["revisions"].groupby("open_time", as_index=False).first()
    return bars[["open_time"]].merge(oldest, on="open_time", how="left")["close"]


def universe_of_today(bars: Bars, context: Context) -> np.ndarray:
    return np.full(len(bars), context["listing"]["symbols"].iloc[-1])


def universe_of_then(bars: Bars, context: Context) -> pd.Series:
    return pd.merge_asof(closing(bars), context["listing"], on="available_at")["symbols"]


CONTEXT_LEAKS = {
    "funding before its funding_time": (next_funding, last_funding),
    "close of another symbol before it arrives": (other_by_stamp, other_by_arrival),
    "revised bar over the one decided on": (as_revised, as_first_seen),
    "universe by today's listing": (universe_of_today, universe_of_then),
}
"""By name: what knows the future of another table, and the honest twin."""
