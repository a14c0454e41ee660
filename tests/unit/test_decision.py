"""The decision step, its fold, and the rules it keeps."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truebar.decision import FixedRule, StepRule, decide, next_position, target_positions
from truebar.edge import implied_edge
from truebar.errors import ConfigurationError, SchemaError

RULE = FixedRule(0.003, 0.003)
NAN = math.nan
EDGES = st.lists(
    st.one_of(st.floats(-0.01, 0.01), st.just(NAN), st.sampled_from([0.003, -0.003, 0.0])), max_size=40
)


def plain_fold(edges: list[float], sizes: list[float], mode: str, rule: FixedRule) -> list[float]:
    """The rule of METHOD §3, written out by cases."""
    position, out = 0.0, []
    for edge, size in zip(edges, sizes, strict=True):
        may = {"long": mode != "short_only", "short": mode != "long_only"}
        value = {"long": edge, "short": -edge}
        wants = [s for s in ("long", "short") if may[s] and value[s] > getattr(rule, s)]
        held = "long" if position > 0 else "short" if position < 0 else None
        if math.isnan(edge):
            position = 0.0
        elif held is None or (wants and wants[0] != held):
            sign = {"long": 1, "short": -1}
            position = sign[wants[0]] * size if wants and size > 0 else 0.0
        elif value[held] < rule.exit:
            position = 0.0
        out.append(position)
    return out


@pytest.mark.parametrize(
    ("side", "edge", "expected"),
    [
        (0, 0.0031, 1),
        (0, 0.003, 0),  # not above the threshold
        (0, -0.0031, -1),
        (1, 0.0001, 1),  # kept between exit and threshold
        (1, 0.0, 1),
        (1, -0.0001, 0),
        (1, -0.0031, -1),
        (-1, -0.0001, -1),
        (-1, 0.0001, 0),
        (-1, 0.0031, 1),
        (1, NAN, 0),
        (0, NAN, 0),
    ],
)
def test_decide_each_case_of_the_rule(side: int, edge: float, expected: int) -> None:
    assert decide(side, edge, -edge, StepRule(0.003, 0.003, 0.0, True, True)) == expected


def test_decide_flip_goes_before_a_negative_exit() -> None:
    assert decide(1, -0.004, 0.004, StepRule(0.003, 0.003, -0.01, True, True)) == -1


def test_target_positions_size_is_kept_until_the_position_ends() -> None:
    sizes = [0.5, 0.9, 0.9, 0.2, 0.7]
    edges = [0.004, 0.004, -0.001, 0.004, -0.004]
    assert target_positions(edges, RULE, size=sizes).tolist() == [0.5, 0.5, 0.0, 0.2, -0.7]


@pytest.mark.parametrize("size", [0.0, NAN])
def test_target_positions_without_a_size_is_not_entered(size: float) -> None:
    assert target_positions([0.004, 0.004], RULE, size=[size, 0.6]).tolist() == [0.0, 0.6]


def test_target_positions_funding_moves_both_sides() -> None:
    assert target_positions([0.0035], RULE, funding=0.001).tolist() == [0.0]
    assert target_positions([-0.0025], RULE, funding=0.001).tolist() == [-1.0]


@pytest.mark.parametrize(("mode", "expected"), [("long_only", [1, 0, 0]), ("short_only", [0, -1, 0])])
def test_target_positions_mode_holds_one_side_only(mode: str, expected: list[int]) -> None:
    assert target_positions([0.004, -0.004, 0.001], RULE, position_mode=mode).tolist() == expected


@given(edges=EDGES, seed=st.integers(0, 99), mode=st.sampled_from(["long_short", "long_only", "short_only"]))
@settings(max_examples=60, deadline=None)
def test_target_positions_row_by_row_equals_at_once_and_the_plain_rule(
    edges: list[float], seed: int, mode: str
) -> None:
    rng = np.random.default_rng(seed)
    sizes = rng.choice([0.0, 0.25, 1.0], len(edges)).tolist()
    rule = FixedRule(0.003, 0.002, float(rng.choice([0.0, -0.001, 0.001])))
    at_once = target_positions(edges, rule, size=sizes, position_mode=mode).tolist()
    position, one_by_one = 0.0, []
    for edge, size in zip(edges, sizes, strict=True):
        position = next_position(position, edge, rule, size=size, position_mode=mode)
        one_by_one.append(position)
    assert at_once == one_by_one == plain_fold(edges, sizes, mode, rule)


@given(edges=EDGES.filter(lambda e: len(e) > 2), cut=st.integers(1, 39))
@settings(max_examples=30, deadline=None)
def test_target_positions_resumed_from_its_position_goes_on_the_same(edges: list[float], cut: int) -> None:
    whole = target_positions(edges, RULE)
    at = min(cut, len(edges) - 1)
    rest = target_positions(edges[at:], RULE, position=float(whole[at - 1]))
    assert rest.tolist() == whole[at:].tolist()


@pytest.mark.parametrize("rule", [FixedRule(-0.1, 0.1), FixedRule(0.1, NAN), FixedRule(0.1, 0.1, math.inf)])
def test_target_positions_bad_thresholds_raise(rule: FixedRule) -> None:
    with pytest.raises(ConfigurationError, match="thresholds"):
        target_positions([0.1], rule)


def test_target_positions_bad_arguments_raise() -> None:
    with pytest.raises(ConfigurationError, match="position_mode"):
        target_positions([0.1], RULE, position_mode="both")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="size"):
        target_positions([0.1], RULE, size=1.5)
    with pytest.raises(SchemaError, match="size"):
        target_positions([0.1, 0.2], RULE, size=[1.0])
    with pytest.raises(ConfigurationError, match="position held"):
        next_position(2.0, 0.1, RULE)


MODES = st.sampled_from(["long_short", "long_only", "short_only"])
THETA = st.sampled_from([0.0, 0.001, 0.003, 0.005])


@given(edges=EDGES, seed=st.integers(0, 99), mode=MODES, long=THETA, short=THETA)
@settings(max_examples=60, deadline=None)
def test_target_positions_are_one_allowed_side_or_none(
    edges: list[float], seed: int, mode: str, long: float, short: float
) -> None:
    rng = np.random.default_rng(seed)
    sizes, funding = rng.uniform(0, 1, len(edges)), rng.normal(0, 0.001, len(edges))
    held = target_positions(edges, FixedRule(long, short), size=sizes, funding=funding, position_mode=mode)
    assert np.isfinite(held).all()
    assert (np.abs(held) <= 1).all()
    assert not (held[np.isnan(edges)]).any()
    if mode != "long_short":
        assert not (held < 0 if mode == "long_only" else held > 0).any()
    # A size is set at entry and kept: it changes only where the side does.
    kept = (np.sign(held[1:]) == np.sign(held[:-1])) & (held[1:] != 0)
    assert (held[1:][kept] == held[:-1][kept]).all()


@given(edges=EDGES, mode=MODES, low=THETA, more=st.sampled_from([0.0, 0.001, 0.004]))
@settings(max_examples=60, deadline=None)
def test_target_positions_larger_thresholds_enter_only_where_smaller_ones_hold_that_side(
    edges: list[float], mode: str, low: float, more: float
) -> None:
    # With exit 0 whoever crosses the larger threshold has crossed the smaller one, and nothing but the other
    # side's threshold, which is crossed less often, ends the position of one earlier than of the other.
    eager = target_positions(edges, FixedRule(low, low), position_mode=mode)
    careful = target_positions(edges, FixedRule(low + more, low + more), position_mode=mode)
    in_market = careful != 0
    assert (eager[in_market] == careful[in_market]).all()


@pytest.mark.parametrize("row", [[NAN, 0.5, 0.5], [math.inf, 0, 0], [0.9, 0.9, 0.9], [-0.1, 0.5, 0.6]])
def test_target_positions_invalid_probability_leaves_a_position_at_once(row: list[float]) -> None:
    edges = implied_edge([[0.1, 0.2, 0.7], row, [0.1, 0.2, 0.7]], [0.01] * 3, 2.0)
    assert target_positions(edges, RULE).tolist() == [1.0, 0.0, 1.0]
    assert next_position(1.0, float(edges[1]), RULE) == 0.0


@pytest.mark.parametrize("funding", [NAN, math.inf, -math.inf])
def test_target_positions_funding_that_is_no_number_is_flat(funding: float) -> None:
    assert target_positions([0.004, 0.004], RULE, funding=[0.0, funding]).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("edge", [math.inf, -math.inf])
def test_target_positions_infinite_edge_is_flat(edge: float) -> None:
    assert target_positions([0.004, edge, edge], RULE).tolist() == [1.0, 0.0, 0.0]


def test_target_positions_no_rows_is_empty() -> None:
    assert target_positions([], RULE).tolist() == []
