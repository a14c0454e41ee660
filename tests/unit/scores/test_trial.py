"""The score of a trial: R² of the implied edge, by hand, against a plain loop, and its properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truebar.edge import edge_scale, implied_edge
from truebar.errors import CorruptDataError, SchemaError, TooFewRowsError
from truebar.scores.trial import trial_score


def plain_score(future_return: list[float], edge: list[float], yardstick: list[float]) -> float:
    """METHOD §4, word for word."""
    missed = total = 0.0
    for came, said, scale in zip(future_return, edge, yardstick, strict=True):
        z = min(max(came / scale, -5), 5)
        z_hat = min(max(said / scale, -3), 3)
        missed += (z - z_hat) ** 2
        total += z**2
    return 1 - missed / total


def rows(seed: int, size: int = 200) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns with tails beyond the clips, edges that know a little of them, changing volatility."""
    rng = np.random.default_rng(seed)
    yardstick = 0.01 * np.exp(rng.normal(0, 0.5, size))
    future_return = yardstick * rng.standard_t(2, size)
    edge = 0.2 * future_return + 0.3 * yardstick * rng.standard_normal(size)
    return future_return, edge, yardstick


@given(seed=st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_trial_score_equals_the_plain_definition(seed: int) -> None:
    future_return, edge, yardstick = rows(seed)
    expected = plain_score(future_return.tolist(), edge.tolist(), yardstick.tolist())
    assert trial_score(future_return, edge, yardstick) == pytest.approx(expected, rel=1e-12)


def test_trial_score_by_hand_clips_return_at_five_and_edge_at_three() -> None:
    # z = 5 (of 8), -1; ẑ = 3 (of 4), 0: 1 - (4 + 1) / 26
    assert trial_score([0.08, -0.01], [0.04, 0.0], [0.01, 0.01]) == pytest.approx(1 - 5 / 26)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_trial_score_of_no_edge_is_exactly_zero(seed: int) -> None:
    future_return, _, yardstick = rows(seed)
    assert trial_score(future_return, np.zeros(future_return.size), yardstick) == 0


@given(seed=st.integers(0, 10_000), confidence=st.floats(0.01, 1.0))
@settings(max_examples=50, deadline=None)
def test_trial_score_of_an_edge_that_knows_nothing_is_negative(seed: int, confidence: float) -> None:
    # An edge at right angles to the returns: it explains nothing, so that all of it is overconfidence.
    rng = np.random.default_rng(seed)
    z, guess = np.clip(rng.standard_normal((2, 400)), -2, 2)
    guess = guess - z * (guess @ z) / (z @ z)
    assert trial_score(0.01 * z, 0.01 * confidence * guess, np.full(400, 0.01)) < 0


def test_trial_score_is_one_only_for_the_returns_themselves_within_the_clips() -> None:
    future_return, _, yardstick = rows(1)
    inside = np.abs(future_return / yardstick) <= 3
    calm = (future_return[inside], yardstick[inside])
    assert trial_score(calm[0], calm[0], calm[1]) == 1
    nudged = calm[0].copy()
    nudged[7] += 1e-6
    assert trial_score(calm[0], nudged, calm[1]) < 1
    assert trial_score(future_return, future_return, yardstick) < 1  # some returns lie beyond 3


@given(seed=st.integers(0, 10_000), row=st.integers(0, 199))
@settings(max_examples=50, deadline=None)
def test_trial_score_has_no_plateau_every_edge_within_the_clip_moves_it(seed: int, row: int) -> None:
    future_return, edge, yardstick = rows(seed)
    moved = edge.copy()
    moved[row] = 0.9 * np.clip(edge[row], -yardstick[row], yardstick[row]) + 0.05 * yardstick[row]
    assert trial_score(future_return, moved, yardstick) != trial_score(future_return, edge, yardstick)


@given(seed=st.integers(0, 10_000), unit=st.floats(1e-3, 1e3))
@settings(max_examples=30, deadline=None)
def test_trial_score_does_not_know_the_unit_of_returns(seed: int, unit: float) -> None:
    future_return, edge, yardstick = rows(seed)
    assert trial_score(unit * future_return, unit * edge, unit * yardstick) == pytest.approx(
        trial_score(future_return, edge, yardstick), rel=1e-9
    )


def test_trial_score_best_scale_of_an_edge_is_its_regression() -> None:
    rng = np.random.default_rng(3)
    signal, noise = rng.standard_normal((2, 20_000))
    z = np.clip(0.1 * signal + noise, -4.9, 4.9)
    scores = {scale: trial_score(z, scale * signal, np.ones(z.size)) for scale in (0.02, 0.05, 0.1, 0.2, 0.4)}
    assert max(scores, key=scores.__getitem__) == 0.1
    assert scores[0.1] == pytest.approx(0.01, abs=0.003)
    assert scores[0.4] < 0


def test_trial_score_of_probabilities_through_the_implied_edge() -> None:
    rng = np.random.default_rng(5)
    tau, signal = np.full(5_000, 0.01), rng.standard_normal(5_000)
    future_return = 0.01 * (0.5 * signal + rng.standard_normal(5_000))
    label = np.where(np.abs(future_return) > tau, np.sign(future_return), 0)
    odds = np.exp(np.column_stack((-0.5 * signal, np.full(5_000, 0.8), 0.5 * signal)))
    probabilities = odds / odds.sum(axis=1, keepdims=True)
    edge = implied_edge(probabilities, tau, edge_scale(future_return, tau, label))
    known, blind = (trial_score(future_return, sign * edge, tau) for sign in (1, -1))
    assert 0.1 < known < 0.25  # the best forecast, 0.5 · signal, explains 0.2
    assert blind < -0.3


@pytest.mark.parametrize(
    ("column", "bad"),
    [(0, math.nan), (0, math.inf), (1, math.nan), (1, -math.inf), (2, math.nan), (2, 0.0), (2, -0.01)],
)
def test_trial_score_row_that_cannot_be_scored_raises(column: int, bad: float) -> None:
    values = [[0.01, 0.02], [0.0, 0.01], [0.01, 0.01]]
    values[column][1] = bad
    with pytest.raises(CorruptDataError, match="1 of 2 rows, first in row 1"):
        trial_score(*values)


def test_trial_score_of_nothing_raises() -> None:
    with pytest.raises(TooFewRowsError):
        trial_score([], [], [])
    with pytest.raises(TooFewRowsError, match="none of 2 returns"):
        trial_score([0.0, 0.0], [0.1, 0.1], [0.01, 0.01])
    with pytest.raises(SchemaError):
        trial_score([0.1], [0.1, 0.2], [0.01, 0.01])
