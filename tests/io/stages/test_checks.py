"""What a training may be built on: few bars missing, wherever they are, stop nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.io.stages.test_truth import NOW, PARTITION, QUICK, Workshop, walk
from truebar_io.stages.checks import matrix_judgement, refuse_unfit


@pytest.mark.parametrize("gone", [range(1_000, 1_010), range(400, 2_000, 160)], ids=["together", "apart"])
def test_market_with_ten_missing_bars_is_fit_to_train_on(tmp_path: Path, gone: range):
    made = Workshop(tmp_path / "home", QUICK)
    made.bring(walk(2_010).drop(index=gone))
    refuse_unfit(made.store, PARTITION, made.settings, NOW)
    found = matrix_judgement(made.store, PARTITION).evidence
    assert len(gone) == 10
    assert found["rows"] == 2_000
    assert found["least_finite_share"] < 0.95
    assert found["whole_rows"] > 700
