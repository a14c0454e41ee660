"""From which columns each column of a table comes: what the code that makes it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from truebar.tables import schema_of

Origin: TypeAlias = Mapping[str, Sequence[str]]
"""Table to those of its columns that one column is computed from; nothing: settings alone, or a name."""

Origins: TypeAlias = Mapping[str, Origin]
"""The origin of each column of a table."""

KLINES: Final = "market.klines"
VOLATILITY: Final = "labels.volatility"
MATRIX: Final = "features.matrix"

PRICES: Final = ("open", "high", "low", "close")
ESTIMATORS: Final = tuple(name for name in schema_of(VOLATILITY).columns if name != "open_time")
SPOKEN: Final = ("p_down", "p_flat", "p_up")

LISTED: Final = 4
"""Columns of one table that are named one by one; more are counted."""


def in_words(origin: Origin) -> str:
    """Return an origin as a sentence; nothing where there is none.

    >>> in_words({"market.klines": ("close",), "labels.volatility": ("realized", "atr")})
    'From market.klines: close; labels.volatility: realized, atr.'
    """
    parts = [
        f"{table}: {', '.join(names) if len(names) <= LISTED else f'{len(names)} columns'}"
        for table, names in origin.items()
    ]
    return f"From {'; '.join(parts)}." if parts else ""


def alike(names: Sequence[str], origin: Origin) -> Origins:
    """Return one origin for each of these columns."""
    return dict.fromkeys(names, origin)


def labels_origins() -> dict[str, Origins]:
    """Return the origins of the tables of labels, by table."""
    time: Origin = {KLINES: ("open_time",)}
    sigma: Origin = {VOLATILITY: ESTIMATORS}
    return {
        VOLATILITY: {"open_time": time, **alike(ESTIMATORS, {KLINES: ("open_time", *PRICES)})},
        "labels.vol_scaled": {
            "open_time": time,
            "sigma": sigma,
            "tau": sigma,
            "future_return": {KLINES: ("close",)},
            "label": {KLINES: ("close",), **sigma},
            "label_end": time,
        },
    }


def kind_origins(kind: str, features: Sequence[str]) -> dict[str, Origins]:
    """Return the origins of the tables of one model kind, by table.

    Args:
        kind: of model.
        features: columns of the matrix that models read.
    """
    held_out, predictions = f"{kind}.out_of_fold", f"{kind}.predictions"
    account: Origin = {predictions: SPOKEN, KLINES: PRICES, VOLATILITY: ESTIMATORS}
    return {
        held_out: _held_out(features),
        predictions: _predictions(held_out, features),
        f"{kind}.ev_curve": alike(
            ("score", "low", "high", "n_trades"),
            {held_out: (*SPOKEN, "fold", "label"), KLINES: PRICES, VOLATILITY: ESTIMATORS},
        ),
        f"{kind}.importance": _importance(held_out, features),
        f"{kind}.metrics": alike(("value", "no_skill", "low", "high", "n", "reason"), account),
        f"{kind}.equity": {
            "open_time": {KLINES: ("open_time",)},
            **alike(("equity", "position", "drawdown"), account),
        },
        f"{kind}.trades": {
            **alike(("entry_time", "exit_time", "side", "units", "bars", "reason"), account),
            **alike(("entry_price", "exit_price"), {KLINES: PRICES}),
            **alike(("notional", "gross_pnl", "fees", "slippage", "funding", "net_pnl"), account),
        },
    }


def index_origins(kind: str) -> Origins:
    """Return where the columns of the reports' index come from."""
    shown: Origin = {f"{kind}.metrics": ("name", "value", "low", "high")}
    return alike(("verdict", "direction_auc", "sharpe", "net_return", "round_trips"), shown)


def _held_out(features: Sequence[str]) -> Origins:
    """A search labels the bars by itself: `labels.vol_scaled` has but one of the labellings that it tries."""
    time: Origin = {MATRIX: ("open_time",)}
    label: Origin = {KLINES: ("close",), VOLATILITY: ESTIMATORS}
    return {
        "open_time": time,
        "fold": time,
        **alike(SPOKEN, {MATRIX: features, **label}),
        "label": label,
    }


def _predictions(held_out: str, features: Sequence[str]) -> Origins:
    """Rows of dev were said out of fold, the others by the bundle; the calibrator learnt from the former."""
    time: Origin = {MATRIX: ("open_time",)}
    return {
        "open_time": time,
        "segment": time,
        "fold": {held_out: ("fold",)},
        **{f"raw_{name}": {held_out: (name,), MATRIX: features} for name in SPOKEN},
        **alike(SPOKEN, {held_out: (*SPOKEN, "label"), MATRIX: features}),
    }


def _importance(held_out: str, features: Sequence[str]) -> Origins:
    permuted: Origin = {MATRIX: features, held_out: (*SPOKEN, "label")}
    return {
        **alike([f"shap_{name}" for name in ("down", "flat", "up", "direction")], {MATRIX: features}),
        **alike(("auc_drop", "auc_drop_error"), permuted),
        **alike(("score_drop", "score_drop_error"), {**permuted, KLINES: ("close",)}),
    }
