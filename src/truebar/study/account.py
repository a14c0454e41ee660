"""What a finished trial would have earned out of fold: attributes that describe it and never choose it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from truebar import backtest
from truebar.arrays import FloatArray
from truebar.decision import target_positions
from truebar.models.recipe import Request
from truebar.risk.sizing import position_sizes
from truebar.scores.direction import direction_score
from truebar.scores.ranks import ranked, roc_areas
from truebar.study.candidate import Candidate
from truebar.study.dev import Dev
from truebar.study.trial import Outcome
from truebar.thresholds import at_cost


@dataclass(frozen=True, eq=False)
class TrialAccount:
    """How a trial's out-of-fold rows did, with both thresholds at the cost of a round trip.

    Attributes:
        returns: float64[bars - 1], net return per bar over dev's bars, flat bars included.
        ev_net: mean net log return per bar; None after ruin.
        n_trades: completed round trips.
        direction_auc: of up against down; None without both.
    """

    returns: FloatArray
    ev_net: float | None
    n_trades: int
    direction_auc: float | None


def account_of(
    dev: Dev, bars: pd.DataFrame, outcome: Outcome, candidate: Candidate, request: Request
) -> TrialAccount:
    """Return what the trial's out-of-fold edges earn, net of all costs.

    Args:
        dev: what all trials share.
        bars: klines of the history that dev's rows are places of.
        outcome: of the trial.
        candidate: its label, for the volatility behind its sizes.
        request: costs, sides and sizes. Kelly sizing is left out: it is no part of what is compared.
    """
    span = slice(int(dev.rows[0]), int(dev.rows[-1]) + 1)
    config = request.backtest.model_copy(
        update={"sizing": request.backtest.sizing.model_copy(update={"kelly": False})}
    )
    edge, sigma = (np.full(len(bars), np.nan) for _ in range(2))
    edge[dev.rows], edge[dev.between.rows] = outcome.edge, outcome.edge_between
    label = candidate.label
    choice, per_tau = dev.choice(label), 1 / (label.k * np.sqrt(label.horizon_bars))
    sigma[dev.rows] = dev.tau[choice] * per_tau
    sigma[dev.between.rows] = dev.between.tau[choice] * per_tau
    sizes = position_sizes(sigma[span], timeframe=dev.timeframe, config=config.sizing)
    target = target_positions(edge[span], at_cost(config), size=sizes, position_mode=config.position_mode)
    account = backtest.run(bars.iloc[span], target, config, timeframe=dev.timeframe)
    alive = account.equity.min() > 0
    return TrialAccount(
        returns=account.returns,
        ev_net=float(np.diff(np.log(account.equity)).mean()) if alive else None,
        n_trades=int(account.metrics["n_trades"].value or 0),
        direction_auc=_direction_auc(outcome.probabilities, dev.labels[dev.choice(label)]),
    )


def _direction_auc(probabilities: FloatArray, labels: FloatArray) -> float | None:
    """Return the area of up against down among rows that moved; None without both."""
    ranking = ranked(direction_score(probabilities), labels == 1, labels != 0)
    if not ranking.positives or not ranking.negatives:
        return None
    return float(roc_areas(ranking, ranking.once)[0])
