"""What the stages must never do: judge on other rows, pack foreign parts, or take stale for fresh."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from truebar.errors import BundleError, CorruptDataError, MissingDataError, TooFewRowsError
from truebar.feature_columns import COLUMN_FAMILIES
from truebar.partitions import Partition
from truebar_io.bundles import BundleStore
from truebar_io.configuration import load_configuration
from truebar_io.home import Home
from truebar_io.ingest import ingest_file
from truebar_io.reports import index_path, report_path
from truebar_io.stages import freshness, reporting
from truebar_io.stages.deploying import deploy
from truebar_io.stages.explaining import publish_explanation
from truebar_io.stages.features import publish_family, publish_matrix
from truebar_io.stages.freshness import needs_report, needs_training
from truebar_io.stages.frozen import load_frozen
from truebar_io.stages.judging import judge_vault
from truebar_io.stages.labels import publish_labels, publish_volatility
from truebar_io.stages.predicting import publish_predictions
from truebar_io.stages.reporting import publish_report
from truebar_io.stages.searching import search
from truebar_io.stages.training import fit_calibrator, fit_model, set_thresholds
from truebar_io.warehouse import Warehouse

PARTITION = Partition("BTCUSDT", "1h")
KIND = "xgboost"
PROJECT = Path(__file__).parents[3] / "dbt_features"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
QUICK = {
    "TRUEBAR_DATA__MIN_TRAINING_BARS": "2000",
    "TRUEBAR_XGB__XGB__ROUNDS": "3",
    "TRUEBAR_XGB__OPTUNA__N_TRIALS": "1",
    "TRUEBAR_XGB__POSTPROCESSING__CALIBRATION__METHOD": "platt",
}
SEARCH = QUICK | {
    "TRUEBAR_XGB__OPTUNA__N_TRIALS": "3",
    "TRUEBAR_XGB__OPTUNA__SPACE__ROUNDS__LOW": "2",
    "TRUEBAR_XGB__OPTUNA__SPACE__ROUNDS__HIGH": "4",
    "TRUEBAR_XGB__POSTPROCESSING__CALIBRATION__METHOD": "auto",
}


class Run:
    """A tracked run that keeps nothing."""

    run_id = "test"
    is_synthetic = False

    def log_params(self, params: object) -> None: ...
    def log_metrics(self, metrics: object) -> None: ...
    def log_artifact(self, path: object) -> None: ...
    def log_text(self, text: str, path: str) -> None: ...
    def log_dataset(self, name: str, **facts: object) -> None: ...
    def log_bundle(self, bundle: object) -> None: ...
    def set_tags(self, tags: object) -> None: ...


class Workshop:
    """One partition and every step over it, without Dagster."""

    def __init__(self, path: Path, environment: dict[str, str]) -> None:
        self.home, self.store = Home(path), Warehouse(path)
        self.files = path.parent
        self.settings = load_configuration(environment=environment)

    def bring(self, bars: pd.DataFrame) -> None:
        """Ingest the bars and publish all that follows from them, dbt's family in a plain stand-in."""
        file = self.files / f"{len(list(self.files.glob('*.parquet')))}.parquet"
        bars.to_parquet(file)
        ingest_file(self.store, PARTITION, file, now=NOW)
        times = self.store.read(["open_time"], "market.klines", PARTITION)
        context = times.assign(hour_sin=np.sin(times["open_time"].dt.hour).astype(np.float32))
        for family in COLUMN_FAMILIES:
            publish_family(self.store, PARTITION, family)
        self.store.write(PARTITION, "features.context", context, mode="replace")
        publish_matrix(self.store, PARTITION)
        publish_volatility(self.store, PARTITION, self.settings)
        publish_labels(self.store, PARTITION, self.settings)

    def study(self) -> None:
        search(self.store, PARTITION, KIND, self.settings, Run())

    def bundle(self) -> None:
        self.study()
        fit_model(self.store, PARTITION, KIND, self.settings, Run())
        fit_calibrator(self.store, PARTITION, KIND, Run())
        set_thresholds(self.store, PARTITION, KIND, Run())

    def explain(self) -> dict:
        return dict(publish_explanation(self.store, PARTITION, KIND, self.settings, Run()))

    def judge(self) -> dict:
        judge_vault(self.store, PARTITION, KIND, self.settings, Run(), project=PROJECT)
        return BundleStore(self.home).load_verdict(PARTITION, KIND)

    def train(self) -> dict:
        self.bundle()
        self.explain()
        publish_predictions(self.store, PARTITION, KIND)
        verdict = self.judge()
        publish_report(self.store, PARTITION, KIND, self.settings, Run())
        deploy(self.store, PARTITION, KIND, Run())
        return verdict

    def is_stale(self) -> bool:
        return needs_training(self.store, self.home, PARTITION, self.settings, KIND)

    def shows_old(self) -> bool:
        return needs_report(self.home, PARTITION, KIND)


def walk(wanted: int, seed: int = 3) -> pd.DataFrame:
    """Return the first bars of one walk: asking for more changes none of them."""
    bars = 2_600
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, bars)))
    open_ = np.concatenate([[100.0], close[:-1]])
    return pd.DataFrame(
        {
            "open_time": pd.date_range("2024-01-01", periods=bars, freq="1h", tz="UTC"),
            "open": open_,
            "high": np.maximum(open_, close) * 1.004,
            "low": np.minimum(open_, close) * 0.996,
            "close": close,
            "volume": rng.lognormal(3, 0.5, bars),
        }
    ).head(wanted)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a home that has the bars and all that follows from them; to be copied."""
    folder = tmp_path_factory.mktemp("filled")
    Workshop(folder / "home", QUICK).bring(walk(2_000))
    return folder


@pytest.fixture(scope="module")
def judged(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """The same after a whole training, and its verdict; to be copied."""
    folder = tmp_path_factory.mktemp("judged")
    return folder, copied(filled, folder).train()


@pytest.fixture(scope="module")
def searched(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """The same after a training with a search, and its verdict; to be copied."""
    folder = tmp_path_factory.mktemp("searched")
    copied(filled, folder)
    return folder, Workshop(folder / "home", SEARCH).train()


def copied(folder: Path, to: Path) -> Workshop:
    """Return a workshop over a copy: what a test does to it no other test sees."""
    shutil.copytree(folder, to, dirs_exist_ok=True)
    return Workshop(to / "home", QUICK)


@pytest.fixture
def workshop(filled, tmp_path):
    """One that has never trained."""
    return copied(filled, tmp_path)


@pytest.fixture
def trained(judged, tmp_path):
    """One that has trained once."""
    return copied(judged[0], tmp_path)


@pytest.fixture
def verdict(judged):
    """What the one that has trained was told."""
    return judged[1]


def test_training_twice_gives_the_same_bundle_and_nothing_is_stale(trained, verdict):
    assert not trained.is_stale()
    assert not trained.shows_old()
    assert trained.train() == verdict


def test_judging_again_after_bars_were_appended_gives_the_same_verdict(trained, verdict):
    trained.bring(walk(2_060))
    publish_predictions(trained.store, PARTITION, KIND)
    assert trained.judge() == verdict
    assert not trained.is_stale()


def test_judging_on_another_bundles_predictions_is_refused(trained):
    other = Workshop(trained.home.path, QUICK | {"TRUEBAR_XGB__XGB__SEED": "8"})
    other.bundle()
    with pytest.raises(MissingDataError, match="materialize xgboost/predictions first"):
        other.judge()
    assert other.is_stale()


def test_a_new_recipe_is_a_second_look_at_the_same_vault(trained, verdict):
    assert verdict["vault_looks"] == 1
    other = Workshop(trained.home.path, QUICK | {"TRUEBAR_XGB__XGB__SEED": "8"})
    assert other.is_stale()
    assert other.train()["vault_looks"] == 2
    assert trained.train()["vault_looks"] == 2


def test_revised_opens_in_the_vault_make_the_verdict_stale_and_refused(trained):
    revised = walk(2_000)
    revised.loc[1_800:1_900, "open"] = revised.loc[1_800:1_900, ["low", "high"]].mean(axis=1)
    trained.bring(revised)
    publish_predictions(trained.store, PARTITION, KIND)
    assert trained.is_stale()
    with pytest.raises(BundleError, match="changed since the bundle"):
        trained.judge()
    with pytest.raises(BundleError, match="changed since the bundle"):
        publish_report(trained.store, PARTITION, KIND, trained.settings, Run())


def test_study_in_three_trials_freezes_a_recipe_and_counts_for_good(searched, tmp_path):
    folder, first = searched
    made = Workshop(copied(folder, tmp_path).home.path, SEARCH)
    assert first["n_trials"] == 3
    assert not made.is_stale()
    assert made.train() == first
    manifest = BundleStore(made.home).load(PARTITION, KIND).manifest
    label = manifest.recipe.label
    trials = made.store.read("*", "registry.trials", PARTITION)
    best = trials[trials["state"] == "complete"].sort_values("score").iloc[-1]
    assert json.loads(best["params"])["k"] == label.k
    assert json.loads(best["params"])["estimator"] == label.estimator
    fewer = Workshop(made.home.path, SEARCH | {"TRUEBAR_XGB__OPTUNA__N_TRIALS": "2"})
    assert not fewer.is_stale()
    fewer.study()
    assert not fewer.is_stale()
    assert len(made.store.read("*", "registry.trials", PARTITION)) == 3
    more = Workshop(made.home.path, SEARCH | {"TRUEBAR_XGB__OPTUNA__N_TRIALS": "4"})
    assert more.is_stale()
    more.study()
    again = made.store.read("*", "registry.trials", PARTITION).sort_values("number", ignore_index=True)
    pd.testing.assert_frame_equal(again.head(3), trials.sort_values("number", ignore_index=True))
    assert len(again) == 4


def test_rows_before_a_gap_of_dev_are_predicted_without_a_label_and_judged_like_all(workshop, tmp_path):
    made = Workshop(tmp_path / "gap", QUICK)
    made.bring(walk(2_040).drop(index=range(700, 703)))
    verdict = made.train()
    rows = made.store.read("*", "xgboost.out_of_fold", PARTITION)
    lonely = rows[rows["label"].isna()]
    horizon = load_frozen(BundleStore(made.home), PARTITION, KIND).recipe.label.horizon_bars
    last = walk(700)["open_time"].tail(horizon)
    assert set(last) == set(lonely["open_time"]) & set(walk(700)["open_time"])
    predictions = made.store.read("*", "xgboost.predictions", PARTITION)
    dev = predictions[predictions["segment"] == "dev"]
    assert dev["open_time"].tolist() == rows["open_time"].tolist()
    assert verdict["leakage"] == dict.fromkeys(("features", "labels", "dev_vault", "folds"), True)


def test_training_without_a_search_is_one_trial_that_counts(workshop):
    workshop.study()
    other = Workshop(workshop.home.path, QUICK | {"TRUEBAR_XGB__XGB__SEED": "8"})
    other.study()
    assert len(workshop.store.read("*", "registry.trials", PARTITION)) == 2
    assert load_frozen(BundleStore(other.home), PARTITION, KIND).n_trials == 2


def test_retraining_interrupted_after_its_study_is_stale_until_the_rows_are_back(trained):
    rows = trained.store.read("*", "xgboost.out_of_fold", PARTITION)
    other = Workshop(trained.home.path, QUICK | {"TRUEBAR_XGB__XGB__SEED": "8"})
    other.study()
    assert trained.is_stale()
    trained.study()
    assert not trained.is_stale()
    pd.testing.assert_frame_equal(trained.store.read("*", "xgboost.out_of_fold", PARTITION), rows)


def test_study_with_a_search_gives_the_same_bundle_on_another_disk(searched, tmp_path):
    other = Workshop(tmp_path / "elsewhere", SEARCH)
    other.bring(walk(2_000))
    assert other.train()["bundle"] == searched[1]["bundle"]


def test_model_of_another_request_than_the_last_study_is_not_fitted(trained):
    other = Workshop(trained.home.path, QUICK | {"TRUEBAR_XGB__XGB__SEED": "8"})
    with pytest.raises(BundleError, match="last study was about other"):
        fit_model(other.store, PARTITION, KIND, other.settings, Run())


def test_calibrator_of_another_training_is_not_packed(trained):
    other = Workshop(
        trained.home.path, QUICK | {"TRUEBAR_XGB__POSTPROCESSING__CALIBRATION__METHOD": "temperature"}
    )
    other.study()
    fit_model(other.store, PARTITION, KIND, other.settings, Run())
    with pytest.raises(BundleError, match="belongs to another training"):
        set_thresholds(other.store, PARTITION, KIND, Run())


def test_calibrator_is_not_fitted_on_another_trainings_rows(trained):
    bundles = BundleStore(trained.home)
    old = {name: bundles.load_part(PARTITION, KIND, name) for name in ("model.ubj", "draft.json")}
    other = Workshop(trained.home.path, QUICK | {"TRUEBAR_XGB__XGB__SEED": "8"})
    other.study()
    for name, content in old.items():
        bundles.save_part(PARTITION, KIND, name, content)
    with pytest.raises(BundleError, match="out_of_fold is another training's"):
        fit_calibrator(trained.store, PARTITION, KIND, Run())


def test_market_without_an_edge_has_no_bundle_that_may_trade(trained, verdict):
    deployment = BundleStore(trained.home).deployment(PARTITION, KIND)
    assert verdict["verdict"] == "no edge proven"
    assert (deployment.evaluation, deployment.bundle) == (verdict["bundle"], None)
    assert "stay flat" in deployment.reason


def test_report_of_an_earlier_verdict_is_stale(trained):
    other = Workshop(trained.home.path, QUICK | {"TRUEBAR_XGB__XGB__SEED": "8"})
    other.bundle()
    publish_predictions(other.store, PARTITION, KIND)
    other.judge()
    other.explain()
    assert other.shows_old()
    publish_report(other.store, PARTITION, KIND, other.settings, Run())
    assert not other.shows_old()
    assert other.is_stale()
    deploy(other.store, PARTITION, KIND, Run())
    assert not other.is_stale()


def test_page_of_other_code_or_a_lost_one_is_drawn_again_and_nothing_is_trained(trained, monkeypatch):
    assert not trained.shows_old()
    for module in (freshness, reporting):
        monkeypatch.setattr(module, "page_digest", lambda: "another code")
    assert trained.shows_old()
    assert not trained.is_stale()
    publish_report(trained.store, PARTITION, KIND, trained.settings, Run())
    assert not trained.shows_old()
    for page in (report_path(trained.home, PARTITION, KIND), index_path(trained.home)):
        page.unlink()
        assert trained.shows_old()
        assert not trained.is_stale()
        publish_report(trained.store, PARTITION, KIND, trained.settings, Run())
        assert not trained.shows_old()


def test_training_on_unfit_tables_is_refused_by_the_rules_of_the_checks(workshop):
    broken = walk(2_600)
    workshop.bring(broken.drop(index=range(2_050, 2_400)))
    with pytest.raises(CorruptDataError, match="of the bars are missing"):
        workshop.bundle()


def test_training_on_fewer_bars_than_the_configuration_asks_for_is_refused(workshop):
    other = Workshop(workshop.home.path, QUICK | {"TRUEBAR_DATA__MIN_TRAINING_BARS": "2001"})
    with pytest.raises(TooFewRowsError, match="BTCUSDT 1h has 2,000 bars; expected at least 2,001"):
        other.bundle()
    assert BundleStore(workshop.home).current(PARTITION, KIND) is None


def test_thresholds_are_tuned_and_the_curves_are_kept(trained):
    asked = {"TRUEBAR_XGB__POSTPROCESSING__THRESHOLD_TUNING": "{enabled: true, methods: [f1, pr_auc]}"}
    other = Workshop(trained.home.path, QUICK | asked)
    other.bundle()
    told = set_thresholds(other.store, PARTITION, KIND, Run())
    assert told["rule"] != "f1"
    assert {"ev_curve", "f1_curve", "pr_auc_curve"} <= set(told)
    curve = other.store.read("*", "xgboost.ev_curve", PARTITION)
    assert len(curve) == 49


def test_perpetual_without_funding_names_it_as_missing(verdict):
    assert verdict["missing"] == ["funding"]
    assert verdict["verdict"] == "no edge proven"


def test_explanation_is_the_bundles_and_repeats_to_the_digit(trained):
    first = trained.explain()
    table = trained.store.read("*", "xgboost.importance", PARTITION)
    bundles = BundleStore(trained.home)
    columns = bundles.load(PARTITION, KIND).manifest.recipe.feature_columns
    assert set(table.loc[table["level"] == "column", "feature"]) == set(columns)
    assert set(table.loc[table["level"] == "family", "feature"]) == {*COLUMN_FAMILIES, "context"}
    assert (table["family"] == "context").sum() == 2
    published = trained.store.summary(PARTITION)["xgboost.importance"]
    assert published.made_from == bundles.current(PARTITION, KIND)
    assert trained.explain() == first
    assert trained.store.summary(PARTITION)["xgboost.importance"].digest == published.digest
    assert {"importance", "families"} <= set(first)


def test_explanation_by_the_fold_models_of_another_training_is_refused(trained):
    bundles = BundleStore(trained.home)
    models = bundles.load_part(PARTITION, KIND, "fold_models.json")
    Workshop(trained.home.path, QUICK | {"TRUEBAR_XGB__XGB__SEED": "8"}).bundle()
    bundles.save_part(PARTITION, KIND, "fold_models.json", models)
    with pytest.raises(BundleError, match="fold models belong to another training"):
        trained.explain()


def test_judging_says_the_verdict_in_words_with_a_picture(trained):
    told = judge_vault(trained.store, PARTITION, KIND, trained.settings, Run(), project=PROJECT)
    assert told["verdict"] == "no edge proven"
    assert told["in_words"].startswith("No edge proven: direction AUC 0.")
    assert "absence of proof is not proof of absence" in told["in_words"]
    assert "buy and hold" in told["equity"].svg
