"""The column that decides must be found, noise must not, and nothing but rows left out may be judged."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from tests.unit.explanations.planted import COLUMNS, FAMILY_OF, ROWS, SIGMA, made, planted
from truebar.arrays import FloatArray
from truebar.errors import CorruptDataError, SchemaError, TooFewRowsError
from truebar.explanations import Explanation, explain
from truebar.explanations.importance import PERMUTED_COLUMNS
from truebar.history import History

YARDSTICK = np.full(ROWS, 2 * SIGMA)


def explained(seed: int = 0, yardstick: FloatArray = YARDSTICK, units_at_once: int = 1) -> Explanation:
    return explain(
        planted(),
        made(),
        made().models,
        family_of=FAMILY_OF,
        yardstick=yardstick,
        block_bars=8,
        generator=np.random.default_rng(seed),
        units_at_once=units_at_once,
    )


@pytest.fixture(scope="module")
def found() -> Explanation:
    return explained()


def columns_of(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["level"] == "column"].set_index("feature")


def test_explain_puts_the_deciding_column_and_its_family_first(found: Explanation) -> None:
    for level, first in (("column", "decides"), ("family", "flow")):
        rows = found.table[found.table["level"] == level]
        assert rows["feature"].iloc[0] == first
        assert rows["auc_drop"].idxmax() == rows.index[0]
        assert rows["score_drop"].idxmax() == rows.index[0]
        assert rows["shap_direction"].is_monotonic_decreasing


def test_explain_noise_loses_nothing_beyond_its_error_and_the_truth_far_more(found: Explanation) -> None:
    rows = columns_of(found.table)
    assert found.skill.auc > 0.75
    assert found.skill.score > 0.1
    assert rows.loc["decides", "auc_drop"] > 5 * rows.loc["decides", "auc_drop_error"] > 0
    for noise in ("noise_1", "noise_2"):
        assert abs(rows.loc[noise, "auc_drop"]) < 0.01
        assert abs(rows.loc[noise, "score_drop"]) < 0.01
        assert rows.loc[noise, "shap_direction"] < 0.1 * rows.loc["decides", "shap_direction"]


def test_explain_family_loses_what_its_columns_cover_up_for_each_other(found: Explanation) -> None:
    families = found.table[found.table["level"] == "family"].set_index("feature")
    rows = columns_of(found.table)
    assert families.loc["flow", "auc_drop"] > rows.loc[["decides", "twin"], "auc_drop"].max()
    # Without its family nothing is left to tell up from down by.
    assert found.skill.auc - families.loc["flow", "auc_drop"] == pytest.approx(0.5, abs=0.04)


def test_explain_column_of_the_size_moves_flat_and_not_the_direction(found: Explanation) -> None:
    size = columns_of(found.table).loc["size"]
    assert size["shap_flat"] > 3 * size["shap_direction"]
    assert abs(size["auc_drop"]) < 0.02


def test_explain_same_seed_same_table_other_seed_other_order_of_blocks(found: Explanation) -> None:
    pd.testing.assert_frame_equal(explained().table, found.table, check_exact=True)
    pd.testing.assert_frame_equal(explained(units_at_once=3).table, found.table, check_exact=True)
    assert not np.array_equal(explained(seed=1).table["auc_drop"], found.table["auc_drop"])


def test_explain_counts_rows_and_permutes_the_first_columns(found: Explanation) -> None:
    assert found.shap_rows == 2_000
    assert found.judged_rows == made().rows.size
    assert columns_of(found.table)["auc_drop"].notna().sum() == min(PERMUTED_COLUMNS, len(COLUMNS))
    assert set(found.table["feature"]) == {*COLUMNS, *FAMILY_OF.values()}


def test_explain_does_not_read_what_lies_after_the_out_of_fold_rows(found: Explanation) -> None:
    past = planted()
    features, labels = past.features.copy(), past.labels.copy()
    features[ROWS - 10 :] = 9.0
    labels.loc[ROWS - 10 :, "future_return"] = 1.0
    other = History(past.open_time, features, past.feature_columns, labels)
    again = explain(
        other,
        made(),
        made().models,
        family_of=FAMILY_OF,
        yardstick=YARDSTICK,
        block_bars=8,
        generator=np.random.default_rng(0),
    )
    pd.testing.assert_frame_equal(again.table, found.table, check_exact=True)


def test_explain_rows_without_a_yardstick_are_not_judged() -> None:
    yardstick = YARDSTICK.copy()
    yardstick[:100] = np.nan
    yardstick[100:150] = 0.0
    assert explained(yardstick=yardstick).judged_rows == made().rows.size - 150
    with pytest.raises(TooFewRowsError, match="yardstick"):
        explained(yardstick=np.full(ROWS, np.nan))


def test_explain_models_of_other_rows_are_refused() -> None:
    turned = dataclasses.replace(made(), models=made().models[::-1])
    with pytest.raises(CorruptDataError, match="fold 0"):
        explain(
            planted(),
            turned,
            turned.models,
            family_of=FAMILY_OF,
            yardstick=YARDSTICK,
            block_bars=8,
            generator=np.random.default_rng(0),
        )


@pytest.mark.parametrize(
    ("models", "family_of", "said"), [(1, FAMILY_OF, "1 models for 3"), (3, {"decides": "flow"}, "4 columns")]
)
def test_explain_missing_model_or_family_is_refused(
    models: int, family_of: dict[str, str], said: str
) -> None:
    with pytest.raises(SchemaError, match=said):
        explain(
            planted(),
            made(),
            made().models[:models],
            family_of=family_of,
            yardstick=YARDSTICK,
            block_bars=8,
            generator=np.random.default_rng(0),
        )
