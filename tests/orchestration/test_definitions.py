"""What Dagster loads: every asset, check, job and sensor, and nothing heavy."""

import subprocess
import sys

import dagster as dg
import pytest

from definitions import defs
from tests.orchestration.conftest import CHECKOUT

EXPECTED_ASSETS = {
    "market/klines",
    "staging/klines",
    "features/price",
    "features/averages",
    "features/volatility",
    "features/volume",
    "features/flow",
    "features/context",
    "features/matrix",
    "labels/volatility",
    "labels/vol_scaled",
    "xgboost/model",
    "xgboost/calibrator",
    "xgboost/thresholds",
    "xgboost/predictions",
    "xgboost/backtest",
    "xgboost/report",
}


def test_definitions_hold_the_whole_graph():
    assert {key.to_user_string() for key in defs.resolve_all_asset_keys()} == EXPECTED_ASSETS


def test_definitions_every_asset_has_owner_kind_group_and_description():
    for spec in defs.resolve_all_asset_specs():
        assert spec.owners, spec.key
        assert spec.kinds, spec.key
        assert spec.group_name, spec.key
        assert spec.description, spec.key


@pytest.mark.parametrize(
    ("job", "assets"),
    [
        ("ingest", {"market/klines"}),
        ("backtest", {"xgboost/backtest", "xgboost/report"}),
        ("train", {key for key in EXPECTED_ASSETS if key.startswith("xgboost/")}),
        (
            "refresh",
            {key for key in EXPECTED_ASSETS if not key.startswith("xgboost/")} | {"xgboost/predictions"},
        ),
    ],
)
def test_job_selects_its_assets(job, assets):
    selected = defs.resolve_job_def(job).asset_layer.selected_asset_keys
    assert {key.to_user_string() for key in selected} == assets


def test_sensors_run_by_default():
    for name in ("landing", "run_failure", "ask_again"):
        assert defs.resolve_sensor_def(name).default_status is dg.DefaultSensorStatus.RUNNING


def test_definitions_load_without_the_heavy_packages():
    heavy = ("pandas", "torch", "xgboost", "mlflow", "dbt", "duckdb", "numba", "sklearn")
    code = f"import sys, definitions; print([m for m in {heavy!r} if m in sys.modules])"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == "[]"
