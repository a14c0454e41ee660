"""What Dagster loads: every asset, check, job and sensor, and nothing heavy."""

import subprocess
import sys

import dagster as dg
import numpy as np
import pytest

from definitions import defs
from tests.orchestration.conftest import CHECKOUT, random_walk
from truebar import backtest
from truebar.config import BacktestConfig
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
WITHOUT_COLUMNS = WITHOUT_A_TABLE - {"xgboost/report"}


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
    assert {key.to_user_string() for key in lined} == EXPECTED_ASSETS - WITHOUT_COLUMNS - {"market/klines"}
    for key, lineage in lined.items():
        assert set(lineage.deps_by_column) <= columns[key], key
        for sources in lineage.deps_by_column.values():
            for source in sources:
                assert source.column_name in columns[source.asset_key], (key, source)


def test_lineage_names_only_assets_that_come_before():
    graph = defs.resolve_asset_graph()
    for spec in defs.resolve_all_asset_specs():
        lineage = spec.metadata.get("dagster/column_lineage")
        before = graph.get_ancestor_asset_keys(spec.key)
        for name, sources in ({} if lineage is None else lineage.deps_by_column).items():
            assert sources, (spec.key, name)
            assert {source.asset_key for source in sources} <= before, (spec.key, name)


def test_columns_of_model_tables_say_what_they_mean_or_where_they_come_from():
    metadata = {spec.key.path[-1]: spec.metadata for spec in defs.resolve_all_asset_specs()}
    shown = metadata["backtest"]
    tables = {
        **{name: metadata[name]["dagster/column_schema"] for name in ("study", "thresholds", "explanation")},
        **{name: metadata[name]["dagster/column_schema"] for name in ("predictions", "backtest", "report")},
        **{name: shown[f"xgboost.{name}"].value for name in ("equity", "trades")},
    }
    for name, schema in tables.items():
        assert all(column.description for column in schema.columns), name
    said = {column.name: column.description for column in tables["predictions"].columns}
    assert "From xgboost.out_of_fold: p_up; features.matrix: " in said["raw_p_up"]


def test_account_tables_are_shown_with_every_column_that_they_have():
    bars = random_walk(60, seed=1)
    account = backtest.run(bars, np.sign(np.sin(np.arange(60))), BacktestConfig(), timeframe="1h")
    (spec,) = [
        one for one in defs.resolve_all_asset_specs() if one.key == dg.AssetKey(["xgboost", "backtest"])
    ]
    for name, frame in (("trades", account.trades), ("equity", account.to_frame())):
        shown = spec.metadata[f"xgboost.{name}"].value.columns
        assert [column.name for column in shown] == list(frame), name


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
