"""The history of a partition: features and labels of the same bars, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import numpy.typing as npt
import pandas as pd

from truebar.arrays import FloatArray, IntArray
from truebar.edge import class_second_moments, edge_scale
from truebar.errors import CorruptDataError, SchemaError, TooFewRowsError
from truebar.models.bundle import DevFacts, Slice
from truebar.scores.rows import class_shares
from truebar.times import nanoseconds

LABEL_COLUMNS = ("sigma", "tau", "future_return", "label", "label_end")


@dataclass(frozen=True)
class History:
    """Features and labels of one partition, one row a bar, in the order of time.

    Attributes:
        open_time: datetime64[ns, UTC], shape (n,).
        features: float32, shape (n, columns); NaN in the warm-up. Row t may be used from its close on.
        feature_columns: names of the columns of `features`.
        labels: sigma, tau, future_return, label, label_end; NaN and NaT where a bar has no label. Row t may
            be used from its label_end on.
    """

    open_time: pd.DatetimeIndex
    features: npt.NDArray[np.float32]
    feature_columns: tuple[str, ...]
    labels: pd.DataFrame

    @classmethod
    def align(cls, matrix: pd.DataFrame, labels: pd.DataFrame) -> History:
        """Return the history of a feature matrix and the labels of the same bars.

        Args:
            matrix: open_time, available_at and the feature columns.
            labels: open_time and the label columns.

        Raises:
            SchemaError: a label column is missing, or there is no feature.
            CorruptDataError: the two do not have the same bars.
        """
        missing = [name for name in LABEL_COLUMNS if name not in labels.columns]
        columns = tuple(str(name) for name in matrix.columns if name not in ("open_time", "available_at"))
        if missing or not columns:
            raise SchemaError(
                f"expected labels with {', '.join(LABEL_COLUMNS)} and at least one feature; missing: "
                f"{', '.join(missing) or 'every feature'}. Materialize features and labels again."
            )
        if not np.array_equal(nanoseconds(matrix["open_time"]), nanoseconds(labels["open_time"])):
            raise CorruptDataError(
                f"features have {len(matrix)} bars and labels {len(labels)}, and they are not the same; "
                "materialize features and labels again from the same klines."
            )
        return cls(
            pd.DatetimeIndex(matrix["open_time"]),
            matrix[list(columns)].to_numpy(dtype=np.float32),
            columns,
            labels[list(LABEL_COLUMNS)].reset_index(drop=True),
        )

    @property
    def label(self) -> FloatArray:
        """The labels -1, 0 and 1, NaN where there is none; shape (n,)."""
        return self.labels["label"].to_numpy(dtype=np.float64, na_value=np.nan)

    def column(self, name: str) -> FloatArray:
        """Return one label column as float64, NaN where there is none; shape (n,)."""
        return self.labels[name].to_numpy(dtype=np.float64, na_value=np.nan)

    def digest(self, rows: IntArray) -> str:
        """Return the SHA-256 of the column names and of features and labels of `rows`."""
        content = sha256("\n".join(self.feature_columns).encode())
        content.update(nanoseconds(self.open_time)[rows].tobytes())
        content.update(np.ascontiguousarray(self.features[rows]).tobytes())
        content.update(nanoseconds(self.labels["label_end"].iloc[rows]).tobytes())
        for name in ("tau", "future_return", "label"):
            content.update(np.ascontiguousarray(self.column(name)[rows]).tobytes())
        return content.hexdigest()

    def inputs_digest(self, rows: IntArray) -> str:
        """Return the SHA-256 of what a decision at `rows` reads: times, features, sigma and tau; no label."""
        content = sha256(nanoseconds(self.open_time)[rows].tobytes())
        content.update(np.ascontiguousarray(self.features[rows]).tobytes())
        for name in ("sigma", "tau"):
            content.update(np.ascontiguousarray(self.column(name)[rows]).tobytes())
        return content.hexdigest()

    def slice_of(self, rows: IntArray) -> Slice:
        """Return where `rows` begin and end in time, and how many there are."""
        ends = self.labels["label_end"].iloc[rows]
        return Slice(start=self.open_time[rows[0]].isoformat(), end=ends.max().isoformat(), rows=len(rows))

    def facts(self, rows: IntArray) -> DevFacts:
        """Return what edge and no-skill values need to know of the labelled `rows`.

        Raises:
            TooFewRowsError: when there is no row, or no row whose label is not flat.
        """
        label = self.label[rows]
        known = label[np.isfinite(label)]
        moving = known[known != 0]
        if moving.size == 0:
            raise TooFewRowsError(
                f"{known.size} labelled rows, none of them up or down; lower k or use more history."
            )
        future_return, tau = self.column("future_return")[rows], self.column("tau")[rows]
        return DevFacts(
            edge_scale=edge_scale(future_return, tau, label),
            class_second_moments=class_second_moments(future_return, tau, label),
            share_up=float((moving > 0).mean()),
            class_shares=class_shares(known),
        )


def concatenated(first: Sequence[int] | IntArray, second: Sequence[int] | IntArray) -> IntArray:
    """Return the row numbers of both slices, ascending."""
    return np.sort(np.concatenate([np.asarray(first, np.int64), np.asarray(second, np.int64)]))
