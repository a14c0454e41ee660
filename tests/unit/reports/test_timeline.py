from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from truebar.models.bundle import Slice
from truebar.reports import fold_spans, slice_span
from truebar.validation import PurgedKFold


def hours(count: int) -> pd.DatetimeIndex:
    return pd.date_range("2024-01-01", periods=count, freq="h", tz="UTC")


def test_fold_spans_by_hand_purge_before_and_embargo_after_each_fold() -> None:
    open_time = hours(30)
    label_end = pd.Series(open_time + pd.Timedelta(hours=3))
    spans = fold_spans(open_time, label_end, list(PurgedKFold(3, embargo_bars=2).split(open_time, label_end)))
    middle = [span for span in spans if span.step == "Fold 2"]

    assert [(span.step, span.use, span.rows) for span in spans] == [
        ("Fold 1", "left out", 10),
        ("Fold 1", "fitted", 16),
        ("Fold 2", "fitted", 8),
        ("Fold 2", "left out", 10),
        ("Fold 2", "fitted", 6),
        ("Fold 3", "fitted", 18),
        ("Fold 3", "left out", 10),
    ]
    assert middle[0].end == open_time[7] + pd.Timedelta(hours=3)
    assert middle[1].start == open_time[10]
    assert middle[2].start == open_time[24]


@pytest.mark.parametrize("seed", range(5))
def test_fold_spans_of_one_fold_never_overlap(seed: int) -> None:
    generator = np.random.default_rng(seed)
    open_time = hours(400)[np.sort(generator.choice(400, 300, replace=False))]
    label_end = pd.Series(open_time + pd.to_timedelta(generator.integers(1, 6, 300), unit="h"))
    folds = list(PurgedKFold(4, embargo_bars=10).split(open_time, label_end))
    spans = fold_spans(open_time, label_end, folds)

    for step in {span.step for span in spans}:
        own = [span for span in spans if span.step == step]
        assert all(first.end <= second.start for first, second in pairwise(own))
    assert sum(span.rows for span in spans if span.use == "left out") == 300


def test_fold_spans_show_a_fold_as_it_was_fitted_also_where_that_was_wrong() -> None:
    open_time = hours(12)
    label_end = pd.Series(open_time + pd.Timedelta(hours=3))
    spans = fold_spans(open_time, label_end, [(np.arange(0, 6), np.arange(6, 11))])
    assert [(span.use, span.rows) for span in spans] == [("fitted", 6), ("left out", 5)]
    assert spans[0].end > spans[1].start


def test_slice_span_is_the_slice_in_time() -> None:
    rows = Slice(start="2024-01-01T00:00:00+00:00", end="2024-02-01T00:00:00+00:00", rows=7)
    span = slice_span("Judged", "vault", rows)

    assert (span.start, span.rows) == (pd.Timestamp("2024-01-01", tz="UTC"), 7)
    assert span.end - span.start == pd.Timedelta(days=31)
