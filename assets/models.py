"""One asset factory for every model kind, from the study to the report and the bundle that may trade."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import dagster as dg

from assets.columns import index_metadata, table_metadata
from assets.context import PROJECT
from assets.features import matrix_columns
from assets.origins import kind_origins
from assets.partitioned import each_partition, each_tracked, published
from assets.partitions import ONE_BY_ONE, PARTITIONS, PATIENT
from resources.configuration import ConfigurationResource
from resources.tracking import TrackingResource
from resources.warehouse import WarehouseResource
from truebar.kinds import KINDS

if TYPE_CHECKING:
    from truebar.partitions import Partition
    from truebar_io.tracking import TrackedRun
    from truebar_io.warehouse import Warehouse


def kind_asset(
    kind: str,
    name: str,
    *,
    after: list[list[str]],
    by: str,
    description: str,
    tables: tuple[str, ...] = (),
    metadata: Mapping[str, Any] | None = None,
) -> Callable[[Callable[..., None]], dg.AssetsDefinition]:
    """Return the decorator of one asset of a model kind, in the group of its name."""
    return dg.asset(
        key=[kind, name],
        deps=after,
        partitions_def=PARTITIONS,
        backfill_policy=ONE_BY_ONE,
        retry_policy=PATIENT,
        group_name=kind,
        kinds={by},
        owners=["team:research"],
        description=description,
        metadata={
            **table_metadata(
                *(f"{kind}.{table}" for table in tables), origins=kind_origins(kind, matrix_columns())
            ),
            **(metadata or {}),
        },
    )


def model_assets(kind: str) -> list[dg.AssetsDefinition]:
    """Return the assets of one model kind."""

    @kind_asset(
        kind,
        "study",
        after=[["features", "matrix"], ["labels", "volatility"], ["labels", "vol_scaled"]],
        by="optuna",
        tables=("out_of_fold",),
        description="Trials over purged folds of dev; the frozen recipe and its out-of-fold rows.",
    )
    def study(
        context: dg.AssetExecutionContext,
        warehouse: WarehouseResource,
        configuration: ConfigurationResource,
        tracking: TrackingResource,
    ) -> None:
        from truebar_io.stages.searching import search  # noqa: PLC0415 (xgboost and optuna load in the body)

        settings = configuration.load()
        each_tracked(context, warehouse, settings, tracking, kind, partial(search, settings=settings))

    @kind_asset(
        kind,
        "model",
        after=[[kind, "study"], ["features", "matrix"], ["labels", "volatility"]],
        by=kind,
        description="The frozen recipe's model, fitted on all of dev.",
    )
    def model(
        context: dg.AssetExecutionContext,
        warehouse: WarehouseResource,
        configuration: ConfigurationResource,
        tracking: TrackingResource,
    ) -> None:
        from truebar_io.stages.training import fit_model  # noqa: PLC0415 (xgboost loads in the body)

        settings = configuration.load()
        each_tracked(context, warehouse, settings, tracking, kind, partial(fit_model, settings=settings))

    @kind_asset(
        kind,
        "calibrator",
        after=[[kind, "model"]],
        by="scikitlearn",
        description="Maps raw probabilities to frequencies; fitted on out-of-fold rows only.",
    )
    def calibrator(
        context: dg.AssetExecutionContext,
        warehouse: WarehouseResource,
        configuration: ConfigurationResource,
        tracking: TrackingResource,
    ) -> None:
        from truebar_io.stages.training import fit_calibrator  # noqa: PLC0415

        each_tracked(context, warehouse, configuration.load(), tracking, kind, fit_calibrator)

    @kind_asset(
        kind,
        "thresholds",
        after=[[kind, "calibrator"]],
        by="python",
        description="Edges at which a position is entered, and the evaluation bundle that they complete.",
        tables=("ev_curve",),
    )
    def thresholds(
        context: dg.AssetExecutionContext,
        warehouse: WarehouseResource,
        configuration: ConfigurationResource,
        tracking: TrackingResource,
    ) -> None:
        from truebar_io.stages.training import set_thresholds  # noqa: PLC0415

        each_tracked(context, warehouse, configuration.load(), tracking, kind, set_thresholds)

    @kind_asset(
        kind,
        "explanation",
        after=[[kind, "thresholds"]],
        by="python",
        description="What the recipe rests on: SHAP means and permutation importance, out of fold.",
        tables=("importance",),
    )
    def explanation(
        context: dg.AssetExecutionContext,
        warehouse: WarehouseResource,
        configuration: ConfigurationResource,
        tracking: TrackingResource,
    ) -> None:
        from truebar_io.stages.explaining import publish_explanation  # noqa: PLC0415

        settings = configuration.load()
        work = partial(publish_explanation, settings=settings)
        each_tracked(context, warehouse, settings, tracking, kind, work)

    @kind_asset(
        kind,
        "predictions",
        after=[[kind, "thresholds"], ["features", "matrix"]],
        by="duckdb",
        description="Raw and calibrated probabilities: out of fold on dev, by the bundle after it.",
        tables=("predictions",),
    )
    def predictions(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource, configuration: ConfigurationResource
    ) -> None:
        from truebar_io.stages.predicting import publish_predictions  # noqa: PLC0415

        def predict(store: "Warehouse", partition: "Partition") -> dict[str, Any]:
            result = publish_predictions(store, partition, kind)
            return {"skipped": "no bundle yet"} if result is None else published(result)

        each_partition(context, warehouse, configuration.load(), predict)

    @kind_asset(
        kind,
        "backtest",
        after=[[kind, "predictions"], ["market", "klines"], ["labels", "vol_scaled"]],
        by="python",
        description="The bundle's one look at the vault: trades after costs, scores, and the verdict.",
        tables=("metrics", "equity", "trades"),
    )
    def backtest(
        context: dg.AssetExecutionContext,
        warehouse: WarehouseResource,
        configuration: ConfigurationResource,
        tracking: TrackingResource,
    ) -> None:
        from truebar_io.stages.judging import judge_vault  # noqa: PLC0415

        settings = configuration.load()
        work = partial(judge_vault, settings=settings, project=PROJECT)
        each_tracked(context, warehouse, settings, tracking, kind, work)

    @kind_asset(
        kind,
        "report",
        after=[[kind, "backtest"], [kind, "explanation"], [kind, "deploy"]],
        by="html",
        description=(
            "One HTML page: the verdict in words, scores beside no skill, equity, lineage. The columns are "
            "those of the index over all pages."
        ),
        metadata=index_metadata(kind),
    )
    def report(
        context: dg.AssetExecutionContext,
        warehouse: WarehouseResource,
        configuration: ConfigurationResource,
        tracking: TrackingResource,
    ) -> None:
        from truebar_io.stages.reporting import publish_report  # noqa: PLC0415

        settings = configuration.load()

        def render(
            store: "Warehouse", partition: "Partition", kind: str, *, run: "TrackedRun"
        ) -> dict[str, Any]:
            path = publish_report(store, partition, kind, settings, run)
            # A browser follows no link from this UI to a file.
            by_hand = f"truebar report --open -s {partition.symbol} -t {partition.timeframe}"
            return {"file": dg.MetadataValue.path(path), "to_open_it": by_hand}

        each_tracked(context, warehouse, settings, tracking, kind, render)

    @kind_asset(
        kind,
        "deploy",
        after=[[kind, "backtest"]],
        by=kind,
        description="The judged recipe fitted on dev and vault together, if it has an edge and stays alike.",
    )
    def deploy(
        context: dg.AssetExecutionContext,
        warehouse: WarehouseResource,
        configuration: ConfigurationResource,
        tracking: TrackingResource,
    ) -> None:
        from truebar_io.stages.deploying import deploy as make  # noqa: PLC0415

        each_tracked(context, warehouse, configuration.load(), tracking, kind, make)

    return [study, model, calibrator, thresholds, explanation, predictions, backtest, report, deploy]


MODEL_ASSETS: Final = [asset for kind in KINDS for asset in model_assets(kind)]
