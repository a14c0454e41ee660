"""Klines: what a bar is, which rows are none, where bars are missing, coarser bars from finer ones.

Synthetic markets and their oracle are here too. They bring compiled code with them, which takes longer to
import than all the rest, so they are loaded when first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from truebar.market.gaps import find_gaps
from truebar.market.resampling import resample
from truebar.market.schema import KLINE_COLUMNS, Klines
from truebar.market.validation import validate_klines

if TYPE_CHECKING:
    from truebar.market.simulated.markets import SyntheticMarket, synthetic
    from truebar.market.simulated.oracle import Oracle, oracle

__all__ = [
    "KLINE_COLUMNS",
    "Klines",
    "Oracle",
    "SyntheticMarket",
    "find_gaps",
    "oracle",
    "resample",
    "synthetic",
    "validate_klines",
]

_LOADED_LATE: Final = {
    "Oracle": "truebar.market.simulated.oracle",
    "SyntheticMarket": "truebar.market.simulated.markets",
    "oracle": "truebar.market.simulated.oracle",
    "synthetic": "truebar.market.simulated.markets",
}


def __getattr__(name: str) -> object:
    """Return a name of the synthetic markets (PEP 562)."""
    if name not in _LOADED_LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LOADED_LATE[name]), name)
