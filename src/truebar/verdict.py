"""The verdict on one recipe: four conditions on the vault, each named where it fails (METHOD §6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from truebar.backtest import BacktestResult
from truebar.counts import whole_number
from truebar.fingerprint import fingerprint
from truebar.partitions import Partition
from truebar.scores.account import deflated_sharpe, net_return_interval, sharpe_interval, track_record
from truebar.scores.activity import activity_scores
from truebar.scores.direction import direction_scores
from truebar.scores.intervals import Resampling
from truebar.scores.metric import Metric
from truebar.units import BARS_PER_YEAR
from truebar.validation.significance import LEAST_ROUND_TRIPS, N_RESAMPLES, min_detectable_sharpe

EDGE: Final = "edge"
NO_EDGE: Final = "no edge proven"

LEAST_SHARPE_PROBABILITY: Final = 0.95
NO_SKILL_AUC: Final = 0.5

LEAKAGE: Final = "leakage"
FUNDING: Final = "funding"


@dataclass(frozen=True)
class Verdict:
    """What the vault says of one recipe.

    Attributes:
        verdict: `edge` or `no edge proven`; absence of proof is not proof of absence.
        failed: names of the conditions that do not hold, those in `missing` included. Names are `roc_auc`,
            `sharpe_p`, `n_trades`, `log_skill`, `leakage` and `funding`.
        missing: names of the conditions that were not computed.
        metrics: by name, on the vault.
        n_trials: trials of the search behind the recipe, pruned ones included; 1 without a search.
        vault_looks: distinct recipes that have looked at this vault, this one included.
        bundle: hash of the evaluation bundle.
        data_digest: of the rows that were judged.
        leakage: each leakage check by name: True passed, False failed, None not computed.
    """

    verdict: Literal["edge", "no edge proven"]
    failed: tuple[str, ...]
    missing: tuple[str, ...]
    metrics: Mapping[str, Metric]
    n_trials: int
    vault_looks: int
    bundle: str
    data_digest: str
    leakage: Mapping[str, bool | None] = field(default_factory=dict)

    def to_json(
        self, partition: Partition, kind: str, *, oracle: Mapping[str, float] | None = None
    ) -> dict[str, Any]:
        """Return the object that `truebar verdicts --json` prints; no NaN, no infinity.

        Args:
            partition: what was judged.
            kind: model kind.
            oracle: on synthetic markets roc_auc, log_loss and ev_bps of the oracle on the same rows.
        """
        found = {
            "symbol": partition.symbol,
            "timeframe": partition.timeframe,
            "kind": kind,
            "verdict": self.verdict,
            "failed": list(self.failed),
            "missing": list(self.missing),
            "metrics": {name: metric.to_json() for name, metric in self.metrics.items()},
            "n_trials": self.n_trials,
            "vault_looks": self.vault_looks,
            "bundle": self.bundle,
            "data_digest": self.data_digest,
            "leakage": dict(self.leakage),
        }
        return found if oracle is None else found | {"oracle": dict(oracle)}


def bootstrap_generator(recipe_digest: str, data_digest: str) -> np.random.Generator:
    """Return the generator of all intervals: its seed is the hash of recipe and data (METHOD §6)."""
    return np.random.default_rng(int(fingerprint([recipe_digest, data_digest])[:16], 16))


def _holds(value: float | None, least: float, *, strictly: bool) -> bool | None:
    """Return whether a number reaches its bound; None where there is no number."""
    if value is None:
        return None
    return value > least if strictly else value >= least


def _no_leak(checks: Mapping[str, bool | None] | None) -> bool | None:
    """Return whether every leakage check passed; None where none ran, or one that has not failed did not."""
    results = list((checks or {}).values())
    if any(result is not None and not result for result in results):
        return False
    return None if not results or any(result is None for result in results) else True


def conditions(
    metrics: Mapping[str, Metric],
    leakage_checks: Mapping[str, bool | None] | None,
    *,
    funding_counted: bool | None,
) -> dict[str, bool | None]:
    """Return whether each condition of `edge` holds; None where it could not be computed.

    (a) `roc_auc`: the lower end of its interval is above 0.5. (b) `sharpe_p`: the probability that the
    Sharpe ratio net of all costs beats luck is at least 0.95, with `n_trades`: at least 30 round trips.
    (c) `log_skill` is above 0. (d) `leakage`: every check passed. `funding` is part of (b), net of *all*
    costs: it appears only where the account should have paid funding and did not.
    """
    luck, trades = metrics["deflated_sharpe"].value, metrics["n_trades"].value
    held = {
        "roc_auc": _holds(metrics["roc_auc"].low, NO_SKILL_AUC, strictly=True),
        "sharpe_p": _holds(luck, LEAST_SHARPE_PROBABILITY, strictly=False),
        "n_trades": _holds(trades, LEAST_ROUND_TRIPS, strictly=False),
        "log_skill": _holds(metrics["log_skill"].value, 0.0, strictly=True),
        LEAKAGE: _no_leak(leakage_checks),
    }
    return held if funding_counted else held | {FUNDING: funding_counted}


def _account(backtest: BacktestResult, vault_looks: int, how: Resampling) -> dict[str, Metric]:
    """Return the metrics of the account, with intervals and what they mean after luck."""
    per_year, bars = BARS_PER_YEAR[backtest.timeframe], backtest.equity.size
    sharpe, gain = backtest.metrics["sharpe"], backtest.metrics["net_return"]
    return {
        **backtest.metrics,
        "sharpe": sharpe_interval(sharpe, backtest.returns, bars_per_year=per_year, how=how),
        "net_return": net_return_interval(gain, backtest.returns, how),
        "deflated_sharpe": deflated_sharpe(sharpe, backtest.returns, n_trials=vault_looks),
        "min_detectable_sharpe": Metric(min_detectable_sharpe(bars / per_year), n=bars),
        **track_record(sharpe, backtest.returns, n_trials=vault_looks, bars_per_year=per_year),
    }


def judge(
    *,
    probabilities: npt.ArrayLike,
    labels: npt.ArrayLike,
    backtest: BacktestResult,
    dev_shares: tuple[float, float, float],
    horizon_bars: int,
    generator: np.random.Generator,
    leakage_checks: Mapping[str, bool | None] | None,
    vault_looks: int,
    n_trials: int,
    bundle: str,
    data_digest: str,
    funding_counted: bool | None,
    n_resamples: int = N_RESAMPLES,
) -> Verdict:
    """Return the verdict on one recipe from the rows and the account of its vault.

    Args:
        probabilities: float[n, 3], calibrated p_down, p_flat, p_up of the vault, in time order.
        labels: [n], -1, 0, 1 or missing.
        backtest: the account over the vault's bars, net of all costs.
        dev_shares: (down, flat, up) of dev's labels.
        horizon_bars: h, bars that a label spans.
        generator: from `bootstrap_generator`.
        leakage_checks: result of each check; None, an empty mapping or a None inside is "not computed".
        vault_looks: distinct recipes that have looked at this vault, this one included.
        n_trials: trials of the search behind the recipe.
        bundle: hash of the evaluation bundle.
        data_digest: of the rows that are judged.
        funding_counted: the account paid all funding that was due, or none ever is; None: not computed.
        n_resamples: resamples of each interval.

    A condition that cannot be computed counts as failed and is also named in `missing`. Undefined metrics
    have no value but a reason.

    Raises:
        ConfigurationError: when looks or trials are no whole number of at least 1 (this look counts), or
            dev has no ups or no downs.
        SchemaError, CorruptDataError: as `truebar.scores.direction.direction_scores`.
    """
    looks, trials = whole_number("vault_looks", vault_looks, 1), whole_number("n_trials", n_trials, 1)
    how = Resampling(horizon_bars, generator, n_resamples)
    metrics = {
        **direction_scores(probabilities, labels, dev_shares=dev_shares, how=how),
        **activity_scores(probabilities, labels, dev_shares=dev_shares, how=how),
        **_account(backtest, looks, how),
    }
    held = conditions(metrics, leakage_checks, funding_counted=funding_counted)
    failed = tuple(name for name, holds in held.items() if not holds)
    return Verdict(
        verdict=NO_EDGE if failed else EDGE,
        failed=failed,
        missing=tuple(name for name, holds in held.items() if holds is None),
        metrics=metrics,
        n_trials=trials,
        vault_looks=looks,
        bundle=bundle,
        data_digest=data_digest,
        leakage=dict(leakage_checks or {}),
    )
