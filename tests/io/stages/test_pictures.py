"""Pictures of what was published must be whole, also where there is next to nothing to show."""

from __future__ import annotations

from typing import ClassVar
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from truebar.partitions import Partition
from truebar.thresholds.values import CurvePoint
from truebar_io.home import Home
from truebar_io.stages.pictures import (
    curve_picture,
    kept,
    labels_picture,
    reliability_picture,
    trials_picture,
)
from truebar_io.studies import TrialRecord
from truebar_io.warehouse import Warehouse

PARTITION = Partition("BTCUSDT", "1h")
SVG = "{http://www.w3.org/2000/svg}"


def lines(svg: str) -> int:
    return len(list(ElementTree.fromstring(svg).iter(f"{SVG}polyline")))


def record(number: int, state: str, score: float | None) -> TrialRecord:
    return TrialRecord("study", number, state, score, {}, {})


def test_trials_picture_shows_finished_trials_and_the_best_so_far():
    records = [record(0, "complete", 0.1), record(1, "pruned", 0.9), record(2, "complete", -0.2)]
    picture = trials_picture(records, PARTITION)
    assert picture.svg.count("<circle") == 2 + 2
    assert ">0.9<" not in picture.svg
    assert trials_picture([], PARTITION).svg.count("<circle") == 0


def test_reliability_picture_of_calibrated_rows_lies_at_zero():
    rng = np.random.default_rng(0)
    up = rng.uniform(0.1, 0.5, 4_000)
    labels = np.where(rng.uniform(size=4_000) < up, 1.0, 0.0)
    said = np.column_stack([np.full(4_000, 0.1), 0.9 - up, up])
    picture = reliability_picture(said, said, labels, PARTITION)
    assert lines(picture.svg) == 2
    assert "before" in picture.svg
    assert "after" in picture.svg


def test_curve_picture_draws_both_sides_and_leaves_undefined_pairs_out():
    points = [
        CurvePoint(long=a, short=b, score=None if a == b else 1e-5, n_trades=40)
        for a in (0.003, 0.006)
        for b in (0.003, 0.006)
    ]
    assert lines(curve_picture(points, 0.003, PARTITION).svg) == 2
    nothing = [point.model_copy(update={"score": None}) for point in points]
    assert lines(curve_picture(nothing, 0.003, PARTITION).svg) == 0


@pytest.mark.parametrize("bars", [1, 40, 3_000])
def test_labels_picture_shares_of_any_length_sum_to_one(tmp_path, bars):
    store = Warehouse(Home(tmp_path))
    times = pd.date_range("2024-01-01", periods=bars, freq="1h", tz="UTC")
    frame = pd.DataFrame(
        {
            "open_time": times,
            "horizon_bars": 4,
            "estimator": "realized",
            "k": 1.0,
            "sigma": 0.01,
            "tau": 0.02,
            "future_return": 0.0,
            "label": np.resize([-1, 0, 1], bars),
            "label_end": times + pd.Timedelta("5h"),
        }
    )
    store.write(PARTITION, "labels.vol_scaled", frame, mode="replace")
    assert lines(labels_picture(store, PARTITION).svg) == 3


def test_kept_pictures_are_logged_under_their_names():
    class Run:
        is_synthetic = False
        logged: ClassVar[dict[str, str]] = {}

        def log_text(self, text: str, path: str) -> None:
            self.logged[path] = text

    picture = trials_picture([], PARTITION)
    assert kept(Run(), {"trials": picture}) == {"trials": picture}
    assert Run.logged == {"figures/trials.svg": picture.svg}
    Run.is_synthetic = True
    assert kept(Run(), {"trials": picture}) == {"trials": picture}
    assert Run.logged == {"figures/trials.svg": picture.marked("SYNTHETIC").svg}
