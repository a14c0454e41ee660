"""Tables of metrics: each value beside its no-skill value and its interval, and the few that stand on top."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from truebar.reports.catalogue import CATALOGUE, EXPECTED, NARROW, Group, entry_of
from truebar.reports.curve import Curve
from truebar.reports.judgement import Judgement
from truebar.reports.markup import Column, Content, Html, definition, element, join, muted, table, undefined
from truebar.scores.metric import Metric

_WIDTH = 120.0
_MARGIN = 6.0


def metrics_of_group(judgement: Judgement, group: Group) -> dict[str, Metric]:
    """Return the metrics of a group in the catalogue's order, expected ones even if they are not there."""
    there = {*EXPECTED, *judgement.metrics}
    every = dict.fromkeys((*(name for name in CATALOGUE if name in there), *judgement.metrics))
    return {name: judgement.metric(name) for name in every if entry_of(name).group == group}


def _interval(name: str, metric: Metric) -> Content:
    if metric.low is None or metric.high is None:
        return muted("–")
    write = entry_of(name).write
    return f"{write(metric.low)} to{NARROW}{write(metric.high)}"


def _whisker(metric: Metric) -> Content:
    """Return the interval as a small drawing: line from low to high, dot at the value, dashes at no skill."""
    points = [metric.low, metric.high, metric.value, metric.no_skill]
    there = [point for point in points if point is not None]
    if metric.low is None or metric.high is None or metric.value is None or min(there) == max(there):
        return ""
    scale = (_WIDTH - 2 * _MARGIN) / (max(there) - min(there))
    low, high, value = (
        f"{_MARGIN + scale * (point - min(there)):.1f}" for point in (metric.low, metric.high, metric.value)
    )
    shapes = [
        element("line", x1=low, x2=high, y1="8", y2="8", class_="span"),
        element("circle", cx=value, cy="8", r="3.5", class_="dot"),
    ]
    if metric.no_skill is not None:
        skill = f"{_MARGIN + scale * (metric.no_skill - min(there)):.1f}"
        shapes.insert(0, element("line", x1=skill, x2=skill, y1="0", y2="16", class_="skill"))
    label = "interval as a line, value as a dot, no skill as dashes"
    return element("svg", *shapes, viewBox="0 0 120 16", class_="whisker", role="img", aria_label=label)


def _value(name: str, metric: Metric) -> Content:
    return undefined(metric.reason) if metric.value is None else entry_of(name).write(metric.value)


def _row(name: str, metric: Metric, *, drawn: bool) -> list[Content]:
    entry = entry_of(name)
    cells: list[Content] = [
        definition(entry.label, entry.note),
        _value(name, metric),
        entry.write(metric.no_skill) if metric.no_skill is not None else muted("–"),
        _interval(name, metric),
        f"{metric.n:,}" if metric.n is not None else muted("–"),
    ]
    return [*cells, _whisker(metric)] if drawn else cells


def metrics_table(metrics: Mapping[str, Metric]) -> Html:
    """Return one row for each metric: value, no-skill value, interval and count."""
    drawn = any(metric.low is not None for metric in metrics.values())
    columns = [
        Column("Metric"),
        Column("Value", True),
        Column("No skill", True),
        Column("95 % interval", True),
        Column("n", True),
    ]
    if drawn:
        columns.append(Column("", True, "drawing"))
    return table(columns, (_row(name, metric, drawn=drawn) for name, metric in metrics.items()))


def _figure(judgement: Judgement, name: str, unit: str, *beside: Content) -> Html:
    """Return one number for the top of the page, its interval, and what it is compared with."""
    metric, entry = judgement.metric(name), entry_of(name)
    lines = [*_span(name, metric), *beside] if metric.value is not None else [metric.reason or ""]
    value = join([entry.write(metric.value), *(element("span", line) for line in lines)])
    return element("div", element("dt", f"{entry.label}{unit}"), element("dd", value))


def _span(name: str, metric: Metric) -> list[Content]:
    """Return the interval in words; nothing where there is none."""
    interval = _interval(name, metric)
    return [f"95 %: {interval}"] if isinstance(interval, str) else []


def key_figures(judgement: Judgement, curve: Curve | None) -> Html:
    """Return the four numbers that a reader looks for first, each with what it is compared with.

    Args:
        judgement: the verdict.
        curve: of the account; None: not computed yet, and nothing is said of buying and holding.
    """
    trips, percent = judgement.metric("n_trades"), entry_of("net_return").write
    rounds = "no round trip" if not trips.value else f"{entry_of('n_trades').write(trips.value)} round trips"
    held, fell = (None, None) if curve is None else (curve.hold_return, curve.hold_drawdown)
    flat = f"staying flat: 0{NARROW}%"
    return element(
        "dl",
        _figure(judgement, "roc_auc", "", "no skill: 0.5"),
        _figure(judgement, "sharpe", ", a year", "no skill: 0"),
        _figure(judgement, "net_return", "", flat, *_beside("buy and hold", held, percent)),
        _figure(judgement, "max_drawdown", "", rounds, *_beside("buy and hold", fell, percent)),
        class_="figures",
    )


def _beside(name: str, value: float | None, write: Callable[[float | None], str]) -> list[str]:
    return [] if value is None else [f"{name}: {write(value)}"]
