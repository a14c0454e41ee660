"""The verdict that a report is about, read from the JSON that `truebar verdicts --json` prints."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from truebar.errors import SchemaError
from truebar.scores.direction import found_share
from truebar.scores.metric import Metric
from truebar.units import BASIS_POINT

VerdictWord = Literal["edge", "no edge proven"]
_TEXTS: Final = ("symbol", "timeframe", "kind", "verdict", "bundle", "data_digest")
_METRIC_FIELDS: Final = ("value", "no_skill", "low", "high", "n", "reason")


@dataclass(frozen=True)
class Judgement:
    """The verdict of one partition and kind.

    Attributes:
        failed: names of the conditions that were computed and failed.
        missing: names of the conditions that are not computed yet; they count as failed.
        metrics: by name, on the vault.
        oracle: Bayes-optimal scores on the same rows, on synthetic markets only.
        n_trials: trials of the search behind the recipe.
        vault_looks: distinct recipes that looked at this vault.
        leakage: each leakage check by name: True passed, False failed, None not computed; empty where the
            verdict does not list them.
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
    leakage: Mapping[str, bool | None] = field(default_factory=dict)

    def metric(self, name: str) -> Metric:
        """Return a metric; one that the verdict does not have is undefined and says so."""
        return self.metrics.get(name) or Metric.undefined("not computed yet")

    @property
    def found_share(self) -> float | None:
        """Share of the best possible direction AUC that was found; None where there is next to none."""
        return found_share(self.metric("roc_auc").value, self.oracle.get("roc_auc"))

    @property
    def net_bps_a_bar(self) -> float | None:
        """Mean net log return of a bar of the vault, basis points; None where it is undefined."""
        gain = self.metric("net_return")
        if gain.value is None or gain.value <= -1 or not gain.n:
            return None
        return math.log1p(gain.value) / gain.n / BASIS_POINT

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
            metrics=metrics_of(source["metrics"]),
            oracle={str(name): float(value) for name, value in (source.get("oracle") or {}).items()},
            n_trials=int(source["n_trials"]),
            vault_looks=int(source["vault_looks"]),
            leakage=dict(source.get("leakage") or {}),
        )


def metrics_of(source: Mapping[str, Mapping[str, Any]]) -> dict[str, Metric]:
    """Return metrics from their JSON, by name; NaN and infinity become undefined.

    Raises:
        SchemaError: when a metric has a field that no metric has.
    """
    return {str(name): _metric(str(name), fields) for name, fields in source.items()}


def _metric(name: str, fields: Mapping[str, Any]) -> Metric:
    unknown = sorted(set(fields) - set(_METRIC_FIELDS))
    if unknown:
        raise SchemaError(
            f"metric {name} has unknown fields {', '.join(unknown)}; expected {_METRIC_FIELDS}."
        )
    return Metric(**{field: fields.get(field) for field in _METRIC_FIELDS})
