"""The five jobs: bring data in, refresh what follows from it, train, judge again, and draw again."""

from __future__ import annotations

from typing import Final

import dagster as dg

from truebar.kinds import KINDS

DATA: Final = dg.AssetSelection.groups("market", "features", "labels")
PREDICTIONS: Final = dg.AssetSelection.assets(*([kind, "predictions"] for kind in KINDS))
MODELS: Final = dg.AssetSelection.groups(*KINDS)
JUDGEMENT: Final = dg.AssetSelection.assets(
    *([kind, name] for kind in KINDS for name in ("backtest", "report"))
)

REPORTS: Final = dg.AssetSelection.assets(*([kind, "report"] for kind in KINDS))

ingest: Final = dg.define_asset_job(
    "ingest",
    selection=dg.AssetSelection.groups("market"),
    description="Bring what lies in landing/ into market.klines.",
)
refresh: Final = dg.define_asset_job(
    "refresh",
    selection=DATA | PREDICTIONS,
    description="New klines, features, labels and predictions of the current bundle; no training.",
)
train: Final = dg.define_asset_job(
    "train",
    selection=MODELS,
    description="Model, calibrator, thresholds, predictions, backtest, verdict and report of one partition.",
)
backtest: Final = dg.define_asset_job(
    "backtest",
    selection=JUDGEMENT,
    description="Backtest, verdict and report of the current bundle, without training.",
)

report: Final = dg.define_asset_job(
    "report",
    selection=REPORTS,
    description="Report of the current verdict, without training and without a look at the vault.",
)

JOBS: Final = (ingest, refresh, train, backtest, report)
