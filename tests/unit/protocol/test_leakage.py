"""Condition (d) must pass only what was checked, and judge the folds that were fitted, not new ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.unit.protocol.markets import LABEL, TIMEFRAME, request_of, small_market
from truebar.features import batch, families_of
from truebar.history import History
from truebar.labels import vol_scaled
from truebar.models.xgboost import embargo_of
from truebar.protocol import leakage_of
from truebar.validation import PurgedKFold, dev_vault
from truebar.validation.apart import Fold
from truebar.validation.leakage import Beside
from truebar.volatility import estimate

BARS = small_market(2_000)


def labels_of(bars: pd.DataFrame) -> pd.DataFrame:
    sigma = estimate(bars, LABEL.estimator, window=LABEL.window, timeframe=TIMEFRAME)
    made = vol_scaled(bars, sigma, k=LABEL.k, horizon_bars=LABEL.horizon_bars, timeframe=TIMEFRAME)
    return made.assign(open_time=bars["open_time"].to_numpy())


def answer(bars: pd.DataFrame) -> pd.DataFrame:
    """Return the label itself as a column."""
    return labels_of(bars)[["label"]].rename(columns={"label": "answer"})


def last_range(bars: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"last_range": (bars["high"] / bars["low"]).shift(1)})


MATRIX = batch(BARS, timeframe=TIMEFRAME).assign(**answer(BARS), **last_range(BARS))
CORE = [name for family in families_of("core") for name in family.columns]
"""Columns of the set that is checked."""


def history_with(columns: list[str]) -> History:
    return History.align(MATRIX[["open_time", "available_at", *columns]], labels_of(BARS))


PAST = history_with(CORE[:2])
SIDES = dev_vault(PAST.open_time, PAST.labels["label_end"])
DEV = SIDES["dev"]


def folds_of(embargo_bars: int | None = None) -> list[Fold]:
    request = request_of()
    bars = embargo_of(request, TIMEFRAME, len(DEV)) if embargo_bars is None else embargo_bars
    splitter = PurgedKFold(request.validation.folds, embargo_bars=bars)
    split = splitter.split(PAST.open_time[DEV], PAST.labels["label_end"].iloc[DEV])
    return [(DEV[fitted], DEV[judged]) for fitted, judged in split]


def checks(
    columns: list[str], folds: list[Fold] | None = None, beside: Beside | None = None
) -> dict[str, bool | None]:
    request = request_of()
    recipe = request.freeze(request.label, request.parameters, "none")
    return leakage_of(
        history_with(columns),
        BARS,
        recipe.model_copy(update={"feature_columns": tuple(columns)}),
        dev=DEV,
        vault=SIDES["vault"],
        folds=folds_of() if folds is None else folds,
        timeframe=TIMEFRAME,
        generator=np.random.default_rng(1),
        beside=beside,
    )


def test_leakage_of_columns_of_the_set_and_purged_folds_passes_every_check() -> None:
    assert checks(CORE[:2]) == dict.fromkeys(("features", "labels", "dev_vault", "folds"), True)


def test_leakage_of_a_column_that_nobody_can_compute_is_not_computed() -> None:
    assert checks([*CORE[:2], "answer"])["features"] is None


def test_leakage_of_a_column_beside_the_set_is_checked_with_it() -> None:
    assert checks([*CORE[:2], "answer"], beside=Beside(answer, 60))["features"] is False
    assert checks([*CORE[:2], "last_range"], beside=Beside(last_range, 1))["features"] is True
    assert checks([*CORE[:2], "answer"], beside=Beside(last_range, 1))["features"] is None


def test_leakage_of_a_column_beside_the_set_that_is_not_read_does_not_matter() -> None:
    assert checks(CORE[:2], beside=Beside(answer, 60))["features"] is True


def longer(fold: Fold, rows: np.ndarray) -> Fold:
    """Return the fold fitted on these rows too."""
    return np.union1d(fold[0], rows), fold[1]


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(lambda judged: judged[:1], id="a row it is judged on"),
        pytest.param(lambda judged: judged[:1] - 1, id="a row whose label reaches into the block"),
        pytest.param(lambda judged: judged[-1:] + 10, id="a row of the embargo"),
        pytest.param(lambda _: SIDES["vault"][:1], id="a row of the vault"),
    ],
)
def test_leakage_of_a_fold_fitted_on_a_row_too_many_fails(rows) -> None:
    first, second, third = folds_of()
    found = checks(CORE[:2], [first, longer(second, rows(second[1])), third])
    assert found["folds"] is False
    assert found["dev_vault"] is True


def test_leakage_of_folds_without_their_embargo_fails() -> None:
    assert checks(CORE[:2], folds_of(embargo_bars=0))["folds"] is False
