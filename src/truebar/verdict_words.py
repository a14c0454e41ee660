"""A verdict in one sentence, for places that hold no page."""

from __future__ import annotations

from collections.abc import Sequence

from truebar.scores.metric import Metric
from truebar.verdict import EDGE, FUNDING, Verdict

NAMES = {
    "roc_auc": "direction AUC",
    "sharpe_p": "Sharpe ratio beyond luck",
    "n_trades": "round trips",
    "log_skill": "direction log skill",
}
"""Of the conditions; the others are called what they are."""


def described(verdict: Verdict) -> str:
    """Return what was found on the vault, which conditions failed, and what could have been seen at all.

    Conditions that were not computed are told apart from those that failed. Where funding was not counted,
    the costs are not called all of them.
    """
    metrics = verdict.metrics
    costs = "costs" if FUNDING in verdict.failed else "all costs"
    found = (
        f"direction AUC {_shown(metrics['roc_auc'])} (no skill 0.5), net Sharpe {_shown(metrics['sharpe'])} "
        f"over {_shown(metrics['n_trades'], 0)} round trips after {costs}"
    )
    if verdict.verdict == EDGE:
        return f"Edge: {found}; every condition holds."
    failed = _listed("Failed", [name for name in verdict.failed if name not in verdict.missing])
    missing = _listed("Not computed", verdict.missing)
    least = _shown(metrics["min_detectable_sharpe"], 1)
    return (
        f"No edge proven: {found}.{failed}{missing} This record could have shown a Sharpe ratio of {least} "
        "a year or more; absence of proof is not proof of absence."
    )


def _listed(title: str, names: Sequence[str]) -> str:
    """Return a sentence that lists conditions by what they are called; nothing where there are none."""
    if not names:
        return ""
    return f" {title}: {', '.join(NAMES.get(name, name.replace('_', ' ')) for name in names)}."


def _shown(metric: Metric, digits: int = 2) -> str:
    """Return the value with its interval; where there is none, why."""
    if metric.value is None:
        return f"undefined ({metric.reason})"
    text = f"{metric.value:.{digits}f}"
    if metric.low is None or metric.high is None:
        return text
    return f"{text} [{metric.low:.{digits}f}, {metric.high:.{digits}f}]"
