"""What a verdict rests on: any change of it is another digest, and what comes later changes nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from truebar.errors import TooFewRowsError
from truebar.evidence import TRADED_COLUMNS, Evidence, account_digest, gather, labels_within
from truebar.history import History
from truebar.validation import Vault

OPEN = pd.date_range("2025-01-01", periods=12, freq="1h", tz="UTC")
VAULT = Vault(OPEN[6], OPEN[10])
"""Bars 6 to 9; labels span two bars after the decision's, so rows 4 and 5 reach over its start."""
IN_VAULT = slice(6, 10)


def klines(rows: int = 12) -> pd.DataFrame:
    values = 100 + np.arange(float(rows))
    prices = {name: values + place for place, name in enumerate(TRADED_COLUMNS)}
    return pd.DataFrame({"open_time": OPEN[:rows], **prices})


def history(rows: int = 12) -> History:
    count = np.arange(float(rows))
    label_end = pd.Series(OPEN[:rows] + pd.Timedelta("3h"))
    label_end[rows - 2 :] = pd.NaT
    labels = pd.DataFrame(
        {
            "open_time": OPEN[:rows],
            "sigma": 0.01 + count / 1_000,
            "tau": 0.02,
            "future_return": np.where(count < rows - 2, 0.05, np.nan),
            "label": np.where(count < rows - 2, 1.0, np.nan),
            "label_end": label_end,
        }
    )
    matrix = pd.DataFrame({"open_time": OPEN[:rows], "available_at": OPEN[:rows], "a": count})
    return History.align(matrix, labels)


def gathered(changed: History | None = None, bars: pd.DataFrame | None = None) -> Evidence:
    found = klines() if bars is None else bars
    return gather(changed or history(), found.iloc[IN_VAULT], VAULT)


def with_label(row: int, column: str, value: object) -> History:
    changed = history().labels.copy()
    changed.loc[row, column] = value
    return replace(history(), labels=changed)


def with_feature(row: int) -> History:
    features = history().features.copy()
    features[row] += 1
    return replace(history(), features=features)


def test_gather_dev_and_vault_are_purged_by_the_labels_ends() -> None:
    found = gathered()
    assert found.dev.tolist() == [0, 1, 2, 3]
    assert found.vault.tolist() == [6, 7]
    assert found.purged_rows == 2


def test_gather_bars_appended_after_the_vault_change_nothing() -> None:
    early = history(11)
    assert gather(early, klines(11).iloc[IN_VAULT], VAULT).data_digest == gathered().data_digest
    assert gather(early, klines(11).iloc[IN_VAULT], VAULT).vault_digest == gathered().vault_digest


@pytest.mark.parametrize("column", TRADED_COLUMNS)
@pytest.mark.parametrize("row", [6, 9])
def test_gather_any_traded_number_of_the_vault_changes_both_digests(column: str, row: int) -> None:
    bars = klines()
    bars.loc[row, column] += 1
    assert gathered(bars=bars).vault_digest != gathered().vault_digest
    assert gathered(bars=bars).data_digest != gathered().data_digest


@pytest.mark.parametrize(
    "changed",
    [
        with_feature(6),
        with_feature(9),  # has no label within the vault and is traded all the same
        with_label(6, "sigma", 0.5),
        with_label(9, "sigma", 0.5),
        with_label(9, "tau", 0.5),
        with_label(7, "label", -1.0),
        with_label(7, "future_return", -0.05),
    ],
)
def test_gather_what_the_vault_is_judged_by_changes_both_digests(changed: History) -> None:
    assert gathered(changed).vault_digest != gathered().vault_digest
    assert gathered(changed).data_digest != gathered().data_digest


@pytest.mark.parametrize(
    "changed", [with_feature(0), with_label(3, "label", -1.0), with_label(3, "tau", 0.5)]
)
def test_gather_what_dev_learns_from_changes_the_data_digest_alone(changed: History) -> None:
    assert gathered(changed).vault_digest == gathered().vault_digest
    assert gathered(changed).data_digest != gathered().data_digest


@pytest.mark.parametrize("changed", [with_feature(5), with_feature(10), with_label(8, "label", -1.0)])
def test_gather_what_nobody_learns_from_or_trades_on_changes_nothing(changed: History) -> None:
    assert gathered(changed).data_digest == gathered().data_digest


def test_gather_without_dev_raises() -> None:
    with pytest.raises(TooFewRowsError, match="dev"):
        gather(history(), klines().iloc[:10], Vault(OPEN[0], OPEN[10]))


def test_account_digest_depends_on_the_times_of_the_bars() -> None:
    bars = klines().iloc[IN_VAULT]
    later = bars.assign(open_time=bars["open_time"] + pd.Timedelta("1h"))
    assert account_digest(bars, history(), VAULT) != account_digest(later, history(), VAULT)


def test_labels_within_a_label_that_ends_with_the_vault_is_known_and_a_later_one_is_not() -> None:
    expected = [1.0] * 8 + [np.nan] * 4
    np.testing.assert_array_equal(labels_within(history(), VAULT), expected)


def test_labels_within_a_row_without_an_end_has_no_label() -> None:
    known = replace(history(), labels=history().labels.assign(label=1.0))
    everything = Vault(OPEN[0], OPEN[-1] + pd.Timedelta("9h"))
    np.testing.assert_array_equal(labels_within(known, everything), [1.0] * 10 + [np.nan] * 2)
