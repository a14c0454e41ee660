"""A recipe: everything that decides a model but the data, frozen after the search (METHOD §5)."""

from __future__ import annotations

from pydantic import Field

from truebar.config import (
    BacktestConfig,
    CalibrationMethod,
    LabelConfig,
    Settings,
    ThresholdTuningConfig,
    ValidationConfig,
    XgbConfig,
    XgbParameters,
)
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


def xgboost_recipe(
    feature_columns: tuple[str, ...], label: LabelConfig, model: XgbConfig, backtest: BacktestConfig
) -> Recipe:
    """Return the recipe of the kind `xgboost` without a search: the parameters are those configured."""
    calibration = model.postprocessing.calibration
    return Recipe(
        kind="xgboost",
        feature_columns=feature_columns,
        label=label,
        parameters=model.xgb,
        validation=model.validation,
        calibration=calibration.method if calibration.enabled else "none",
        thresholds=model.postprocessing.threshold_tuning,
        backtest=backtest,
    )
