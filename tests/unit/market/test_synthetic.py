from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy.special import ndtr, stdtr

from truebar.errors import ConfigurationError, UnknownTimeframeError
from truebar.market import KLINE_COLUMNS, SyntheticMarket, find_gaps, synthetic, validate_klines
from truebar.market.simulated.klines import SOURCE

Floats = npt.NDArray[np.float64]

YEARS = 4 * 35_040


@pytest.fixture(scope="module")
def long_market() -> SyntheticMarket:
    return synthetic("SYN-EDGE", seed=1, n_bars=YEARS)


@pytest.fixture(scope="module")
def short_market() -> SyntheticMarket:
    return synthetic("SYN-EDGE", seed=3, n_bars=3_000)


def season_at(open_time: pd.Series, slots: int = 96) -> Floats:
    every = np.exp(0.35 * np.sin(2 * np.pi * np.arange(slots) / slots - 1))
    every /= math.sqrt(np.mean(every**2))
    slot = (open_time.dt.hour * 60 + open_time.dt.minute) // (1440 // slots)
    return np.asarray(every[slot.to_numpy()])


def signal(states: pd.DataFrame) -> Floats:
    spread = 1 + 0.8**2 - 2 * 0.8 * 0.6 * math.sqrt(1 - 0.97**2) / (1 - 0.8 * 0.97)
    return ((states["a"] - 0.8 * states["b"]) / math.sqrt(spread)).to_numpy()


def shocks_of(market: SyntheticMarket, strength: float) -> tuple[Floats, Floats]:
    """Return epsilon and u of every bar but the first, solved for from the bars and the states before."""
    bars, before = market.bars, market.states[:-1]
    log_return = np.diff(np.log(bars["close"].to_numpy()))
    sigma = season_at(bars["open_time"])[1:] * np.sqrt(before["v"].to_numpy())
    price = log_return / sigma - strength * signal(before)
    share = (bars["taker_buy_volume"] / bars["volume"]).to_numpy()[1:]
    flow = (np.arctanh(2 * share - 1) - 0.08 * np.clip(price, -4, 4)) / 0.13
    return price, flow


def autocorrelation(values: Floats, lag: int) -> float:
    centred = values - values.mean()
    return float((centred[lag:] * centred[:-lag]).mean() / (centred**2).mean())


def uniform_distance(levels: Floats) -> float:
    """Return the Kolmogorov-Smirnov distance from the uniform distribution, times √n."""
    ordered = np.sort(levels)
    steps = np.arange(levels.size + 1) / levels.size
    return float(max((steps[1:] - ordered).max(), (ordered - steps[:-1]).max()) * math.sqrt(levels.size))


def test_synthetic_states_follow_from_the_bars_across_halts_and_at_the_cap(
    short_market: SyntheticMarket, long_market: SyntheticMarket
) -> None:
    base = 1 / 35_040
    for market in (short_market, long_market):
        price, flow = shocks_of(market, 0.25)
        v, a, b = (market.states[name].to_numpy() for name in ("v", "a", "b"))
        heat = (0.05 + 0.04 * (price < 0)) * price**2 + 0.92
        grown = base * (1 - 0.05 - 0.02 - 0.92) + heat * v[:-1]
        np.testing.assert_allclose(v[1:], np.minimum(grown, 25 * base), rtol=1e-6)
        np.testing.assert_allclose(a[1:], 0.8 * a[:-1] + 0.6 * flow, atol=1e-6)
        np.testing.assert_allclose(b[1:], 0.97 * b[:-1] + math.sqrt(1 - 0.97**2) * flow, atol=1e-6)
    assert long_market.states["v"].max() == pytest.approx(25 * base, rel=1e-12)


def test_synthetic_shocks_have_their_distributions(long_market: SyntheticMarket) -> None:
    price, flow = shocks_of(long_market, 0.25)
    assert uniform_distance(stdtr(5, price * math.sqrt(5 / 3))) < 1.63  # 1 % level of Kolmogorov
    assert uniform_distance(ndtr(flow)) < 1.63
    assert abs(np.corrcoef(price, flow)[0, 1]) < 4 / math.sqrt(YEARS)


def test_synthetic_inside_of_bars_follows_the_method(long_market: SyntheticMarket) -> None:
    bars, before = long_market.bars, long_market.states[:-1]
    sigma = season_at(bars["open_time"])[1:] * np.sqrt(before["v"].to_numpy())
    logs = {name: np.log(bars[name].to_numpy()) for name in ("open", "high", "low", "close", "volume")}
    jump = (logs["open"][1:] - logs["close"][:-1]) / sigma
    assert jump.std() == pytest.approx(0.02, rel=0.02)
    volume = logs["volume"][1:] - np.log(1_000 * (0.3 + sigma * math.sqrt(35_040)))
    assert volume.mean() == pytest.approx(0, abs=0.01)
    assert volume.std() == pytest.approx(0.4, rel=0.02)
    assert autocorrelation(volume, 1) == pytest.approx(0, abs=0.02)
    per_trade = logs["volume"] - np.log(bars["trades"].to_numpy())
    assert per_trade.std() == pytest.approx(0.35, rel=0.05)
    assert autocorrelation(per_trade, 1) == pytest.approx(0.9, abs=0.02)
    # Reference: bridges drawn here from 0 to the same body.
    body = (logs["close"] - logs["open"])[1:] / sigma
    steps = np.random.default_rng(0).normal(0, math.sqrt(1 / 8), (8, sigma.size))
    walk = steps.cumsum(axis=0)
    share = np.arange(1, 9)[:, None] / 8
    path = np.vstack([np.zeros(sigma.size), walk + share * (body - walk[-1])])
    spread = (logs["high"] - logs["low"])[1:] / sigma
    assert spread.mean() == pytest.approx(np.mean(path.max(axis=0) - path.min(axis=0)), rel=0.005)


def test_synthetic_bars_pass_validation_unchanged(short_market: SyntheticMarket) -> None:
    bars = short_market.bars
    checked = validate_klines(bars, timeframe="15m", now=bars["close_time"].iloc[-1].to_pydatetime())
    assert list(bars.columns) == list(KLINE_COLUMNS)
    assert checked.quarantine.empty
    pd.testing.assert_frame_equal(checked.bars, bars)
    assert set(bars["source"]) == {SOURCE} == {"synthetic"}
    assert len(bars) == len(short_market.states) == 3_000


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_synthetic_halts_are_missing_bars(seed: int) -> None:
    market = synthetic("SYN-NULL", seed=seed, n_bars=50)
    gaps = find_gaps(market.bars, timeframe="15m")
    assert sorted(gaps["bars"]) == [6, 20]
    assert set(gaps["reason"]) == {"missing"}
    opens = market.bars["open_time"]
    assert (opens.iloc[-1] - opens.iloc[0]) == 75 * pd.Timedelta("15min")


def test_synthetic_slot_is_the_place_of_the_bar_that_opens_at_the_close(
    short_market: SyntheticMarket,
) -> None:
    close = short_market.bars["close_time"]
    expected = (close.dt.hour * 60 + close.dt.minute) // 15
    assert short_market.states["slot"].tolist() == expected.tolist()


def test_synthetic_same_seed_gives_the_same_market_and_touches_no_global_state() -> None:
    np.random.seed(5)  # noqa: NPY002 - the global generator is what must stay untouched
    untouched = np.random.random()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    first, again, other = (synthetic("SYN-EDGE", seed=seed, n_bars=200) for seed in (4, 4, 5))
    assert np.random.random() == untouched  # noqa: NPY002
    pd.testing.assert_frame_equal(first.bars, again.bars, check_exact=True)
    pd.testing.assert_frame_equal(first.states, again.states, check_exact=True)
    assert not first.bars["close"].equals(other.bars["close"])


def test_synthetic_strength_and_drift_move_returns_and_nothing_else() -> None:
    null, edge, drifting = (
        synthetic("SYN-NULL", seed=6, n_bars=400),
        synthetic("SYN-EDGE", seed=6, n_bars=400, A=0.3),
        synthetic("SYN-NULL", seed=6, n_bars=400, drift_per_year=-0.5),
    )
    for market in (edge, drifting):
        pd.testing.assert_frame_equal(market.states, null.states, check_exact=True)
        assert market.bars["open_time"].equals(null.bars["open_time"])
    plain, pushed, falling = (
        np.diff(np.log(market.bars["close"].to_numpy())) for market in (null, edge, drifting)
    )
    before = null.states[:-1]
    sigma = season_at(null.bars["open_time"])[1:] * np.sqrt(before["v"].to_numpy())
    np.testing.assert_allclose(pushed - plain, 0.3 * sigma * signal(before), atol=1e-12)
    np.testing.assert_allclose(falling - plain, -0.5 / 35_040, atol=1e-12)


def test_synthetic_names_have_the_strengths_of_the_method() -> None:
    assert synthetic("SYN-EDGE", seed=0, n_bars=10).strength == 0.25
    assert synthetic("SYN-NULL", seed=0, n_bars=10).strength == 0.0


@pytest.mark.parametrize(("timeframe", "per_year"), [("1h", 8_760), ("1d", 365)])
def test_synthetic_other_timeframe_keeps_the_volatility_of_a_year(timeframe: str, per_year: int) -> None:
    market = synthetic(
        "SYN-NULL", seed=2, n_bars=20_000, timeframe=timeframe, start=datetime(1980, 1, 1, tzinfo=UTC)
    )
    log_return = np.diff(np.log(market.bars["close"].to_numpy()))
    assert log_return.std() * math.sqrt(per_year) == pytest.approx(1.0, abs=0.1)
    assert sorted(find_gaps(market.bars, timeframe=timeframe)["bars"]) == [6, 20]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "SYN-X"}, "SYN-EDGE or SYN-NULL"),
        ({"name": "SYN-NULL", "A": 0.1}, "SYN-NULL has no signal"),
        ({"B": 0.1}, "strength B is unknown"),
        ({"A": math.nan}, "A is nan"),
        ({"A": -0.1}, "A is -0.1"),
        ({"seed": -1}, "seed is -1"),
        ({"n_bars": 9}, "n_bars is 9"),
        ({"n_bars": 10.5}, "n_bars is 10.5"),
        ({"drift_per_year": math.inf}, "drift_per_year is inf"),
        ({"start": datetime(2024, 1, 1, 0, 7, tzinfo=UTC)}, "not on the 15m grid"),
        ({"timeframe": "1d", "n_bars": 90_000}, "after the year 2262"),
        (
            {
                "timeframe": "1d",
                "n_bars": 90_000,
                "drift_per_year": 5,
                "start": datetime(1700, 1, 1, tzinfo=UTC),
            },
            "beyond what a number holds",
        ),
    ],
)
def test_synthetic_wrong_argument_is_refused(changes: dict[str, object], message: str) -> None:
    arguments: dict[str, object] = {"name": "SYN-EDGE", "seed": 1, "n_bars": 20} | changes
    with pytest.raises(ConfigurationError, match=message):
        synthetic(arguments.pop("name"), **arguments)  # type: ignore[arg-type]


def test_synthetic_unknown_timeframe_is_refused() -> None:
    with pytest.raises(UnknownTimeframeError):
        synthetic("SYN-EDGE", seed=1, n_bars=20, timeframe="7m")
