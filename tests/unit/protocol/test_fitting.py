"""A recipe fitted on rows must have seen those rows and no others, and trade by the very engine."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.unit.protocol.markets import TIMEFRAME, history_of, request_of, small_market
from truebar import calibration
from truebar.errors import CorruptDataError
from truebar.models.out_of_fold import Between
from truebar.models.recipe import Recipe
from truebar.protocol import choose_calibration, fit_recipe, tune_thresholds
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
    ends = pd.DatetimeIndex(PAST.labels["label_end"].iloc[made.rows])
    apart = ~first & (PAST.open_time[made.rows] >= ends[first].max())
    others = calibration.fit("platt", made.probabilities[apart], PAST.label[made.rows][apart])
    assert np.array_equal(fitted.calibrated.probabilities[first], others.predict(made.probabilities[first]))


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


@pytest.mark.parametrize("methods", [("f1",), ("pr_auc", "ev_net")])
def test_fit_recipe_decides_by_money_whatever_curves_are_asked_for(
    fitted: FittedRecipe, methods: tuple[str, ...]
) -> None:
    listed = recipe(thresholds=recipe().thresholds.model_copy(update={"methods": methods}))
    found = fit_recipe(PAST, BARS, ROWS["dev"], listed, timeframe=TIMEFRAME, made=fitted.out_of_fold)
    assert found.thresholds == fitted.thresholds
    shown = tune_thresholds(PAST, BARS, fitted.calibrated, listed, timeframe=TIMEFRAME, method=methods[0])
    assert shown.method == methods[0]
    assert [point.score for point in shown.curve] != [point.score for point in fitted.thresholds.curve]


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
    assert choose_calibration(PAST, made, ("temperature",), horizon_bars=4) == "temperature"
    chosen = choose_calibration(PAST, made, ("none", "temperature", "platt"), horizon_bars=4)
    assert chosen == calibration.choose(
        ("none", "temperature", "platt"), made.probabilities, labels, made.fold, mean_block_bars=8
    )


def test_fit_recipe_asks_about_rows_without_a_label_and_is_blind_to_where_gaps_come() -> None:
    """Bars 1,000 to 1,019 are gone; the row before them has no label, and must trade all the same."""
    bars = BARS.drop(index=range(1_000, 1_020)).reset_index(drop=True)
    past = history_of(bars)
    dev = dev_vault(past.open_time, past.labels["label_end"])["dev"]
    made = fit_recipe(past, bars, dev, recipe(), timeframe=TIMEFRAME)
    assert np.isnan(past.label[996:1_000]).all()
    asked = made.calibrated.asked
    span = np.arange(dev[0], dev[-1] + 1)
    edges = [int(made.out_of_fold.rows[made.out_of_fold.fold == n][0]) for n in range(3)]
    assert set(range(996, 1_000)) <= set(made.out_of_fold.between.rows) == set(span) - set(dev)
    assert not set(edges) & set(made.out_of_fold.between.rows)
    number = made.out_of_fold.between.fold[0]
    model = made.out_of_fold.models[number]
    said = made.out_of_fold.between.probabilities
    assert np.array_equal(said, model.predict(past.features[made.out_of_fold.between.rows]))
    assert np.allclose(asked.probabilities.sum(axis=1), 1)


def test_tune_thresholds_decides_at_rows_without_a_label(fitted: FittedRecipe) -> None:
    """Two thousand rows that say nothing but one unlabelled one: it alone can trade."""
    made = fitted.calibrated
    flat = np.tile([0.0, 1.0, 0.0], (made.rows.size - 1, 1))
    place = 500
    row = made.rows[place : place + 1]
    rest = np.delete(np.arange(made.rows.size), place)
    sure = Between(row, made.fold[place : place + 1], np.array([[0.0, 0.0, 1.0]]))
    alone = replace(made, rows=made.rows[rest], fold=made.fold[rest], probabilities=flat, between=sure)
    found = tune_thresholds(PAST, BARS, alone, recipe(), timeframe=TIMEFRAME)
    assert {point.n_trades for point in found.curve} == {1}
