from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from truebar.config import BacktestConfig, DataConfig, MarketConfig, Settings, XgbConfig
from truebar.errors import ConfigurationError, InvalidSymbolError
from truebar.partitions import Partition
from truebar.units import TIMEFRAMES
from truebar_io.configuration import (
    FILES,
    UNRESOLVED_FEE_BPS,
    UnlistedMarketWarning,
    default_text,
    load_configuration,
    market_of,
)

CHECKOUT = Path(__file__).resolve().parents[2]
MODELS: dict[str, type[BaseModel]] = {"data": DataConfig, "xgb": XgbConfig, "backtest": BacktestConfig}
Checkout = Callable[..., Path]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """Return a maker of a checkout with the named texts in its `configs/`."""

    def make(**texts: str) -> Path:
        folder = tmp_path / "configs"
        folder.mkdir(exist_ok=True)
        for name, text in texts.items():
            (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
        return tmp_path

    return make


def key_paths(model: type[BaseModel], above: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    paths: set[tuple[str, ...]] = set()
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Settings):
            paths |= key_paths(inner, (*above, name))
        else:
            paths.add((*above, name))
    return paths


def has(values: Any, path: tuple[str, ...]) -> bool:
    for key in path:
        if not isinstance(values, dict) or key not in values:
            return False
        values = values[key]
    return True


def test_defaults_are_those_of_the_models() -> None:
    configuration = load_configuration(environment={})
    assert configuration.data == DataConfig()
    assert configuration.xgb == XgbConfig()
    assert configuration.backtest == BacktestConfig()
    assert not configuration.fee_from_market


@pytest.mark.parametrize("file", sorted(MODELS))
def test_default_file_shows_every_key_that_its_model_has(file: str) -> None:
    values = yaml.safe_load(default_text(file))
    assert [path for path in sorted(key_paths(MODELS[file])) if not has(values, path)] == []


@pytest.mark.parametrize("file", FILES)
def test_file_of_the_checkout_says_what_the_default_says(file: str) -> None:
    assert (CHECKOUT / "configs" / f"{file}.yaml").read_text(encoding="utf-8") == default_text(file)


def test_known_markets_are_listed_with_every_key() -> None:
    listed = yaml.safe_load(default_text("markets"))
    assert set(listed) == {
        "BTCUSDT", "ETHUSDT", "SOLUSDT", "NEARUSDT", "BTCUSDT-SPOT", "BTCUSDT-BYBIT", "BTCUSD-PERP",
        "BTC-USD", "SYN-EDGE", "SYN-NULL",
    }  # fmt: skip
    for market in listed.values():
        only_generated = set() if market["market_type"] == "synthetic" else {"synthetic"}
        assert set(market) == set(MarketConfig.model_fields) - only_generated
    configuration = load_configuration(environment={})
    assert configuration.market_of("BTCUSD-PERP").market_type == "inverse_perpetual"
    assert configuration.market_of("BTC-USD").exchange == "coinbase"
    assert configuration.market_of("SYN-NULL").market_type == "synthetic"
    assert (configuration.market_of("BTCUSDT").tick_size, configuration.market_of("BTCUSDT").lot_size) == (
        0.1,
        0.001,
    )


def test_checkout_overrides_key_by_key_and_the_environment_overrides_both(checkout: Checkout) -> None:
    folder = checkout(
        backtest="costs:\n  fee_bps: 3\nsizing:\n",
        data="labels:\n  horizons: {15m: 16}\n  vol_threshold: {k: {grid: [1.0, 2.0]}}\n",
        markets=(
            "BTCUSDT-SPOT: {taker_fee_bps: 7.5}\n"
            "XRPUSDT-SPOT: {exchange: binance, market_type: spot, exchange_symbol: XRPUSDT}\n"
        ),
    )
    environment = {
        "TRUEBAR_BACKTEST__COSTS__FEE_BPS": "2",
        "truebar_data__labels__horizons__1H": "12",
        "TRUEBAR_MARKETS__BTCUSDT_SPOT__TICK_SIZE": "0.5",
        "TRUEBAR_XGB__POSTPROCESSING__THRESHOLD_TUNING": "{enabled: true, methods: [f1]}",
        "TRUEBAR_XGB__XGB__SEED": " ",
        "TRUEBAR_HOME": "elsewhere",
    }
    plain = load_configuration(folder, environment={})
    assert plain.backtest.costs.fee_bps == 3
    assert plain.backtest.costs.slippage_bps == BacktestConfig().costs.slippage_bps
    assert plain.backtest.sizing == BacktestConfig().sizing
    assert plain.data.labels.vol_threshold.k.grid == (1.0, 2.0)
    assert plain.market_of("BTCUSDT-SPOT").taker_fee_bps == 7.5
    assert plain.market_of("XRPUSDT-SPOT").tick_size is None
    configuration = load_configuration(folder, environment=environment)
    assert configuration.backtest.costs.fee_bps == 2
    expected = DataConfig().labels.horizons | {"15m": 16, "1h": 12}
    assert configuration.data.labels.horizons == expected
    assert configuration.market_of("BTCUSDT-SPOT").tick_size == 0.5
    assert configuration.market_of("BTCUSDT-SPOT").taker_fee_bps == 7.5
    assert configuration.xgb.postprocessing.threshold_tuning.methods == ("f1",)
    assert configuration.xgb.xgb.seed == XgbConfig().xgb.seed


def test_checkout_without_configs_gives_the_defaults(tmp_path: Path) -> None:
    assert load_configuration(tmp_path, environment={}) == load_configuration(environment={})


@pytest.mark.parametrize(
    ("file", "text", "parts"),
    [
        (
            "xgb",
            "xgb:\n  max_dept: 3\n",
            ["configs/xgb.yaml line 2", "xgb.max_dept", "Did you mean max_depth?", "min_child_weight"],
        ),
        ("xgb", "xbg: {}\n", ["configs/xgb.yaml line 1", "Did you mean xgb?", "postprocessing"]),
        (
            "xgb",
            "\nxgb:\n  max_depth: 30\n",
            [
                "configs/xgb.yaml line 3: xgb.max_depth",
                "less than or equal to 16",
                "found 30",
                "depth of a tree",
            ],
        ),
        ("xgb", "xgb:\n  max_depth: 3\n  max_depth: 4\n", ["line 3: xgb.max_depth is given twice", "line 2"]),
        ("xgb", "xgb: [1,\n", ["configs/xgb.yaml line 2", "no YAML"]),
        ("xgb", "xgb:\n\tseed: 1\n", ["configs/xgb.yaml line 2", "no YAML"]),
        ("xgb", "- 1\n", ["configs/xgb.yaml", "found list"]),
        ("xgb", "xgb: 3\n", ["configs/xgb.yaml line 1: xgb", "found 3"]),
        ("xgb", "5: 3\n", ["configs/xgb.yaml line 1", "key '5' is no text"]),
        ("xgb", "xgb: &a {seed: 1}\nvalidation: *a\n", ["alias"]),
        ("backtest", "costs: {fee_bps: .nan}\n", ["configs/backtest.yaml line 1: costs.fee_bps"]),
        ("backtest", "execution: {rule: this_open}\n", ["execution.rule", "next_open"]),
        ("data", "labels:\n  horizons: {7m: 3}\n", ["configs/data.yaml line 2: labels.horizons", "7m"]),
        (
            "data",
            "labels:\n  horizons: {15m: 0}\n",
            ["configs/data.yaml line 2: labels.horizons", "15m is 0 bars"],
        ),
        ("markets", "btcusdt: {}\n", ["configs/markets.yaml line 1", "'btcusdt' is not allowed"]),
        (
            "markets",
            "XRP-SPOT:\n  exchange: binance\n",
            ["markets.yaml line 1: XRP-SPOT.market_type is missing"],
        ),
        (
            "markets",
            "BTCUSDT:\n  tick: 1\n",
            ["configs/markets.yaml line 2: BTCUSDT.tick", "Did you mean tick_size?"],
        ),
        ("markets", "BTCUSDT: {api_key: s3cr3t}\n", ["BTCUSDT.api_key is no setting"]),
        ("backtests", "{}\n", ["configs/backtests.yaml", "Did you mean backtest.yaml?"]),
    ],
)
def test_mistake_in_a_file_is_named_with_place_key_and_remedy(
    checkout: Checkout, file: str, text: str, parts: list[str]
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(checkout(**{file: text}), environment={})
    for part in parts:
        assert part in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "parts"),
    [
        (
            "TRUEBAR_BACKTEST__COSTS__FEE_BP",
            "s3cr3t",
            ["TRUEBAR_BACKTEST__COSTS__FEE_BP", "Did you mean fee_bps?"],
        ),
        ("TRUEBAR_BACKTEST__COSTS__FEE_BPS", "s3cr3t", ["TRUEBAR_BACKTEST__COSTS__FEE_BPS", "valid number"]),
        ("TRUEBAR_BACKTEST__COSTS", "{fee_bps: s3cr3t}", ["TRUEBAR_BACKTEST__COSTS: costs.fee_bps"]),
        ("TRUEBAR_BACKTEST__COSTS__FEE_BPS", "[s3cr3t", ["TRUEBAR_BACKTEST__COSTS__FEE_BPS", "no YAML"]),
        (
            "TRUEBAR_BACKTES__COSTS__FEE_BPS",
            "s3cr3t",
            ["TRUEBAR_BACKTES__COSTS__FEE_BPS", "Did you mean backtest?"],
        ),
    ],
)
def test_mistake_in_a_variable_is_named_without_its_value(name: str, value: str, parts: list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(environment={name: value})
    for part in parts:
        assert part in str(caught.value)
    error: BaseException | None = caught.value
    while error is not None:
        assert "s3cr3t" not in str(error)
        error = error.__cause__


def test_unreadable_file_is_named(checkout: Checkout) -> None:
    folder = checkout()
    (folder / "configs" / "xgb.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match=r"configs/xgb\.yaml cannot be read"):
        load_configuration(folder, environment={})


def test_null_fee_is_the_fee_of_each_market_and_ruin_where_nobody_asks(checkout: Checkout) -> None:
    configuration = load_configuration(checkout(backtest="costs: {fee_bps: null}\n"), environment={})
    assert configuration.fee_from_market
    assert configuration.backtest.costs.fee_bps == UNRESOLVED_FEE_BPS
    assert configuration.backtest_of("BTC-USD").costs.fee_bps == 120.0
    assert configuration.backtest_of("BTCUSDT").costs.fee_bps == 5.0
    assert configuration.backtest_of("BTCUSDT").costs.slippage_bps == 10.0
    with pytest.raises(ConfigurationError, match="SYN-EDGE"):
        configuration.backtest_of("SYN-EDGE")
    given = load_configuration(environment={"TRUEBAR_BACKTEST__COSTS__FEE_BPS": "4"})
    assert given.backtest_of("BTC-USD").costs.fee_bps == 4


def test_unlisted_bare_symbol_is_a_binance_perpetual_with_a_warning() -> None:
    configuration = load_configuration(environment={})
    with pytest.warns(UnlistedMarketWarning, match="XRPUSDT is not in markets.yaml"):
        market = market_of(configuration, "XRPUSDT")
    assert (market.exchange, market.market_type, market.exchange_symbol) == (
        "binanceusdm",
        "linear_perpetual",
        "XRPUSDT",
    )
    assert market.tick_size is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert configuration.market_of("BTCUSDT").taker_fee_bps == market.taker_fee_bps


def test_unlisted_symbol_with_suffix_is_refused_with_what_to_add() -> None:
    configuration = load_configuration(environment={})
    with pytest.raises(ConfigurationError, match=r"XRPUSDT-SPOT: \{exchange"):
        configuration.market_of("XRPUSDT-SPOT")
    with pytest.raises(InvalidSymbolError):
        configuration.market_of("../etc")


def test_example_of_the_environment_sets_nothing_wrong() -> None:
    lines = (CHECKOUT / ".env.example").read_text(encoding="utf-8").splitlines()
    named = [
        line.removeprefix("#").split("=", 1) for line in lines if line.lstrip("#").startswith("TRUEBAR_")
    ]
    assert len(named) > 5
    configuration = load_configuration(environment=dict(named))
    assert configuration.data.labels.vol_threshold.estimator == "yang_zhang"


def test_every_timeframe_has_a_label() -> None:
    labels = load_configuration(environment={}).data.labels
    found = [labels.for_partition(Partition("BTCUSDT", name)).horizon_bars for name in TIMEFRAMES]
    assert found == list(labels.horizons.values())


def test_label_override_of_a_symbol_changes_that_symbol_and_only_what_it_gives(checkout: Checkout) -> None:
    text = "labels: {overrides: {SOLUSDT: {horizons: {15m: 7}}, ETHUSDT: {estimator: parkinson}}}"
    labels = load_configuration(checkout(data=text), environment={}).data.labels
    plain = labels.for_partition(Partition("BTCUSDT", "15m"))
    assert labels.for_partition(Partition("SOLUSDT", "15m")) == plain.model_copy(update={"horizon_bars": 7})
    assert labels.for_partition(Partition("SOLUSDT", "5m")).horizon_bars == labels.horizons["5m"]
    changed = labels.for_partition(Partition("ETHUSDT", "15m"))
    assert changed == plain.model_copy(update={"estimator": "parkinson"})
    synthetic = labels.for_partition(Partition("SYN-EDGE", "15m"))
    assert (synthetic.horizon_bars, synthetic.estimator) == (4, "realized")


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("{sol: {horizons: {15m: 7}}}", "symbol 'sol'"),
        ("{SOLUSDT: {horizons: {7m: 7}}}", "7m"),
        ("{SOLUSDT: {horizons: {15m: 0}}}", "horizon of 15m is 0 bars"),
        ("{SOLUSDT: {horizon: {15m: 4}}}", "Did you mean horizons"),
    ],
)
def test_label_override_that_is_wrong_is_refused_by_name(
    checkout: Checkout, override: str, named: str
) -> None:
    with pytest.raises(ConfigurationError, match=named):
        load_configuration(checkout(data=f"labels: {{overrides: {override}}}"), environment={})


@pytest.mark.parametrize(
    "market",
    [
        "{SOLUSDT: {synthetic: {seed: 1}}}",
        "{SYN-NEW: {exchange: synthetic, market_type: synthetic, exchange_symbol: SYN-EDGE}}",
    ],
)
def test_market_is_generated_if_and_only_if_its_type_is_synthetic(checkout: Checkout, market: str) -> None:
    with pytest.raises(ConfigurationError, match="type synthetic needs the section `synthetic`"):
        load_configuration(checkout(markets=market), environment={})


def test_seed_of_a_synthetic_market_comes_from_the_environment_too() -> None:
    settings = load_configuration(environment={"TRUEBAR_MARKETS__SYN_EDGE__SYNTHETIC__SEED": "9"})
    generated = settings.markets["SYN-EDGE"].synthetic
    assert generated is not None
    assert (generated.seed, generated.bars, generated.timeframe) == (9, 35_040, "15m")
