"""Everything Dagster loads: assets, checks, jobs, sensors, resources, and the executor of every run."""

import dagster as dg

from assets.checks import CHECKS
from assets.context import dbt_features
from assets.features import FAMILY_ASSETS, matrix
from assets.labels import vol_scaled, volatility
from assets.market import klines
from assets.models import MODEL_ASSETS
from jobs.pipeline import JOBS
from resources.configuration import ConfigurationResource
from resources.tracking import TrackingResource
from resources.warehouse import WarehouseResource
from sensors.ask_again import ask_again
from sensors.landing import landing
from sensors.run_failure import run_failure
from truebar_io.machine import collect_garbage_seldom

collect_garbage_seldom()

defs = dg.Definitions(
    assets=[klines, *FAMILY_ASSETS, dbt_features, matrix, volatility, vol_scaled, *MODEL_ASSETS],
    asset_checks=CHECKS,
    jobs=JOBS,
    sensors=[landing, run_failure, ask_again],
    resources={
        "warehouse": WarehouseResource(),
        "configuration": ConfigurationResource(),
        "tracking": TrackingResource(),
    },
    # Seven steps take 1.2 s in one process and 34 s with a process each.
    executor=dg.in_process_executor,
)
