"""What Dagster loads: every asset, check, job and sensor, and nothing heavy."""

import subprocess
import sys

import dagster as dg
import pytest

from definitions import defs
from tests.orchestration.conftest import CHECKOUT
from truebar.feature_columns import COLUMN_FAMILIES

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
    "xgboost/study",
    "xgboost/model",
    "xgboost/calibrator",
    "xgboost/thresholds",
    "xgboost/explanation",
    "xgboost/predictions",
    "xgboost/backtest",
    "xgboost/report",
    "xgboost/deploy",
}
WITHOUT_A_TABLE = {"xgboost/model", "xgboost/calibrator", "xgboost/report", "xgboost/deploy"}


def test_definitions_hold_the_whole_graph():
    assert {key.to_user_string() for key in defs.resolve_all_asset_keys()} == EXPECTED_ASSETS


def test_definitions_every_asset_has_owner_kind_group_and_description():
    for spec in defs.resolve_all_asset_specs():
        assert spec.owners, spec.key
        assert spec.kinds, spec.key
        assert spec.group_name, spec.key
        assert spec.description, spec.key


def test_definitions_every_asset_with_a_table_names_it_and_its_columns():
    for spec in defs.resolve_all_asset_specs():
        name = spec.key.to_user_string()
        if name in WITHOUT_A_TABLE:
            continue
        assert "dagster/table_name" in spec.metadata, name
        columns = spec.metadata["dagster/column_schema"]
        columns = columns.value if isinstance(columns, dg.MetadataValue) else columns
        assert len(columns.columns) > 0, name


def test_matrix_schema_holds_every_column_that_models_read_with_its_meaning():
    (spec,) = [
        spec for spec in defs.resolve_all_asset_specs() if spec.key == dg.AssetKey(["features", "matrix"])
    ]
    columns = spec.metadata["dagster/column_schema"].columns
    names = [column.name for column in columns]
    assert names[:2] == ["open_time", "available_at"]
    assert {name for family in COLUMN_FAMILIES.values() for name in family.columns} < set(names)
    assert not {"symbol", "timeframe"} & set(names)
    assert len(names) == len(set(names))
    assert all(column.description for column in columns)


def test_lineage_names_only_columns_that_there_are():
    specs = {spec.key: spec for spec in defs.resolve_all_asset_specs()}
    columns = {
        key: {column.name for column in spec.metadata["dagster/column_schema"].columns}
        for key, spec in specs.items()
        if "dagster/column_schema" in spec.metadata
    }
    lined = {key: spec.metadata["dagster/column_lineage"] for key, spec in specs.items()
             if "dagster/column_lineage" in spec.metadata}  # fmt: skip
    assert {"features/context", "labels/volatility", "labels/vol_scaled"} <= {
        key.to_user_string() for key in lined
    }
    for key, lineage in lined.items():
        assert set(lineage.deps_by_column) <= columns[key], key
        for sources in lineage.deps_by_column.values():
            for source in sources:
                assert source.column_name in columns[source.asset_key], (key, source)


def test_assets_that_a_run_may_begin_with_try_again_when_the_partition_is_busy():
    for path in (["market", "klines"], ["xgboost", "study"], ["xgboost", "backtest"]):
        policy = defs.resolve_assets_def(path).op.retry_policy
        assert policy is not None
        assert policy.max_retries == 2


@pytest.mark.parametrize(
    ("job", "assets"),
    [
        ("ingest", {"market/klines"}),
        ("backtest", {"xgboost/backtest", "xgboost/report"}),
        ("report", {"xgboost/report"}),
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
