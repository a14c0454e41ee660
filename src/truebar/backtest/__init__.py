"""The backtest: one account, next-open fills, every cost (METHOD §3, Engine)."""

from truebar.backtest.engine import run
from truebar.backtest.result import BacktestResult

__all__ = ["BacktestResult", "run"]
