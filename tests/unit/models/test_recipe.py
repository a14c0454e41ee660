"""A recipe's digest must tell every two recipes apart, and nothing else."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from truebar.config import BacktestConfig, CostsConfig, LabelConfig, XgbConfig
from truebar.models.recipe import Recipe, xgboost_recipe

RECIPE = xgboost_recipe(("a", "b"), LabelConfig(), XgbConfig(), BacktestConfig())
SWITCHED_OFF = {"postprocessing": {"calibration": {"enabled": False, "method": "platt"}}}


def test_recipe_digest_survives_a_round_trip_through_json():
    assert Recipe.model_validate_json(RECIPE.model_dump_json()).digest() == RECIPE.digest()
    assert (
        xgboost_recipe(("a", "b"), LabelConfig(k=1), XgbConfig(), BacktestConfig()).digest()
        == RECIPE.digest()
    )


def test_recipe_digest_changes_with_everything_that_decides_a_model():
    parts = {
        "feature_columns": ("b", "a"),
        "label": LabelConfig(k=0.5),
        "parameters": RECIPE.parameters.model_copy(update={"rounds": 151}),
        "validation": RECIPE.validation.model_copy(update={"folds": 6}),
        "calibration": "none",
        "thresholds": RECIPE.thresholds.model_copy(update={"enabled": True}),
        "backtest": BacktestConfig(costs=CostsConfig(fee_bps=4)),
        "kind": "lstm",
    }
    assert set(parts) == set(Recipe.model_fields)
    digests = {RECIPE.model_copy(update={name: value}).digest() for name, value in parts.items()}
    assert len(digests | {RECIPE.digest()}) == len(parts) + 1


def test_recipe_with_calibration_switched_off_uses_none():
    settings = XgbConfig.model_validate(SWITCHED_OFF)
    assert xgboost_recipe(("a",), LabelConfig(), settings, BacktestConfig()).calibration == "none"


def test_recipe_without_features_or_with_an_unknown_key_is_refused():
    with pytest.raises(ValidationError):
        xgboost_recipe((), LabelConfig(), XgbConfig(), BacktestConfig())
    with pytest.raises(ValidationError):
        Recipe.model_validate(RECIPE.model_dump() | {"colour": "blue"})
