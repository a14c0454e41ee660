"""Small pictures of what a step published, for its page in the UI and for its experiment run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from truebar.arrays import FloatArray
from truebar.backtest import BacktestResult
from truebar.classes import CLASS_LABELS, CLASS_NAMES
from truebar.figures import SYNTHETIC, Picture, line_chart
from truebar.partitions import Partition
from truebar.scores.reliability import reliability_bins
from truebar.thresholds.values import CurvePoint
from truebar.units import BARS_PER_YEAR
from truebar_io.studies import TrialRecord
from truebar_io.tracking import TrackedRun
from truebar_io.warehouse import Warehouse

SPANS = 60
"""Parts of equal length in which shares of labels are counted."""


def kept(run: TrackedRun, pictures: Mapping[str, Picture]) -> dict[str, Picture]:
    """Log pictures to the experiment run, and return them as metadata of the step."""
    for name, picture in pictures.items():
        drawn = picture.marked(SYNTHETIC) if run.is_synthetic else picture
        run.log_text(drawn.svg, f"figures/{name}.svg")
    return dict(pictures)


def price_picture(store: Warehouse, partition: Partition) -> Picture:
    """Return the close of every bar."""
    bars = store.read(["open_time", "close"], "market.klines", partition)
    return line_chart(f"{partition}: close", pd.DatetimeIndex(bars["open_time"]), {"close": bars["close"]})


def volatility_picture(store: Warehouse, partition: Partition) -> Picture:
    """Return volatility per bar by three of the estimators, in percent."""
    names = ["realized", "yang_zhang", "atr"]
    frame = store.read(["open_time", *names], "labels.volatility", partition)
    series = {name: 100 * frame[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in names}
    return line_chart(f"{partition}: volatility per bar, %", pd.DatetimeIndex(frame["open_time"]), series)


def labels_picture(store: Warehouse, partition: Partition) -> Picture:
    """Return the shares of down, flat and up among the labels of each part of history."""
    frame = store.read(["open_time", "label"], "labels.vol_scaled", partition).dropna(subset="label")
    part = np.arange(len(frame)) * SPANS // max(len(frame), 1)
    starts = pd.DatetimeIndex(frame["open_time"])[np.searchsorted(part, np.unique(part))]
    label = frame["label"].to_numpy(dtype=np.float64)
    rows = np.bincount(part) if len(frame) else np.zeros(0)
    counted = {
        name: np.bincount(part, weights=label == value) / np.maximum(rows, 1) if len(frame) else rows
        for name, value in zip(CLASS_NAMES, CLASS_LABELS, strict=True)
    }
    kept_parts = {name: shares[rows > 0] for name, shares in counted.items()}
    return line_chart(f"{partition}: shares of labels", starts, kept_parts)


def trials_picture(records: Sequence[TrialRecord], partition: Partition) -> Picture:
    """Return the score of every trial that was finished, of all studies ever, and the best so far."""
    scores = np.array([one.score for one in records if one.score is not None and one.state == "complete"])
    best = np.maximum.accumulate(scores) if scores.size else scores
    title = f"{partition}: score of each finished trial (R² of the edge), best so far"
    return line_chart(
        title, np.arange(1, scores.size + 1), {"trial": scores, "best": best}, level=0.0, dots=True
    )


def reliability_picture(
    before: FloatArray, after: FloatArray, labels: FloatArray, partition: Partition
) -> Picture:
    """Return the observed share of up bars less the predicted one, by predicted probability.

    Args:
        before: float64[m, 3], raw out-of-fold probabilities.
        after: float64[m, 3], calibrated by a calibrator that was not fitted on their fold.
        labels: float64[m], -1, 0 or 1.
        partition: whose rows.
    """
    found = {
        name: reliability_bins(np.ascontiguousarray(said[:, 2]), labels == 1)
        for name, said in (("before", before), ("after", after))
    }
    every = np.unique([one.predicted for bins in found.values() for one in bins])
    series = {
        name: np.interp(
            every,
            [one.predicted for one in bins],
            [one.observed - one.predicted for one in bins],
            left=np.nan,
            right=np.nan,
        )
        for name, bins in found.items()
    }
    title = f"{partition}: observed less predicted share of up bars, by prediction (0: calibrated)"
    return line_chart(title, every, series, level=0.0)


def curve_picture(
    curve: Sequence[CurvePoint], cost: float, partition: Partition, method: str = "ev_net"
) -> Picture:
    """Return what the best pair with each threshold of a side earned a year, by threshold in costs.

    For another method than `ev_net` it is the pair's own score.
    """
    multiples = sorted({point.long for point in curve} | {point.short for point in curve})
    earned = method == "ev_net"
    per_year = BARS_PER_YEAR[partition.timeframe] * 100 if earned else 1

    def best(side: str) -> FloatArray:
        scores = [
            [p.score for p in curve if getattr(p, side) == value and p.score is not None]
            for value in multiples
        ]
        return np.array([max(found) * per_year if found else np.nan for found in scores])

    shown = "net log return a year, %," if earned else f"{method} (decides nothing)"
    title = f"{partition}: {shown} by entry threshold in round-trip costs"
    return line_chart(
        title, np.array(multiples) / cost, {"long": best("long"), "short": best("short")}, level=0.0
    )


def equity_picture(account: BacktestResult, closes: FloatArray, partition: Partition) -> Picture:
    """Return the account on the vault beside buy-and-hold without costs, each in percent of its start."""
    held = 100 * (closes / closes[np.flatnonzero(np.isfinite(closes))[0]] - 1)
    earned = 100 * (account.equity / account.initial_capital - 1)
    series = {"this model": earned, "buy and hold": held}
    title = f"{partition}: return on the vault after costs, %"
    return line_chart(title, pd.DatetimeIndex(account.open_time), series, level=0.0)
