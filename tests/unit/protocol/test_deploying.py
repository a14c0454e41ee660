"""What may trade must be the recipe on dev and vault, and be refused where it became another model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.unit.protocol.markets import TIMEFRAME, history_of, request_of, small_market
from truebar.calibration import Calibrator, fit
from truebar.errors import TooFewRowsError
from truebar.history import History
from truebar.models.xgboost import embargo_of, fit_rows, out_of_fold
from truebar.protocol import deploy_rows, guard_of
from truebar.validation import Vault, vault_rows

BARS = small_market()
PAST = history_of(BARS)
VAULT = Vault(BARS["open_time"].iloc[2_400], BARS["close_time"].iloc[2_900])
DEV = vault_rows(PAST.open_time, PAST.labels["label_end"], VAULT)["dev"]
SAME = fit("none", [[0.2, 0.5, 0.3]], [1])
CALIBRATORS: tuple[Calibrator, Calibrator] = (SAME, SAME)
REQUEST = request_of()
RECIPE = REQUEST.freeze(REQUEST.label, REQUEST.parameters, "none")


def test_deploy_rows_are_dev_the_vault_and_what_was_purged_between() -> None:
    rows = deploy_rows(PAST, VAULT)
    parts = vault_rows(PAST.open_time, PAST.labels["label_end"], VAULT)
    assert set(parts["dev"]) | set(parts["vault"]) < set(rows)
    assert pd.DatetimeIndex(PAST.labels["label_end"].iloc[rows]).max() <= VAULT.end


def test_deploy_rows_before_any_label_raises() -> None:
    early = Vault(BARS["open_time"].iloc[0], BARS["open_time"].iloc[1])
    with pytest.raises(TooFewRowsError, match="nothing to deploy"):
        deploy_rows(PAST, early)


def test_guard_passes_where_the_vault_is_like_dev() -> None:
    rows = deploy_rows(PAST, VAULT)
    guard = guard_of(PAST, DEV, rows, RECIPE, timeframe=TIMEFRAME, calibrators=CALIBRATORS)
    assert guard.correlation > 0.8
    assert guard.passed
    assert "correlate" in guard.words


def test_guard_compares_the_edges_as_each_bundle_calibrates_them() -> None:
    everything = deploy_rows(PAST, VAULT)
    bars = embargo_of(RECIPE, TIMEFRAME, len(DEV))
    opens, ends = PAST.open_time, pd.DatetimeIndex(PAST.labels["label_end"])
    fold = np.array_split(DEV, RECIPE.validation.folds)[-1]
    made = out_of_fold(PAST, DEV, RECIPE, timeframe=TIMEFRAME)
    label = PAST.label[made.rows]
    calibrators = (
        fit("platt", made.probabilities, label),
        fit("platt", made.probabilities, np.where(label > 0, 0.0, label + (label == 0))),
    )
    edges = []
    for rows, calibrator in zip((DEV, everything), calibrators, strict=True):
        before = [row for row in rows if ends[row] <= opens[fold[0]]]
        after = [row for row in rows if opens[row] >= ends[fold].max()][bars:]
        training = np.array(before + after)
        said = calibrator.predict(fit_rows(PAST, training, RECIPE).predict(PAST.features[fold]))
        moved = PAST.labels.iloc[training].query("label != 0")
        scale = (moved["future_return"].abs() / moved["tau"]).mean()
        edges.append((said[:, 2] - said[:, 0]) * scale * PAST.column("tau")[fold])
    expected = np.corrcoef(*edges)[0, 1]
    guard = guard_of(PAST, DEV, everything, RECIPE, timeframe=TIMEFRAME, calibrators=calibrators)
    assert guard.correlation == pytest.approx(expected, abs=1e-12)
    assert guard.rows == fold.size
    for other in ((calibrators[0],) * 2, calibrators[::-1], CALIBRATORS):
        turned = guard_of(PAST, DEV, everything, RECIPE, timeframe=TIMEFRAME, calibrators=other)
        assert abs(turned.correlation - expected) > 1e-3


def test_guard_refuses_where_the_vault_says_the_opposite_of_dev() -> None:
    rows = deploy_rows(PAST, VAULT)
    # The rows after dev are multiplied so that they outvote it, and their labels are turned round.
    turned = PAST.labels.copy()
    after = np.arange(len(turned)) > DEV[-1]
    turned.loc[after, "label"] *= -1
    other = History(PAST.open_time, PAST.features, PAST.feature_columns, turned)
    few = DEV[-900:]
    guard = guard_of(
        other,
        few,
        np.concatenate((few, rows[rows > DEV[-1]])),
        RECIPE,
        timeframe=TIMEFRAME,
        calibrators=CALIBRATORS,
    )
    assert not guard.passed
    assert "not the one" in guard.words
