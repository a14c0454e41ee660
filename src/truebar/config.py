"""One frozen model for each thing that is configured; every field has its unit, bounds and reason."""

from __future__ import annotations

from typing import Final, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from truebar.partitions import Partition, validate_symbol
from truebar.units import TIMEFRAMES, validate_timeframe

Estimator = Literal["yang_zhang", "garman_klass", "parkinson", "atr", "realized"]
PositionMode = Literal["long_short", "long_only", "short_only"]
CalibrationMethod = Literal["none", "temperature", "platt", "isotonic"]
CALIBRATION_METHODS: Final[tuple[CalibrationMethod, ...]] = get_args(CalibrationMethod)


class Settings(BaseModel):
    """Frozen; any key it does not know, and any number that is not finite, is an error that names it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class LabelConfig(Settings):
    """How a bar is labelled (METHOD §1)."""

    estimator: Estimator = Field("yang_zhang", description="volatility estimator behind tau")
    window: int = Field(96, ge=2, le=100_000, description="bars the estimator looks back")
    k: float = Field(1.0, gt=0, le=10, description="tau in units of sigma times the root of the horizon")
    horizon_bars: int = Field(4, ge=1, le=100_000, description="bars from the decision to the label's end")
    neutral_zone: bool = Field(True, description="label 0 if the return stays within tau; xgboost needs it")


class CostsConfig(Settings):
    """What a trade costs, per side."""

    fee_bps: float = Field(5.0, ge=0, le=1_000, description="fee on traded notional, basis points per side")
    slippage_bps: float = Field(10.0, ge=0, le=1_000, description="adverse price move, basis points per side")

    @property
    def round_trip_bps(self) -> float:
        """Cost of one entry and one exit, in basis points (C of METHOD §3)."""
        return 2 * (self.fee_bps + self.slippage_bps)


class ExecutionConfig(Settings):
    """When and how a decision becomes a fill."""

    rule: Literal["next_open"] = Field("next_open", description="decided at close t, filled at open t+1")
    rebalance_leverage: float = Field(
        1.5, gt=1, le=100, description="|units*close|/equity that restores size"
    )
    maintenance_margin: float = Field(0.005, ge=0, lt=1, description="share of notional at liquidation")
    liquidation_fee_bps: float = Field(50.0, ge=0, le=10_000, description="fee on liquidated notional")


class SizingConfig(Settings):
    """How large a position is (METHOD §3); set at entry and kept."""

    q_max: float = Field(1.0, gt=0, le=1, description="largest share of equity")
    sigma_target: float = Field(0.20, gt=0, le=10, description="volatility aimed at, per year")
    kelly: bool = Field(False, description="also cap the size by fractional Kelly")
    kelly_fraction: float = Field(0.25, gt=0, le=1, description="lambda, share of full Kelly")


class BacktestConfig(Settings):
    """The simulated account (METHOD §3, `backtest.yaml`)."""

    initial_capital: float = Field(100_000.0, gt=0, description="starting equity in quote currency")
    position_mode: PositionMode = Field("long_short", description="sides that may be held")
    execution: ExecutionConfig = Field(default_factory=ExecutionConfig)
    costs: CostsConfig = Field(default_factory=CostsConfig)
    sizing: SizingConfig = Field(default_factory=SizingConfig)


class KConfig(Settings):
    """The label's k: what is used and what a search may try."""

    default: float = Field(1.0, gt=0, le=10, description="k without a search")
    grid: tuple[float, ...] = Field((0.5, 0.75, 1.0, 1.25, 1.5), min_length=1, description="k on offer")


class VolThresholdConfig(Settings):
    """tau = k * sigma * sqrt(horizon)."""

    estimator: Estimator = Field("realized", description="volatility estimator behind tau")
    search: tuple[Estimator, ...] = Field(
        ("realized", "yang_zhang", "garman_klass", "parkinson", "atr"),
        min_length=1,
        description="estimators that a search may try",
    )
    window: int = Field(96, ge=2, le=100_000, description="bars the estimator looks back")
    k: KConfig = Field(default_factory=KConfig)


def _known_horizons(horizons: dict[str, int]) -> dict[str, int]:
    for timeframe, bars in horizons.items():
        validate_timeframe(timeframe)
        if bars < 1:
            raise ValueError(f"horizon of {timeframe} is {bars} bars; expected at least 1")
    return horizons


class LabelOverride(Settings):
    """What differs in the labels of one symbol; what is not given is as for all others."""

    estimator: Estimator | None = Field(
        None, description="volatility estimator behind tau; null: no override"
    )
    horizons: dict[str, int] = Field(
        default_factory=dict, description="bars from decision to label end, by timeframe"
    )

    @field_validator("horizons")
    @classmethod
    def _known_timeframes(cls, horizons: dict[str, int]) -> dict[str, int]:
        return _known_horizons(horizons)


class LabelsSection(Settings):
    """`labels` of `data.yaml`."""

    method: Literal["vol_scaled"] = Field("vol_scaled", description="labelling rule")
    vol_threshold: VolThresholdConfig = Field(default_factory=VolThresholdConfig)
    horizons: dict[str, int] = Field(
        default={"1s": 60, "5s": 60, "1m": 60, "5m": 48, "15m": 32, "30m": 16, "1h": 8, "4h": 2, "1d": 1},
        description="bars from decision to label end, by timeframe",
    )
    overrides: dict[str, LabelOverride] = Field(
        default={
            name: LabelOverride(estimator="realized", horizons={"15m": 4})
            for name in ("SYN-EDGE", "SYN-NULL")
        },
        description="what differs for single symbols",
    )
    neutral_zone: bool = Field(True, description="label 0 if the return stays within tau; xgboost needs it")

    @field_validator("overrides")
    @classmethod
    def _known_symbols(cls, overrides: dict[str, LabelOverride]) -> dict[str, LabelOverride]:
        for symbol in overrides:
            validate_symbol(symbol)
        return overrides

    @field_validator("horizons")
    @classmethod
    def _known_timeframes(cls, horizons: dict[str, int]) -> dict[str, int]:
        _known_horizons(horizons)
        missing = [name for name in TIMEFRAMES if name not in horizons]
        if missing:
            raise ValueError(f"no horizon for {', '.join(missing)}; give the bars for each timeframe")
        return horizons

    def for_partition(self, partition: Partition) -> LabelConfig:
        """Return the label of one symbol at one timeframe."""
        override = self.overrides.get(partition.symbol, LabelOverride())
        return LabelConfig(
            estimator=override.estimator or self.vol_threshold.estimator,
            window=self.vol_threshold.window,
            k=self.vol_threshold.k.default,
            horizon_bars=(self.horizons | override.horizons)[partition.timeframe],
            neutral_zone=self.neutral_zone,
        )


class DataConfig(Settings):
    """`data.yaml`: what is predicted, and from how much."""

    labels: LabelsSection = Field(default_factory=LabelsSection)
    min_training_bars: int = Field(
        5_000, ge=1, description="bars without which a partition is not trained: a fifth is the vault"
    )


class XgbParameters(Settings):
    """Parameters of one booster."""

    max_depth: int = Field(3, ge=1, le=16, description="depth of a tree")
    learning_rate: float = Field(0.05, gt=0, le=1, description="shrinkage of each tree")
    rounds: int = Field(150, ge=1, le=100_000, description="trees per class")
    min_child_weight: float = Field(20.0, ge=0, description="smallest hessian sum of a leaf")
    subsample: float = Field(0.8, gt=0, le=1, description="share of rows for each tree")
    colsample_bytree: float = Field(0.8, gt=0, le=1, description="share of columns for each tree")
    reg_lambda: float = Field(1.0, ge=0, description="L2 penalty of leaf weights")
    max_bin: int = Field(64, ge=2, le=65_536, description="histogram bins of a column")
    seed: int = Field(7, ge=0, description="seed of row and column sampling")


class CalibrationConfig(Settings):
    """How probabilities are made honest."""

    enabled: bool = Field(True, description="off means method none")
    method: Literal["auto", "none", "temperature", "platt", "isotonic"] = Field(
        "auto", description="auto: the simplest within one standard error of the best on out-of-fold rows"
    )

    @property
    def candidates(self) -> tuple[CalibrationMethod, ...]:
        """The methods on offer."""
        if not self.enabled:
            return ("none",)
        return CALIBRATION_METHODS if self.method == "auto" else (self.method,)


class ThresholdTuningConfig(Settings):
    """How entry thresholds are chosen."""

    enabled: bool = Field(True, description="off: both thresholds equal the round-trip cost")
    methods: tuple[Literal["ev_net", "f1", "pr_auc"], ...] = Field(
        ("ev_net",), min_length=1, description="curves to show; ev_net decides, listed or not"
    )


class PostprocessingConfig(Settings):
    """`postprocessing` of a model's file."""

    calibration: CalibrationConfig = Field(default_factory=CalibrationConfig)
    threshold_tuning: ThresholdTuningConfig = Field(default_factory=ThresholdTuningConfig)


class ValidationConfig(Settings):
    """How history is split (METHOD §2, §5)."""

    folds: int = Field(5, ge=2, le=50, description="contiguous purged folds of dev")
    vault: float = Field(0.2, gt=0, lt=1, description="share of history kept for the one look")
    embargo_bars: int | None = Field(None, ge=0, description="null: max(horizon, one day, 1 % of dev)")


class _Range(Settings):
    """What a search may try, both ends included."""

    low: float
    high: float
    log: bool = Field(False, description="drawn evenly in logarithms")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.high < self.low:
            raise ValueError(f"high {self.high} is below low {self.low}")
        return self


class WholeRange(_Range):
    """Whole numbers a search may try."""

    low: int = Field(ge=1, description="smallest")
    high: int = Field(ge=1, description="largest")


class RealRange(_Range):
    """Numbers a search may try."""

    low: float = Field(gt=0, description="smallest")
    high: float = Field(gt=0, description="largest")


class XgbSpace(Settings):
    """What a search of booster parameters may try, besides k and the estimator."""

    max_depth: WholeRange = Field(WholeRange(low=2, high=6), description="depth of a tree")
    learning_rate: RealRange = Field(RealRange(low=0.02, high=0.2, log=True), description="shrinkage")
    rounds: WholeRange = Field(WholeRange(low=50, high=300, log=True), description="trees per class")
    min_child_weight: RealRange = Field(RealRange(low=5, high=200, log=True), description="hessian of a leaf")
    subsample: RealRange = Field(RealRange(low=0.5, high=1.0), description="share of rows for each tree")
    colsample_bytree: RealRange = Field(RealRange(low=0.3, high=1.0), description="share of columns")
    reg_lambda: RealRange = Field(RealRange(low=0.1, high=30, log=True), description="L2 penalty of leaves")


class PrunerConfig(Settings):
    """When a trial is given up."""

    type: Literal["successive_halving", "hyperband", "median", "none"] = Field(
        "successive_halving", description="compares the scores of trials after the same share of boosting"
    )
    reduction_factor: int = Field(3, ge=2, le=10, description="one in so many trials goes on, at each rung")
    startup_trials: int = Field(5, ge=1, description="trials that median never gives up")


class OptunaConfig(Settings):
    """`optuna` of a model's file: the search over dev's folds (METHOD §4)."""

    n_trials: int = Field(6, ge=1, le=100_000, description="trials; 1: no search, the parameters as given")
    seed: int = Field(7, ge=0, description="of sampler, fold order and trials")
    pruner: PrunerConfig = Field(default_factory=PrunerConfig)
    space: XgbSpace = Field(default_factory=XgbSpace)


class XgbConfig(Settings):
    """`xgb.yaml`: the model kind `xgboost`."""

    xgb: XgbParameters = Field(default_factory=XgbParameters)
    optuna: OptunaConfig = Field(default_factory=OptunaConfig)
    validation: ValidationConfig = Field(default_factory=ValidationConfig)
    postprocessing: PostprocessingConfig = Field(default_factory=PostprocessingConfig)


class SyntheticConfig(Settings):
    """How a synthetic market is generated (METHOD §8); the same settings give the same bars."""

    timeframe: str = Field("15m", description="length of its bars; other timeframes have none")
    seed: int = Field(ge=0, description="what every shock is drawn from")
    bars: int = Field(35_040, ge=10, le=10_000_000, description="bars; 35,040 of 15m are a year")
    strength: float | None = Field(None, ge=0, le=1, description="A, the planted signal; null: METHOD's")

    @field_validator("timeframe")
    @classmethod
    def _known_timeframe(cls, timeframe: str) -> str:
        return validate_timeframe(timeframe)


class MarketConfig(Settings):
    """One market at one venue (`markets.yaml`)."""

    exchange: str = Field(min_length=2, description="ccxt id of the venue")
    market_type: Literal["spot", "linear_perpetual", "inverse_perpetual", "synthetic"]
    exchange_symbol: str = Field(min_length=2, description="the venue's own name of the market")
    tick_size: float | None = Field(
        None, gt=0, description="smallest price step, quote currency; null unknown"
    )
    lot_size: float | None = Field(None, gt=0, description="smallest amount step, base currency")
    minimum_notional: float | None = Field(None, ge=0, description="smallest order, quote currency")
    maker_fee_bps: float | None = Field(None, description="venue's maker fee, may be negative")
    taker_fee_bps: float | None = Field(None, ge=0, description="venue's taker fee")
    synthetic: SyntheticConfig | None = Field(None, description="how it is generated; null: it is not")

    @property
    def is_synthetic(self) -> bool:
        """Whether the bars are generated: no such market exists."""
        return self.market_type == "synthetic"

    @model_validator(mode="after")
    def _generated_if_synthetic(self) -> Self:
        if self.is_synthetic != (self.synthetic is not None):
            raise ValueError("a market of type synthetic needs the section `synthetic`, and no other has one")
        return self
