"""The seeded market and targets that every engine is given; numpy only, so that each environment has it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

MINUTES = 15
FIRST_OPEN_MS = 1_735_689_600_000  # 2025-01-01 UTC
CAPITAL = 100_000.0
SHARES = (-0.7, -0.3, 0.0, 0.4, 0.7)
CHANGE_PROBABILITY = 0.15


@dataclass(frozen=True)
class Case:
    """One account: which market, what it follows and what it costs; bars are of `MINUTES` minutes.

    `target` is the share of equity decided at each close; flat at the end, so that all profit is realised.
    """

    name: str
    seed: int
    rows: int
    fee_bps: float
    slippage_bps: float
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    target: FloatArray

    @property
    def open_time_ms(self) -> npt.NDArray[np.int64]:
        """Return int64[rows], milliseconds since 1970 UTC."""
        return FIRST_OPEN_MS + np.arange(self.rows, dtype=np.int64) * MINUTES * 60_000


def prices(rng: np.random.Generator, rows: int) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return open, high, low and close in whole cents: a random walk of 1 % a bar with small opening gaps."""
    close = 20_000.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, rows)))
    opened = np.concatenate(([20_000.0], close[:-1])) * np.exp(rng.normal(0.0, 0.001, rows))
    spread = np.exp(np.abs(rng.normal(0.0, 0.004, (2, rows))))
    opened, close = opened.round(2), close.round(2)
    high, low = np.maximum(opened, close) * spread[0], np.minimum(opened, close) / spread[1]
    return opened, np.ceil(high * 100) / 100, np.floor(low * 100) / 100, close


def shares(rng: np.random.Generator, rows: int) -> FloatArray:
    """Return targets that stay for some bars and end flat."""
    target, held = np.zeros(rows), 0.0
    for row in range(rows - 3):
        if rng.random() < CHANGE_PROBABILITY:
            held = float(rng.choice(SHARES))
        target[row] = held
    return target


def shares_of_one_unit(
    opened: FloatArray, side: FloatArray, fee_bps: float, slippage_bps: float
) -> FloatArray:
    """Return the shares of equity that hold `side` units (-1, 0 or 1), each sized at the open it fills at."""
    fee, slippage = fee_bps / 10_000, slippage_bps / 10_000
    target, cash, held = np.zeros(side.size), CAPITAL, 0.0
    for row in range(side.size - 1):
        price = opened[row + 1]
        if side[row] == held:
            target[row] = target[row - 1] if row else 0.0
            continue
        target[row] = side[row] * price / (cash + held * price)
        traded = side[row] - held
        fill = price * (1 + slippage if traded > 0 else 1 - slippage)
        cash, held = cash - traded * fill - abs(traded) * fill * fee, side[row]
    return target


def make(name: str, seed: int, *, rows: int, fee_bps: float, slippage_bps: float, one_unit: bool) -> Case:
    """Return one case; the same seed gives the same case wherever it is made."""
    rng = np.random.default_rng(seed)
    opened, high, low, close = prices(rng, rows)
    target = shares(rng, rows)
    if one_unit:
        target = shares_of_one_unit(opened, np.sign(target), fee_bps, slippage_bps)
    return Case(name, seed, rows, fee_bps, slippage_bps, opened, high, low, close, target)


CASES = {
    case.name: case
    for case in (
        make("free shares", 11, rows=400, fee_bps=0.0, slippage_bps=0.0, one_unit=False),
        make("shares with fee", 12, rows=400, fee_bps=5.0, slippage_bps=0.0, one_unit=False),
        make("shares with fee and slippage", 13, rows=400, fee_bps=5.0, slippage_bps=10.0, one_unit=False),
        make("one unit with fee", 14, rows=400, fee_bps=4.0, slippage_bps=0.0, one_unit=True),
        make("one unit with fee and slippage", 15, rows=400, fee_bps=4.0, slippage_bps=3.0, one_unit=True),
    )
}
"""What each engine runs; Nautilus has no slippage in basis points and takes the cases without."""
