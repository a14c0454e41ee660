"""What one trial tries: a label on offer, and parameters of the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from truebar.config import LabelConfig, XgbParameters
from truebar.errors import ConfigurationError
from truebar.models.recipe import Request


@dataclass(frozen=True)
class Candidate:
    """A label and parameters that a trial trains with.

    Attributes:
        label: with the k and estimator of the trial.
        parameters: of the booster.
    """

    label: LabelConfig
    parameters: XgbParameters

    def values(self) -> dict[str, Any]:
        """Return what a search chose, by name: k, estimator and the parameters searched."""
        searched = self.parameters.model_dump(exclude={"max_bin", "seed"})
        return {"k": self.label.k, "estimator": self.label.estimator, **searched}


def first_candidate(request: Request) -> Candidate:
    """Return the candidate of the first trial: the configuration as it is given."""
    return Candidate(request.label, request.parameters)


def candidate_of(request: Request, values: Mapping[str, Any]) -> Candidate:
    """Return the candidate with the values that a search chose; what was not searched stays as given.

    Raises:
        ConfigurationError: when the k or the estimator is not on offer.
    """
    chosen = dict(values)
    k, estimator = chosen.pop("k", request.label.k), chosen.pop("estimator", request.label.estimator)
    if k not in (*request.k_grid, request.label.k) or estimator not in (
        *request.estimators,
        request.label.estimator,
    ):
        raise ConfigurationError(
            f"k {k} with {estimator} is not on offer; expected k of {request.k_grid} and one of "
            f"{', '.join(request.estimators)}."
        )
    parameters = XgbParameters.model_validate(request.parameters.model_dump() | chosen)
    return Candidate(request.label_of(float(k), estimator), parameters)
