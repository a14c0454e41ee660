"""Print and draw how a synthetic market looks beside real ones: docs/images/market.png.

    python benchmarks/draw_market.py [--data FOLDER] [--images FOLDER]

Real are the embedded BTC-USD (1h) and, where the folder holds them, Binance USD-M 15m klines of BTCUSDT,
SOLUSDT and NEARUSDT of 2025. Synthetic are eight seeds of SYN-EDGE of the same timeframe, a year each.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import ndtr

from truebar.market import synthetic
from truebar.units import BARS_PER_YEAR
from truebar_io.archives import read_klines
from truebar_io.embedded import embedded_path

ROOT: Final = Path(__file__).resolve().parents[1]
SHARED: Final = ROOT.parent / "shared" / "data" / "klines" / "binance_um" / "15m"
COINS: Final = ("BTCUSDT", "SOLUSDT", "NEARUSDT")
SEEDS: Final = range(1, 9)
LAGS: Final = (1, 4, 16, 96)
COLOURS: Final = ("#1f5fa8", "#2a9060", "#8b4ba8")
PLANTED: Final = "#d1731f"

Floats = npt.NDArray[np.float64]
Curve = Callable[[pd.DataFrame], tuple[Floats, Floats]]


@dataclass(frozen=True)
class Markets:
    """Bars of one timeframe: several synthetic years, and real markets by name."""

    timeframe: str
    planted: list[pd.DataFrame]
    real: dict[str, pd.DataFrame]


def log_returns(bars: pd.DataFrame) -> Floats:
    """Return close-to-close log returns of the bars but the first."""
    return np.diff(np.log(bars["close"].to_numpy(dtype=np.float64)))


def autocorrelations(values: Floats, lags: Sequence[int]) -> Floats:
    """Return the autocorrelation at each lag."""
    centred = values - values.mean()
    return np.array([centred[lag:] @ centred[:-lag] / values.size for lag in lags]) / centred.var()


def log_volumes(bars: pd.DataFrame) -> Floats:
    """Return ln volume of the bars that traded."""
    volume = bars["volume"].to_numpy(dtype=np.float64)
    return np.log(volume[volume > 0])


def season(bars: pd.DataFrame) -> tuple[Floats, Floats]:
    """Return (hour of the day, mean |log return| in units of its mean over the day)."""
    hour = bars["open_time"].dt.hour.to_numpy()[1:]
    by_hour = pd.Series(np.abs(log_returns(bars))).groupby(hour).mean()
    return by_hour.index.to_numpy(dtype=np.float64), (by_hour / by_hour.mean()).to_numpy()


def statistics(bars: pd.DataFrame) -> dict[str, float]:
    """Return what a market looks like, by name; NaN where a column is missing."""
    returns = log_returns(bars)
    size, volume = np.abs(returns), bars["volume"].to_numpy(dtype=np.float64)
    scaled = (returns - returns.mean()) / returns.std()
    traded = volume[1:] > 0
    found = {
        "standard deviation of a bar, %": 100 * returns.std(),
        "kurtosis": float((scaled**4).mean()),
    }
    for lag, value in zip(LAGS, autocorrelations(size, LAGS), strict=True):
        found[f"autocorrelation of abs(r), lag {lag}"] = float(value)
    by_hour = season(bars)[1]
    found["busiest over quietest hour, abs(r)"] = float(by_hour.max() / by_hour.min())
    share = 2 * _column(bars, "taker_buy_volume") / np.where(volume > 0, volume, np.nan) - 1
    known = np.isfinite(share[1:])
    found["correlation of taker share and r"] = (
        float(np.corrcoef(share[1:][known], returns[known])[0, 1]) if known.any() else math.nan
    )
    found["standard deviation of taker imbalance"] = float(np.nanstd(share)) if known.any() else math.nan
    found["standard deviation of ln volume"] = float(log_volumes(bars).std())
    found["autocorrelation of ln volume, lag 1"] = float(autocorrelations(log_volumes(bars), [1])[0])
    found["correlation of ln volume and abs(r)"] = float(
        np.corrcoef(np.log(volume[1:][traded]), size[traded])[0, 1]
    )
    spread = np.log((bars["high"] / bars["low"]).to_numpy(dtype=np.float64))[1:]
    found["mean range over mean abs(r)"] = float(spread.mean() / size.mean())
    gone = np.log((bars["close"] / bars["open"]).to_numpy(dtype=np.float64))[1:]
    parkinson = np.mean(spread**2) / (4 * math.log(2))
    garman_klass = np.mean(spread**2 / 2 - (2 * math.log(2) - 1) * gone**2)
    found["Parkinson over realized volatility"] = float(np.sqrt(parkinson) / returns.std())
    found["Garman-Klass over realized volatility"] = float(np.sqrt(garman_klass) / returns.std())
    found["bars missing or without a trade"] = float(_missing(bars) + np.count_nonzero(volume == 0))
    return found


def _column(bars: pd.DataFrame, name: str) -> Floats:
    values = bars[name] if name in bars.columns else pd.Series(np.nan, index=bars.index)
    return values.to_numpy(dtype=np.float64, na_value=np.nan)


def _missing(bars: pd.DataFrame) -> int:
    """Return how many places of the time grid have no bar."""
    steps = bars["open_time"].diff().iloc[1:]
    return int((steps / steps.min()).round().sum()) - len(steps)


def tails(bars: pd.DataFrame) -> tuple[Floats, Floats]:
    """Return (size in standard deviations, share of bars beyond it)."""
    returns = log_returns(bars)
    places = np.geomspace(0.3, 20, 60)
    ordered = np.sort(np.abs(returns - returns.mean()) / returns.std())
    beyond = 1 - np.searchsorted(ordered, places, side="right") / ordered.size
    return places, np.where(beyond > 0, beyond, np.nan)


def memory(bars: pd.DataFrame) -> tuple[Floats, Floats]:
    """Return (days, autocorrelation of |log return|) for lags up to two days."""
    a_day = round(pd.Timedelta("1D") / bars["open_time"].diff().min())
    lags = np.arange(1, 2 * a_day + 1)
    return lags / a_day, autocorrelations(np.abs(log_returns(bars)), lags.tolist())


def volumes(bars: pd.DataFrame) -> tuple[Floats, Floats]:
    """Return (ln volume less its median, density)."""
    logs = log_volumes(bars)
    density, edges = np.histogram(logs - np.median(logs), bins=np.linspace(-3.5, 3.5, 57), density=True)
    return (edges[1:] + edges[:-1]) / 2, density


PANELS: Final[Mapping[str, Curve]] = {
    "tails: share of bars beyond": tails,
    "memory: autocorrelation of |r|": memory,
    "season: |r| by hour, mean = 1": season,
    "volume: density of ln volume": volumes,
}
AXES: Final = ("|r|, standard deviations", "lag, days", "hour of the day, UTC", "ln volume less its median")


def _panel(axes: Axes, markets: Markets, curve: Curve) -> None:
    """Draw the band of the synthetic seeds and a line for each real market."""
    drawn = [curve(bars) for bars in markets.planted]
    places, heights = drawn[0][0], np.array([height for _, height in drawn])
    floor = np.where(np.isnan(heights), 1e-6 if curve is tails else np.nan, heights)
    axes.fill_between(places, floor.min(axis=0), floor.max(axis=0), color=PLANTED, alpha=0.3, linewidth=0)
    middle = np.median(floor, axis=0)
    seen = np.where(middle > 1e-6, middle, np.nan) if curve is tails else middle
    axes.plot(places, seen, color=PLANTED, linewidth=1.6, label="SYN-EDGE")
    for colour, (name, bars) in zip(COLOURS, markets.real.items(), strict=False):
        axes.plot(*curve(bars), color=colour, linewidth=1.1, label=name)
    if curve is tails:
        axes.plot(places, 2 * ndtr(-places), color="#888888", linestyle=":", linewidth=1.1, label="normal")
        axes.set(xscale="log", yscale="log", ylim=(1.5e-5, 1), xticks=[0.5, 1, 2, 5, 10, 20])
        axes.set_xticklabels(["0.5", "1", "2", "5", "10", "20"])
        axes.minorticks_off()
    elif curve is memory:
        axes.set(ylim=(-0.05, 0.4), xlim=(0, 2))
    elif curve is season:
        axes.set(ylim=(0, 2), xlim=(0, 23), xticks=range(0, 24, 4))
    else:
        axes.set(ylim=(0, None), xlim=(-3.5, 3.5))
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e4e4e4", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8)


def draw(rows: Sequence[Markets], path: Path) -> None:
    """Draw a row of four panels for each timeframe."""
    figure = Figure(figsize=(13, 3.15 * len(rows)))
    every = figure.subplots(len(rows), len(PANELS), squeeze=False)
    for line, markets in zip(every, rows, strict=True):
        for place, (axes, (title, curve)) in enumerate(zip(line, PANELS.items(), strict=True)):
            _panel(axes, markets, curve)
            axes.set_title(f"{markets.timeframe}  {title}", loc="left", fontsize=9.5)
            axes.set_xlabel(AXES[place], fontsize=8.5)
        line[0].legend(frameon=False, fontsize=8, loc="lower left")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120, metadata={"Software": None})


def table(rows: Sequence[Markets]) -> str:
    """Return the statistics as Markdown: the synthetic ones as lowest and highest seed."""
    columns: dict[str, list[str]] = {}
    for markets in rows:
        seeds = pd.DataFrame([statistics(bars) for bars in markets.planted])
        columns[f"SYN-EDGE {markets.timeframe}"] = [
            f"{low:.3g} … {high:.3g}" for low, high in zip(seeds.min(), seeds.max(), strict=True)
        ]
        names = list(seeds.columns)
        for name, bars in markets.real.items():
            values = statistics(bars).values()
            columns[f"{name} {markets.timeframe}"] = ["–" if math.isnan(v) else f"{v:.3g}" for v in values]
    body = [[name, *(column[place] for column in columns.values())] for place, name in enumerate(names)]
    head = ["", *columns]
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *body])


def markets_of(timeframe: str, files: Mapping[str, Path]) -> Markets:
    """Return eight synthetic years and the real markets of these files."""
    planted = [
        synthetic("SYN-EDGE", seed=seed, n_bars=int(BARS_PER_YEAR[timeframe]), timeframe=timeframe).bars
        for seed in SEEDS
    ]
    real = {name: read_klines(path, timeframe=timeframe).bars for name, path in files.items()}
    return Markets(timeframe, planted, real)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and draw the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=SHARED, help="folder with <COIN>_2025.parquet, 15m")
    parser.add_argument("--images", type=Path, default=ROOT / "docs" / "images")
    chosen = parser.parse_args(arguments)
    files = {coin: chosen.data / f"{coin}_2025.parquet" for coin in COINS}
    there = {coin: path for coin, path in files.items() if path.is_file()}
    if len(there) < len(files):
        sys.stderr.write(
            f"{', '.join(set(files) - set(there))}: no 15m klines of 2025; drawn without them.\n"
        )
    rows = [markets_of("15m", there), markets_of("1h", {"BTC-USD": embedded_path("BTC-USD", "1h")})]
    sys.stdout.write(table(rows) + "\n")
    draw(rows, chosen.images / "market.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
