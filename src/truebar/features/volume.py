"""Kernel of the family `volume`: how much is traded, against the usual, and on which side of the bar."""

from __future__ import annotations

from typing import Final

import numpy as np

from truebar.arrays import FloatArray
from truebar.compiled import compiled_as_numpy, compiled_in_place
from truebar.features.fields import CLOSE, HIGH, LOW, SLOT, TRADES, VOLUME
from truebar.features.memory import (
    FIRST,
    HEADER_SIZE,
    RING_MASK,
    RING_SLOTS,
    blank_memory,
    clear_missing,
    step_to,
)
from truebar.features.sliding import (
    SPREAD_COUNT,
    TOTALS,
    is_complete,
    slide_spread,
    slide_sums,
    slider_size,
    spread_deviation,
    spread_mean,
    spread_size,
)

_KNOWN: Final = 0  # of the volume
_VOLUME: Final = 1
_MONEY: Final = 2  # volume times where the close lies in the bar, -1 at the low and 1 at the high
_TYPICAL_VOLUME: Final = 3
_SIGNED: Final = 4
_COUNTED: Final = 5  # of the trades
_TRADES: Final = 6
_TRADED: Final = 7  # volume of bars whose trades are counted
_CHANNELS: Final = 8

_FLOW_KNOWN: Final = 0
_INFLOW: Final = 1
_OUTFLOW: Final = 2
_FLOWS: Final = 3

_PRICED: Final = 0  # 1 where the bar is there
_CLOSE: Final = 1
_TYPICAL: Final = 2
_PRICES: Final = 3

_RING: Final = HEADER_SIZE
_FLOW_RING: Final = _RING + RING_SLOTS * _CHANNELS
_PRICE_RING: Final = _FLOW_RING + RING_SLOTS * _FLOWS
_SUMS_8: Final = _PRICE_RING + RING_SLOTS * _PRICES
_SUMS_20: Final = _SUMS_8 + slider_size(8, 2)
_SUMS_24: Final = _SUMS_20 + slider_size(20, 3)
_SUMS_96: Final = _SUMS_24 + slider_size(24, 8)
_FLOW_14: Final = _SUMS_96 + slider_size(96, 8)
_SPREAD: Final = _FLOW_14 + slider_size(14, 3)
_SIZE: Final = _SPREAD + spread_size(96)

_OUT_RATIO: Final = 0
_OUT_SCORE: Final = 3
_OUT_MONEY: Final = 4
_OUT_VWAP: Final = 6
_OUT_SIGNED: Final = 8
_OUT_TRADES: Final = 10
_OUT_TRADE_SIZE: Final = 12


def blank() -> FloatArray:
    """Return the memory of a kernel that has seen no bar."""
    return blank_memory(_SIZE)


@compiled_as_numpy
def fold(memory: FloatArray, fields: FloatArray, out: FloatArray) -> None:
    """Bring the memory through n bars and write each bar's columns, float64[columns, n]."""
    for place in range(fields.shape[1]):
        update(memory, fields, place, out)


@compiled_in_place
def update(memory: FloatArray, fields: FloatArray, place: int, out: FloatArray) -> None:
    """Bring the memory to one bar and write its columns."""
    slot = int(fields[SLOT, place])
    steps = step_to(memory, slot)
    clear_missing(memory, _RING, _CHANNELS, slot, steps, 0.0)
    clear_missing(memory, _FLOW_RING, _FLOWS, slot, steps, 0.0)
    clear_missing(memory, _PRICE_RING, _PRICES, slot, steps, 0.0)
    _remember(memory, slot, fields, place)
    age = slot - int(memory[FIRST])
    slide_sums(memory, _SUMS_8, 8, 2, _RING, _CHANNELS, slot)
    slide_sums(memory, _SUMS_20, 20, 3, _RING, _CHANNELS, slot)
    slide_sums(memory, _SUMS_24, 24, 8, _RING, _CHANNELS, slot)
    slide_sums(memory, _SUMS_96, 96, 8, _RING, _CHANNELS, slot)
    volume = fields[VOLUME, place]
    _write_ratios(memory, slot, age, volume, place, out)
    _write_money(memory, slot, age, place, out)
    out[_OUT_VWAP, place] = _vwap_distance(memory, _SUMS_24, 24, age, fields[CLOSE, place])
    out[_OUT_VWAP + 1, place] = _vwap_distance(memory, _SUMS_96, 96, age, fields[CLOSE, place])
    out[_OUT_SIGNED, place] = _of_volume(memory, _SUMS_24, 24, age, 24, _SIGNED)
    out[_OUT_SIGNED + 1, place] = _of_volume(memory, _SUMS_96, 96, age, 96, _SIGNED)
    _write_trades(memory, age, volume, fields[TRADES, place], place, out)


@compiled_in_place
def _remember(memory: FloatArray, slot: int, fields: FloatArray, place: int) -> None:
    high, low, close = fields[HIGH, place], fields[LOW, place], fields[CLOSE, place]
    volume, trades = fields[VOLUME, place], fields[TRADES, place]
    typical = (high + low + close) / 3.0
    before = _PRICE_RING + ((slot - 1) & RING_MASK) * _PRICES
    follows = memory[before + _PRICED] == 1.0
    moved = close - memory[before + _CLOSE] if follows else 0.0
    lifted = typical - memory[before + _TYPICAL] if follows else 0.0
    priced = _PRICE_RING + (slot & RING_MASK) * _PRICES
    memory[priced + _PRICED] = 1.0
    memory[priced + _CLOSE] = close
    memory[priced + _TYPICAL] = typical
    known = not np.isnan(volume)
    traded = volume if known else 0.0
    entry = _RING + (slot & RING_MASK) * _CHANNELS
    memory[entry + _KNOWN] = 1.0 if known else 0.0
    memory[entry + _VOLUME] = traded
    memory[entry + _MONEY] = traded * ((close - low) - (high - close)) / (high - low) if high > low else 0.0
    memory[entry + _TYPICAL_VOLUME] = traded * typical
    memory[entry + _SIGNED] = traded if moved > 0.0 else (-traded if moved < 0.0 else 0.0)
    counted = known and not np.isnan(trades)
    memory[entry + _COUNTED] = 1.0 if counted else 0.0
    memory[entry + _TRADES] = trades if counted else 0.0
    memory[entry + _TRADED] = traded if counted else 0.0
    flow = _FLOW_RING + (slot & RING_MASK) * _FLOWS
    memory[flow + _FLOW_KNOWN] = 1.0 if known and follows else 0.0
    memory[flow + _INFLOW] = traded * typical if lifted > 0.0 else 0.0
    memory[flow + _OUTFLOW] = traded * typical if lifted < 0.0 else 0.0


@compiled_in_place
def _write_ratios(
    memory: FloatArray, slot: int, age: int, volume: float, place: int, out: FloatArray
) -> None:
    short = _mean_volume(memory, _SUMS_8, 8, age)
    middle = _mean_volume(memory, _SUMS_24, 24, age)
    long = _mean_volume(memory, _SUMS_96, 96, age)
    out[_OUT_RATIO, place] = volume / middle if middle > 0.0 else np.nan
    out[_OUT_RATIO + 1, place] = volume / long if long > 0.0 else np.nan
    out[_OUT_RATIO + 2, place] = short / long if long > 0.0 else np.nan
    slide_spread(memory, _SPREAD, 96, _RING, _CHANNELS, _VOLUME, _KNOWN, slot)
    deviation = spread_deviation(memory, _SPREAD)
    has_score = age >= 95 and is_complete(memory[_SPREAD + SPREAD_COUNT], 96) and deviation > 0.0
    out[_OUT_SCORE, place] = (volume - spread_mean(memory, _SPREAD)) / deviation if has_score else np.nan


@compiled_in_place
def _mean_volume(memory: FloatArray, slider: int, window: int, age: int) -> float:
    known = memory[slider + TOTALS + _KNOWN]
    if age < window - 1 or not is_complete(known, window):
        return np.nan
    result: float = memory[slider + TOTALS + _VOLUME] / known
    return result


@compiled_in_place
def _write_money(memory: FloatArray, slot: int, age: int, place: int, out: FloatArray) -> None:
    """Money flow index over 14 bars (Quong & Soudack 1989) and Chaikin's money flow over 20."""
    slide_sums(memory, _FLOW_14, 14, 3, _FLOW_RING, _FLOWS, slot)
    totals = _FLOW_14 + TOTALS
    inflow, outflow = memory[totals + _INFLOW], memory[totals + _OUTFLOW]
    has_flow = age >= 14 and is_complete(memory[totals + _FLOW_KNOWN], 14) and inflow + outflow > 0.0
    out[_OUT_MONEY, place] = 100.0 * inflow / (inflow + outflow) if has_flow else np.nan
    out[_OUT_MONEY + 1, place] = _of_volume(memory, _SUMS_20, 20, age, 19, _MONEY)


@compiled_in_place
def _of_volume(memory: FloatArray, slider: int, window: int, age: int, warmup: int, channel: int) -> float:
    """Return one channel's sum over the window as a share of the window's volume."""
    totals = slider + TOTALS
    volume = memory[totals + _VOLUME]
    if age < warmup or not is_complete(memory[totals + _KNOWN], window) or not volume > 0.0:
        return np.nan
    result: float = memory[totals + channel] / volume
    return result


@compiled_in_place
def _vwap_distance(memory: FloatArray, slider: int, window: int, age: int, close: float) -> float:
    vwap = _of_volume(memory, slider, window, age, window - 1, _TYPICAL_VOLUME)
    return close / vwap - 1.0


@compiled_in_place
def _write_trades(
    memory: FloatArray, age: int, volume: float, trades: float, place: int, out: FloatArray
) -> None:
    out[_OUT_TRADES, place] = _trades_ratio(memory, _SUMS_24, 24, age, trades)
    out[_OUT_TRADES + 1, place] = _trades_ratio(memory, _SUMS_96, 96, age, trades)
    size = volume / trades if trades > 0.0 else np.nan
    out[_OUT_TRADE_SIZE, place] = _size_ratio(memory, _SUMS_24, 24, age, size)
    out[_OUT_TRADE_SIZE + 1, place] = _size_ratio(memory, _SUMS_96, 96, age, size)


@compiled_in_place
def _trades_ratio(memory: FloatArray, slider: int, window: int, age: int, trades: float) -> float:
    counted, total = memory[slider + TOTALS + _COUNTED], memory[slider + TOTALS + _TRADES]
    if age < window - 1 or not is_complete(counted, window) or not total > 0.0:
        return np.nan
    result: float = trades * counted / total
    return result


@compiled_in_place
def _size_ratio(memory: FloatArray, slider: int, window: int, age: int, size: float) -> float:
    totals = slider + TOTALS
    total, traded = memory[totals + _TRADES], memory[totals + _TRADED]
    if age < window - 1 or not is_complete(memory[totals + _COUNTED], window) or not traded > 0.0:
        return np.nan
    result: float = size * total / traded
    return result
