"""A recipe's digest must tell every two recipes apart, and nothing else."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from truebar.config import BacktestConfig, CostsConfig, LabelConfig, OptunaConfig, XgbConfig
from truebar.errors import ConfigurationError
from truebar.models.recipe import Recipe, Request, xgboost_request

REQUEST = xgboost_request(
    ("a", "b"),
    LabelConfig(),
    XgbConfig(),
    BacktestConfig(),
    k_grid=(0.5, 1.0),
    estimators=("atr", "realized"),
)
RECIPE = REQUEST.freeze(REQUEST.label, REQUEST.parameters, "platt")
SWITCHED_OFF = {"postprocessing": {"calibration": {"enabled": False, "method": "platt"}}}


def test_recipe_digest_survives_a_round_trip_through_json():
    assert Recipe.model_validate_json(RECIPE.model_dump_json()).digest() == RECIPE.digest()
    assert REQUEST.freeze(LabelConfig(k=1), REQUEST.parameters, "platt").digest() == RECIPE.digest()


def test_recipe_digest_changes_with_everything_that_decides_a_model():
    parts = {
        "feature_columns": ("b", "a"),
        "label": LabelConfig(k=0.5),
        "parameters": RECIPE.parameters.model_copy(update={"rounds": 151}),
        "validation": RECIPE.validation.model_copy(update={"folds": 6}),
        "calibration": "none",
        "thresholds": RECIPE.thresholds.model_copy(update={"enabled": False}),
        "backtest": BacktestConfig(costs=CostsConfig(fee_bps=4)),
        "kind": "lstm",
    }
    assert set(parts) == set(Recipe.model_fields)
    digests = {RECIPE.model_copy(update={name: value}).digest() for name, value in parts.items()}
    assert len(digests | {RECIPE.digest()}) == len(parts) + 1


def test_request_digest_changes_with_everything_that_is_asked_for():
    parts = {
        "feature_columns": ("b", "a"),
        "label": LabelConfig(horizon_bars=5),
        "k_grid": (0.5,),
        "estimators": ("atr",),
        "parameters": REQUEST.parameters.model_copy(update={"rounds": 151}),
        "search": OptunaConfig(seed=8),
        "validation": REQUEST.validation.model_copy(update={"folds": 6}),
        "calibrations": ("none",),
        "thresholds": REQUEST.thresholds.model_copy(update={"enabled": False}),
        "backtest": BacktestConfig(costs=CostsConfig(fee_bps=4)),
        "kind": "lstm",
    }
    assert set(parts) == set(Request.model_fields)
    digests = {REQUEST.model_copy(update={name: value}).digest() for name, value in parts.items()}
    assert len(digests | {REQUEST.digest()}) == len(parts) + 1


def test_request_digest_is_the_same_for_any_number_of_trials():
    more = REQUEST.model_copy(update={"search": OptunaConfig(n_trials=100)})
    assert more.search != REQUEST.search
    assert more.digest() == REQUEST.digest()


def test_request_with_calibration_switched_off_offers_none():
    settings = XgbConfig.model_validate(SWITCHED_OFF)
    assert xgboost_request(("a",), LabelConfig(), settings, BacktestConfig()).calibrations == ("none",)


def test_request_offers_every_calibration_unless_one_is_named():
    assert REQUEST.calibrations == ("none", "temperature", "platt", "isotonic")
    named = XgbConfig.model_validate({"postprocessing": {"calibration": {"method": "temperature"}}})
    assert xgboost_request(("a",), LabelConfig(), named, BacktestConfig()).calibrations == ("temperature",)


def test_request_without_a_search_offers_only_its_own_label():
    settings = XgbConfig(optuna=OptunaConfig(n_trials=1))
    request = xgboost_request(
        ("a",), LabelConfig(k=0.75), settings, BacktestConfig(), k_grid=(1.0,), estimators=("atr",)
    )
    assert (request.k_grid, request.estimators) == ((0.75,), ("yang_zhang",))


def test_recipe_without_features_or_with_an_unknown_key_is_refused():
    with pytest.raises(ValidationError):
        xgboost_request((), LabelConfig(), XgbConfig(), BacktestConfig())
    with pytest.raises(ValidationError):
        Recipe.model_validate(RECIPE.model_dump() | {"colour": "blue"})


def test_xgboost_request_without_a_neutral_zone_is_refused_by_the_setting_s_name():
    with pytest.raises(ConfigurationError, match=r"labels\.neutral_zone is false.*Set .* to true"):
        xgboost_request(("a",), LabelConfig(neutral_zone=False), XgbConfig(), BacktestConfig())
