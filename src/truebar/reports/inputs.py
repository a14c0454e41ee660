"""What a report is made from: frozen records, plain numbers, no file and no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import pandas as pd

from truebar.config import CostsConfig
from truebar.errors import ConfigurationError, SchemaError
from truebar.scores.metric import Metric
from truebar.units import validate_timeframe

VerdictWord = Literal["edge", "no edge proven"]
_TEXTS: Final = ("symbol", "timeframe", "kind", "verdict", "bundle", "data_digest")
_METRIC_FIELDS: Final = ("value", "no_skill", "low", "high", "n", "reason")


@dataclass(frozen=True)
class Judgement:
    """The verdict of one partition and kind, read from the JSON that `truebar verdicts --json` prints.

    Attributes:
        failed: names of the conditions that were computed and failed.
        missing: names of the conditions that are not computed yet; they count as failed.
        metrics: by name, on the vault.
        oracle: Bayes-optimal scores on the same rows, on synthetic markets only.
        n_trials: trials of the search behind the recipe.
        vault_looks: distinct recipes that looked at this vault.
    """

    symbol: str
    timeframe: str
    kind: str
    verdict: VerdictWord
    failed: tuple[str, ...]
    missing: tuple[str, ...]
    metrics: Mapping[str, Metric]
    oracle: Mapping[str, float]
    n_trials: int
    vault_looks: int
    bundle: str
    data_digest: str

    def metric(self, name: str) -> Metric:
        """Return a metric; one that the verdict does not have is undefined and says so."""
        return self.metrics.get(name) or Metric.undefined("not computed yet")

    @classmethod
    def from_json(cls, source: Mapping[str, Any]) -> Judgement:
        """Return the judgement that `source` describes.

        Raises:
            SchemaError: when a field is missing, the verdict is neither of its two words, or it says `edge`
                although a condition failed or is missing.
        """
        absent = [
            name for name in (*_TEXTS, "failed", "metrics", "n_trials", "vault_looks") if name not in source
        ]
        if absent:
            raise SchemaError(f"the verdict lacks {', '.join(absent)}; judge the partition again.")
        if source["verdict"] not in ("edge", "no edge proven"):
            raise SchemaError(f"verdict is {source['verdict']!r}; expected 'edge' or 'no edge proven'.")
        missing = tuple(str(name) for name in source.get("missing") or ())
        failed = tuple(str(name) for name in source["failed"] if name not in missing)
        if source["verdict"] == "edge" and (failed or missing):
            raise SchemaError(f"the verdict is 'edge', yet {', '.join((*failed, *missing))} does not hold.")
        return cls(
            **{name: str(source[name]) for name in _TEXTS},  # type: ignore[arg-type]
            failed=failed,
            missing=missing,
            metrics={str(name): _metric(name, fields) for name, fields in source["metrics"].items()},
            oracle={str(name): float(value) for name, value in (source.get("oracle") or {}).items()},
            n_trials=int(source["n_trials"]),
            vault_looks=int(source["vault_looks"]),
        )


def _metric(name: str, fields: Mapping[str, Any]) -> Metric:
    """Return one metric of the JSON; NaN and infinity become undefined."""
    unknown = sorted(set(fields) - set(_METRIC_FIELDS))
    if unknown:
        raise SchemaError(
            f"metric {name} has unknown fields {', '.join(unknown)}; expected {_METRIC_FIELDS}."
        )
    return Metric(**{field: fields.get(field) for field in _METRIC_FIELDS})


@dataclass(frozen=True)
class Slices:
    """How history was cut; times are UTC open times, ends are exclusive.

    Attributes:
        purged_rows: rows dropped between the two because their labels reach into the vault.
    """

    dev_start: pd.Timestamp
    dev_end: pd.Timestamp
    dev_rows: int
    purged_rows: int
    vault_start: pd.Timestamp
    vault_end: pd.Timestamp
    vault_rows: int

    def __post_init__(self) -> None:
        if not self.dev_start < self.dev_end <= self.vault_start < self.vault_end:
            raise ConfigurationError(
                f"slices run {self.dev_start} to {self.dev_end} and {self.vault_start} to {self.vault_end}; "
                "expected dev before vault, both with a length."
            )

    @property
    def vault_days(self) -> float:
        """Length of the vault in days."""
        return (self.vault_end - self.vault_start) / pd.Timedelta(days=1)


@dataclass(frozen=True)
class DataQuality:
    """What is known about the bars: counts over the whole history."""

    bars: int
    missing: int
    halted: int
    quarantined: Mapping[str, int]


@dataclass(frozen=True)
class Lineage:
    """Digests that name what the report was made from; None: not recorded."""

    data: str | None
    code: str | None
    configuration: str | None
    recipe: str | None
    bundle: str | None
    mlflow_run_id: str | None = None


@dataclass(frozen=True)
class ReliabilityBin:
    """Rows whose predicted probability of an up bar lies near `predicted`.

    Attributes:
        predicted: mean predicted probability in the bin.
        observed: share of the rows that were up.
        rows: how many.
    """

    stage: Literal["before", "after"]
    predicted: float
    observed: float
    rows: int


@dataclass(frozen=True)
class Calibration:
    """Probabilities before and after calibration, on rows that neither fit has seen.

    Attributes:
        method: name of the calibrator.
        scores: (before, after) by metric name: brier, log_loss, ece.
        reliability: bins of both stages; may be empty.
        rows_text: which rows these are, in words.
    """

    method: str
    scores: Mapping[str, tuple[float | None, float | None]]
    reliability: tuple[ReliabilityBin, ...] = ()
    rows_text: str = "on rows that neither the model nor the calibrator has seen"


@dataclass(frozen=True)
class ReportInputs:
    """All that one report shows.

    Attributes:
        verdict: one object of `truebar verdicts --json`, with `missing` where a condition is not computed.
        market_description: what the market is and where the bars come from, in words.
        is_synthetic: the bars were generated; the page says so on top.
        costs: per side.
        horizon_text: from the decision to the label's end, in words ("8 bars (8 hours)").
        slices: how history was cut.
        quality: counts of the bars.
        lineage: digests.
        initial_capital: equity before the first bar, quote currency.
        equity: frame of the vault: open_time (UTC, ascending), equity (quote currency, at close), close
            (price, NaN where the bar is missing). None: not computed yet.
        break_even_correlation: of forecast and return at these costs. None: not computed yet.
        calibration: None: not computed yet.
    """

    verdict: Mapping[str, Any]
    market_description: str
    is_synthetic: bool
    costs: CostsConfig
    horizon_text: str
    slices: Slices
    quality: DataQuality
    lineage: Lineage
    initial_capital: float
    equity: pd.DataFrame | None = None
    break_even_correlation: float | None = None
    calibration: Calibration | None = None


@dataclass(frozen=True)
class IndexEntry:
    """One row of the index.

    Attributes:
        verdict: as in `ReportInputs`.
        file: name of the report beside the index, such as `BTC-USD_1h_xgboost.html`.
        is_synthetic: the market is generated.
    """

    verdict: Mapping[str, Any]
    file: str
    is_synthetic: bool = False

    def __post_init__(self) -> None:
        if not self.file.endswith(".html") or not set(self.file) <= _FILE_CHARACTERS:
            raise ConfigurationError(
                f"report file {self.file!r} is not allowed; expected a bare name of letters, digits, "
                "'.', '_' and '-' that ends in .html."
            )
        validate_timeframe(str(self.verdict.get("timeframe")))


_FILE_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
