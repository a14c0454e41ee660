"""The conditions of a verdict, one row each: what was measured, what is required, and whether it holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from truebar.errors import SchemaError
from truebar.reports.catalogue import entry_of
from truebar.reports.judgement import Judgement
from truebar.reports.markup import Column, Content, Html, definition, element, table, undefined
from truebar.scores.metric import Metric
from truebar.validation.significance import LEAST_ROUND_TRIPS
from truebar.verdict import FUNDING, LEAKAGE, LEAST_SHARPE_PROBABILITY, NO_SKILL_AUC

State = Literal["held", "failed", "open"]

CHECKS: Final = {
    "features": "features",
    "labels": "labels",
    "folds": "folds",
    "dev_vault": "vault apart from dev",
}
"""What the leakage checks look at."""

OTHERS: Final = {FUNDING: ("Funding", "a perpetual pays or receives it every few hours")}
"""Title and note of conditions that only some markets have."""

WORDS: Final[dict[State, str]] = {"held": "yes", "failed": "no", "open": "not computed"}


@dataclass(frozen=True)
class Condition:
    """One condition; `names` are those under which a verdict lists it."""

    letter: str
    title: str
    note: str
    names: tuple[str, ...]
    measured: Content
    required: str
    state: State


def _state(judgement: Judgement, names: tuple[str, ...], *, meets: bool | None) -> State:
    """Return the state; the verdict's lists win, and a number that falls short is never shown as held."""
    if any(name in judgement.missing for name in names):
        return "open"
    if any(name in judgement.failed for name in names) or meets is False:
        return "failed"
    return "open" if meets is None else "held"


def _measured(metric: Metric, value: float | None, name: str) -> Content:
    """Return the number that the condition looks at, or the dash with the reason."""
    return undefined(metric.reason or "no interval") if value is None else entry_of(name).write(value)


def _direction(judgement: Judgement) -> list[Condition]:
    auc, skill = judgement.metric("roc_auc"), judgement.metric("log_skill")
    low_meets = None if auc.low is None else auc.low > NO_SKILL_AUC
    skill_meets = None if skill.value is None else skill.value > 0
    return [
        Condition(
            "a",
            "Direction AUC",
            "lower end of its 95 % interval",
            ("roc_auc",),
            _measured(auc, auc.low, "roc_auc"),
            f"above {NO_SKILL_AUC}",
            _state(judgement, ("roc_auc",), meets=low_meets),
        ),
        Condition(
            "c",
            "Direction log skill",
            "against the share of ups in dev",
            ("log_skill",),
            _measured(skill, skill.value, "log_skill"),
            "above 0",
            _state(judgement, ("log_skill",), meets=skill_meets),
        ),
    ]


def _money(judgement: Judgement) -> list[Condition]:
    luck, trades = judgement.metric("deflated_sharpe"), judgement.metric("n_trades")
    luck_names, trade_names = ("sharpe_p",), ("n_trades",)
    luck_meets = None if luck.value is None else luck.value >= LEAST_SHARPE_PROBABILITY
    trades_meet = None if trades.value is None else trades.value >= LEAST_ROUND_TRIPS
    return [
        Condition(
            "b",
            "Sharpe ratio after costs",
            "probability that it is not luck",
            luck_names,
            _measured(luck, luck.value, "deflated_sharpe"),
            f"at least {LEAST_SHARPE_PROBABILITY}",
            _state(judgement, luck_names, meets=luck_meets),
        ),
        Condition(
            "b",
            "Round trips",
            "completed on the vault",
            trade_names,
            _measured(trades, trades.value, "n_trades"),
            f"at least {LEAST_ROUND_TRIPS}",
            _state(judgement, trade_names, meets=trades_meet),
        ),
    ]


def _leakage(judgement: Judgement) -> Condition:
    """Return condition (d); no metric shows it, so the verdict's lists alone decide."""
    state = _state(judgement, (LEAKAGE,), meets=True)
    words: dict[bool | None, str] = {True: "passed", False: "failed", None: "not computed"}
    checks = {
        name: judgement.leakage[name] for name in (*CHECKS, *judgement.leakage) if name in judgement.leakage
    }
    listed = "; ".join(
        f"{CHECKS.get(name, name.replace('_', ' '))}: {words[passed]}" for name, passed in checks.items()
    )
    measured: dict[State, Content] = {
        "held": "every check passed",
        "failed": "a check failed",
        "open": undefined("not computed yet"),
    }
    note = listed or "features, labels, folds and vault know nothing of the future"
    return Condition("d", "Leakage checks", note, (LEAKAGE,), measured[state], "every check passed", state)


def _other(name: str, state: State) -> Condition:
    """Return a condition that only this market has, or that the page does not know."""
    title, note = OTHERS.get(name, (entry_of(name).label, ""))
    measured: Content = undefined("not counted yet") if name in OTHERS and state == "open" else ""
    return Condition("", title, note, (name,), measured, "counted" if name in OTHERS else "", state)


def conditions_of(judgement: Judgement) -> list[Condition]:
    """Return the conditions (a) to (d), then any other that the verdict names.

    Raises:
        SchemaError: when the verdict is `edge` although its own numbers do not meet a condition.
    """
    auc, skill = _direction(judgement)
    known = [auc, *_money(judgement), skill, _leakage(judgement)]
    covered = {name for condition in known for name in condition.names}
    others = [
        _other(name, "open" if name in judgement.missing else "failed")
        for name in (*judgement.failed, *judgement.missing)
        if name not in covered
    ]
    unmet = [condition.title for condition in known if condition.state != "held"]
    if judgement.verdict == "edge" and unmet:
        raise SchemaError(f"the verdict is 'edge', yet its numbers do not meet: {'; '.join(unmet)}.")
    return known + others


def _held(state: State) -> Html:
    return element("span", WORDS[state], class_=state)


def conditions_table(conditions: list[Condition]) -> Html:
    """Return the table of conditions."""
    columns = [
        Column(""),
        Column("Condition"),
        Column("Measured", True),
        Column("Required", True),
        Column("Held?"),
    ]
    rows: list[list[Content]] = [
        [
            f"({condition.letter})" if condition.letter else "",
            definition(condition.title, condition.note),
            condition.measured,
            condition.required,
            _held(condition.state),
        ]
        for condition in conditions
    ]
    return table(columns, rows)
