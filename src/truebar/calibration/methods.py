"""The calibration methods by name: fit one, or read one back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

import numpy.typing as npt
from pydantic import TypeAdapter, ValidationError

from truebar.arrays import FloatArray, IntArray
from truebar.calibration.calibrator import Calibrator
from truebar.calibration.identity import NoCalibration
from truebar.calibration.inputs import read_training_rows
from truebar.calibration.isotonic import IsotonicCalibration, fit_isotonic
from truebar.calibration.platt import PlattCalibration, fit_platt
from truebar.calibration.temperature import TemperatureCalibration, fit_temperature
from truebar.errors import ConfigurationError, ModelError


def _fit_none(_rows: FloatArray, _classes: IntArray) -> NoCalibration:
    return NoCalibration()


_FITS: Final[dict[str, Callable[[FloatArray, IntArray], Calibrator]]] = {
    "none": _fit_none,
    "temperature": fit_temperature,
    "platt": fit_platt,
    "isotonic": fit_isotonic,
}
METHODS: Final = tuple(_FITS)
"""From the simplest to the one with most freedom."""

_KINDS: Final[dict[str, type[Calibrator]]] = {
    kind.method: kind
    for kind in (NoCalibration, TemperatureCalibration, PlattCalibration, IsotonicCalibration)
}


def fit(method: str, probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> Calibrator:
    """Return a calibrator fitted on probabilities that their model did not train on (METHOD §5.2).

    Args:
        method: none, temperature, platt or isotonic.
        probabilities: [n, 3] out-of-fold p_down, p_flat, p_up, or a frame with these columns. No NaN.
        labels: [n], -1, 0 or 1, no missing values.

    The result may be used from the last label_end of the rows given. Each class needs a row, except with
    the method none, and except for flat where p_flat is 0 throughout (labels without a neutral zone).

    Raises:
        ConfigurationError: for another method.
        SchemaError: when columns or lengths do not match, or a label is missing or none of the three.
        InvalidProbabilityError: when a row is NaN, infinite, outside [0, 1], or does not sum to one.
        TooFewRowsError: when a class has no row, or isotonic has fewer than 10,000.
        ModelError: when platt has no finite solution, because a class is split from the rest without error.

    >>> fit("none", [[0.2, 0.5, 0.3]], [1]).to_json()
    '{"method":"none"}'
    """
    if method not in _FITS:
        raise ConfigurationError(
            f"the calibration method {method!r} is unknown; expected one of {', '.join(METHODS)}."
        )
    rows, classes = read_training_rows(probabilities, labels)
    return _FITS[method](rows, classes)


def from_json(text: str) -> Calibrator:
    """Return the calibrator that `Calibrator.to_json` wrote, equal to the last bit.

    Raises:
        ModelError: when the text is not JSON, names no known method, or its numbers are not a calibrator's.

    >>> from_json('{"method":"temperature","temperature":1.5}')
    TemperatureCalibration(temperature=1.5)
    """
    try:
        content = json.loads(text)
    except ValueError as error:
        raise ModelError(f"the calibrator is not JSON ({error}); make the bundle again.") from error
    method = content.pop("method", None) if isinstance(content, dict) else None
    if not isinstance(method, str) or method not in _KINDS:
        raise ModelError(
            f"the calibrator names the method {method!r}; expected one of {', '.join(METHODS)}. "
            "Make the bundle again, or use the version that made it."
        )
    try:
        return TypeAdapter(_KINDS[method]).validate_python(content)
    except ValidationError as error:
        raise ModelError(f"this is no {method} calibrator: {error}. Make the bundle again.") from error
