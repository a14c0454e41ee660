"""MLflow as a Dagster resource: one MLflow run for each Dagster run over one partition."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import dagster as dg

from resources.checkout import HomeResource

if TYPE_CHECKING:
    from truebar.partitions import Partition
    from truebar_io.tracking import TrackedRun


class TrackingResource(HomeResource):
    """Logs to MLflow under one TRUEBAR_HOME."""

    @contextmanager
    def run(
        self, context: dg.AssetExecutionContext, partition: Partition, kind: str, *, is_synthetic: bool
    ) -> Iterator[TrackedRun]:
        """Yield the MLflow run that the steps of this Dagster run share; it ends with the block.

        A run about a market that was generated says so. Its id is added to the step's metadata, so that the
        asset's page leads to it.
        """
        from truebar_io.tracking import track  # noqa: PLC0415 (mlflow loads in the body)

        step = context.op_execution_context.op.name
        with track(
            self.home,
            dagster_run_id=context.run.run_id,
            partition=partition,
            kind=kind,
            step=step,
            is_synthetic=is_synthetic,
        ) as tracked:
            for key in context.selected_asset_keys:
                context.add_asset_metadata({"mlflow_run_id": tracked.run_id}, asset_key=key)
            yield tracked
