"""dbt builds over a private copy; what it made is published whole, or nothing of it is."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from truebar.errors import ConfigurationError, MissingDataError, PartitionBusyError, TransformError
from truebar.partitions import Partition
from truebar_io.home import Home
from truebar_io.lineage import made_from
from truebar_io.transforms import build as build_module
from truebar_io.transforms.build import ensure_manifest
from truebar_io.transforms.manifest import is_stale, manifest_path, project_digest, read_manifest
from truebar_io.transforms.publish import Transformed, transform
from truebar_io.transforms.workbench import discard, sweep, workbench
from truebar_io.warehouse import Warehouse

PROJECT = Path(__file__).resolve().parents[2] / "dbt_features"
BTC, SYN = Partition("BTC-USD", "1h"), Partition("SYN-EDGE", "15m")
DAYS = 10


def klines(step: str, bars: int, *, seed: int = 0) -> pd.DataFrame:
    """Return random closed bars from a Wednesday on."""
    generator = np.random.default_rng(seed)
    open_time = pd.date_range("2024-01-03", periods=bars, freq=step, tz="UTC")
    low = generator.uniform(90, 100, bars)
    high = low * generator.uniform(1.001, 1.02, bars)
    return pd.DataFrame(
        {
            "open_time": open_time,
            "close_time": open_time + pd.Timedelta(step),
            "open": low,
            "high": high,
            "low": low,
            "close": high,
            "volume": generator.exponential(10, bars),
        }
    )


def copy_of(folder: Path, *, manifest: bool = False) -> Path:
    """Return a copy of the dbt project that a test may change."""
    ignored = shutil.ignore_patterns("logs") if manifest else shutil.ignore_patterns("target", "logs")
    return Path(shutil.copytree(PROJECT, folder / "project", ignore=ignored))


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


@pytest.fixture
def store(tmp_path: Path) -> Warehouse:
    """A warehouse with two small partitions."""
    warehouse = Warehouse(tmp_path / "home")
    warehouse.write(BTC, "market.klines", klines("1h", DAYS * 24))
    warehouse.write(SYN, "market.klines", klines("15min", 3 * 96, seed=1))
    return warehouse


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def run(store: Warehouse, home: Home, *partitions: Partition, project: Path = PROJECT) -> Transformed:
    return transform(store, home, project, partitions, run_id="run-1")


def expected_context(bars: pd.DataFrame, bars_in_day: int) -> pd.DataFrame:
    """Compute the context of bars without gaps the plain way."""
    close = bars["close_time"]
    day = 2 * np.pi * (close.dt.hour * 60 + close.dt.minute) / 1440
    week = 2 * np.pi * (close.dt.dayofweek + 1) / 7
    spread = pd.Series(np.log(bars["high"] / bars["low"]))
    columns = {
        "hour_sin": np.sin(day),
        "hour_cos": np.cos(day),
        "weekday_sin": np.sin(week),
        "weekday_cos": np.cos(week),
        "volume_ratio_1d": bars["volume"] / bars["volume"].rolling(bars_in_day).mean(),
        "range_ratio_1d": spread / spread.rolling(bars_in_day).mean(),
    }
    return pd.DataFrame(columns)


def test_transform_two_partitions_publishes_what_pandas_computes(store: Warehouse, home: Home) -> None:
    sources = {
        partition: made_from(store, partition, "features.context", code=project_digest(PROJECT))
        for partition in (BTC, SYN)
    }
    done = run(store, home, BTC, SYN)
    assert not done.refused
    assert {result.kind for result in done.report.results} == {"model", "test", "unit_test"}
    assert done.report.failed == ()
    for partition, bars_in_day in ((BTC, 24), (SYN, 96)):
        context = store.read("*", from_="features.context", partitions=[partition])
        bars = store.read("*", from_="market.klines", partitions=[partition])
        pd.testing.assert_series_equal(context["open_time"], bars["open_time"])
        features = context.drop(columns="open_time")
        assert set(features.dtypes) == {np.dtype("float32")}
        expected = expected_context(bars, bars_in_day)
        pd.testing.assert_frame_equal(
            features, expected, check_dtype=False, rtol=2e-6, atol=1e-6, check_like=False
        )
        assert features["volume_ratio_1d"].isna().sum() == bars_in_day - 1
        assert store.summary(partition)["features.context"].made_from == sources[partition]
    assert list(home.workbench.iterdir()) == []
    assert build_module.WORKBENCH_VARIABLE not in os.environ


def test_context_is_the_same_without_later_bars_and_without_bars_older_than_two_days(
    store: Warehouse, home: Home
) -> None:
    bars = store.read("*", from_="market.klines", partitions=[BTC])
    head, tail = Partition("HEAD", "1h"), Partition("TAIL", "1h")
    store.write(head, "market.klines", bars.iloc[:100])
    store.write(tail, "market.klines", bars.iloc[52:100])
    assert not run(store, home, BTC, head, tail).refused
    whole, first, last = (
        store.read("*", from_="features.context", partitions=[partition]) for partition in (BTC, head, tail)
    )
    pd.testing.assert_frame_equal(first, whole.iloc[:100])
    pd.testing.assert_frame_equal(last.tail(25), whole.iloc[75:100].set_axis(last.index[-25:]))


def test_context_bar_that_no_full_day_precedes_has_no_ratio(store: Warehouse, home: Home) -> None:
    gappy = Partition("GAPPY", "1h")
    bars = store.read("*", from_="market.klines", partitions=[BTC])
    store.write(gappy, "market.klines", bars.drop(index=range(48, 65)).reset_index(drop=True))
    run(store, home, gappy)
    context = store.read(["open_time", "range_ratio_1d"], from_="features.context", partitions=[gappy])
    missing = context.loc[context["range_ratio_1d"].isna(), "open_time"]
    hours = (missing - bars["open_time"].iloc[0]) / pd.Timedelta("1h")
    # Bars 48 to 64 are gone: until 12 of the 24 trailing bars are there again, a day is not full.
    assert hours.astype(int).tolist() == [*range(23), *range(65, 76)]


@pytest.mark.parametrize(
    ("file", "old", "new", "named"),
    [
        pytest.param(
            "models/features/context.yml",
            "(volume_ratio_1d is null or (volume_ratio_1d >= 0",
            "(volume_ratio_1d is null or (volume_ratio_1d >= 2",
            "test context_ratios_are_finite_and_not_negative",
            id="data test",
        ),
        pytest.param(
            "models/features/context.sql",
            "2 * pi() * extract(isodow from close_time_utc)",
            "2 * pi() * extract(isodow from open_time_utc)",
            "unit_test context_of_4h_bars",
            id="unit test",
        ),
        pytest.param(
            "models/features/context.sql",
            "cast(sin(day_phase) as float)",
            "cast(symbol as float)",
            "model context",
            id="model",
        ),
    ],
)
def test_transform_failing_node_publishes_nothing_and_names_it(
    store: Warehouse, home: Home, tmp_path: Path, file: str, old: str, new: str, named: str
) -> None:
    run(store, home, BTC)
    before = store.summary(BTC)["features.context"]
    project = copy_of(tmp_path)
    change(project / file, old, new)
    done = run(store, home, BTC, SYN, project=project)
    assert done.written == {}
    assert set(done.refused) == {BTC, SYN}
    assert all(isinstance(error, TransformError) and named in str(error) for error in done.refused.values())
    with pytest.raises(TransformError, match=named):
        done.report.refuse_failures()
    assert store.summary(BTC)["features.context"] == before
    assert not store.has(SYN, "features.context")
    kept = home.workbench / "run-1"
    assert (kept / "workbench.duckdb").is_file()
    assert (kept / "logs" / "dbt.log").is_file()


def test_transform_project_that_does_not_parse_raises_and_says_why(
    store: Warehouse, home: Home, tmp_path: Path
) -> None:
    project = copy_of(tmp_path, manifest=True)
    change(project / "models/features/context.sql", "ref('stg_klines')", "ref('nowhere')")
    os.utime(manifest_path(project), ns=(2**62, 2**62))
    with pytest.raises(TransformError, match="nowhere"):
        run(store, home, BTC, project=project)
    assert not store.has(BTC, "features.context")


def test_transform_partition_without_klines_is_refused_and_the_others_are_published(
    store: Warehouse, home: Home
) -> None:
    absent = Partition("ABSENT", "1h")
    done = run(store, home, absent, BTC)
    assert list(done.refused) == [absent]
    assert isinstance(done.refused[absent], MissingDataError)
    assert list(done.written["features.context"]) == [BTC]
    nothing = run(store, home, absent)
    assert nothing.report.results == ()
    assert list(nothing.refused) == [absent]


def test_transform_in_two_threads_builds_one_after_the_other(store: Warehouse, home: Home) -> None:
    def in_thread(partition: Partition) -> Transformed:
        return transform(store, home, PROJECT, [partition], run_id=partition.symbol)

    with ThreadPoolExecutor(2) as threads:
        for partition, done in zip((BTC, SYN), threads.map(in_thread, (BTC, SYN)), strict=True):
            assert done.report.failed == ()
            assert list(done.written["features.context"]) == [partition]


def test_build_parses_once_and_again_when_a_source_changes(
    store: Warehouse, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = []
    parse = build_module._parse

    def counted(project: Path, outputs: Path) -> object:
        parsed.append(project)
        return parse(project, outputs)

    monkeypatch.setattr(build_module, "_parse", counted)
    project = copy_of(tmp_path, manifest=True)
    os.utime(manifest_path(project))
    run(store, home, BTC, project=project)
    run(store, home, BTC, project=project)
    assert len(parsed) == 1
    change(project / "models/features/context.sql", "cast(sin(day_phase) as float)", "cast(0 as float)")
    assert is_stale(project)
    assert run(store, home, BTC, project=project).refused
    assert len(parsed) == 2
    assert not is_stale(project)


def test_ensure_manifest_of_a_fresh_clone_makes_it_and_leaves_nothing_else(tmp_path: Path) -> None:
    project = copy_of(tmp_path)
    manifest = read_manifest(ensure_manifest(project))
    assert [model.table for model in manifest.models] == ["staging.klines", "features.context"]
    assert [model.is_stored for model in manifest.models] == [False, True]
    assert manifest.models[1].reads == ("staging.klines",)
    assert manifest.sources == ("market.klines",)
    assert "context_grain_is_unique" in {test.name for test in manifest.tests}
    assert [path.name for path in (project / "target").iterdir()] == ["manifest.json"]


def test_ensure_manifest_that_cannot_be_written_says_to_install(tmp_path: Path) -> None:
    project = copy_of(tmp_path)
    (project / "target").write_text("not a folder")
    with pytest.raises(ConfigurationError, match="make install"):
        ensure_manifest(project)


def test_read_manifest_missing_or_broken_says_to_install(tmp_path: Path) -> None:
    broken = tmp_path / "manifest.json"
    for text in (None, "{", "[]", "{}"):
        if text is not None:
            broken.write_text(text)
        with pytest.raises(ConfigurationError, match="make install"):
            read_manifest(broken)


def test_project_digest_follows_sources_and_not_outputs(tmp_path: Path) -> None:
    project = copy_of(tmp_path)
    before = project_digest(project)
    (project / "target").mkdir()
    (project / "target" / "compiled.sql").write_text("select 1")
    assert project_digest(project) == before
    (project / "models" / "features" / "more.sql").write_text("select 1")
    assert project_digest(project) != before
    with pytest.raises(ConfigurationError, match="dbt_project"):
        project_digest(tmp_path)


def test_sweep_removes_old_leftovers_but_no_folder_in_use(home: Home) -> None:
    with workbench(home, "dead") as dead:
        dead.touch()
    with workbench(home, "alive") as alive:
        alive.touch()
        assert sweep(home) == ()
        for path in (dead, alive):
            os.utime(path.parent, (0, 0))
        assert sweep(home) == (dead.parent,)
        assert not dead.parent.exists()
        assert alive.exists()


def test_workbench_of_a_retried_run_is_empty_and_of_a_running_one_is_refused(home: Home) -> None:
    with workbench(home, "run-1") as path:
        path.touch()
        (path.parent / "target").mkdir()
        with pytest.raises(PartitionBusyError, match="run-1"), workbench(home, "run-1"):
            pass
    with workbench(home, "run-1") as path:
        assert [entry.name for entry in path.parent.iterdir()] == ["lock"]
        discard(path)
    assert list(home.workbench.iterdir()) == []


@pytest.mark.parametrize("run_id", ["", "..", "a/b", "-x", "a b"])
def test_workbench_run_id_that_names_no_folder_is_refused(home: Home, run_id: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot name a folder"), workbench(home, run_id):
        pass
