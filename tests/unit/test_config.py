"""Settings take finite numbers only, wherever they stand."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from truebar.config import (
    BacktestConfig,
    CostsConfig,
    KConfig,
    MarketConfig,
    RealRange,
    SizingConfig,
    XgbParameters,
)
from truebar.models.bundle import DevFacts
from truebar.thresholds import Thresholds

VENUE = {"exchange": "kraken", "market_type": "spot", "exchange_symbol": "BTC/USD"}
FACTS = {"edge_scale": 1.8, "class_second_moments": (4.0, 0.2, 4.1), "share_up": 0.5}


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan"), "inf", "nan"])
@pytest.mark.parametrize(
    ("model", "values", "field"),
    [
        (BacktestConfig, {}, "initial_capital"),
        (CostsConfig, {}, "fee_bps"),
        (SizingConfig, {}, "q_max"),
        (KConfig, {}, "grid"),
        (XgbParameters, {}, "reg_lambda"),
        (XgbParameters, {}, "min_child_weight"),
        (RealRange, {"low": 1.0}, "high"),
        (MarketConfig, VENUE, "maker_fee_bps"),
        (MarketConfig, VENUE, "tick_size"),
        (DevFacts, FACTS, "class_shares"),
        (Thresholds, {"long": 0.1, "short": 0.1}, "exit"),
    ],
)
def test_settings_number_that_is_not_finite_is_refused_by_name(
    model: type[BaseModel], values: dict[str, object], field: str, number: object
) -> None:
    given = {"grid": (1.0, number), "class_shares": (0.5, 0.5, number)}.get(field, number)
    with pytest.raises(ValidationError, match=field):
        model.model_validate(values | {field: given})


def test_settings_same_fields_take_finite_numbers() -> None:
    assert KConfig(grid=(0.5, 2.0)).grid == (0.5, 2.0)
    assert MarketConfig(**VENUE, maker_fee_bps=-1.0).maker_fee_bps == -1.0
    assert Thresholds(long=0.1, short=0.1, exit=-0.2).exit == -0.2
