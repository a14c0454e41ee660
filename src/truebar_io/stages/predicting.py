"""Predictions of the current bundle for every bar it may speak about."""

from __future__ import annotations

import numpy as np
import pandas as pd

from truebar import calibration
from truebar.arrays import FloatArray
from truebar.errors import SchemaError
from truebar.fingerprint import fingerprint
from truebar.models.bundle import Bundle
from truebar.models.recipe import Recipe
from truebar.models.xgboost import XgboostModel
from truebar.partitions import Partition
from truebar.units import TIMEFRAME_SECONDS
from truebar_io.bundles import BundleStore
from truebar_io.stages.frozen import PROBABILITIES, rows_source
from truebar_io.warehouse import Warehouse, WriteResult

RAW = [f"raw_{name}" for name in PROBABILITIES]
COLUMNS = ["open_time", "segment", "fold", *RAW, *PROBABILITIES]


def out_of_fold_rows(store: Warehouse, partition: Partition, kind: str, bundle: Bundle) -> pd.DataFrame:
    """Return the rows of dev, each predicted by a model and a calibrator that did not see its fold.

    Empty when the out-of-fold rows on disk belong to another training than the bundle.
    """
    table = f"{kind}.out_of_fold"
    summary = store.summary(partition).get(table)
    manifest = bundle.manifest
    if summary is None or summary.made_from != rows_source(manifest.training, manifest.recipe):
        return pd.DataFrame(columns=COLUMNS)
    rows = store.read("*", from_=table, partitions=[partition])
    raw = rows[PROBABILITIES].to_numpy(dtype=np.float64)
    calibrated = calibrated_rows(rows, manifest.recipe, partition.timeframe)
    return _frame(rows["open_time"], "dev", raw, calibrated, rows["fold"])


def calibrated_rows(rows: pd.DataFrame, recipe: Recipe, timeframe: str) -> FloatArray:
    """Return float64[n, 3]: published out-of-fold rows, calibrated by what does not clash with their fold.

    These are what `truebar.protocol.cross_calibrated` gives: a label ends horizon_bars after its bar's close.
    """
    horizon = pd.Timedelta(seconds=(recipe.label.horizon_bars + 1) * TIMEFRAME_SECONDS[timeframe])
    return calibration.cross_fit(
        recipe.calibration,
        rows[PROBABILITIES],
        rows["label"],
        rows["fold"],
        open_time=rows["open_time"],
        label_end=rows["open_time"] + horizon,
    )


def bundle_rows(store: Warehouse, partition: Partition, bundle: Bundle) -> pd.DataFrame:
    """Return the predictions of the bundle for every bar from the start of its vault on.

    Raises:
        SchemaError: when the matrix lacks a column that the bundle's model reads.
    """
    manifest = bundle.manifest
    matrix = store.read("*", from_="features.matrix", partitions=[partition], since=manifest.vault.start)
    wanted = list(manifest.recipe.feature_columns)
    missing = [name for name in wanted if name not in matrix.columns]
    if missing:
        raise SchemaError(
            f"{partition}: the bundle {bundle.name[:12]} reads {', '.join(missing)}, which features.matrix "
            "no longer has; train again."
        )
    model = XgboostModel.from_bytes(bundle.files["model.ubj"])
    raw = model.predict(matrix[wanted].to_numpy(dtype=np.float32))
    calibrator = calibration.from_json(bundle.files["calibrator.json"].decode())
    before_end = matrix["open_time"] < pd.Timestamp(manifest.vault.end)
    segment = pd.Series(np.where(before_end, "vault", "live"), index=matrix.index)
    return _frame(matrix["open_time"], segment, raw, calibrator.predict(raw), None)


def _frame(
    open_time: pd.Series,
    segment: pd.Series | str,
    raw: np.ndarray,
    calibrated: np.ndarray,
    fold: pd.Series | None,
) -> pd.DataFrame:
    """Return predictions as rows of the table; a row without a valid prediction is left out."""
    frame = pd.DataFrame({"open_time": open_time, "segment": segment})
    frame["fold"] = (
        pd.Series(pd.NA, index=frame.index, dtype="Int32") if fold is None else fold.astype("Int32")
    )
    frame[RAW] = raw
    frame[PROBABILITIES] = calibrated
    return frame.dropna(subset=PROBABILITIES).reset_index(drop=True)


def predictions_source(store: Warehouse, partition: Partition, kind: str, bundle_name: str) -> str:
    """Return what a bundle's predictions would be made from now: it, the matrix, the out-of-fold rows."""
    summary = store.summary(partition)
    held_out = summary.get(f"{kind}.out_of_fold")
    matrix = summary["features.matrix"].digest
    return fingerprint([bundle_name, matrix, None if held_out is None else held_out.made_from])


def publish_predictions(store: Warehouse, partition: Partition, kind: str) -> WriteResult | None:
    """Publish the predictions of the current bundle; None where there is no bundle yet."""
    bundles = BundleStore(store.home)
    if bundles.current(partition, kind) is None:
        return None
    bundle = bundles.load(partition, kind)
    parts = [out_of_fold_rows(store, partition, kind, bundle), bundle_rows(store, partition, bundle)]
    source = predictions_source(store, partition, kind, bundle.name)
    rows = pd.concat([part for part in parts if not part.empty], ignore_index=True)
    return store.write(partition, f"{kind}.predictions", rows, mode="replace", made_from=source)
