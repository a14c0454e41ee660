"""Klines: what a bar is, which rows are none, where bars are missing, coarser bars from finer ones."""

from __future__ import annotations

from truebar.market.gaps import find_gaps
from truebar.market.resampling import resample
from truebar.market.schema import KLINE_COLUMNS, Klines
from truebar.market.validation import validate_klines

__all__ = ["KLINE_COLUMNS", "Klines", "find_gaps", "resample", "validate_klines"]
