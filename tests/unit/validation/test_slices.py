"""Slices of history: only the earlier of two loses rows, and exactly those that clash."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.validation.histories import clash, labelled, random_history
from truebar.errors import ConfigurationError, TooFewRowsError
from truebar.validation import default_embargo_bars, dev_vault, timeline

TIMES = pd.date_range("2025-01-01", periods=20, freq="1h", tz="UTC")


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), rows=st.integers(12, 80))
def test_timeline_equals_the_definition(seed, rows):
    open_time, label_end = random_history(np.random.default_rng(seed), rows)
    known = labelled(label_end)
    cuts = [round(len(known) * share) for share in (0.6, 0.7, 0.8)]
    parts = [known[start:end] for start, end in zip([0, *cuts], [*cuts, None], strict=True)]
    expected = []
    for position, part in enumerate(parts):
        later = [row for other in parts[position + 1 :] for row in other]
        expected.append([row for row in part if not any(clash(open_time, label_end, row, o) for o in later)])
    if not all(expected):
        with pytest.raises(TooFewRowsError):
            timeline(open_time, label_end)
        return
    found = timeline(open_time, label_end)
    assert list(found) == ["fit", "calibrate", "decide", "vault"]
    assert [part.tolist() for part in found.values()] == expected


def test_dev_vault_by_hand():
    found = dev_vault(TIMES, TIMES + pd.Timedelta("3h"))
    assert found["dev"].tolist() == list(range(14))
    assert found["vault"].tolist() == [16, 17, 18, 19]


def test_dev_vault_is_the_timeline_with_its_first_three_slices_joined():
    ends = TIMES + pd.Timedelta("1h")
    slices = timeline(TIMES, ends)
    found = dev_vault(TIMES, ends)
    assert (
        np.concatenate([slices["fit"], slices["calibrate"], slices["decide"]]).tolist()
        == found["dev"].tolist()
    )
    assert slices["vault"].tolist() == found["vault"].tolist()


def test_dev_vault_label_that_ends_as_the_vault_opens_stays():
    ends = (TIMES + pd.Timedelta("1h")).to_series().reset_index(drop=True)
    ends[3] = TIMES[16]
    assert 3 in dev_vault(TIMES, ends)["dev"]
    ends[3] = TIMES[16] + pd.Timedelta("1ns")
    assert 3 not in dev_vault(TIMES, ends)["dev"]


@pytest.mark.parametrize("vault", [0.0, 1.0, -0.2, float("nan")])
def test_dev_vault_bad_share_raises(vault):
    with pytest.raises(ConfigurationError):
        dev_vault(TIMES, TIMES + pd.Timedelta("1h"), vault=vault)


def test_dev_vault_empty_side_is_named():
    with pytest.raises(TooFewRowsError, match="dev"):
        dev_vault(TIMES, TIMES + pd.Timedelta("20h"))
    with pytest.raises(TooFewRowsError, match="vault"):
        dev_vault(TIMES, TIMES + pd.Timedelta("1h"), vault=0.01)


@pytest.mark.parametrize("fractions", [(0.5, 0.5), (0.6, 0.1, 0.1, 0.3), (0.8, 0.0, 0.1, 0.1)])
def test_timeline_bad_fractions_raise(fractions):
    with pytest.raises(ConfigurationError):
        timeline(TIMES, TIMES + pd.Timedelta("1h"), fractions=fractions)


@pytest.mark.parametrize(
    ("horizon", "timeframe", "n_dev", "expected"),
    [
        (4, "15m", 1_000, 96),
        (200, "15m", 1_000, 200),
        (4, "15m", 28_001, 281),
        (2, "1d", 80, 2),
        (1, "1d", 0, 1),
    ],
)
def test_default_embargo_bars_takes_the_largest_of_three(horizon, timeframe, n_dev, expected):
    assert default_embargo_bars(horizon, timeframe, n_dev) == expected
