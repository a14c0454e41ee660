"""A verdict in one sentence must hold the numbers, the conditions that failed, and what could be seen."""

from __future__ import annotations

from truebar.scores.metric import Metric
from truebar.verdict import EDGE, NO_EDGE, Verdict
from truebar.verdict_words import described

METRICS = {
    "roc_auc": Metric(0.512, no_skill=0.5, low=0.48, high=0.541, n=900),
    "sharpe": Metric(1.234, no_skill=0.0, low=-0.4, high=2.9, n=2_000),
    "n_trades": Metric(41.0, n=41),
    "min_detectable_sharpe": Metric(5.57, n=2_000),
}


def verdict(word: str, *failed: str, missing: tuple[str, ...] = (), **metrics: Metric) -> Verdict:
    return Verdict(
        verdict=word,
        failed=failed,
        missing=missing,
        metrics=METRICS | metrics,
        n_trials=20,
        vault_looks=1,
        bundle="b" * 64,
        data_digest="d" * 64,
    )


def test_described_without_an_edge_names_what_failed_and_what_could_have_been_seen() -> None:
    assert described(verdict(NO_EDGE, "roc_auc", "leakage")) == (
        "No edge proven: direction AUC 0.51 [0.48, 0.54] (no skill 0.5), net Sharpe 1.23 [-0.40, 2.90] over "
        "41 round trips after all costs. Failed: direction AUC, leakage. This record could have shown a "
        "Sharpe ratio of 5.6 a year or more; absence of proof is not proof of absence."
    )


def test_described_condition_that_was_not_computed_is_not_said_to_have_failed() -> None:
    words = described(verdict(NO_EDGE, "roc_auc", "leakage", "funding", missing=("leakage", "funding")))
    assert "41 round trips after costs. Failed: direction AUC. Not computed: leakage, funding. This" in words


def test_described_where_nothing_failed_but_something_was_not_computed_lists_that_alone() -> None:
    words = described(verdict(NO_EDGE, "leakage", missing=("leakage",)))
    assert "after all costs. Not computed: leakage. This record" in words
    assert "Failed" not in words


def test_described_funding_that_was_due_and_not_paid_has_failed() -> None:
    assert "after costs. Failed: funding. This record" in described(verdict(NO_EDGE, "funding"))


def test_described_edge_says_that_every_condition_holds() -> None:
    assert described(verdict(EDGE)).endswith("round trips after all costs; every condition holds.")


def test_described_undefined_number_says_why() -> None:
    nothing = Metric(None, n=2_000, reason="the account never moved")
    assert "net Sharpe undefined (the account never moved)" in described(verdict(NO_EDGE, sharpe=nothing))
