"""Every registered family, estimator and label is searched for leaks by itself, and so is the next one."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from tests.causality.bars import causality_bars
from truebar import features
from truebar.compiled import compiled
from truebar.config import LabelConfig, LabelsSection
from truebar.feature_columns import Column, ColumnFamily
from truebar.features import kernels, registry
from truebar.features.family import Family
from truebar.features.fields import CLOSE
from truebar.features.memory import MEMBERS
from truebar.labels import vol_scaled
from truebar.validation import leakage
from truebar.validation.leakage import leakage_checks, leaks_of_features, leaks_of_labels
from truebar.volatility import ESTIMATORS

WARMUP_BARS = max(column.warmup_bars for family in registry.FAMILIES.values() for column in family.declared)
BARS = causality_bars(seed=5, rows=WARMUP_BARS + 900)
LABEL = LabelConfig(estimator="realized", window=24, k=0.7, horizon_bars=3)
SEARCHED_LABELS = {"vol_scaled"}
"""Labelling rules that `leaks_of_labels` computes."""


NEWCOMER = len(registry.FAMILIES)
"""Number of a kernel that is registered here alone."""


def blank() -> np.ndarray:
    return np.zeros(1)


@compiled
def peeking(memory: np.ndarray, fields: np.ndarray, out: np.ndarray) -> None:
    """A kernel that reads the close of the bar after, as an offset by one does."""
    for bar in range(fields.shape[1]):
        out[0, bar] = fields[CLOSE, min(bar + 1, fields.shape[1] - 1)]


@compiled
def looking_back(memory: np.ndarray, fields: np.ndarray, out: np.ndarray) -> None:
    """Its honest twin: the close of the bar before, from its memory."""
    for bar in range(fields.shape[1]):
        out[0, bar] = memory[0]
        memory[0] = fields[CLOSE, bar]


@pytest.fixture(params=["peeking", "looking_back"])
def newcomer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Register a new family, as the next author would, and yield what its kernel does."""
    column = Column("newcomer_close", ("close",), 1, "a close")
    kernel = {"peeking": peeking, "looking_back": looking_back}[request.param]
    family = Family(ColumnFamily("newcomer", "a new family", (column,)), NEWCOMER, blank, kernel, row=0)
    families = MappingProxyType({**registry.FAMILIES, "newcomer": family})
    registered = kernels.fold

    def fold(memory: np.ndarray, fields: np.ndarray, out: np.ndarray) -> int:
        broken = registered(memory, fields, out)
        assert out.shape[0] < kernels.ROWS, "this kernel is for whole histories"
        if int(memory[MEMBERS]) >> NEWCOMER:
            kernel(memory[-1:], fields, out[-1:])
        return broken

    monkeypatch.setattr(kernels, "fold", fold)
    monkeypatch.setattr(registry, "FAMILIES", families)
    monkeypatch.setattr(registry, "FEATURE_SETS", MappingProxyType({"core": tuple(families)}))
    return request.param


def searched(bars: pd.DataFrame) -> dict[str, list[str]]:
    """Return the columns with a leak, by registered family."""
    found = {}
    for name in registry.FAMILIES:
        leaks = leaks_of_features(bars, name, timeframe="1h", generator=np.random.default_rng(1))
        assert leaks is not None, f"{name} has no value on these bars: nothing was searched"
        found[name] = sorted({leak.column for leak in leaks})
    return found


def test_every_registered_family_is_searched_by_itself_and_knows_no_future() -> None:
    found = searched(BARS)
    assert list(found) == list(features.FAMILIES)
    assert found == {name: [] for name in features.FAMILIES}


def test_every_registered_column_has_values_to_search() -> None:
    values = features.batch(BARS, timeframe="1h").drop(columns=["open_time", "available_at"])
    columns = [name for family in features.FAMILIES.values() for name in family.columns]
    assert list(values) == columns
    assert values.iloc[WARMUP_BARS:].notna().any().all()


def test_new_family_is_picked_up_from_the_registry(newcomer: str) -> None:
    expected = ["newcomer_close"] if newcomer == "peeking" else []
    assert searched(BARS)["newcomer"] == expected
    leaks = leaks_of_features(BARS, "core", timeframe="1h", generator=np.random.default_rng(2))
    assert sorted({leak.column for leak in leaks}) == expected


@pytest.mark.parametrize("neutral_zone", [True, False])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_every_estimator_and_label_knows_no_future(estimator: str, neutral_zone: bool) -> None:
    label = LABEL.model_copy(update={"estimator": estimator, "neutral_zone": neutral_zone})
    leaks = leaks_of_labels(BARS, label, timeframe="1h", generator=np.random.default_rng(3), tick_size=0.01)
    assert leaks == []


def test_every_labelling_rule_on_offer_is_one_that_is_searched() -> None:
    assert set(get_args(LabelsSection.model_fields["method"].annotation)) == SEARCHED_LABELS


def test_leaks_of_labels_finds_a_label_that_says_it_ends_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    def early(*args: object, **kwargs: object) -> pd.DataFrame:
        labels = vol_scaled(*args, **kwargs)
        return labels.assign(label_end=labels["label_end"] - pd.Timedelta("1h"))

    monkeypatch.setattr(leakage, "vol_scaled", early)
    leaks = leaks_of_labels(BARS, LABEL, timeframe="1h", generator=np.random.default_rng(3))
    assert {leak.column for leak in leaks} >= {"future_return"}


def test_leaks_of_labels_finds_a_volatility_of_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    def of_all(bars: pd.DataFrame, *args: object, **kwargs: object) -> np.ndarray:
        return np.full(len(bars), np.log(bars["close"]).diff().std())

    monkeypatch.setattr(leakage, "estimate", of_all)
    leaks = leaks_of_labels(BARS, LABEL, timeframe="1h", generator=np.random.default_rng(3))
    assert {leak.column for leak in leaks} >= {"sigma", "tau"}


def test_checks_of_too_few_bars_are_not_computed() -> None:
    rng = np.random.default_rng(0)
    assert leaks_of_features(BARS.head(50), "core", timeframe="1h", generator=rng) is None
    assert leaks_of_labels(BARS.head(20), LABEL, timeframe="1h", generator=rng) is None
    still = BARS.assign(open=1.0, high=1.0, low=1.0, close=1.0)
    assert leaks_of_labels(still, LABEL, timeframe="1h", generator=rng) is None


def test_leakage_checks_of_a_leaky_family_fail_by_name(newcomer: str) -> None:
    times = pd.Series(pd.date_range("2025-01-01", periods=300, freq="1h", tz="UTC"))
    found = leakage_checks(
        BARS,
        feature_set="core",
        label=LABEL,
        timeframe="1h",
        open_time=times,
        label_end=times + pd.Timedelta("4h"),
        dev=np.arange(200),
        vault=np.arange(203, 300),
        folds=[(np.arange(80), np.arange(100, 200))],
        embargo_bars=0,
        generator=np.random.default_rng(4),
    )
    assert found == {
        "features": newcomer == "looking_back",
        "labels": True,
        "dev_vault": True,
        "folds": True,
    }
