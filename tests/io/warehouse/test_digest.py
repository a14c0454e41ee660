from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from truebar.partitions import Partition
from truebar.volatility import ESTIMATORS
from truebar_io.warehouse import Warehouse

MakeBars = Callable[..., pd.DataFrame]
PRICE = "features.price"


@pytest.fixture
def digest(tmp_path_factory, hourly) -> Callable[..., str]:
    """The digest of a table that consists of the frames, written one after the other."""

    def of(*frames: pd.DataFrame, table: str = PRICE) -> str:
        warehouse = Warehouse(tmp_path_factory.mktemp("home"))
        return [warehouse.write(hourly, table, frame).digest for frame in frames][-1]

    return of


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 3), min_size=12, max_size=12), st.permutations(range(4)))
def test_digest_is_independent_of_how_the_rows_came_in(digest, make_family: MakeBars, owner, order) -> None:
    whole = make_family(12, "a", "b")
    owners = np.array(owner)
    parts = [whole[owners == number] for number in order if (owners == number).any()]
    assert digest(*parts) == digest(whole)


def test_digest_is_independent_of_column_order_and_of_corrected_rows(digest, make_family: MakeBars) -> None:
    whole = make_family(8, "a", "b")
    assert digest(whole[["b", "open_time", "a"]]) == digest(whole)
    assert digest(whole.assign(a=7.0), whole) == digest(whole)


def test_digest_differs_for_every_kind_of_change(digest, make_family: MakeBars) -> None:
    whole = make_family(6, "a", "b")
    changed = {
        "same": whole,
        "one value": whole.assign(a=[*whole["a"][:-1], 99.0]),
        "null is not zero": whole.fillna(0.0),
        "values swapped between columns": whole.assign(a=whole["b"], b=whole["a"]),
        "values swapped between rows": whole.assign(a=[*whole["a"][:-2], *whole["a"][:-3:-1]]),
        "column name": whole.rename(columns={"a": "c"}),
        "row more": make_family(7, "a", "b"),
        "row less": whole[1:],
        "later": make_family(6, "a", "b", start="2024-01-02"),
        "column less": whole[["open_time", "a"]],
        "empty": whole[:0],
        "empty, column less": whole[["open_time", "a"]][:0],
    }
    assert len({digest(frame) for frame in changed.values()}) == len(changed)


def test_digest_differs_between_types(digest, make_family: MakeBars) -> None:
    frame = make_family(4, *ESTIMATORS)
    assert digest(frame, table=PRICE) != digest(frame, table="labels.volatility")


def test_digest_of_rows_without_key_is_independent_of_their_order(warehouse, hourly) -> None:
    pairs = {"long": [1.0, 2.0, 2.0], "short": [1.0, 1.0, 2.0], "score": [0.1, 0.2, 0.3]}
    curve = pd.DataFrame(pairs | {"low": 0.0, "high": 1.0, "n_trades": [5, 6, 7]})
    first = warehouse.write(hourly, "xgboost.ev_curve", curve, mode="replace")
    second = warehouse.write(hourly, "xgboost.ev_curve", curve[::-1], mode="replace")
    assert first.digest == second.digest


def test_digest_is_the_same_in_another_process(tmp_path: Path, digest) -> None:
    """Also a golden value: digests name vaults and bundles, so the recipe must not change by itself."""
    script = tmp_path / "other.py"
    script.write_text(
        "import sys, pandas as pd\n"
        "from truebar.partitions import Partition\n"
        "from truebar_io.warehouse import Warehouse\n"
        "times = pd.date_range('2024-01-01', periods=3, freq='h', tz='UTC')\n"
        "frame = pd.DataFrame({'open_time': times, 'a': [None, 0.5, -2.0]})\n"
        "result = Warehouse(sys.argv[1]).write(Partition('BTC-USD', '1h'), 'features.price', frame)\n"
        "sys.stdout.write(result.digest)\n"
    )
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "home")], capture_output=True, text=True, check=True
    )
    times = pd.date_range("2024-01-01", periods=3, freq="h", tz="UTC")
    here = digest(pd.DataFrame({"open_time": times, "a": [np.nan, 0.5, -2.0]}))
    assert done.stdout == here
    assert here == "8065c6d0d1d97f5d1f9f35e35e65fd980b04200edf584fbdc375a0c5637c14d4"


def test_digest_does_not_depend_on_storage_of_many_rows(digest, make_bars: MakeBars) -> None:
    """Several row groups, dictionary-compressed text, and a history of appends against one write."""
    bars = make_bars(130_000, start="2005-01-01").assign(source=lambda f: np.where(f.index % 7, "a", "b"))
    one = digest(bars, table="market.klines")
    assert digest(bars[:125_000], bars[124_000:], table="market.klines") == one


def test_summary_of_years_equals_only_for_equal_years(tmp_path: Path, make_bars: MakeBars) -> None:
    minutes = Partition("BTCUSDT", "1m")
    bars = make_bars(2_000, start="2023-12-31 12:00", timeframe="1m")
    digests = []
    for name, frames in {
        "once": [bars],
        "twice": [bars[1_000:], bars[:1_000]],
        "other": [bars.assign(volume=1.0)],
    }.items():
        warehouse = Warehouse(tmp_path / name)
        digests.append([warehouse.write(minutes, "market.klines", frame).digest for frame in frames][-1])
    assert digests[0] == digests[1] != digests[2]
