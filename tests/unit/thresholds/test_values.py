"""Thresholds as a record."""

from __future__ import annotations

import pytest

from truebar.config import BacktestConfig
from truebar.decision import target_positions
from truebar.errors import BundleError
from truebar.thresholds import CurvePoint, Thresholds, at_cost


def test_at_cost_is_the_round_trip_in_log_returns() -> None:
    thresholds = at_cost(BacktestConfig(costs={"fee_bps": 2, "slippage_bps": 3}))
    assert (thresholds.long, thresholds.short, thresholds.exit) == pytest.approx((0.001, 0.001, 0.0))


def test_thresholds_survive_json_unchanged() -> None:
    point = CurvePoint(long=0.1, short=0.2, score=None, n_trades=3)
    thresholds = Thresholds(long=1 / 3, short=0.1 + 0.2, method="ev_net", curve=(point,))
    assert Thresholds.from_json(thresholds.to_json()) == thresholds
    assert Thresholds.from_json(thresholds.to_json()).to_json() == thresholds.to_json()


@pytest.mark.parametrize("text", ["", "{}", '{"long": -1, "short": 1}', '{"long": 1, "short": 1, "wide": 2}'])
def test_from_json_other_text_raises(text: str) -> None:
    with pytest.raises(BundleError, match=r"thresholds\.json"):
        Thresholds.from_json(text)


def test_thresholds_are_an_entry_rule() -> None:
    assert target_positions([0.0031, 0.001], at_cost(BacktestConfig())).tolist() == [1.0, 1.0]
