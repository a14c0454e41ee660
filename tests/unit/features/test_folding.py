"""Families folded together must give what each gives alone, whichever they are."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from tests.unit.features.markets import random_bars
from truebar.bars import grid_of
from truebar.features import FAMILIES, batch
from truebar.features.fields import fields_of
from truebar.features.folding import Folding

BARS = random_bars(21, 400, (150, 151, *range(200, 330)))
GRID = grid_of(BARS, "5m")
FIELDS_OF_BARS = fields_of(BARS, GRID)
OPEN_TIME = GRID.open_time


def alone(names: tuple[str, ...]) -> np.ndarray:
    return np.hstack([batch(BARS, name).iloc[:, 2:].to_numpy() for name in FAMILIES if name in names])


@pytest.mark.parametrize("names", [pair for size in (2, 3) for pair in combinations(FAMILIES, size)])
def test_families_folded_together_give_what_each_gives_alone(names):
    expected = alone(names)
    backwards = Folding([FAMILIES[name] for name in reversed(names)])
    assert backwards.columns == tuple(
        column for name in FAMILIES if name in names for column in FAMILIES[name].columns
    )
    np.testing.assert_array_equal(backwards.fold_bars(FIELDS_OF_BARS.copy(), OPEN_TIME).T, expected)
    bar_by_bar = Folding([FAMILIES[name] for name in names])
    for row, slot in enumerate(GRID.slot):
        bar_by_bar.bar[:] = FIELDS_OF_BARS[:, row : row + 1]
        found = bar_by_bar.fold_bar(int(slot), int(OPEN_TIME[row]))
        np.testing.assert_array_equal(found, expected[row])


def test_columns_of_a_bar_stay_as_they_were_when_the_next_bar_comes():
    folding = Folding([FAMILIES["price"]])
    rows = []
    for row, slot in enumerate(GRID.slot[:10]):
        folding.bar[:] = FIELDS_OF_BARS[:, row : row + 1]
        rows.append(folding.fold_bar(int(slot), int(OPEN_TIME[row])))
    np.testing.assert_array_equal(rows, alone(("price",))[:10])
