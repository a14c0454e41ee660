"""What a report is made from: frozen records, plain numbers, no file and no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

from truebar.config import CostsConfig
from truebar.cost_sensitivity import CostPoint
from truebar.errors import ConfigurationError
from truebar.market.quality import KlinesQuality
from truebar.quality import Judgement as QualityJudgement
from truebar.reports.timeline import Span
from truebar.scores.curves import DirectionCurves
from truebar.scores.metric import Metric
from truebar.scores.reliability import ReliabilityBin
from truebar.thresholds.values import Thresholds
from truebar.units import validate_timeframe


@dataclass(frozen=True)
class Slices:
    """How history was cut; times are UTC open times, ends are exclusive.

    Attributes:
        purged_rows: rows dropped between the two because their labels reach into the vault.
        folds: of dev.
        embargo_bars: rows that a fold's training side loses after its left-out block.
        spans: who used which rows, for the drawing.
    """

    dev_start: pd.Timestamp
    dev_end: pd.Timestamp
    dev_rows: int
    purged_rows: int
    vault_start: pd.Timestamp
    vault_end: pd.Timestamp
    vault_rows: int
    folds: int = 0
    embargo_bars: int = 0
    spans: tuple[Span, ...] = ()

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
class Lineage:
    """Digests that name what the report was made from; None: not recorded.

    Attributes:
        data: of the rows that the verdict rests on.
        code: of the sources that compute.
        configuration: of what the search was asked for; None where another search has ended since.
        recipe: of what the search froze.
        bundle: name of the evaluation bundle.
        deploy_bundle: name of the bundle that may trade; None: there is none.
        deploy_reason: why there is none, or what its guard saw.
        mlflow_run_id: of the run that wrote the page.
    """

    data: str | None
    code: str | None
    configuration: str | None
    recipe: str | None
    bundle: str | None
    deploy_bundle: str | None = None
    deploy_reason: str | None = None
    mlflow_run_id: str | None = None


@dataclass(frozen=True)
class Calibration:
    """Probabilities before and after calibration, on rows that neither fit has seen.

    Attributes:
        method: name of the calibrator.
        scores: (before, after) by metric name: brier, log_loss, ece.
        before: reliability of the raw probabilities by class: down, flat, up.
        after: reliability of the calibrated ones.
        rows_text: which rows these are, in words.
    """

    method: str
    scores: Mapping[str, tuple[float | None, float | None]]
    before: Mapping[str, tuple[ReliabilityBin, ...]] = field(default_factory=dict)
    after: Mapping[str, tuple[ReliabilityBin, ...]] = field(default_factory=dict)
    rows_text: str = "on the rows of the vault, which neither the model nor the calibrator has seen"


@dataclass(frozen=True)
class Search:
    """The study behind the recipe.

    Attributes:
        trials: frame of the study's trials: number, state (`complete`, `pruned`, `fail`, `running`), score
            (R² of the implied edge; NaN where a trial gave none), in the order of their numbers.
        recipe: what was frozen, by name, in words.
        dev_metrics: what the search's own accounts say of its best trial; may be empty.
    """

    trials: pd.DataFrame
    recipe: Mapping[str, str]
    dev_metrics: Mapping[str, Metric]


@dataclass(frozen=True)
class DataQuality:
    """What is known about the bars, and which rules they break.

    Attributes:
        klines: counts, gaps, rejections.
        judgements: by name of the check.
        warnings: names of the checks that only warn; the others stop a partition.
    """

    klines: KlinesQuality
    judgements: Mapping[str, QualityJudgement] = field(default_factory=dict)
    warnings: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ReportInputs:
    """All that one report shows. None stands for what is not computed yet.

    Attributes:
        verdict: one object of `truebar verdicts --json`, with `missing` where a condition is not computed.
        market_description: what the market is and where the bars come from, in words.
        is_synthetic: the bars were generated; the page says so wherever it shows a result.
        costs: per side.
        horizon_text: from the decision to the label's end, in words ("8 bars (8 hours)").
        slices: how history was cut.
        quality: what is known about the bars.
        lineage: digests.
        initial_capital: equity before the first bar, quote currency.
        equity: frame of the vault: open_time (UTC, ascending), equity (quote currency, at close), close
            (price, NaN where the bar is missing).
        trades: round trips of the vault, in order of entry: entry_time, exit_time, entry_price, exit_price,
            side (`long`, `short`), net_pnl (quote currency).
        labels: the vault's bars: open_time, close, tau (log return), label (-1, 0, 1, NaN).
        direction: curves of the vault's rows; None also where ups or downs are missing.
        thresholds: rule of the bundle, with the curve of all pairs tried.
        sensitivity: the same targets at other costs.
        break_even_correlation: of forecast and return at these costs.
        calibration: scores and reliability before and after.
        search: the study behind the recipe.
        importance: frame with feature and one column of importance a kind (`shap`, `permutation`).
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
    trades: pd.DataFrame | None = None
    labels: pd.DataFrame | None = None
    direction: DirectionCurves | None = None
    thresholds: Thresholds | None = None
    sensitivity: tuple[CostPoint, ...] = ()
    break_even_correlation: Metric | None = None
    calibration: Calibration | None = None
    search: Search | None = None
    importance: pd.DataFrame | None = None


@dataclass(frozen=True)
class IndexEntry:
    """One row of the index.

    Attributes:
        verdict: as in `ReportInputs`.
        file: name of the report beside the index, such as `BTC-USD_1h_xgboost.html`.
        is_synthetic: the market is generated.
        vault: when the first bar that was judged opens and the last label ends, UTC; None: not known.
    """

    verdict: Mapping[str, Any]
    file: str
    is_synthetic: bool = False
    vault: tuple[pd.Timestamp, pd.Timestamp] | None = None

    def __post_init__(self) -> None:
        if not self.file.endswith(".html") or not set(self.file) <= _FILE_CHARACTERS:
            raise ConfigurationError(
                f"report file {self.file!r} is not allowed; expected a bare name of letters, digits, "
                "'.', '_' and '-' that ends in .html."
            )
        validate_timeframe(str(self.verdict.get("timeframe")))


_FILE_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
