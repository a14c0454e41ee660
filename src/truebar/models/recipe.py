"""A request, and the recipe that a search makes of it: everything that decides a model but the data."""

from __future__ import annotations

from pydantic import Field

from truebar.config import (
    BacktestConfig,
    CalibrationMethod,
    Estimator,
    LabelConfig,
    OptunaConfig,
    Settings,
    ThresholdTuningConfig,
    ValidationConfig,
    XgbConfig,
    XgbParameters,
)
from truebar.errors import ConfigurationError
from truebar.fingerprint import fingerprint


class Recipe(Settings):
    """What a verdict belongs to: two trainings with one recipe are one trial, however often they run."""

    kind: str = Field(min_length=2, description="model kind")
    feature_columns: tuple[str, ...] = Field(min_length=1, description="columns of the matrix, in order")
    label: LabelConfig = Field(description="what is predicted")
    parameters: XgbParameters = Field(description="of the model, rounds and seed included")
    validation: ValidationConfig = Field(description="folds, vault share and embargo")
    calibration: CalibrationMethod = Field(description="method fitted on out-of-fold rows")
    thresholds: ThresholdTuningConfig = Field(description="how entry thresholds are set")
    backtest: BacktestConfig = Field(description="costs, sides and sizes that the verdict is net of")

    def digest(self) -> str:
        """Return the recipe's name: the SHA-256 of its canonical JSON."""
        return fingerprint(self.model_dump(mode="json"))


class Request(Settings):
    """What is asked for before the search: what is fixed, and what is on offer (METHOD §4, §5)."""

    kind: str = Field(min_length=2, description="model kind")
    feature_columns: tuple[str, ...] = Field(min_length=1, description="columns of the matrix, in order")
    label: LabelConfig = Field(description="the label of the first trial; horizon, window, zone are fixed")
    k_grid: tuple[float, ...] = Field(min_length=1, description="k on offer")
    estimators: tuple[Estimator, ...] = Field(min_length=1, description="volatility estimators on offer")
    parameters: XgbParameters = Field(description="of the first trial")
    search: OptunaConfig = Field(description="how many trials, over what, pruned how")
    validation: ValidationConfig = Field(description="folds, vault share and embargo")
    calibrations: tuple[CalibrationMethod, ...] = Field(min_length=1, description="methods on offer")
    thresholds: ThresholdTuningConfig = Field(description="how entry thresholds are set")
    backtest: BacktestConfig = Field(description="costs, sides and sizes that the verdict is net of")

    def digest(self) -> str:
        """Return the request's name: the SHA-256 of its canonical JSON without the number of trials.

        A search of more trials goes on where one of fewer ended, so both are of one request.
        """
        return fingerprint(self.model_dump(mode="json", exclude={"search": {"n_trials"}}))

    def label_of(self, k: float, estimator: Estimator) -> LabelConfig:
        """Return the label with one of the k and estimators on offer."""
        return self.label.model_copy(update={"k": k, "estimator": estimator})

    def freeze(self, label: LabelConfig, parameters: XgbParameters, calibration: CalibrationMethod) -> Recipe:
        """Return the recipe that a search of this request ended with."""
        return Recipe(
            kind=self.kind,
            feature_columns=self.feature_columns,
            label=label,
            parameters=parameters,
            validation=self.validation,
            calibration=calibration,
            thresholds=self.thresholds,
            backtest=self.backtest,
        )


def xgboost_request(
    feature_columns: tuple[str, ...],
    label: LabelConfig,
    model: XgbConfig,
    backtest: BacktestConfig,
    *,
    k_grid: tuple[float, ...] = (),
    estimators: tuple[Estimator, ...] = (),
) -> Request:
    """Return the request of the kind `xgboost` that the configuration describes.

    Args:
        feature_columns: columns of the matrix, in order.
        label: the configured label.
        model: parameters, search, validation, calibration and thresholds.
        backtest: costs, sides and sizes.
        k_grid: k on offer; empty or without a search, the label's own.
        estimators: on offer; empty or without a search, the label's own.

    Raises:
        ConfigurationError: for labels without a neutral zone: no row is flat then, and the booster learns
            the three classes down, flat and up.
    """
    if not label.neutral_zone:
        raise ConfigurationError(
            "labels.neutral_zone is false, so that no row is labelled flat; the model kind xgboost learns "
            "the three classes down, flat and up. Set labels.neutral_zone to true in data.yaml."
        )
    searched = model.optuna.n_trials > 1
    return Request(
        kind="xgboost",
        feature_columns=feature_columns,
        label=label,
        k_grid=k_grid if searched and k_grid else (label.k,),
        estimators=estimators if searched and estimators else (label.estimator,),
        parameters=model.xgb,
        search=model.optuna,
        validation=model.validation,
        calibrations=model.postprocessing.calibration.candidates,
        thresholds=model.postprocessing.threshold_tuning,
        backtest=backtest,
    )
