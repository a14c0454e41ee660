"""From probabilities to an account."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.unit.models.bundles import recipe_of
from truebar.config import BacktestConfig
from truebar.errors import WrongTimeframeError
from truebar.evaluation import trade
from truebar.models.bundle import DevFacts
from truebar.thresholds import at_cost

FACTS = DevFacts(
    edge_scale=1.8, class_second_moments=(4.0, 0.2, 4.1), share_up=0.5, class_shares=(0.1, 0.8, 0.1)
)


def account(rows: int, timeframe: str) -> object:
    times = pd.date_range("2025-01-01", periods=rows, freq="1h", tz="UTC")
    prices = dict.fromkeys(("open", "high", "low", "close"), 100.0)
    return trade(
        pd.DataFrame({"open_time": times, **prices, "volume": 1.0}),
        np.tile([0.1, 0.1, 0.8], (rows, 1)),
        sigma=np.full(rows, 0.01),
        tau=np.full(rows, 0.02),
        facts=FACTS,
        rule=at_cost(BacktestConfig()),
        recipe=recipe_of(("a",)),
        timeframe=timeframe,
    )


def test_trade_few_bars_beside_gaps_are_of_the_timeframe_given() -> None:
    result = account(3, "15m")
    assert result.timeframe == "15m"
    assert result.position[-1] == pytest.approx(0.2 / (0.01 * np.sqrt(365 * 96)), rel=0.01)


def test_trade_bars_of_another_timeframe_raise() -> None:
    with pytest.raises(WrongTimeframeError, match="expected 15m"):
        account(6, "15m")
