"""Every feature column: its family, inputs, warm-up and meaning; light, so that assets can read it too.

The kernels in `truebar.features` compute the columns of a family in the order in which they stand here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True)
class Column:
    """One feature column.

    Attributes:
        name: unique over all families.
        inputs: columns of the klines that it reads, besides open_time.
        warmup_bars: grid bars from the first bar to the first row that can have a value.
        description: what the value is, with its unit.
        is_recursive: an average with decaying weights. Its value rests on more bars than `warmup_bars`, but
            at the end of the warm-up what lies before them weighs less than 1e-9. Every other column depends
            on its own bar and the `warmup_bars` before it alone, bit for bit.
    """

    name: str
    inputs: tuple[str, ...]
    warmup_bars: int
    description: str
    is_recursive: bool = False


@dataclass(frozen=True)
class ColumnFamily:
    """Columns that are computed together and published as the table `features.<name>`.

    Attributes:
        name: name of the family, its table and its asset.
        description: what its columns have in common.
        declared: the columns in their order.
    """

    name: str
    description: str
    declared: tuple[Column, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(column.name for column in self.declared)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Columns of the klines that the family reads, each once."""
        return tuple(dict.fromkeys(name for column in self.declared for name in column.inputs))

    @property
    def warmup_bars(self) -> int:
        """Bars before the first row on which every column can have a value."""
        return max(column.warmup_bars for column in self.declared)


RETURN_BARS: Final = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 96)
MOMENTUM_BARS: Final = (12, 24, 48, 96)
RANGE_BARS: Final = (12, 24, 96)
MEAN_BARS: Final = (24, 96)
EMA_SPANS: Final = (8, 20, 50)
SMA_BARS: Final = (10, 20, 50, 96)
TAKER_SPANS: Final = (1, 2, 4, 8, 16, 32, 64)

SETTLED: Final[Mapping[str, int]] = MappingProxyType(
    {
        "ema_distance_8": 281,
        "ema_distance_20": 281,
        "ema_distance_50": 519,
        "sma_distance_10": 281,
        "macd": 281,
        "macd_signal": 363,
        "rsi_7": 136,
        "rsi_14": 281,
        "adx_14": 324,
        "atr_share_14": 281,
        "taker_share_1": 0,
        "taker_share_2": 19,
        "taker_share_4": 41,
        "taker_share_8": 83,
        "taker_share_16": 166,
        "taker_share_32": 332,
        "taker_share_64": 664,
    }
)
"""Warm-up of recursive columns: bars until what lies before them weighs less than 1e-9 (`settled_bars`)."""

_HLC: Final = ("high", "low", "close")
_OHLC: Final = ("open", "high", "low", "close")
_VOLUME: Final = ("volume",)
_TRADES: Final = ("trades",)
_SIZE: Final = ("volume", "trades")
_TAKERS: Final = ("volume", "taker_buy_volume")


def _recursive(name: str, inputs: tuple[str, ...], settled_as: str, description: str) -> Column:
    return Column(name, inputs, SETTLED[settled_as], description, is_recursive=True)


_PRICE: Final = (
    Column("return_1", ("close",), 1, "log return of the last bar"),
    *(Column(f"return_{n}", ("close",), n, f"log return of the last {n} bars") for n in RETURN_BARS[1:]),
    *(
        Column(
            f"momentum_{n}", ("close",), n, f"log return of {n} bars over the root of their summed squares"
        )
        for n in MOMENTUM_BARS
    ),
    *(
        Column(
            f"range_position_{n}",
            _HLC,
            n - 1,
            f"close within the lowest low and highest high of {n} bars: 0 at the bottom, 1 at the top",
        )
        for n in RANGE_BARS
    ),
    *(
        Column(
            f"mean_distance_{n}",
            ("close",),
            n,
            f"log close minus its mean over {n} bars, in realized volatilities of {n} bars",
        )
        for n in MEAN_BARS
    ),
    *(
        Column(
            f"rise_share_{n}", ("close",), n, f"share of the last {n} bars that closed above the one before"
        )
        for n in MEAN_BARS
    ),
    Column("body_share", _OHLC, 0, "close minus open as a share of the bar's range, -1 to 1"),
    Column("upper_wick_share", _OHLC, 0, "part of the bar's range above open and close, 0 to 1"),
    Column("lower_wick_share", _OHLC, 0, "part of the bar's range below open and close, 0 to 1"),
    Column("bar_range", ("high", "low"), 0, "log of high over low"),
    Column("open_jump", ("open", "close"), 1, "log of the open over the close before"),
)

_AVERAGES: Final = (
    *(
        _recursive(
            f"ema_distance_{n}",
            _HLC,
            f"ema_distance_{n}",
            f"close minus its exponential average over {n} bars, in average true ranges (14)",
        )
        for n in EMA_SPANS
    ),
    *(
        _recursive(
            f"sma_distance_{n}",
            _HLC,
            "sma_distance_10",
            f"close minus its mean over {n} bars, in average true ranges (14)",
        )
        for n in SMA_BARS
    ),
    _recursive("macd", _HLC, "macd", "EMA of 12 bars minus EMA of 26, in average true ranges (14)"),
    _recursive("macd_signal", _HLC, "macd_signal", "EMA of 9 bars of the MACD, in average true ranges (14)"),
    _recursive("macd_histogram", _HLC, "macd_signal", "MACD minus its signal, in average true ranges (14)"),
    _recursive("rsi_7", ("close",), "rsi_7", "relative strength index over 7 bars, 0 to 100"),
    _recursive("rsi_14", ("close",), "rsi_14", "relative strength index over 14 bars, 0 to 100"),
    Column("stochastic_k_14", _HLC, 15, "mean of three %K over 14 bars, 0 to 100"),
    Column("stochastic_d_14", _HLC, 17, "mean of three stochastic_k_14, 0 to 100"),
    Column("williams_r_14", _HLC, 13, "close below the highest high of 14 bars, -100 (the low) to 0"),
    Column(
        "cci_20", _HLC, 19, "typical price minus its mean over 20 bars, in 0.015 mean absolute deviations"
    ),
    _recursive("plus_di_14", _HLC, "sma_distance_10", "upward movement as percent of the true range"),
    _recursive("minus_di_14", _HLC, "sma_distance_10", "downward movement as percent of the true range"),
    _recursive("adx_14", _HLC, "adx_14", "average directional movement index over 14 bars, 0 to 100"),
    Column("aroon_up_25", ("high",), 25, "100 when the highest high of 26 bars is now, 0 when 25 bars ago"),
    Column("aroon_down_25", ("low",), 25, "100 when the lowest low of 26 bars is now, 0 when 25 bars ago"),
)

_VOLATILITY: Final = (
    *(
        Column(f"realized_volatility_{n}", ("close",), n, f"root mean square log return of {n} bars, per bar")
        for n in (8, 24, 96)
    ),
    *(
        Column(f"parkinson_{n}", ("high", "low"), n - 1, f"Parkinson's volatility of {n} bars, per bar")
        for n in (24, 96)
    ),
    *(
        Column(f"garman_klass_{n}", _OHLC, n - 1, f"Garman and Klass's volatility of {n} bars, per bar")
        for n in (24, 96)
    ),
    Column("volatility_ratio_8_96", ("close",), 96, "realized volatility of 8 bars over that of 96"),
    Column("volatility_ratio_24_96", ("close",), 96, "realized volatility of 24 bars over that of 96"),
    Column("parkinson_ratio_24_96", ("high", "low"), 95, "Parkinson's volatility of 24 bars over that of 96"),
    Column("parkinson_to_realized_96", _HLC, 96, "Parkinson's volatility over the realized one, 96 bars"),
    Column("fall_share_96", ("close",), 96, "share of falls in the summed squared returns of 96 bars"),
    Column("bollinger_width_20", ("close",), 19, "four standard deviations of 20 closes over their mean"),
    Column(
        "bollinger_position_20",
        ("close",),
        19,
        "close between mean minus and mean plus two standard deviations of 20 closes: 0 to 1, and beyond",
    ),
    _recursive("atr_share_14", _HLC, "atr_share_14", "average true range of 14 bars over the close"),
    _recursive("true_range_ratio_14", _HLC, "atr_share_14", "true range over its average of 14 bars"),
    Column("range_ratio_24", ("high", "low"), 23, "log of high over low, over its mean of 24 bars"),
    Column("range_width_24", ("high", "low"), 23, "log of the highest high over the lowest low of 24 bars"),
    Column("range_width_96", ("high", "low"), 95, "log of the highest high over the lowest low of 96 bars"),
)

_VOLUMES: Final = (
    Column("volume_ratio_24", _VOLUME, 23, "volume over its mean of 24 bars"),
    Column("volume_ratio_96", _VOLUME, 95, "volume over its mean of 96 bars"),
    Column("volume_trend_8_96", _VOLUME, 95, "mean volume of 8 bars over that of 96"),
    Column("volume_score_96", _VOLUME, 95, "volume minus its mean of 96 bars, in standard deviations"),
    Column("money_flow_14", (*_HLC, "volume"), 14, "money flow index over 14 bars, 0 to 100"),
    Column("chaikin_flow_20", (*_HLC, "volume"), 19, "Chaikin's money flow over 20 bars, -1 to 1"),
    *(
        Column(
            f"vwap_distance_{n}",
            (*_HLC, "volume"),
            n - 1,
            f"close over the volume-weighted typical price of {n} bars, minus one",
        )
        for n in (24, 96)
    ),
    *(
        Column(
            f"signed_volume_{n}",
            ("close", "volume"),
            n,
            f"volume of rising bars less that of falling ones, as a share of the volume of {n} bars",
        )
        for n in (24, 96)
    ),
    *(Column(f"trades_ratio_{n}", _SIZE, n - 1, f"trades over their mean of {n} bars") for n in (24, 96)),
    *(
        Column(f"trade_size_ratio_{n}", _SIZE, n - 1, f"volume per trade over that of {n} bars")
        for n in (24, 96)
    ),
)

_FLOW: Final = (
    Column("taker_share_1", _TAKERS, 0, "share of the volume that takers bought, 0 to 1"),
    *(
        _recursive(
            f"taker_share_{n}",
            _TAKERS,
            f"taker_share_{n}",
            f"exponential average over {n} bars of the share of the volume that takers bought, 0 to 1",
        )
        for n in TAKER_SPANS[1:]
    ),
    *(
        Column(
            f"taker_imbalance_{n}",
            _TAKERS,
            n - 1,
            f"volume bought less volume sold by takers, as a share of the volume of {n} bars, -1 to 1",
        )
        for n in (8, 24, 96)
    ),
    Column("taker_score_96", _TAKERS, 95, "takers' share minus its mean of 96 bars, in standard deviations"),
)

COLUMN_FAMILIES: Final[Mapping[str, ColumnFamily]] = MappingProxyType(
    {
        family.name: family
        for family in (
            ColumnFamily("price", "Returns, momentum, place in the range, shape of the bar.", _PRICE),
            ColumnFamily("averages", "Distance from averages, and classic oscillators.", _AVERAGES),
            ColumnFamily("volatility", "How far the price moves, lately and against its usual.", _VOLATILITY),
            ColumnFamily("volume", "Volume and trades against their usual, and their side.", _VOLUMES),
            ColumnFamily("flow", "Takers' share of the volume, lately and on average.", _FLOW),
        )
    }
)
"""Families by name; their order is the order of the columns in `features.matrix`."""
