"""What every materialization tells: whether its market is real, and from which columns its columns come."""

from base64 import b64decode
from pathlib import Path

import dagster as dg
import pytest

from assets.columns import LINEAGE, lineage_metadata
from assets.partitioned import each_partition, each_tracked
from assets.partitions import ONE_BY_ONE, PARTITIONS
from resources.configuration import ConfigurationResource
from resources.tracking import TrackingResource
from resources.warehouse import WarehouseResource
from truebar.figures import line_chart
from truebar_io.home import Home
from truebar_io.tracking import tracking_uri

ORIGINS = {"p_up": {"features.matrix": ("return_1", "return_2")}}


@dg.asset(partitions_def=PARTITIONS, backfill_policy=ONE_BY_ONE, metadata=lineage_metadata(ORIGINS))
def drawn(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource, configuration: ConfigurationResource
) -> None:
    picture = line_chart("close", [1.0, 2.0], {"close": [1.0, 2.0]})
    each_partition(context, warehouse, configuration.load(), lambda store, partition: {"price": picture})


@dg.asset(partitions_def=PARTITIONS, backfill_policy=ONE_BY_ONE)
def tracked(
    context: dg.AssetExecutionContext,
    warehouse: WarehouseResource,
    configuration: ConfigurationResource,
    tracking: TrackingResource,
) -> None:
    def work(store, partition, kind, *, run):
        return {"says_synthetic": run.is_synthetic}

    each_tracked(context, warehouse, configuration.load(), tracking, "xgboost", work)


def told(home: Path, symbol: str, asset: dg.AssetsDefinition) -> dict:
    """Return the metadata that the materialization of one partition has."""
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("symbols", [symbol])
        result = dg.materialize(
            [asset],
            instance=instance,
            partition_key=f"{symbol}|15m",
            resources={
                "warehouse": WarehouseResource(home_folder=str(home)),
                "configuration": ConfigurationResource(),
                "tracking": TrackingResource(home_folder=str(home)),
            },
        )
        (event,) = result.asset_materializations_for_node(asset.op.name)
    return {name: value.value for name, value in event.metadata.items()}


@pytest.mark.parametrize(("symbol", "is_marked"), [("SYN-NULL", True), ("BTC-USD", False)])
def test_materialization_tells_its_market_in_words_and_on_its_pictures(tmp_path, symbol, is_marked):
    metadata = told(tmp_path, symbol, drawn)
    assert metadata["market"].startswith("synthetic" if is_marked else "real")
    svg = b64decode(metadata["price"].partition("base64,")[2].rstrip(")")).decode()
    assert ("SYNTHETIC" in svg) == is_marked


def test_materialization_tells_the_column_lineage_that_its_asset_declares(tmp_path):
    (dependency, _) = told(tmp_path, "BTC-USD", drawn)[LINEAGE].deps_by_column["p_up"]
    assert dependency == dg.TableColumnDep(dg.AssetKey(["features", "matrix"]), "return_1")


@pytest.mark.parametrize(("symbol", "market"), [("SYN-EDGE", "synthetic"), ("BTC-USD", "real")])
def test_experiment_run_of_a_partition_tells_its_market(tmp_path, symbol, market):
    from mlflow import MlflowClient  # noqa: PLC0415 (collecting the tests does not pay for it)

    metadata = told(tmp_path, symbol, tracked)
    assert metadata["market"].startswith(market)
    assert metadata["says_synthetic"] == (market == "synthetic")
    run = MlflowClient(tracking_uri(Home(tmp_path))).get_run(metadata["mlflow_run_id"])
    assert run.data.tags["market"] == market
