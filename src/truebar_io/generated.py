"""Synthetic markets of `markets.yaml`: generated to be imported, and again when their truth is asked for."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

from truebar.config import BacktestConfig, LabelConfig, MarketConfig
from truebar.errors import ConfigurationError, CorruptDataError
from truebar.market.schema import MEASURE_COLUMNS
from truebar.partitions import Partition
from truebar_io.configuration import Configuration
from truebar_io.warehouse import Warehouse

if TYPE_CHECKING:
    from truebar.market import SyntheticMarket


def is_synthetic(settings: Configuration, symbol: str) -> bool:
    """Return whether the bars of a symbol are generated; a symbol that is not listed is a real market."""
    listed = settings.markets.get(symbol)
    return listed is not None and listed.is_synthetic


def generated_name(market: MarketConfig) -> str:
    """Return what the bars of a synthetic market are called wherever their source is named.

    It names all settings that the bars depend on.

    Raises:
        ConfigurationError: the market is not generated.
    """
    how = market.synthetic
    if how is None:
        raise ConfigurationError(
            f"{market.exchange_symbol} is no synthetic market; its bars come from files."
        )
    strength = "" if how.strength is None else f", A {how.strength:g}"
    return (
        f"synthetic {market.exchange_symbol}, {how.bars:,} bars of {how.timeframe}, seed {how.seed}{strength}"
    )


def generate(settings: Configuration, partition: Partition) -> SyntheticMarket:
    """Return the synthetic market that `markets.yaml` defines for a partition, with the states behind it.

    Raises:
        ConfigurationError: the symbol is no synthetic market, or is generated at another timeframe.
    """
    from truebar.market import synthetic  # noqa: PLC0415 (brings compiled code; most callers only ask names)

    market = settings.market_of(partition.symbol)
    how = market.synthetic
    if how is None or how.timeframe != partition.timeframe:
        found = f"generated at {how.timeframe} only" if how is not None else "no synthetic market"
        raise ConfigurationError(
            f"{partition} is {found}; give another symbol or timeframe, or define it in markets.yaml."
        )
    named = partial(
        synthetic, market.exchange_symbol, seed=how.seed, n_bars=how.bars, timeframe=how.timeframe
    )
    return named() if how.strength is None else named(A=how.strength)


def market_behind(store: Warehouse, partition: Partition, settings: Configuration) -> SyntheticMarket:
    """Return the synthetic market whose bars are published, generated again from its seed.

    Raises:
        ConfigurationError: as from `generate`.
        CorruptDataError: the published bars are not the ones that its settings give now.
    """
    market = generate(settings, partition)
    columns = ["open_time", *MEASURE_COLUMNS]
    published = store.read(columns, from_="market.klines", partitions=[partition])[columns]
    expected = market.bars[columns].astype(published.dtypes.to_dict())
    if not published.reset_index(drop=True).equals(expected):
        raise CorruptDataError(
            f"the published bars of {partition} are not the ones that markets.yaml and this version of "
            "truebar generate, so their best possible forecast is not known; give the market a symbol of its "
            "own in markets.yaml, or start in a new TRUEBAR_HOME."
        )
    return market


def oracle_scores(
    market: SyntheticMarket, open_time: pd.Series, label: LabelConfig, backtest: BacktestConfig
) -> dict[str, float]:
    """Return what the best possible forecast scores on the rows of the given bars.

    Args:
        market: from `market_behind`.
        open_time: of the rows that were scored, UTC; bars that the market does not have are passed over.
        label: what is forecast.
        backtest: costs, sides and sizes of the account behind `ev_bps`.

    Returns:
        `roc_auc`, `log_loss` and `ev_bps` (see `truebar.market.Oracle`); one that is undefined is left out.

    Raises:
        TooFewRowsError: none of the rows is a bar of the market.
    """
    from truebar.market import oracle  # noqa: PLC0415

    rows = market.bars["open_time"].isin(open_time).to_numpy()
    known = oracle(market, label, rows, backtest_config=backtest)
    scores = {"roc_auc": known.roc_auc, "log_loss": known.log_loss, "ev_bps": known.ev_bps}
    return {name: float(value) for name, value in scores.items() if math.isfinite(value)}
