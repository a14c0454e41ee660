"""The configuration: package defaults, a checkout's `configs/` over them, the environment over both."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

from truebar.config import BacktestConfig, DataConfig, MarketConfig, XgbConfig
from truebar.errors import ConfigurationError
from truebar.partitions import validate_symbol
from truebar_io.layers import SEPARATOR, Layer, environment_layer, overlay, read_layer
from truebar_io.settings_validation import meant, validated

FILES: Final = ("data", "xgb", "backtest", "markets")
FOLDER: Final = "configs"
PREFIX: Final = "TRUEBAR"

BINANCE_USDM: Final[dict[str, Any]] = {
    "exchange": "binanceusdm",
    "market_type": "linear_perpetual",
    "minimum_notional": 5.0,
    "maker_fee_bps": 2.0,
    "taker_fee_bps": 5.0,
}
"""What a bare symbol that `markets.yaml` does not list is taken for; its tick and lot are not known."""

UNRESOLVED_FEE_BPS: Final = 1_000.0
"""Stands in `backtest.costs.fee_bps` where the file says null: so high that forgetting it shows as ruin."""


class UnlistedMarketWarning(UserWarning):
    """A symbol that `markets.yaml` does not list was taken for a Binance USD-M perpetual."""


@dataclass(frozen=True)
class Configuration:
    """All settings, validated.

    Attributes:
        data: what is predicted.
        xgb: the model kind `xgboost`.
        backtest: the simulated account; read it through `backtest_of`, which knows the market's fee.
        markets: symbol → market.
        fee_from_market: `costs.fee_bps` is null, so each market's own taker fee counts.
    """

    data: DataConfig
    xgb: XgbConfig
    backtest: BacktestConfig
    markets: Mapping[str, MarketConfig]
    fee_from_market: bool = False

    def market_of(self, symbol: str) -> MarketConfig:
        """Return the market that a symbol names; see the function `market_of`."""
        return market_of(self, symbol)

    def backtest_of(self, symbol: str) -> BacktestConfig:
        """Return the simulated account for one market: `costs.fee_bps`, or where null its taker fee.

        Raises:
            ConfigurationError: both are null.
        """
        if not self.fee_from_market:
            return self.backtest
        fee_bps = self.market_of(symbol).taker_fee_bps
        if fee_bps is None:
            raise ConfigurationError(
                f"costs.fee_bps of backtest.yaml is null, and so is taker_fee_bps of {symbol} in "
                "markets.yaml; give one of them."
            )
        costs = self.backtest.costs.model_copy(update={"fee_bps": fee_bps})
        return self.backtest.model_copy(update={"costs": costs})


def load_configuration(
    checkout: Path | None = None, *, environment: Mapping[str, str] | None = None
) -> Configuration:
    """Return the settings that hold: defaults, then `<checkout>/configs/*.yaml`, then the environment.

    A file overrides key by key: sections are merged, any other value (a list too) is replaced.
    `TRUEBAR_<FILE>__<SECTION>__<KEY>` overrides one key with a YAML value:
    `TRUEBAR_BACKTEST__COSTS__FEE_BPS=2`, `TRUEBAR_DATA__LABELS__HORIZONS__15M=16`,
    `TRUEBAR_MARKETS__BTCUSDT_SPOT__TICK_SIZE=0.01`.

    Args:
        checkout: folder that holds `configs/`; None, or none there: no files beside the defaults.
        environment: names and values; None: those of this process.

    Raises:
        ConfigurationError: a file is no YAML, or a setting is unknown or out of bounds. The message names
            the file and line or the variable, the key, and what is allowed, never a variable's value.
    """
    variables = os.environ if environment is None else environment
    _require_known_variables(variables)
    folder = None if checkout is None else Path(checkout) / FOLDER
    _require_known_files(folder)
    layers = {file: _layers(file, folder, variables) for file in FILES}
    backtest, fee_from_market = _without_null_fee(layers["backtest"])
    return Configuration(
        data=validated(DataConfig, layers["data"]),
        xgb=validated(XgbConfig, layers["xgb"]),
        backtest=validated(BacktestConfig, backtest),
        markets=_markets(layers["markets"]),
        fee_from_market=fee_from_market,
    )


def market_of(configuration: Configuration, symbol: str) -> MarketConfig:
    """Return the market that a symbol names.

    A bare symbol that is not listed is taken for a Binance USD-M perpetual, with an `UnlistedMarketWarning`.

    Raises:
        InvalidSymbolError: no symbol.
        ConfigurationError: a symbol with a suffix that is not listed: its venue cannot be known.
    """
    listed = configuration.markets.get(validate_symbol(symbol))
    if listed is not None:
        return listed
    if "-" in symbol:
        raise ConfigurationError(
            f"symbol {symbol} is not in markets.yaml, and its suffix does not say which venue; add\n"
            f"  {symbol}: {{exchange: <ccxt id>, market_type: spot, exchange_symbol: <the venue's name>}}\n"
            f"to {FOLDER}/markets.yaml. Listed: {', '.join(configuration.markets)}."
        )
    warnings.warn(
        f"{symbol} is not in markets.yaml; taken for the Binance USD-M perpetual of that name, with the "
        "venue's base fees and no tick size. List it to be sure.",
        UnlistedMarketWarning,
        stacklevel=2,
    )
    return MarketConfig(exchange_symbol=symbol, **BINANCE_USDM)


def default_text(file: str) -> str:
    """Return the text of a default file that comes with truebar.

    Raises:
        ConfigurationError: there is none of this name.
    """
    if file not in FILES:
        raise ConfigurationError(f"there are no defaults {file!r}; expected one of {', '.join(FILES)}.")
    return (resources.files("truebar_io") / "defaults" / f"{file}.yaml").read_text(encoding="utf-8")


def _layers(file: str, folder: Path | None, environment: Mapping[str, str]) -> Layer:
    layer = read_layer(default_text(file), f"defaults/{file}.yaml")
    path = None if folder is None else folder / f"{file}.yaml"
    if path is not None and path.exists():
        name = f"{FOLDER}/{path.name}"
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{name} cannot be read: {error}.") from error
        layer = overlay(layer, read_layer(text, name))
    return overlay(layer, environment_layer(file, layer.values, environment, PREFIX))


def _require_known_files(folder: Path | None) -> None:
    """Refuse files beside the known ones: a misspelt name would be passed over in silence."""
    if folder is None or not folder.is_dir():
        return
    known = [f"{file}.yaml" for file in FILES]
    for path in sorted(folder.iterdir()):
        if (
            path.suffix.lower() in {".yaml", ".yml"}
            and path.name not in known
            and not path.name.startswith(".")
        ):
            raise ConfigurationError(
                f"{FOLDER}/{path.name} is no configuration file.{meant(path.name, known)} "
                f"Known: {', '.join(known)}."
            )


def _require_known_variables(environment: Mapping[str, str]) -> None:
    for name in sorted(environment):
        prefix, _, rest = name.upper().partition("_")
        file, separator, _ = rest.partition(SEPARATOR)
        if prefix == PREFIX and separator and file.lower() not in FILES:
            raise ConfigurationError(
                f"environment variable {name} sets nothing.{meant(file.lower(), FILES)} Expected "
                f"{PREFIX}_<FILE>{SEPARATOR}<KEY> with FILE one of {', '.join(FILES).upper()}."
            )


def _without_null_fee(layer: Layer) -> tuple[Layer, bool]:
    """Return the layer with a number where `costs.fee_bps` is null, and whether it is."""
    costs = layer.values.get("costs")
    if not isinstance(costs, Mapping) or "fee_bps" not in costs or costs["fee_bps"] is not None:
        return layer, False
    return overlay(layer, Layer({"costs": {"fee_bps": UNRESOLVED_FEE_BPS}}, {})), True


def _markets(layer: Layer) -> dict[str, MarketConfig]:
    markets = {}
    for symbol, values in layer.values.items():
        try:
            validate_symbol(symbol)
        except ConfigurationError as error:
            raise ConfigurationError(f"{layer.origin((symbol,))}: {error}") from error
        markets[symbol] = validated(MarketConfig, Layer(values, layer.origins), (symbol,))
    return markets
