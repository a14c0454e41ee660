"""The index over all reports: what it lists when pages, verdicts and writers get out of step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from truebar.fingerprint import fingerprint
from truebar.partitions import Partition
from truebar_io.bundles import BundleStore, Reported
from truebar_io.configuration import load_configuration
from truebar_io.home import Home
from truebar_io.reports import index_path, report_path, write_page
from truebar_io.stages.reporting import publish_index

FIRST, SECOND = Partition("BTC-USD", "1h"), Partition("BTC-USD", "4h")
KIND = "xgboost"
SETTINGS = load_configuration(environment={})


class Listed:
    """A warehouse of which only the partitions are asked for."""

    def partitions(self) -> list[Partition]:
        return [FIRST, SECOND]


def verdict_of(partition: Partition, **changes: Any) -> dict[str, Any]:
    verdict = {
        "symbol": partition.symbol,
        "timeframe": partition.timeframe,
        "kind": KIND,
        "verdict": "no edge proven",
        "failed": ["roc_auc"],
        "missing": [],
        "metrics": {},
        "n_trials": 1,
        "vault_looks": 1,
        "bundle": "b" * 64,
        "data_digest": "d" * 64,
    }
    return verdict | changes


def judged(home: Home, partition: Partition, verdict: dict[str, Any], *, reported: bool) -> None:
    bundles = BundleStore(home)
    bundles.save_verdict(partition, KIND, verdict)
    write_page(report_path(home, partition, KIND), "<p>a page</p>")
    if reported:
        bundles.save_reported(partition, KIND, Reported(verdict=fingerprint(verdict)))


def listed(home: Home, written: Partition) -> set[str]:
    publish_index(home, Listed(), SETTINGS, written=(written, KIND))
    text = index_path(home).read_text()
    return {each.key for each in (FIRST, SECOND) if report_path(home, each, KIND).name in text}


def test_index_lists_what_is_reported_and_the_page_just_written(tmp_path: Path) -> None:
    home = Home(tmp_path)
    judged(home, FIRST, verdict_of(FIRST), reported=True)
    judged(home, SECOND, verdict_of(SECOND), reported=False)
    assert listed(home, SECOND) == {FIRST.key, SECOND.key}


def test_index_leaves_out_a_page_of_an_older_verdict(tmp_path: Path) -> None:
    home = Home(tmp_path)
    judged(home, FIRST, verdict_of(FIRST), reported=True)
    judged(home, SECOND, verdict_of(SECOND), reported=True)
    BundleStore(home).save_verdict(FIRST, KIND, verdict_of(FIRST, vault_looks=2))
    assert listed(home, SECOND) == {SECOND.key}


def test_index_with_one_unreadable_verdict_lists_the_others_and_warns(tmp_path: Path) -> None:
    home = Home(tmp_path)
    judged(home, FIRST, verdict_of(FIRST, verdict="perhaps"), reported=True)
    judged(home, SECOND, verdict_of(SECOND), reported=False)
    with pytest.warns(UserWarning, match="BTC-USD 1h xgboost is left out of the index"):
        assert listed(home, SECOND) == {SECOND.key}
