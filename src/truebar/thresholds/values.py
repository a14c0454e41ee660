"""Thresholds as a record that travels in a bundle."""

from __future__ import annotations

import json
from typing import Literal

from pydantic import Field, ValidationError

from truebar.config import BacktestConfig, Settings
from truebar.errors import BundleError
from truebar.units import BASIS_POINT

Method = Literal["at_cost", "ev_net", "f1", "pr_auc"]


class CurvePoint(Settings):
    """What one pair of thresholds earned on the rows it was tried on."""

    long: float = Field(ge=0, description="threshold of the long side, log return")
    short: float = Field(ge=0, description="threshold of the short side, log return")
    score: float | None = Field(
        description="what the method maximises, null where undefined; ev_net: mean net log return per bar; "
        "f1: mean F1 of both sides; pr_auc, in spite of its name no area under a curve but one rectangle of "
        "it: recall times precision above the base rate at these thresholds, mean of both sides"
    )
    low: float | None = Field(None, description="lower end of the score's 95 % interval")
    high: float | None = Field(None, description="upper end of the score's 95 % interval")
    n_trades: int = Field(ge=0, description="completed round trips")


class Thresholds(Settings):
    """Edges that open and close a position, in log-return units (`truebar.decision.EntryRule`)."""

    long: float = Field(ge=0, description="a long position is entered above this edge, log return")
    short: float = Field(ge=0, description="a short position is entered above this edge, log return")
    exit: float = Field(0.0, description="a position is left below this edge of its side, log return")
    method: Method = Field("at_cost", description="how they were chosen")
    reason: str | None = Field(
        None, description="why the method fell back to the cost; null where it did not"
    )
    curve: tuple[CurvePoint, ...] | None = Field(None, description="every pair that was tried")

    def to_json(self) -> str:
        """Return the thresholds as JSON with sorted keys; equal thresholds give equal text."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, indent=2, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Thresholds:
        """Return the thresholds that `to_json` wrote.

        Raises:
            BundleError: when the text is not such thresholds.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise BundleError(f"thresholds.json cannot be read: {error}") from error


def round_trip_cost(config: BacktestConfig) -> float:
    """Return C, the cost of one entry and one exit, in log-return units.

    >>> round_trip_cost(BacktestConfig())
    0.003
    """
    return config.costs.round_trip_bps * BASIS_POINT


def at_cost(config: BacktestConfig) -> Thresholds:
    """Return thresholds at the cost of a round trip: enter where the edge pays for it, leave where it turns.

    >>> at_cost(BacktestConfig()).long
    0.003
    """
    cost = round_trip_cost(config)
    return Thresholds(long=cost, short=cost)
