"""Pictures must be whole XML, show every value where it belongs, and be the same each time."""

from __future__ import annotations

import base64
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from truebar.errors import SchemaError
from truebar.figures import Picture, bar_chart, line_chart
from truebar.figures.lines import HEIGHT, LEFT, MOST_POINTS, RIGHT, WIDTH
from truebar.figures.scale import Scale

SVG = "{http://www.w3.org/2000/svg}"


def parsed(picture: Picture) -> ElementTree.Element:
    return ElementTree.fromstring(picture.svg)


def points(picture: Picture) -> list[list[tuple[float, float]]]:
    lines = parsed(picture).iter(f"{SVG}polyline")
    return [[tuple(map(float, one.split(","))) for one in line.get("points", "").split()] for line in lines]


def test_line_chart_places_points_from_low_left_to_high_right() -> None:
    (line,) = points(line_chart("a line", [0, 1, 2], {"y": [0.0, 1.0, 2.0]}))
    (x, y) = zip(*line, strict=True)
    assert (x[0], x[-1]) == (LEFT, WIDTH - RIGHT)
    assert y[0] > y[1] > y[2] > 0
    assert y[0] < HEIGHT
    assert y[1] == pytest.approx((y[0] + y[2]) / 2, abs=0.2)


def test_line_chart_missing_values_leave_a_gap() -> None:
    lines = points(line_chart("gap", [0, 1, 2, 3], {"y": [0.0, 1.0, np.nan, 2.0]}))
    assert [len(line) for line in lines] == [2, 1]


def test_line_chart_over_time_names_first_and_last_day_and_thins_long_lines() -> None:
    times = pd.date_range("2025-01-01", periods=5_000, freq="1h", tz="UTC")
    picture = line_chart("price", times, {"close": np.arange(5_000.0), "other": np.ones(5_000)}, level=100)
    assert all(len(line) <= MOST_POINTS + 1 for line in points(picture))
    assert points(picture)[0][-1][0] == WIDTH - RIGHT
    assert "2025-01-01" in picture.svg
    assert "2025-07-28" in picture.svg
    assert "stroke-dasharray" in picture.svg
    assert len(picture.svg) < 20_000


def test_line_chart_of_dots_draws_each_known_point() -> None:
    picture = line_chart("trials", [0, 1, 2], {"score": [0.1, np.nan, 0.3]}, dots=True)
    assert len(list(parsed(picture).iter(f"{SVG}circle"))) == 2


def test_line_chart_over_whole_numbers_marks_no_fraction() -> None:
    marks = [one.text for one in parsed(line_chart("trials", [1, 2], {"y": [0.0, 8.0]})).iter(f"{SVG}text")]
    assert "1" in marks
    assert "1.5" not in marks


@pytest.mark.parametrize("values", [[], [np.nan, np.nan], [5.0, 5.0], [0.0, 0.0]])
def test_line_chart_without_a_range_is_still_a_picture(values: list[float]) -> None:
    parsed(line_chart("flat", np.arange(len(values)), {"y": values}, level=None))


def test_bar_chart_bars_are_as_long_as_their_values_and_start_at_zero() -> None:
    picture = bar_chart("drops", ["a", "b & c", "d"], [2.0, 1.0, np.nan], [0.5, np.nan, 0.1])
    bars = [element for element in parsed(picture).iter(f"{SVG}rect") if element.get("x")]
    widths = [float(bar.get("width", "0")) for bar in bars]
    assert len(bars) == 2
    assert widths[0] == pytest.approx(2 * widths[1], abs=0.2)
    assert len({bar.get("x") for bar in bars}) == 1
    assert "b &amp; c" in picture.svg


def test_bar_chart_below_zero_ends_at_zero() -> None:
    picture = bar_chart("drops", ["up", "down"], [1.0, -1.0])
    first, second = (element for element in parsed(picture).iter(f"{SVG}rect") if element.get("x"))
    assert float(second.get("x", "0")) + float(second.get("width", "0")) == pytest.approx(
        float(first.get("x", "0")), abs=0.2
    )
    assert first.get("fill") != second.get("fill")


def test_charts_of_other_lengths_are_refused() -> None:
    with pytest.raises(SchemaError, match="3 points"):
        line_chart("bad", [0, 1, 2], {"y": [0.0]})
    with pytest.raises(SchemaError, match="2 names"):
        bar_chart("bad", ["a", "b"], [1.0])


def test_picture_markdown_holds_the_whole_picture_and_is_the_same_each_time() -> None:
    first, second = (bar_chart("[a]", ["x"], [1.0]) for _ in range(2))
    assert first == second
    assert first.markdown.startswith("![(a)](data:image/svg+xml;base64,")
    encoded = first.markdown.split("base64,")[1].rstrip(")")
    assert base64.b64decode(encoded).decode() == first.svg


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-3e-5, 2e-5), (99.0, 101.0), (-1e6, 5e6)])
def test_scale_ticks_are_few_even_and_within(low: float, high: float) -> None:
    ticks = Scale(low, high, 0, 100).ticks()
    assert 3 <= len(ticks) <= 7
    assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in ticks)
    assert np.allclose(np.diff(ticks), np.diff(ticks)[0])
