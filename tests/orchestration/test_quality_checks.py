"""Checks on klines in the graph: what was rejected and where nothing traded, told with its evidence."""

from __future__ import annotations

import dagster as dg
import pytest

from definitions import defs
from tests.orchestration.conftest import land, random_walk

NAMES = ("klines_fit_to_build_on", "klines_rejections", "klines_continuity")


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as ephemeral:
        ephemeral.add_dynamic_partitions("symbols", ["AAAUSDT", "SYN-NULL"])
        yield ephemeral


def ingest(instance, key: str):
    """Run the job `ingest` on one partition; return its result and its check evaluations by name."""
    job = defs.resolve_job_def("ingest")
    result = job.execute_in_process(instance=instance, partition_key=key, raise_on_error=False)
    return result, {each.check_name: each for each in result.get_asset_check_evaluations()}


def evidence(evaluation, key: str) -> dict:
    return evaluation.metadata[key].value


def test_checks_on_sound_klines_pass_with_their_evidence(home, instance):
    land(home, "AAAUSDT", "1h", random_walk(300, seed=1))
    result, checks = ingest(instance, "AAAUSDT|1h")
    assert result.success
    assert {name: checks[name].passed for name in NAMES} == dict.fromkeys(NAMES, True)
    assert evidence(checks["klines_rejections"], "AAAUSDT|1h")["holes"] == 0
    assert evidence(checks["klines_continuity"], "AAAUSDT|1h")["missing"] == 0


def test_rejections_holes_and_a_frozen_tail_warn_and_stop_nothing(home, instance):
    frame = random_walk(1_000, seed=1)
    frame.loc[500, "low"] = frame.loc[500, "high"] * 2
    price = frame.loc[959, "close"]
    frame.loc[960:, ["open", "high", "low", "close", "volume"]] = [price] * 4 + [0.0]
    land(home, "AAAUSDT", "1h", frame.drop(index=range(200, 203)))
    result, checks = ingest(instance, "AAAUSDT|1h")
    assert result.success
    assert checks["klines_fit_to_build_on"].passed
    rejected, continuity = checks["klines_rejections"], checks["klines_continuity"]
    assert (rejected.passed, continuity.passed) == (False, False)
    assert {rejected.severity, continuity.severity} == {dg.AssetCheckSeverity.WARN}
    told = evidence(rejected, "AAAUSDT|1h")
    assert (told["holes"], told["rejected: high_below_low"]) == (1, 1)
    told = evidence(continuity, "AAAUSDT|1h")
    assert (told["missing"], told["delisted_tail"]) == (4, 40)
    assert "looks delisted" in (continuity.description or "")


def test_klines_whose_price_never_moves_are_not_fit_and_stop_the_partition(home, instance):
    flat = random_walk(300, seed=1).assign(open=100.0, high=100.0, low=100.0, close=100.0)
    land(home, "AAAUSDT", "1h", flat)
    result, checks = ingest(instance, "AAAUSDT|1h")
    assert not result.success
    assert not checks["klines_fit_to_build_on"].passed
    assert "the price is the same in all 300 bars" in (checks["klines_fit_to_build_on"].description or "")


def test_synthetic_market_is_generated_by_the_graph_and_says_so_in_its_metadata(home, instance, monkeypatch):
    monkeypatch.setenv("TRUEBAR_MARKETS__SYN_NULL__SYNTHETIC__BARS", "1000")
    result, checks = ingest(instance, "SYN-NULL|15m")
    assert result.success
    assert checks["klines_fit_to_build_on"].passed
    materialization = next(
        event.materialization
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(["market", "klines"])
    )
    told = {name: value.value for name, value in materialization.metadata.items()}
    assert told["market"] == "synthetic: generated, no such market exists"
    assert (told["rows_written"], told["rows_quarantined"]) == (1_000, 0)
    assert told["files"] == ["synthetic SYN-NULL, 1,000 bars of 15m, seed 2"]
    assert told["dagster/partition_row_count"] == 1_000
