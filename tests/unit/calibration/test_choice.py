import numpy as np
import pytest
from scipy.special import softmax

from truebar.calibration import choose, cross_fit
from truebar.calibration.methods import METHODS
from truebar.errors import ConfigurationError, SchemaError, TooFewRowsError
from truebar.validation.significance import stationary_bootstrap

BLOCK = 8.0


def test_choose_honest_probabilities_gives_none(market):
    assert choose(METHODS, market.true, market.labels, market.fold, mean_block_bars=BLOCK) == "none"


def test_choose_overconfident_probabilities_gives_temperature(overconfident):
    rows = (overconfident.raw, overconfident.labels, overconfident.fold)
    assert choose(METHODS, *rows, mean_block_bars=BLOCK) == "temperature"


def test_choose_biased_probabilities_gives_platt_or_isotonic(market):
    # softmax with a bias is not exactly one curve against the rest, so isotonic may be the best
    found = choose(METHODS, market.raw, market.labels, market.fold, mean_block_bars=BLOCK)
    assert found in {"platt", "isotonic"}


def test_choose_curve_with_steps_gives_isotonic(market):
    steps = np.where(market.true > 0.35, 0.9, 0.1) * market.true**0.02
    rows = steps / steps.sum(axis=1, keepdims=True)
    drawn = np.random.default_rng(2).random((len(rows), 1))
    strange = softmax(12 * np.cos(9 * rows), axis=1)
    labels = (drawn > np.cumsum(0.7 * strange + 0.1, axis=1)[:, :2]).sum(axis=1) - 1
    found = choose(("isotonic", "none"), rows, labels, market.fold, mean_block_bars=BLOCK)
    assert found == "isotonic"


def test_choose_agrees_with_drawn_bootstraps(market):
    few = slice(0, 3_000)
    fold = np.arange(3_000) // 600
    for blend in np.linspace(0.0, 0.15, 6):
        raw = (1 - blend) * market.true[few] + blend * market.raw[few]
        own = np.arange(3_000), market.labels[few] + 1
        losses = {
            method: -np.log(cross_fit(method, raw, market.labels[few], fold)[own]) for method in METHODS[:3]
        }
        best = min(losses.values(), key=np.mean)
        drawn = stationary_bootstrap(
            3_000, mean_block=BLOCK, n_resamples=500, generator=np.random.default_rng(1)
        )
        distance = [
            (loss - best).mean() - (loss - best)[drawn].mean(axis=1).std() for loss in losses.values()
        ]
        if min(abs(value) for value in distance if value != 0) > 1e-5:  # not a tie in the drawing's noise
            expected = next(m for m, value in zip(losses, distance, strict=True) if value <= 0)
            assert choose(losses, raw, market.labels[few], fold, mean_block_bars=BLOCK) == expected


def test_choose_candidates_in_any_order_gives_the_same(overconfident):
    rows = (overconfident.raw, overconfident.labels, overconfident.fold)
    found = {choose(order, *rows, mean_block_bars=BLOCK) for order in (METHODS, METHODS[::-1])}
    assert len(found) == 1


def test_choose_too_few_rows_leaves_isotonic_out(market):
    few = slice(0, 9_000)
    rows = (market.raw[few], market.labels[few], market.fold[few])
    assert choose(METHODS, *rows, mean_block_bars=BLOCK) == "platt"
    with pytest.raises(TooFewRowsError, match="only candidate"):
        choose(["isotonic"], *rows, mean_block_bars=BLOCK)


@pytest.mark.parametrize("candidates", [[], ["none", "beta"]])
def test_choose_no_or_unknown_candidates_is_refused(market, candidates):
    with pytest.raises(ConfigurationError, match="temperature"):
        choose(candidates, market.raw, market.labels, market.fold, mean_block_bars=BLOCK)


def test_choose_block_below_one_row_is_refused(market):
    with pytest.raises(ConfigurationError, match="block"):
        choose(METHODS, market.raw, market.labels, market.fold, mean_block_bars=0.5)


def test_choose_fold_of_other_length_is_refused(market):
    with pytest.raises(SchemaError):
        choose(METHODS, market.raw, market.labels, market.fold[1:], mean_block_bars=BLOCK)
