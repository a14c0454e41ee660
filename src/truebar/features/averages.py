"""Kernel of the family `averages`: the price against its averages, and the classic oscillators.

Definitions are TA-Lib's, in units of the average true range where TA-Lib's would carry the price.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from truebar.arrays import FloatArray
from truebar.compiled import compiled_as_numpy, compiled_in_place
from truebar.feature_columns import EMA_SPANS, SETTLED
from truebar.features.decaying import average_in, ema_factor, fade, gain_of, is_known, wilder_factor
from truebar.features.fields import CLOSE, HIGH, LOW, SLOT
from truebar.features.memory import (
    FIRST,
    HEADER_SIZE,
    RING_MASK,
    RING_SLOTS,
    blank_memory,
    clear_missing,
    step_to,
)
from truebar.features.sliding import TOTALS, is_complete, slide_highest, slide_sums, slider_size

_KNOWN: Final = 0
_CLOSE: Final = 1
_TYPICAL: Final = 2
_CHANNELS: Final = 3

_FAST_K: Final = 0
_SLOW_K: Final = 1

_RING: Final = HEADER_SIZE
_EXTREMES: Final = _RING + RING_SLOTS * _CHANNELS
_STOCHASTIC: Final = _EXTREMES + RING_SLOTS * 2  # ring of %K before and after its average
_SUMS_10: Final = _STOCHASTIC + RING_SLOTS * 2
_SUMS_20: Final = _SUMS_10 + slider_size(10, 2)
_SUMS_50: Final = _SUMS_20 + slider_size(20, 3)
_SUMS_96: Final = _SUMS_50 + slider_size(50, 2)
_RANGE_14: Final = _SUMS_96 + slider_size(96, 2)
_RANGE_26: Final = _RANGE_14 + slider_size(14, 2)
_EMA: Final = _RANGE_26 + slider_size(26, 2)  # weight and mean of each span
_MACD: Final = _EMA + 2 * len(EMA_SPANS)  # weight and mean of 12 bars, of 26 bars, and of the signal
_WILDER: Final = _MACD + 6  # weight, then the means below
_RISE: Final = 1
_FALL: Final = 2
_TRUE_RANGE: Final = 3
_PLUS: Final = 4
_MINUS: Final = 5
_STRENGTH: Final = _WILDER + 6  # weight and mean of DX
_FAST_RSI: Final = _STRENGTH + 2  # weight, rise, fall
_RUN: Final = _FAST_RSI + 3  # how many bars have come without a missing one
_COUNT_26: Final = _RUN + 1
_FOUND: Final = _COUNT_26 + slider_size(26, 1)  # slots of the highest high and the lowest low of 26 bars
_SIZE: Final = _FOUND + 2

_SPAN: Final = 14
_FAST_SPAN: Final = 7
_WILDER_FACTOR: Final = wilder_factor(_SPAN)
_FAST_FACTOR: Final = wilder_factor(_FAST_SPAN)
_EMA_FACTORS: Final = tuple(ema_factor(span) for span in EMA_SPANS)
_MACD_FACTORS: Final = (ema_factor(12), ema_factor(26), ema_factor(9))

_SETTLED_EMA: Final = tuple(SETTLED[f"ema_distance_{span}"] for span in EMA_SPANS)
_SETTLED_MACD: Final = SETTLED["macd"]
_SETTLED_SIGNAL: Final = SETTLED["macd_signal"]
_SETTLED_RANGE: Final = SETTLED["sma_distance_10"]
_SETTLED_RSI: Final = SETTLED["rsi_14"]
_SETTLED_FAST_RSI: Final = SETTLED["rsi_7"]
_SETTLED_STRENGTH: Final = SETTLED["adx_14"]

_OUT_EMA: Final = 0
_OUT_SMA: Final = len(EMA_SPANS)
_OUT_MACD: Final = _OUT_SMA + 4
_OUT_RSI: Final = _OUT_MACD + 3
_OUT_STOCHASTIC: Final = _OUT_RSI + 2
_OUT_CCI: Final = _OUT_STOCHASTIC + 3
_OUT_DIRECTION: Final = _OUT_CCI + 1
_OUT_AROON: Final = _OUT_DIRECTION + 3


def blank() -> FloatArray:
    """Return the memory of a kernel that has seen no bar."""
    return blank_memory(_SIZE, [(_EXTREMES, RING_SLOTS * 2, -np.inf), (_STOCHASTIC, RING_SLOTS * 2, np.nan)])


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
    clear_missing(memory, _EXTREMES, 2, slot, steps, -np.inf)
    clear_missing(memory, _STOCHASTIC, 2, slot, steps, np.nan)
    high, low, close = fields[HIGH, place], fields[LOW, place], fields[CLOSE, place]
    entry = _RING + (slot & RING_MASK) * _CHANNELS
    memory[_RUN] = memory[_RUN] + 1.0 if steps == 1 else 1.0
    memory[entry + _KNOWN] = 1.0
    memory[entry + _CLOSE] = close
    memory[entry + _TYPICAL] = (high + low + close) / 3.0
    extreme = _EXTREMES + (slot & RING_MASK) * 2
    memory[extreme] = high
    memory[extreme + 1] = -low
    age = slot - int(memory[FIRST])
    _write_direction(memory, slot, steps, age, close, place, out)
    is_settled = age >= _SETTLED_RANGE and is_known(memory, _WILDER) and memory[_WILDER + _TRUE_RANGE] > 0.0
    unit = 1.0 / memory[_WILDER + _TRUE_RANGE] if is_settled else np.nan
    _write_exponential(memory, steps, age, close, unit, place, out)
    _write_simple(memory, slot, age, close, unit, place, out)
    _write_stochastic(memory, slot, close, place, out)
    _write_aroon(memory, slot, age, place, out)


@compiled_in_place
def _write_direction(
    memory: FloatArray, slot: int, steps: int, age: int, close: float, place: int, out: FloatArray
) -> None:
    """RSI, directional movement and its strength (Wilder 1978); what needs the bar before is left out."""
    if steps == 1:
        _average_moves(memory, slot, close)
    else:
        fade(memory, _WILDER, _WILDER_FACTOR, steps)
        fade(memory, _FAST_RSI, _FAST_FACTOR, steps)
        fade(memory, _STRENGTH, _WILDER_FACTOR, steps)
    out[_OUT_RSI, place] = _share(
        memory, _FAST_RSI, memory[_FAST_RSI + 1], memory[_FAST_RSI + 1] + memory[_FAST_RSI + 2],
        age >= _SETTLED_FAST_RSI,
    )  # fmt: skip
    rise, fall = memory[_WILDER + _RISE], memory[_WILDER + _FALL]
    plus, minus, span = memory[_WILDER + _PLUS], memory[_WILDER + _MINUS], memory[_WILDER + _TRUE_RANGE]
    out[_OUT_RSI + 1, place] = _share(memory, _WILDER, rise, rise + fall, age >= _SETTLED_RSI)
    out[_OUT_DIRECTION, place] = _share(memory, _WILDER, plus, span, age >= _SETTLED_RANGE)
    out[_OUT_DIRECTION + 1, place] = _share(memory, _WILDER, minus, span, age >= _SETTLED_RANGE)
    is_settled = age >= _SETTLED_STRENGTH and is_known(memory, _STRENGTH)
    out[_OUT_DIRECTION + 2, place] = memory[_STRENGTH + 1] if is_settled else np.nan


@compiled_in_place
def _share(memory: FloatArray, average: int, part: float, whole: float, is_settled: bool) -> float:
    """Return part / whole in percent; NaN where the average is not known or the whole is zero."""
    if not is_settled or not is_known(memory, average) or not whole > 0.0:
        return np.nan
    return 100.0 * part / whole


@compiled_in_place
def _average_moves(memory: FloatArray, slot: int, close: float) -> None:
    """Take the moves from the bar before into the averages of Wilder."""
    now = _EXTREMES + (slot & RING_MASK) * 2
    before = _EXTREMES + ((slot - 1) & RING_MASK) * 2
    high, low = memory[now], -memory[now + 1]
    earlier_close = memory[_RING + ((slot - 1) & RING_MASK) * _CHANNELS + _CLOSE]
    up, down = high - memory[before], -memory[before + 1] - low
    move = close - earlier_close
    rise, fall = max(move, 0.0), max(-move, 0.0)
    true_range = max(high - low, abs(high - earlier_close), abs(low - earlier_close))
    gain = gain_of(memory, _WILDER, _WILDER_FACTOR)
    memory[_WILDER + _RISE] += gain * (rise - memory[_WILDER + _RISE])
    memory[_WILDER + _FALL] += gain * (fall - memory[_WILDER + _FALL])
    memory[_WILDER + _TRUE_RANGE] += gain * (true_range - memory[_WILDER + _TRUE_RANGE])
    memory[_WILDER + _PLUS] += gain * ((up if up > down and up > 0.0 else 0.0) - memory[_WILDER + _PLUS])
    memory[_WILDER + _MINUS] += gain * (
        (down if down > up and down > 0.0 else 0.0) - memory[_WILDER + _MINUS]
    )
    fast_gain = gain_of(memory, _FAST_RSI, _FAST_FACTOR)
    memory[_FAST_RSI + 1] += fast_gain * (rise - memory[_FAST_RSI + 1])
    memory[_FAST_RSI + 2] += fast_gain * (fall - memory[_FAST_RSI + 2])
    plus, minus = memory[_WILDER + _PLUS], memory[_WILDER + _MINUS]
    if plus + minus > 0.0:
        average_in(memory, _STRENGTH, _WILDER_FACTOR, 100.0 * abs(plus - minus) / (plus + minus))
    else:
        fade(memory, _STRENGTH, _WILDER_FACTOR, 1)


@compiled_in_place
def _write_exponential(
    memory: FloatArray, steps: int, age: int, close: float, unit: float, place: int, out: FloatArray
) -> None:
    for k in range(len(EMA_SPANS)):
        average = _EMA + 2 * k
        fade(memory, average, _EMA_FACTORS[k], steps - 1)
        mean = average_in(memory, average, _EMA_FACTORS[k], close)
        is_settled = age >= _SETTLED_EMA[k] and is_known(memory, average)
        out[_OUT_EMA + k, place] = (close - mean) * unit if is_settled else np.nan
    for k in range(3):
        fade(memory, _MACD + 2 * k, _MACD_FACTORS[k], steps - 1)
    fast = average_in(memory, _MACD, _MACD_FACTORS[0], close)
    slow = average_in(memory, _MACD + 2, _MACD_FACTORS[1], close)
    signal = average_in(memory, _MACD + 4, _MACD_FACTORS[2], fast - slow)
    is_settled = age >= _SETTLED_MACD and is_known(memory, _MACD) and is_known(memory, _MACD + 2)
    has_signal = is_settled and age >= _SETTLED_SIGNAL and is_known(memory, _MACD + 4)
    out[_OUT_MACD, place] = (fast - slow) * unit if is_settled else np.nan
    out[_OUT_MACD + 1, place] = signal * unit if has_signal else np.nan
    out[_OUT_MACD + 2, place] = (fast - slow - signal) * unit if has_signal else np.nan


@compiled_in_place
def _write_simple(
    memory: FloatArray, slot: int, age: int, close: float, unit: float, place: int, out: FloatArray
) -> None:
    slide_sums(memory, _SUMS_10, 10, 2, _RING, _CHANNELS, slot)
    slide_sums(memory, _SUMS_20, 20, 3, _RING, _CHANNELS, slot)
    slide_sums(memory, _SUMS_50, 50, 2, _RING, _CHANNELS, slot)
    slide_sums(memory, _SUMS_96, 96, 2, _RING, _CHANNELS, slot)
    out[_OUT_SMA, place] = (close - _mean(memory, _SUMS_10, 10)) * unit
    out[_OUT_SMA + 1, place] = (close - _mean(memory, _SUMS_20, 20)) * unit
    out[_OUT_SMA + 2, place] = (close - _mean(memory, _SUMS_50, 50)) * unit
    out[_OUT_SMA + 3, place] = (close - _mean(memory, _SUMS_96, 96)) * unit
    out[_OUT_CCI, place] = _commodity_channel(memory, slot) if age >= 19 else np.nan


@compiled_in_place
def _mean(memory: FloatArray, slider: int, window: int) -> float:
    known = memory[slider + TOTALS + _KNOWN]
    return memory[slider + TOTALS + _CLOSE] / known if is_complete(known, window) else np.nan


@compiled_in_place
def _commodity_channel(memory: FloatArray, slot: int) -> float:
    """Return Lambert's commodity channel index over 20 bars; NaN where the typical price stands still."""
    known = memory[_SUMS_20 + TOTALS + _KNOWN]
    if not is_complete(known, 20):
        return np.nan
    mean = memory[_SUMS_20 + TOTALS + _TYPICAL] / known
    # Four sums side by side: one would wait for each addition.
    sums = (0.0, 0.0, 0.0, 0.0)
    for back in range(0, 20, 4):
        sums = (
            sums[0] + _deviation(memory, slot - back, mean),
            sums[1] + _deviation(memory, slot - back - 1, mean),
            sums[2] + _deviation(memory, slot - back - 2, mean),
            sums[3] + _deviation(memory, slot - back - 3, mean),
        )
    deviations = (sums[0] + sums[1]) + (sums[2] + sums[3])
    typical = memory[_RING + (slot & RING_MASK) * _CHANNELS + _TYPICAL]
    # Equal prices: rounding of their mean is no deviation.
    if not deviations > 1e-12 * mean:
        return np.nan
    result: float = (typical - mean) / (0.015 * deviations / known)
    return result


@compiled_in_place
def _deviation(memory: FloatArray, slot: int, mean: float) -> float:
    entry = _RING + (slot & RING_MASK) * _CHANNELS
    distance: float = abs(memory[entry + _TYPICAL] - mean) * memory[entry + _KNOWN]
    return distance


@compiled_in_place
def _write_stochastic(memory: FloatArray, slot: int, close: float, place: int, out: FloatArray) -> None:
    slide_highest(memory, _RANGE_14, 14, _EXTREMES, slot)
    highest, lowest = memory[_RANGE_14 + TOTALS], -memory[_RANGE_14 + TOTALS + 1]
    has_window = memory[_RUN] >= 14.0 and highest > lowest
    fast = 100.0 * (close - lowest) / (highest - lowest) if has_window else np.nan
    entry = _STOCHASTIC + (slot & RING_MASK) * 2
    memory[entry + _FAST_K] = fast
    before = _STOCHASTIC + ((slot - 1) & RING_MASK) * 2
    earliest = _STOCHASTIC + ((slot - 2) & RING_MASK) * 2
    slow = (memory[earliest + _FAST_K] + memory[before + _FAST_K] + fast) / 3.0
    memory[entry + _SLOW_K] = slow
    out[_OUT_STOCHASTIC, place] = slow
    out[_OUT_STOCHASTIC + 1, place] = (memory[earliest + _SLOW_K] + memory[before + _SLOW_K] + slow) / 3.0
    out[_OUT_STOCHASTIC + 2, place] = (
        -100.0 * (highest - close) / (highest - lowest) if has_window else np.nan
    )


@compiled_in_place
def _write_aroon(memory: FloatArray, slot: int, age: int, place: int, out: FloatArray) -> None:
    """Aroon over 25 bars (Chande 1995): how long ago the extremes of 26 bars were; the latest of equals."""
    slide_highest(memory, _RANGE_26, 26, _EXTREMES, slot)
    slide_sums(memory, _COUNT_26, 26, 1, _RING, _CHANNELS, slot)
    has_window = age >= 25 and is_complete(memory[_COUNT_26 + TOTALS], 26)
    since_high = _bars_since(memory, slot, 0, memory[_RANGE_26 + TOTALS])
    since_low = _bars_since(memory, slot, 1, memory[_RANGE_26 + TOTALS + 1])
    out[_OUT_AROON, place] = 4.0 * (25 - since_high) if has_window else np.nan
    out[_OUT_AROON + 1, place] = 4.0 * (25 - since_low) if has_window else np.nan


@compiled_in_place
def _bars_since(memory: FloatArray, slot: int, channel: int, extreme: float) -> int:
    """Return how many grid bars ago one of the last 26 bars last had the extreme value.

    The slot that was found last time is still the latest, unless this bar has the value too or it has left.
    """
    if memory[_EXTREMES + (slot & RING_MASK) * 2 + channel] == extreme:
        memory[_FOUND + channel] = slot
        return 0
    found = int(memory[_FOUND + channel])
    if slot - found <= 25 and memory[_EXTREMES + (found & RING_MASK) * 2 + channel] == extreme:
        return slot - found
    back = 1
    while back < 25 and memory[_EXTREMES + ((slot - back) & RING_MASK) * 2 + channel] != extreme:
        back += 1
    memory[_FOUND + channel] = slot - back
    return back
