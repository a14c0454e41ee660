"""Formulas must give what numpy gives, wherever they are known, in a piece as slot by slot."""

from __future__ import annotations

import numpy as np
import pytest

from truebar.compiled import compiled_as_numpy
from truebar.features.formulas import Known, difference, formulas, ratio, root, total, window, work_out
from truebar.features.memory import AGE, PIECE_PARTS, SIZE
from truebar.features.slots import ONES

SLOTS = 50
A, B, C, D, COUNTS, TARGET, SECOND = range(ONES + 1, ONES + 8)


@compiled_as_numpy
def worked_out(table, numbers, work, piece) -> None:
    work_out(table, numbers, work, piece)


@pytest.fixture
def rows() -> np.ndarray:
    rng = np.random.default_rng(7)
    rows = rng.normal(size=(SECOND + 1, SLOTS))
    rows[ONES] = 1.0
    rows[C, ::7] = 0.0
    rows[A, ::11] = np.nan
    rows[COUNTS] = rng.integers(20, 25, SLOTS)
    return rows


def found(taken, rows, age=0):
    """Return the rows after the formulas; the same slot by slot."""
    made, work = formulas(taken), rows.copy()
    piece = np.zeros(PIECE_PARTS, dtype=np.int64)
    piece[SIZE], piece[AGE] = SLOTS, age
    worked_out(made.table, made.numbers, work, piece)
    for slot in range(SLOTS):
        alone = rows[:, slot : slot + 1].copy()
        piece[SIZE], piece[AGE] = 1, age + slot
        worked_out(made.table, made.numbers, alone, piece)
        np.testing.assert_array_equal(alone[:, 0], work[:, slot])
    return work


def test_totals_and_differences_are_those_of_their_rows(rows):
    work = found([total(TARGET, A, B, factor=3.0), difference(SECOND, A, B, over=D)], rows)
    np.testing.assert_allclose(work[TARGET], rows[A] + 3.0 * rows[B], rtol=1e-12)
    np.testing.assert_allclose(work[SECOND], rows[A] - rows[B] / rows[D], rtol=1e-12)


def test_root_takes_what_is_negative_for_nothing(rows):
    work = found([root(TARGET, A, over=COUNTS, factor=2.0)], rows)
    expected = np.sqrt(2.0 * np.maximum(rows[A], 0.0) / rows[COUNTS])
    known = ~np.isnan(rows[A])
    np.testing.assert_allclose(work[TARGET, known], expected[known], rtol=1e-12)


def test_ratio_is_known_only_over_what_is_above_zero(rows):
    work = found([ratio(TARGET, (A, B), (C, D), factor=100.0, plus=-1.0)], rows)
    below = rows[C] * rows[D]
    expected = 100.0 * rows[A] * rows[B] / np.where(below > 0.0, below, np.nan) - 1.0
    assert 0 < np.isnan(expected).sum() < SLOTS
    np.testing.assert_allclose(work[TARGET], expected, rtol=1e-12)


@pytest.mark.parametrize("age", [0, 4, 100])
def test_a_value_is_known_after_its_warmup_where_enough_bars_are_there(rows, age):
    known = window(COUNTS, 24, warmup=9)
    work = found([ratio(TARGET, B, known=known), root(SECOND, D, known=known)], rows, age)
    expected = (rows[COUNTS] >= 23) & (age + np.arange(SLOTS) >= 9)
    np.testing.assert_array_equal(~np.isnan(work[TARGET]), expected)
    np.testing.assert_array_equal(~np.isnan(work[SECOND]), expected)


def test_a_formula_reads_what_those_before_it_gave(rows):
    work = found([total(TARGET, B, D), ratio(TARGET, TARGET, factor=2.0)], rows)
    np.testing.assert_allclose(work[TARGET], 2.0 * (rows[B] + rows[D]), rtol=1e-12)


@pytest.mark.parametrize("bars", [1, 14, 19, 20, 39, 40, 96])
def test_a_window_may_miss_one_bar_in_twenty_and_no_more(bars):
    least = next(count for count in range(bars + 1) if (bars - count) * 20 <= bars)
    assert window(COUNTS, bars, warmup=3) == Known(COUNTS, least, 3)
