"""dbt's columns over other bars must be what a build publishes, and show what they know too early."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.io.test_transforms import PROJECT, SYN, change, copy_of, klines
from truebar.validation.causality import find_leaks
from truebar_io.home import Home
from truebar_io.transforms.publish import transform
from truebar_io.transforms.recompute import context_columns
from truebar_io.warehouse import Warehouse

BARS = klines("15min", 500)
CONTEXT = Path("models/features/context.sql")


def test_context_columns_are_what_a_build_publishes(tmp_path: Path) -> None:
    home = Home(tmp_path)
    store = Warehouse(home.path)
    store.write(SYN, "market.klines", BARS)
    transform(store, home, PROJECT, [SYN], run_id="run-1")
    published = store.read("*", "features.context", SYN)
    compute = context_columns(PROJECT)
    assert compute is not None
    made = compute(BARS)
    pd.testing.assert_frame_equal(made, published[list(made.columns)], check_dtype=False)
    assert {*made.columns, "open_time"} == set(published.columns)


def test_context_columns_know_no_later_bar_and_a_planted_leak_is_found(tmp_path: Path) -> None:
    compute = context_columns(PROJECT)
    assert compute is not None
    assert find_leaks(compute, BARS, generator=np.random.default_rng(1), known_rows=4, known_from=200) == []
    project = copy_of(tmp_path)
    change(project / CONTEXT, "volume / nullif(mean_volume_1d, 0)", "volume / avg(volume) over ()")
    ahead = context_columns(project)
    assert ahead is not None
    leaks = find_leaks(ahead, BARS, generator=np.random.default_rng(1), known_rows=4, known_from=200)
    assert {leak.column for leak in leaks} == {"volume_ratio_1d"}


@pytest.mark.parametrize("added", ["{% set day = 86400 %}\n", "-- {{ var('day', 86400) }}\n"])
def test_context_columns_of_sql_that_dbt_alone_can_read_are_none(tmp_path: Path, added: str) -> None:
    project = copy_of(tmp_path)
    path = project / CONTEXT
    path.write_text(added + path.read_text())
    assert context_columns(project) is None
