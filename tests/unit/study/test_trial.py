"""Trials must share matrices without sharing labels, score without plateaus, and repeat bit for bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.protocol.markets import TIMEFRAME, history_of, request_of, small_market
from truebar.edge import edge_scale, implied_edge
from truebar.errors import ConfigurationError
from truebar.models.out_of_fold import predicted_by
from truebar.models.xgboost import XgboostModel, embargo_of, out_of_fold
from truebar.scores.trial import trial_score
from truebar.study import Candidate, Dev, TrialRun, account_of, candidate_of, dev_of, first_candidate, luck_of
from truebar.validation import dev_vault
from truebar.volatility import estimate

BARS = small_market()
PAST = history_of(BARS)
REQUEST = request_of()
SIGMAS = {
    name: estimate(BARS, name, window=REQUEST.label.window, timeframe=TIMEFRAME)
    for name in REQUEST.estimators
}


@pytest.fixture(scope="module")
def dev() -> Dev:
    rows = dev_vault(PAST.open_time, PAST.labels["label_end"])["dev"]
    return dev_of(PAST, BARS, rows, REQUEST, sigmas=SIGMAS, timeframe=TIMEFRAME)


def run(dev: Dev, candidate: Candidate) -> tuple[list[tuple[int, float]], TrialRun]:
    trial = TrialRun(dev, candidate)
    return list(trial.scores()), trial


def test_trial_equals_out_of_fold_rows_of_the_same_recipe(dev: Dev) -> None:
    recipe = REQUEST.freeze(REQUEST.label, REQUEST.parameters, "none")
    made = out_of_fold(PAST, dev.rows, recipe, timeframe=TIMEFRAME)
    _, trial = run(dev, first_candidate(REQUEST))
    assert np.allclose(trial.outcome().probabilities, made.probabilities, atol=1e-6)
    edge = implied_edge(made.probabilities, PAST.column("tau")[made.rows], made.edge_scale)
    assert trial.outcome().score == pytest.approx(
        trial_score(PAST.column("future_return")[made.rows], edge, dev.yardstick), abs=1e-6
    )


def test_models_of_a_trial_say_what_the_trial_scored(dev: Dev) -> None:
    outcome = run(dev, first_candidate(REQUEST))[1].outcome()
    recipe = REQUEST.freeze(REQUEST.label, REQUEST.parameters, "none")
    embargo_bars = embargo_of(recipe, TIMEFRAME, dev.rows.size)
    folds = REQUEST.validation.folds
    said = predicted_by(outcome.models, PAST, dev.rows, folds=folds, embargo_bars=embargo_bars)
    assert np.array_equal(said.probabilities, outcome.probabilities)
    assert np.array_equal(said.rows, dev.rows)
    again = [XgboostModel.from_bytes(model.to_bytes()) for model in outcome.models]
    read = predicted_by(again, PAST, dev.rows, folds=folds, embargo_bars=embargo_bars)
    assert np.array_equal(read.probabilities, outcome.probabilities)


def test_trial_is_the_same_after_trials_with_other_labels(dev: Dev) -> None:
    before, first = run(dev, first_candidate(REQUEST))
    other = candidate_of(REQUEST, {"k": 0.5, "estimator": "parkinson", "rounds": 12})
    _, between = run(dev, other)
    after, again = run(dev, first_candidate(REQUEST))
    assert before == after
    assert np.array_equal(first.outcome().probabilities, again.outcome().probabilities)
    assert not np.allclose(between.outcome().probabilities, again.outcome().probabilities)


def test_trial_tells_its_score_after_thirds_of_the_first_fold_and_after_each_fold(dev: Dev) -> None:
    scores, trial = run(dev, first_candidate(REQUEST))
    assert [step for step, _ in scores] == [1, 2, 3, 6, 9]
    assert scores[-1][1] == trial.outcome().score
    assert trial.outcome().score > 0


def test_trial_is_the_same_however_many_folds_are_fitted_at_once(dev: Dev) -> None:
    alone, first = run(dev, first_candidate(REQUEST))
    together = TrialRun(dev, first_candidate(REQUEST), folds_at_once=2)
    assert list(together.scores()) == alone
    assert np.array_equal(together.outcome().probabilities, first.outcome().probabilities)


def test_folds_come_in_a_seeded_order_that_is_not_that_of_time(dev: Dev) -> None:
    firsts = [int(fold.test[0]) for fold in dev.folds]
    assert sorted(firsts)[0] == 0
    assert firsts != sorted(firsts)


def test_every_label_on_offer_is_known_on_the_same_rows(dev: Dev) -> None:
    assert set(dev.labels) == {(k, name) for k in (0.5, 0.75) for name in ("realized", "parkinson")}
    assert all(np.isfinite(label).all() and label.size == dev.rows.size for label in dev.labels.values())
    assert all((tau > 0).all() for tau in dev.tau.values())
    training = dev.folds[0].training
    assert (
        edge_scale(
            dev.future_return[training],
            dev.tau[0.75, "realized"][training],
            dev.labels[0.75, "realized"][training],
        )
        > 1
    )


def test_account_of_a_trial_describes_what_it_would_have_earned(dev: Dev) -> None:
    _, trial = run(dev, first_candidate(REQUEST))
    account = account_of(dev, BARS, trial.outcome(), first_candidate(REQUEST), REQUEST)
    assert account.returns.size == dev.rows[-1] - dev.rows[0]
    assert account.direction_auc is not None
    assert account.direction_auc > 0.6
    assert account.n_trades > 30
    assert account.ev_net is not None
    assert account.ev_net > 0


def test_account_of_a_trial_decides_at_rows_without_a_label_by_the_model_of_their_fold() -> None:
    bars = BARS.drop(index=range(1_000, 1_020)).reset_index(drop=True)
    past = history_of(bars)
    rows = dev_vault(past.open_time, past.labels["label_end"])["dev"]
    sigmas = {
        name: estimate(bars, name, window=REQUEST.label.window, timeframe=TIMEFRAME)
        for name in REQUEST.estimators
    }
    gapped = dev_of(past, bars, rows, REQUEST, sigmas=sigmas, timeframe=TIMEFRAME)
    assert np.isnan(past.label[996:1_000]).all()
    assert set(range(996, 1_000)) <= set(gapped.between.rows)
    assert not set(gapped.between.rows) & set(gapped.rows)
    _, trial = run(gapped, first_candidate(REQUEST))
    outcome = trial.outcome()
    fold = next(fold for fold in gapped.folds if 0 in fold.between)
    said = outcome.models[fold.number].predict(past.features[gapped.between.rows[fold.between]])
    training = gapped.rows[fold.training]
    scale = past.facts(training).edge_scale
    expected = implied_edge(said, past.column("tau")[gapped.between.rows[fold.between]], scale)
    assert np.allclose(outcome.edge_between[fold.between], expected, equal_nan=True)
    sure = np.full_like(outcome.edge_between, 0.5)
    silent = replace(outcome, edge=np.full_like(outcome.edge, np.nan), edge_between=sure * np.nan)
    trades = [
        account_of(gapped, bars, one, first_candidate(REQUEST), REQUEST).n_trades
        for one in (silent, replace(silent, edge_between=sure))
    ]
    assert trades[0] == 0 < trades[1]


@pytest.mark.parametrize(("rounds", "steps"), [(1, [3, 6, 9]), (2, [2, 3, 6, 9]), (3, [1, 2, 3, 6, 9])])
def test_trial_of_few_rounds_tells_the_third_that_its_boosting_has_come_to(
    dev: Dev, rounds: int, steps: list[int]
) -> None:
    told, trial = run(dev, candidate_of(REQUEST, {"rounds": rounds}))
    assert [step for step, _ in told] == steps
    assert told[-1][1] == trial.outcome().score


def test_candidate_that_is_not_on_offer_raises() -> None:
    with pytest.raises(ConfigurationError, match="not on offer"):
        candidate_of(REQUEST, {"k": 1.5})
    with pytest.raises(ConfigurationError, match="not on offer"):
        candidate_of(REQUEST, {"estimator": "atr"})


def test_dev_without_the_volatility_of_an_estimator_raises() -> None:
    rows = dev_vault(PAST.open_time, PAST.labels["label_end"])["dev"]
    with pytest.raises(ConfigurationError, match="parkinson"):
        dev_of(PAST, BARS, rows, REQUEST, sigmas={"realized": SIGMAS["realized"]}, timeframe=TIMEFRAME)


def test_luck_of_the_best_of_many_trials_without_skill_is_named() -> None:
    noise = np.random.default_rng(3).normal(0, 0.01, (2_000, 30))
    best = int((noise.mean(axis=0) / noise.std(axis=0)).argmax())
    found = luck_of(noise, chosen=best, horizon_bars=4, timeframe="15m", generator=np.random.default_rng(1))
    assert found["dev_sharpe"].value == pytest.approx(found["dev_luckiest_sharpe"].value, rel=0.5)
    assert found["dev_deflated_sharpe"].value < 0.95
    lucky = noise.copy()
    lucky[:, best] += 0.002
    proven = luck_of(lucky, chosen=best, horizon_bars=4, timeframe="15m", generator=np.random.default_rng(1))
    assert proven["dev_deflated_sharpe"].value > 0.95
    assert proven["overfitting"].value < found["overfitting"].value


def test_luck_of_trials_that_never_traded_has_reasons() -> None:
    found = luck_of(
        np.zeros((500, 3)), chosen=0, horizon_bars=4, timeframe="1h", generator=np.random.default_rng(1)
    )
    assert all(metric.value is None and metric.reason for metric in found.values())
