"""Print the tables and draw the pictures of size and power from `benchmarks/results/{size,power}.jsonl`.

    python benchmarks/draw.py [--results FOLDER] [--images FOLDER] [--config HASH]

Tables go to standard output as Markdown, pictures to `docs/images/size.png` and `docs/images/power.png`.
One configuration is shown: that of the last line of each file, or `--config`. Of two lines about the same
market at the same costs the later one counts. What was left out is said under the table.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import beta

ROOT: Final = Path(__file__).resolve().parents[1]
EDGE: Final = "edge"
COLOURS: Final = {"default": "#1f5fa8", "tenth": "#d1731f"}
COSTS: Final = {"default": "default costs", "tenth": "a tenth of them"}
ALLOWED: Final = {"default": 0.01, "tenth": 0.05}
"""Largest share of `edge` among markets without direction: 2 and 10 of 200."""

Line = dict[str, Any]


@dataclass(frozen=True)
class Results:
    """Lines of one configuration, and how many others the file holds."""

    config_hash: str
    lines: list[Line]
    repeated: int
    other: int

    def at(self, costs: str, **values: object) -> list[Line]:
        """Return the lines at these costs whose fields have these values."""
        return [
            line
            for line in self.lines
            if line["costs"] == costs and all(line[name] == value for name, value in values.items())
        ]

    @property
    def costs(self) -> list[str]:
        """Return the costs that there are lines for, in the order of `COSTS`."""
        return [name for name in COSTS if self.at(name)]

    @property
    def conditions(self) -> list[str]:
        """Return the names of all conditions, in the order of their first line."""
        return list(dict.fromkeys(name for line in self.lines for name in line["conditions"]))

    @property
    def note(self) -> str:
        """Return what was read and what was left out."""
        left = f"; left out: {self.repeated} repeated, {self.other} of other configurations"
        return f"{len(self.lines)} results of configuration `{self.config_hash}`" + (
            left if self.repeated or self.other else ""
        )


def read(path: Path, key: Sequence[str], config_hash: str | None) -> Results:
    """Return the lines of a file for one configuration; `key` names the fields that tell two lines apart."""
    every: list[Line] = [json.loads(text) for text in path.read_text().splitlines() if text.strip()]
    if not every:
        raise SystemExit(f"{path} holds no result; run the benchmark that writes it first.")
    wanted = config_hash or every[-1]["config_hash"]
    mine = [line for line in every if line["config_hash"] == wanted]
    if not mine:
        raise SystemExit(f"{path} holds no result of configuration {wanted}.")
    latest = {tuple(line[name] for name in key): line for line in mine}
    return Results(wanted, list(latest.values()), len(mine) - len(latest), len(every) - len(mine))


def clopper_pearson(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval of a share (Clopper & Pearson 1934): it covers at least as often as it says."""
    tail = (1 - confidence) / 2
    low = float(beta.ppf(tail, successes, n - successes + 1)) if successes else 0.0
    high = float(beta.ppf(1 - tail, successes + 1, n - successes)) if successes < n else 1.0
    return low, high


def _count(lines: Iterable[Line], rule: Callable[[Line], bool]) -> tuple[int, int]:
    flags = [rule(line) for line in lines]
    return sum(flags), len(flags)


def is_edge(line: Line) -> bool:
    """Return whether the verdict is `edge`."""
    return bool(line["verdict"] == EDGE)


def holds(condition: str) -> Callable[[Line], bool]:
    """Return a rule: whether this condition holds by itself."""
    return lambda line: bool(line["conditions"].get(condition))


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _cell(successes: int, n: int) -> str:
    """Return count, share and interval as the text of one cell."""
    if not n:
        return "–"
    low, high = clopper_pearson(successes, n)
    return f"{successes}/{n} = {_percent(successes / n)} % ({_percent(low)}–{_percent(high)})"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def size_table(results: Results) -> str:
    """Return the share of `edge`, and of each single condition, on markets without direction."""
    columns = {costs: results.at(costs) for costs in results.costs}

    def row(name: str, rule: Callable[[Line], bool]) -> list[str]:
        return [name, *(_cell(*_count(lines, rule)) for lines in columns.values())]

    rows = [row("**`edge`**", is_edge)]
    rows += [
        [
            f"`edge`, drift {drift:+.0%} a year" if drift else "`edge`, without drift",
            *(
                _cell(*_count((line for line in lines if line["drift"] == drift), is_edge))
                for lines in columns.values()
            ),
        ]
        for drift in sorted({line["drift"] for line in results.lines})
    ]
    rows += [row(f"`{name}` alone", holds(name)) for name in results.conditions]
    head = ["SYN-NULL, share (95 % Clopper–Pearson)", *(COSTS[costs] for costs in columns)]
    return _table(head, rows)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _known(lines: Iterable[Line], name: str) -> list[float]:
    return [line[name] for line in lines if line.get(name) is not None]


def _number(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def strengths(results: Results) -> list[float]:
    """Return every A, ascending."""
    return sorted({line["A"] for line in results.lines})


def power_table(results: Results) -> str:
    """Return the share of `edge` and the mean found share by A and costs."""
    rows = []
    for strength in strengths(results):
        row = [f"{strength:.2f}"]
        all_lines = [line for line in results.lines if line["A"] == strength]
        row.append(_number(_mean(_known(all_lines, "oracle_auc")), 3))
        for costs in results.costs:
            lines = results.at(costs, A=strength)
            found = _known(lines, "found_share")
            row.append(_cell(*_count(lines, is_edge)))
            row.append(f"{_number(_mean(found))} (min {_number(min(found, default=None))})" if found else "–")
        rows.append(row)
    head = ["A", "oracle's AUC"]
    for costs in results.costs:
        head += [f"`edge`, {COSTS[costs]} (95 % Clopper–Pearson)", "found share"]
    return _table(head, rows)


def _finish(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(path, dpi=130, metadata={"Software": None})


def _bare(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)


def _errors(counts: Sequence[tuple[int, int]]) -> tuple[list[float], list[list[float]]]:
    """Return shares and the distances to the ends of their intervals, in percent."""
    shares = [100 * successes / n for successes, n in counts]
    ends = [clopper_pearson(successes, n) for successes, n in counts]
    below = [share - 100 * low for share, (low, _) in zip(shares, ends, strict=True)]
    above = [100 * high - share for share, (_, high) in zip(shares, ends, strict=True)]
    return shares, [[max(value, 0.0) for value in side] for side in (below, above)]


def draw_size(results: Results, path: Path) -> None:
    """Draw how often each condition, and all of them, hold on markets without direction."""
    names = [EDGE, *results.conditions]
    rules = [is_edge, *(holds(name) for name in results.conditions)]
    figure = Figure(figsize=(8.2, 0.55 * len(names) + 1.9))
    axes = figure.subplots()
    for place, costs in enumerate(results.costs):
        lines = results.at(costs)
        shares, errors = _errors([_count(lines, rule) for rule in rules])
        height = [row + (place - (len(results.costs) - 1) / 2) * 0.34 for row in range(len(names))]
        axes.barh(
            height,
            shares,
            0.3,
            xerr=errors,
            color=COLOURS[costs],
            error_kw={"lw": 1, "capsize": 2.5, "ecolor": "#444444"},
            label=f"{COSTS[costs]}, {len(lines)} markets",
        )
        axes.plot(
            [100 * ALLOWED[costs]] * 2, [-0.45, 0.45], color=COLOURS[costs], linestyle=":", linewidth=1.6
        )
    axes.set_yticks(range(len(names)), ["edge (all together)", *results.conditions])
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("markets on which it holds, % (95 % Clopper–Pearson); dotted: most allowed")
    axes.set_title("Size: SYN-NULL, no direction planted", loc="left", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.legend(frameon=False, loc="upper right", fontsize=9)
    _finish(figure, path)


def draw_power(results: Results, path: Path) -> None:
    """Draw the share of `edge` and the share of the oracle's excess found, by planted strength."""
    figure = Figure(figsize=(10, 3.9))
    left, right = figure.subplots(1, 2, sharex=True)
    for place, costs in enumerate(results.costs):
        planted = [strength for strength in strengths(results) if results.at(costs, A=strength)]
        counts = [_count(results.at(costs, A=strength), is_edge) for strength in planted]
        shares, errors = _errors(counts)
        aside = [strength + (place - 0.5) * 0.002 for strength in planted]
        style = {"color": COLOURS[costs], "capsize": 2.5, "marker": "o", "markersize": 4, "linewidth": 1.4}
        left.errorbar(aside, shares, yerr=errors, label=COSTS[costs], **style)
        found = [
            (x, _known(results.at(costs, A=A), "found_share")) for x, A in zip(aside, planted, strict=True)
        ]
        found = [(x, values) for x, values in found if values]
        means = [_mean(values) or 0.0 for _, values in found]
        spread = [
            [mean - min(values) for mean, (_, values) in zip(means, found, strict=True)],
            [max(values) - mean for mean, (_, values) in zip(means, found, strict=True)],
        ]
        right.errorbar([x for x, _ in found], means, yerr=spread, label=COSTS[costs], **style)
    left.set_ylim(-3, 103)
    left.set_ylabel("verdict edge, % of markets")
    left.set_title("Power (bars: 95 % Clopper–Pearson)", loc="left", fontsize=11)
    right.axhline(0.8, color="#777777", linestyle=":", linewidth=1.2)
    low, high = right.get_ylim()
    right.set_ylim(max(min(low, 0.0), -1.0), min(max(high, 1.1), 2.0))
    right.set_ylabel("found share of the oracle's AUC excess")
    right.set_title("Found share (mean; bars: lowest and highest seed)", loc="left", fontsize=11)
    for axes in (left, right):
        _bare(axes)
        axes.set_xlabel("planted strength A")
        axes.legend(frameon=False, loc="lower right", fontsize=9)
    _finish(figure, path)


PARTS: Final = {
    "size": (("seed", "drift", "costs"), size_table, draw_size),
    "power": (("seed", "A", "costs"), power_table, draw_power),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print and draw what there is; 1 when there is nothing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--images", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--config", help="hash of the configuration to show; else that of the last line")
    chosen = parser.parse_args(arguments)
    shown = 0
    for name, (key, table, draw) in PARTS.items():
        source = chosen.results / f"{name}.jsonl"
        if not source.is_file():
            sys.stderr.write(f"{source} is not there; run benchmarks/{name}.py first.\n")
            continue
        results = read(source, key, chosen.config)
        sys.stdout.write(f"{table(results)}\n\n{results.note}.\n\n")
        draw(results, chosen.images / f"{name}.png")
        shown += 1
    return 0 if shown else 1


if __name__ == "__main__":
    sys.exit(main())
