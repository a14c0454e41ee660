"""A recipe fitted on rows must have seen those rows and no others, and trade by the very engine."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.protocol.markets import TIMEFRAME, history_of, request_of, small_market
from truebar import calibration
from truebar.errors import CorruptDataError
from truebar.models.recipe import Recipe
from truebar.protocol import choose_calibration, fit_recipe
from truebar.protocol.fitting import FittedRecipe
from truebar.thresholds import at_cost
from truebar.validation import dev_vault

BARS = small_market()
PAST = history_of(BARS)
ROWS = dev_vault(PAST.open_time, PAST.labels["label_end"])


def recipe(**update: object) -> Recipe:
    request = request_of()
    return request.freeze(request.label, request.parameters, "platt").model_copy(update=update)


@pytest.fixture(scope="module")
def fitted() -> FittedRecipe:
    return fit_recipe(PAST, BARS, ROWS["dev"], recipe(), timeframe=TIMEFRAME)


def test_fit_recipe_calibrates_each_fold_by_the_others(fitted: FittedRecipe) -> None:
    made = fitted.out_of_fold
    first = made.fold == 0
    labels = PAST.label[made.rows]
    others = calibration.fit("platt", made.probabilities[~first], labels[~first])
    assert np.array_equal(fitted.calibrated[first], others.predict(made.probabilities[first]))


def test_fit_recipe_is_the_same_whatever_lies_beyond_its_rows(fitted: FittedRecipe) -> None:
    cut = int(ROWS["dev"][-1]) + 1 + recipe().label.horizon_bars
    shorter = history_of(BARS.iloc[:cut])
    again = fit_recipe(shorter, BARS.iloc[:cut], ROWS["dev"], recipe(), timeframe=TIMEFRAME)
    assert again.model.to_bytes() == fitted.model.to_bytes()
    assert again.calibrator.to_json() == fitted.calibrator.to_json()
    assert again.thresholds == fitted.thresholds
    assert again.facts == fitted.facts


def test_fit_recipe_tunes_thresholds_on_out_of_fold_rows_unless_told_not_to(fitted: FittedRecipe) -> None:
    assert fitted.thresholds.method == "ev_net"
    assert fitted.thresholds.curve is not None
    assert max(point.n_trades for point in fitted.thresholds.curve) >= 30
    fixed = recipe(thresholds=recipe().thresholds.model_copy(update={"enabled": False}))
    untuned = fit_recipe(PAST, BARS, ROWS["dev"], fixed, timeframe=TIMEFRAME, made=fitted.out_of_fold)
    assert untuned.thresholds == at_cost(fixed.backtest)


def test_fit_recipe_finds_what_is_planted(fitted: FittedRecipe) -> None:
    vault = ROWS["vault"]
    probabilities, label = fitted.predict(PAST.features[vault]), PAST.label[vault]
    moved = label != 0
    score = (probabilities[:, 2] - probabilities[:, 0])[moved]
    assert score[label[moved] > 0].mean() > score[label[moved] < 0].mean() + 0.05


def test_fit_recipe_with_bars_of_other_times_raises() -> None:
    with pytest.raises(CorruptDataError, match="not of the same times"):
        fit_recipe(PAST, BARS.iloc[1:], ROWS["dev"], recipe(), timeframe=TIMEFRAME)


def test_choose_calibration_takes_a_single_candidate_and_else_the_simplest_good_one(
    fitted: FittedRecipe,
) -> None:
    made = fitted.out_of_fold
    labels = PAST.label[made.rows]
    assert choose_calibration(made, labels, ("temperature",), horizon_bars=4) == "temperature"
    chosen = choose_calibration(made, labels, ("none", "temperature", "platt"), horizon_bars=4)
    assert chosen == calibration.choose(
        ("none", "temperature", "platt"), made.probabilities, labels, made.fold, mean_block_bars=8
    )
