"""How each metric is called and written: its label, what it means, its unit, and the group it stands in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from truebar.reports.markup import DASH

NARROW: Final = "\N{NO-BREAK SPACE}"
"""Keeps a number and what follows on one line."""

Unit = Literal["number", "percent", "count", "probability"]
Group = Literal["direction", "money", "activity", "search", "other"]


@dataclass(frozen=True)
class Entry:
    """One metric for people."""

    label: str
    note: str = ""
    group: Group = "other"
    unit: Unit = "number"
    digits: int = 4

    def write(self, value: float | None) -> str:
        r"""Return the number in the metric's unit, with a true minus sign; a dash where there is none.

        >>> Entry("Return", unit="percent", digits=1).write(-0.0123)
        '−1.2\xa0%'
        """
        if value is None:
            return DASH
        if self.unit == "percent":
            return f"{signed(value * 100, self.digits)}{NARROW}%"
        if self.unit == "probability":
            return probability(value)
        return signed(value, 0 if self.unit == "count" else self.digits)


def signed(value: float, digits: int) -> str:
    """Return a number with grouped thousands and a true minus sign; what rounds to zero has no sign.

    >>> signed(-1234.5, 0), signed(-0.0001, 2)
    ('−1,234', '0.00')
    """
    text = f"{value:,.{digits}f}"
    negative = text.startswith("-") and any(digit in "123456789" for digit in text)
    return f"−{text.lstrip('-')}" if negative else text.lstrip("-")


def probability(value: float) -> str:
    """Return a probability to three decimals; none is called certain or impossible for being rounded.

    >>> probability(0.9997), probability(0.95), probability(0.0001)
    ('above 0.999', '0.950', 'below 0.001')
    """
    if value > 0.9995:
        return "above 0.999"
    return "below 0.001" if value < 0.0005 else signed(value, 3)


CATALOGUE: Final[dict[str, Entry]] = {
    "roc_auc": Entry("Direction AUC", "how well up bars rank above down bars", "direction"),
    "pr_auc": Entry("Direction PR-AUC", "average precision of calling up", "direction"),
    "f1": Entry("Direction F1", "no skill: always saying up", "direction"),
    "log_skill": Entry("Direction log skill", "log score above that of dev's share of ups", "direction"),
    "net_return": Entry("Net return", "after costs, over the vault", "money", "percent", 2),
    "sharpe": Entry("Sharpe ratio", "a year, after costs, flat bars included", "money", "number", 2),
    "deflated_sharpe": Entry(
        "Probability that the Sharpe ratio is not luck",
        "allows for every recipe that looked; mere luck: 0.5",
        "money",
        "probability",
    ),
    "min_detectable_sharpe": Entry(
        "Smallest Sharpe ratio this record could detect",
        "a year, 95 % confidence, 80 % power",
        "money",
        "number",
        2,
    ),
    "min_track_record_bars": Entry(
        "Record that would prove this Sharpe ratio",
        "bars in all, if it stayed as it is",
        "money",
        "count",
    ),
    "min_track_record_years": Entry(
        "The same in years", "at 95 % confidence, n bars are there", "money", "number", 2
    ),
    "sortino": Entry("Sortino ratio", "a year; only losses count as risk", "money", "number", 2),
    "calmar": Entry("Calmar ratio", "return a year over the deepest drawdown", "money", "number", 2),
    "max_drawdown": Entry("Deepest drawdown", "below an earlier high", "money", "percent", 2),
    "max_drawdown_bars": Entry("Longest drawdown", "bars below an earlier high", "money", "count"),
    "n_trades": Entry("Round trips", "completed", "money", "count"),
    "hit_rate": Entry("Winning round trips", "after costs", "money", "percent", 1),
    "profit_factor": Entry(
        "Profit factor", "gains of winning round trips over losses of the others", "money", "number", 2
    ),
    "cvar": Entry("Mean loss of the worst 5 % of bars", "expected shortfall", "money", "percent", 3),
    "exposure": Entry("Time in the market", "share of bars with a position", "money", "percent", 1),
    "turnover": Entry("Turnover", "traded notional over mean equity, a year", "money", "number", 1),
    "cost_share": Entry("Costs over gain before costs", "fees and slippage", "money", "percent", 1),
    "funding_share": Entry("Funding paid", "share of the starting capital", "money", "percent", 2),
    "brier": Entry("Brier score", "three classes; lower is better", "activity"),
    "log_loss": Entry("Log loss", "three classes; lower is better", "activity"),
    "ece": Entry("Calibration error", "expected, three classes; resamples add noise to it", "activity"),
    "flat_auc": Entry("AUC of the flat class", "moving bars against quiet ones", "activity"),
    "macro_auc": Entry("Macro AUC", "mean over three classes", "activity"),
    "dev_sharpe": Entry("Sharpe ratio of the best trial", "a year, out of fold", "search", "number", 2),
    "dev_luckiest_sharpe": Entry(
        "Sharpe ratio of the luckiest without skill",
        "best of these trials by chance, correlated as they are",
        "search",
        "number",
        2,
    ),
    "dev_deflated_sharpe": Entry(
        "Probability that the best beats that luck", "on dev; mere luck: 0.5", "search", "probability"
    ),
    "overfitting": Entry(
        "Probability of backtest overfitting",
        "best of one half is among the worse of the other",
        "search",
        "number",
        3,
    ),
    "overfitting_slope": Entry(
        "Slope of later on earlier Sharpe ratio", "of the best trial, over all halves", "search", "number", 3
    ),
}

EXPECTED: Final = (
    "roc_auc", "pr_auc", "f1", "log_skill", "brier", "log_loss", "ece", "net_return", "sharpe",
    "deflated_sharpe", "n_trades", "max_drawdown", "min_detectable_sharpe",
)  # fmt: skip
"""Every verdict has these; one that is absent gets a row that says so."""


def entry_of(name: str) -> Entry:
    """Return how to write a metric; one without an entry keeps its own name."""
    return CATALOGUE.get(name) or Entry(name.replace("_", " "))
