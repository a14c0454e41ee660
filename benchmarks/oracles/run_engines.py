"""Run vectorbt and Nautilus Trader over the cases and write what they say as a small JSON.

Runs in the environment of `make.sh`, which has neither truebar nor the test tools:
python run_engines.py tests/unit/backtest/oracles.json
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import vectorbt
from nautilus_engine import by_nautilus
from oracle_market import CAPITAL, CASES, Case

EVERY = 20
"""Bars between the equity values that are written."""


def ordered(case: Case) -> np.ndarray:
    """Return the target of the order due at each open, NaN where it does not change."""
    want = np.concatenate(([0.0], case.target[:-1]))
    return np.where(np.diff(np.concatenate(([0.0], want))) != 0, want, np.nan)


def by_vectorbt(case: Case) -> dict[str, Any]:
    """Return equity and fills of vectorbt: orders for a share of equity at the open."""
    account = vectorbt.Portfolio.from_orders(
        pd.Series(case.close),
        size=ordered(case),
        size_type="targetpercent",
        price=case.open,
        fees=case.fee_bps / 10_000,
        slippage=case.slippage_bps / 10_000,
        init_cash=CAPITAL,
        freq="15min",
    )
    orders = account.orders.records
    sign = np.where(orders["side"] == 0, 1.0, -1.0)
    return said(account.value().to_numpy(), orders["idx"], sign * orders["size"], orders["price"])


def said(equity: np.ndarray, bar: np.ndarray, units: np.ndarray, price: np.ndarray) -> dict[str, Any]:
    """Return what is written of one account."""
    return {
        "equity": [float(value) for value in equity[::EVERY]],
        "final_equity": float(equity[-1]),
        "bar": [int(value) for value in bar],
        "units": [float(value) for value in units],
        "price": [float(value) for value in price],
    }


def main(path: Path) -> None:
    """Write the JSON to `path`."""
    found = {
        "made_by": "benchmarks/oracles/make.sh",
        "every": EVERY,
        "vectorbt": {
            "version": version("vectorbt"),
            "cases": {name: by_vectorbt(case) for name, case in CASES.items()},
        },
        "nautilus_trader": {
            "version": version("nautilus_trader"),
            "cases": {
                name: said(*by_nautilus(case)) for name, case in CASES.items() if not case.slippage_bps
            },
        },
    }
    path.write_text(json.dumps(found, indent=None, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
