from __future__ import annotations

import json
import re
from dataclasses import MISSING, fields, replace
from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest

from truebar.errors import CorruptDataError, MissingDataError, SchemaError
from truebar.reports import ReportInputs, render_report
from truebar.scores.metric import Metric

HOSTILE = "<script>alert('x')</script>\"&"


class Elements(HTMLParser):
    """The elements of a page with their attributes, its visible text, and its unclosed elements."""

    VOID = frozenset({"meta"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.pieces: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.pieces.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.pieces).replace("\N{NO-BREAK SPACE}", " ").split())

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.found)


def words(inputs: ReportInputs) -> str:
    return Elements(render_report(inputs)).text


def test_verdict_no_edge_names_costs_failed_missing_and_power(inputs: ReportInputs) -> None:
    text = words(inputs)

    assert "No edge proven After costs of 30 bps a round trip, the 158 days kept aside" in text
    assert "in the vault ( 2019-04-27 to 2019-10-02 ) do not show that this model earns money" in text
    assert "Direction AUC (lower end of its 95 % interval): 0.4871, required is above 0.5." in text
    assert "(probability that it is not luck): 0.293, required is at least 0.95." in text
    assert "Conditions that could not be computed, which counts as failed: Leakage checks" in text
    assert "with this record of 158 days only a true Sharpe ratio above 3.79 a year would have been" in text
    assert "To see a true Sharpe ratio of 1 would take 6.2 years." in text


def test_verdict_no_edge_with_a_gain_says_how_long_a_record_would_prove_it(
    inputs: ReportInputs, verdict: dict[str, Any]
) -> None:
    verdict["metrics"]["sharpe"]["value"] = 2.1
    verdict["metrics"]["min_track_record_bars"] = {"value": 7512, "n": 4008}
    verdict["metrics"]["min_track_record_years"] = {"value": 0.8575, "n": 4008}

    assert (
        "If the Sharpe ratio of 2.10 a year were true and stayed, a record of 7,512 bars (0.86 years) would "
        "prove it; 4,008 are there."
    ) in words(inputs)


def test_verdict_no_edge_of_a_long_enough_record_does_not_blame_its_length(
    inputs: ReportInputs, verdict: dict[str, Any]
) -> None:
    verdict["metrics"]["sharpe"]["value"] = 3.5
    verdict["metrics"]["min_track_record_bars"] = {"value": 1034, "n": 4008}
    verdict["metrics"]["min_track_record_years"] = {"value": 0.12, "n": 4008}
    text = words(inputs)

    assert "would show within 1,034 bars, and 4,008 are there; what is missing is named above." in text
    assert "would prove it" not in text


def test_verdict_without_a_trade_says_so_first_and_why_the_sharpe_ratio_is_not_computed(
    inputs: ReportInputs, verdict: dict[str, Any]
) -> None:
    verdict["metrics"]["n_trades"]["value"] = 0
    verdict["metrics"]["deflated_sharpe"] = {"value": None, "reason": "returns do not vary"}
    lists = {"failed": ["sharpe_p", "n_trades"], "missing": ["sharpe_p"]}
    idle = tuple(replace(point, n_trades=Metric(0)) for point in inputs.sensitivity)
    page = render_report(replace(inputs, verdict=verdict | lists, sensitivity=idle))
    text = Elements(page).text

    assert "It never traded there: no forecast edge exceeded its threshold." in text
    assert "Sharpe ratio after costs (probability that it is not luck): – returns do not vary Absence" in text
    assert "No position was taken, so other costs would have changed nothing." in text
    assert "cost-chart" not in page


def test_verdict_of_a_perpetual_says_that_funding_is_not_counted(
    inputs: ReportInputs, verdict: dict[str, Any]
) -> None:
    lists = {"failed": ["roc_auc", "funding"], "missing": ["funding"]}
    text = words(replace(inputs, verdict=verdict | lists))

    assert "Funding (a perpetual pays or receives it every few hours): – not counted yet" in text
    assert "Funding not counted yet, although positions in this market pay or receive it" in text
    assert "all costs" not in text
    assert "Funding positions in this market neither pay" in words(inputs)


def test_key_figures_stand_beside_interval_no_skill_and_buying(inputs: ReportInputs) -> None:
    top = words(inputs).split("Conditions")[2]

    assert "Direction AUC 0.5127 95 %: 0.4871 to 0.5386 no skill: 0.5" in top
    assert "Sharpe ratio, a year −0.83 95 %: −3.61 to 1.92 no skill: 0" in top
    assert re.search(r"Net return −3.12 % staying flat: 0 % buy and hold: −?[0-9.]+ %", top)
    assert re.search(r"Deepest drawdown 7.12 % 84 round trips buy and hold: [0-9.]+ %", top)


@pytest.mark.parametrize(
    ("value", "written"), [(0.99999, "above 0.999"), (1.0, "above 0.999"), (0.0001, "below 0.001")]
)
def test_probability_is_never_written_as_certain(
    inputs: ReportInputs, edge_verdict: dict[str, Any], value: float, written: str
) -> None:
    verdict = edge_verdict if value > 0.5 else inputs.verdict
    verdict["metrics"]["deflated_sharpe"]["value"] = value  # type: ignore[index]
    text = words(replace(inputs, verdict=verdict))

    assert f"mere luck: 0.5 {written} 0.500" in text
    assert "1.000" not in text


def test_trades_show_what_each_side_earned(inputs: ReportInputs) -> None:
    text = words(inputs)

    assert "Side Positions Won after costs Net result, quote currency Long 42 66.7 % 420 Short 42" in text


def test_verdict_no_edge_stands_before_every_table(inputs: ReportInputs) -> None:
    page = render_report(inputs)

    assert 0 < page.index("No edge proven</p>") < page.index("<table")


def test_verdict_nothing_missing_says_nothing_of_missing(
    inputs: ReportInputs, verdict: dict[str, Any]
) -> None:
    text = words(replace(inputs, verdict=verdict | {"failed": ["roc_auc"], "missing": []}))

    assert "not computed yet" not in text
    assert "Not there yet" not in text


def test_verdict_edge_says_edge_and_does_not_speak_of_absence(
    inputs: ReportInputs, edge_verdict: dict[str, Any]
) -> None:
    text = words(replace(inputs, verdict=edge_verdict))

    assert "Edge After costs of 30 bps a round trip, all conditions held on the 158 days" in text
    assert "Absence of proof" not in text
    assert "Conditions that failed" not in text


@pytest.mark.parametrize("lists", [{"failed": ["log_skill"]}, {"missing": ["leakage"]}])
def test_verdict_edge_with_a_condition_that_does_not_hold_is_refused(
    inputs: ReportInputs, edge_verdict: dict[str, Any], lists: dict[str, list[str]]
) -> None:
    with pytest.raises(SchemaError, match="'edge', yet"):
        render_report(replace(inputs, verdict=edge_verdict | lists))


def test_verdict_edge_whose_numbers_fall_short_is_refused(
    inputs: ReportInputs, edge_verdict: dict[str, Any]
) -> None:
    edge_verdict["metrics"]["n_trades"]["value"] = 29

    with pytest.raises(SchemaError, match="Round trips"):
        render_report(replace(inputs, verdict=edge_verdict))


@pytest.mark.parametrize("change", [{"verdict": "maybe"}, {"metrics": {"roc_auc": {"mean": 1}}}])
def test_verdict_of_unknown_form_is_refused(
    inputs: ReportInputs, verdict: dict[str, Any], change: dict[str, Any]
) -> None:
    with pytest.raises(SchemaError):
        render_report(replace(inputs, verdict=verdict | change))


def test_verdict_without_a_field_is_refused_by_name(inputs: ReportInputs, verdict: dict[str, Any]) -> None:
    del verdict["vault_looks"]

    with pytest.raises(SchemaError, match="vault_looks"):
        render_report(inputs)


@pytest.mark.parametrize(
    "row",
    [
        "Direction AUC how well up bars rank above down bars 0.5127 0.5000 0.4871 to 0.5386 2,104",
        "Direction PR-AUC average precision of calling up 0.5212 0.5085 0.4911 to 0.5502 100",
        "Direction F1 no skill: always saying up 0.4873 0.6742 0.4521 to 0.5209 100",
        "log score above that of dev's share of ups −0.0012 0.0000 −0.0047 to 0.0019 100",
        "Brier score three classes; lower is better 0.6191 0.6402 – 100",
        "Log loss three classes; lower is better 1.0312 1.0591 – 100",
        "Calibration error expected, three classes; resamples add noise to it 0.0174 0.0000 – 100",
        "a year, after costs, flat bars included −0.83 0.00 −3.61 to 1.92 100",
        "mere luck: 0.5 0.293 0.500 – 100",
        "Deepest drawdown below an earlier high 7.12 % 0.00 % – 100",
        "Net return after costs, over the vault −3.12 % 0.00 % – 100",
        "Round trips completed 84 0 – 100",
        "a year, 95 % confidence, 80 % power 3.79 – – 100",
    ],
)
def test_metrics_each_stands_beside_its_no_skill_value_and_interval(inputs: ReportInputs, row: str) -> None:
    assert row in words(inputs)


def test_metrics_without_an_entry_are_shown_under_their_own_name(
    inputs: ReportInputs, verdict: dict[str, Any]
) -> None:
    verdict["metrics"]["new_score"] = {"value": 0.25, "no_skill": 0.125}

    assert "new score 0.2500 0.1250" in words(inputs)


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_metrics_undefined_show_a_dash_and_their_reason(
    inputs: ReportInputs, verdict: dict[str, Any], value: float | None
) -> None:
    verdict["metrics"]["sharpe"] |= {"value": value, "reason": "returns do not vary"}
    text = words(inputs)

    assert "flat bars included – returns do not vary" in text
    assert not re.search(r"\b(nan|inf|None|null)\b", text, re.IGNORECASE)


def test_metrics_absent_from_the_verdict_are_named_as_not_there_yet(
    inputs: ReportInputs, verdict: dict[str, Any]
) -> None:
    del verdict["metrics"]["f1"]
    text = words(inputs)

    assert "no skill: always saying up – not computed yet" in text
    assert "Not there yet" in text


def test_activity_stands_apart_and_says_that_it_proves_nothing(inputs: ReportInputs) -> None:
    text = words(inputs)

    assert (
        text.index("Direction F1") < text.index("prove nothing about direction") < text.rindex("Brier score")
    )


def test_conditions_table_shows_value_required_and_held(inputs: ReportInputs) -> None:
    text = words(inputs)

    assert "(a) Direction AUC lower end of its 95 % interval 0.4871 above 0.5 no" in text
    assert "(b) Round trips completed on the vault 84 at least 30 yes" in text
    assert "every check passed not computed" in text


def test_conditions_number_that_falls_short_is_never_shown_as_held(
    inputs: ReportInputs, verdict: dict[str, Any]
) -> None:
    text = words(replace(inputs, verdict=verdict | {"failed": ["leakage"], "missing": ["leakage"]}))

    assert "0.4871 above 0.5 no" in text
    assert "Conditions that failed: Direction AUC (lower end" in text


def test_conditions_unknown_to_the_page_are_shown_as_failed(
    inputs: ReportInputs, verdict: dict[str, Any]
) -> None:
    assert "new rule no" in words(replace(inputs, verdict=verdict | {"failed": ["new_rule"]}))


def test_parts_not_computed_yet_are_named(inputs: ReportInputs) -> None:
    page = render_report(replace(inputs, equity=None, calibration=None, break_even_correlation=None))
    missing = Elements(page).text.split("Not there yet")[1]

    for part in ("Leakage checks", "Equity curve", "Break-even correlation", "before and after calibration"):
        assert part in missing


def test_page_without_any_chart_embeds_no_plotly(inputs: ReportInputs) -> None:
    page = render_report(
        ReportInputs(
            **{
                field.name: getattr(inputs, field.name)
                for field in fields(ReportInputs)
                if field.default is MISSING and field.name != "slices"
            },
            slices=replace(inputs.slices, spans=()),
        )
    )

    assert "Plotly" not in page
    assert "There is no explanation of this model yet" in page


def test_synthetic_market_with_next_to_no_signal_tells_no_share_of_it(
    inputs: ReportInputs, verdict: dict[str, Any]
) -> None:
    oracle = {"roc_auc": 0.566, "log_loss": 1.0, "ev_bps": 0.0}
    text = words(replace(inputs, is_synthetic=True, verdict=verdict | {"oracle": oracle}))
    assert "is 0.5660. There is next to no direction to find; what differs from 0.5 is chance." in text
    assert "of what there is to find" not in text


def test_synthetic_market_is_labelled_and_real_one_is_not(
    inputs: ReportInputs, verdict: dict[str, Any]
) -> None:
    oracle = {"roc_auc": 0.65, "log_loss": 1.0, "ev_bps": 3.0}
    text = words(replace(inputs, is_synthetic=True, verdict=verdict | {"oracle": oracle}))

    assert "synthetic market" in text
    assert (
        "of these bars is 0.6500, that of this model 0.5127: 8 % of what there is to find above 0.5." in text
    )
    assert "Direction AUC ranks up above down 0.5127 0.6500" in text
    assert "traded at the configured costs −3.17 3.00" in text
    assert "ynthetic" not in words(inputs)


def test_synthetic_market_is_labelled_in_title_footer_and_on_every_chart(inputs: ReportInputs) -> None:
    page = render_report(replace(inputs, is_synthetic=True))

    assert "<title>SYNTHETIC BTC-USD 1h xgboost" in page
    assert '<body class="synthetic">' in page
    assert "generated by a program" in page.split("<footer>")[1]
    assert 'class="synthetic"' not in render_report(inputs)


def test_hostile_text_never_becomes_markup(inputs: ReportInputs, verdict: dict[str, Any]) -> None:
    hostile = replace(
        inputs,
        verdict=verdict
        | {"symbol": HOSTILE, "kind": HOSTILE, "failed": [HOSTILE], "missing": []}
        | {"metrics": verdict["metrics"] | {HOSTILE: {"value": None, "reason": HOSTILE}}},
        market_description=HOSTILE,
        horizon_text=HOSTILE,
        quality=replace(
            inputs.quality, klines=replace(inputs.quality.klines, rejected={HOSTILE: 1}), judgements={}
        ),
        lineage=replace(inputs.lineage, code=HOSTILE, deploy_reason=HOSTILE),
        calibration=replace(inputs.calibration, method=HOSTILE, rows_text=HOSTILE),  # type: ignore[type-var]
        search=replace(inputs.search, recipe={HOSTILE: HOSTILE}),  # type: ignore[type-var]
    )
    page = render_report(hostile)

    assert Elements(page).count("script") == Elements(render_report(inputs)).count("script")
    assert "<script>alert" not in page
    assert Elements(page).text.count("<script>alert('x')</script>\"&") >= 9


def test_page_embeds_plotly_once_and_loads_nothing(inputs: ReportInputs) -> None:
    page = render_report(inputs)
    elements = Elements(page)
    loading = ("src", "srcset", "data", "poster", "action")
    links = [attributes["href"] or "" for _, attributes in elements.found if "href" in attributes]
    names = {attributes["id"] for _, attributes in elements.found if "id" in attributes}

    assert page.count("plotly.js v") == 1
    assert [attributes for _, attributes in elements.found if set(loading) & set(attributes)] == []
    assert links
    assert {link.removeprefix("#") for link in links} <= names
    assert elements.count("link") == elements.count("iframe") == elements.count("img") == 0
    policies = [attributes["content"] or "" for _, attributes in elements.found if "http-equiv" in attributes]
    assert [policy.split(";")[0] for policy in policies] == ["default-src 'none'"]
    assert "@import" not in page.split("</style>")[0]
    assert "url(" not in page.split("</style>")[0]


def test_page_closes_every_element_it_opens(inputs: ReportInputs) -> None:
    assert Elements(render_report(inputs)).open == []


def test_page_same_inputs_give_the_same_text(inputs: ReportInputs) -> None:
    first = render_report(inputs)

    assert render_report(replace(inputs, equity=inputs.equity.copy())) == first  # type: ignore[union-attr]
    assert render_report(replace(inputs, horizon_text="other")) != first


def test_page_has_every_part_of_a_report_in_the_order_of_its_links(inputs: ReportInputs) -> None:
    page = render_report(inputs)
    elements = Elements(page)
    links = [attributes["href"] for _, attributes in elements.found if "href" in attributes]
    sections = [
        f"#{attributes['id']}"
        for name, attributes in elements.found
        if name == "section" and "id" in attributes
    ]

    assert links == [name for name in sections if name != "#not-there-yet"]
    assert len(links) == 14


def test_page_gives_each_chart_its_own_name(inputs: ReportInputs) -> None:
    names = re.findall(r'Plotly\.newPlot\("([^"]*)"', render_report(inputs))

    assert len(names) == len(set(names))
    assert set(names) == {
        *("equity-chart", "cost-chart", "trades-chart", "roc-chart", "precision-chart", "labels-chart"),
        *("threshold-long-chart", "threshold-short-chart", "trials-chart", "timeline-chart"),
        *(f"reliability-{name}-chart" for name in ("down", "flat", "up")),
        *(f"importance-{name}-chart" for name in ("shap", "family", "permutation")),
    }


def test_page_says_why_nothing_may_trade(inputs: ReportInputs) -> None:
    assert "Deploy bundle – no edge proven: stay flat" in words(inputs)

    lineage = replace(inputs.lineage, deploy_bundle="e" * 64, deploy_reason="edges correlate 0.97")
    assert f"Deploy bundle {'e' * 64} edges correlate 0.97" in words(replace(inputs, lineage=lineage))


def test_leakage_checks_are_named_where_the_verdict_lists_them(
    inputs: ReportInputs, verdict: dict[str, Any]
) -> None:
    listed = {"missing": [], "leakage": {"features": True, "folds": False}}

    assert "features: passed; folds: failed" in words(replace(inputs, verdict=verdict | listed))


def test_costs_table_shows_each_multiple_and_marks_the_configured_one(inputs: ReportInputs) -> None:
    text = words(inputs)

    assert "0 × 0 bps 4.00 % 0.90 84" in text
    assert "1 × (configured) 30 bps −3.12 % −0.83 84" in text


def test_data_shows_counts_gaps_and_checks_with_their_reasons(inputs: ReportInputs) -> None:
    text = words(inputs)

    assert "11 bars missing in 1 stretch: 2018-02-01 00:00 to 2018-02-01 11:00 (11 bars)." in text
    assert "Rows rejected kept apart, each with its reason 2" in text
    assert "continuity warning bars are missing: 11 in 1 places" in text
    told = replace(inputs, quality=replace(inputs.quality, warnings=frozenset()))
    assert "continuity failed bars are missing" in words(told)


def test_search_shows_trials_recipe_and_luck(inputs: ReportInputs) -> None:
    text = words(inputs)

    assert "4 trials of this study on dev, 1 of them given up early." in text
    assert "A trial that was given up shows the score it had by then" in text
    assert "Probability of backtest overfitting" in text
    assert "realized over 96 bars, k 1, 8 ahead" in text


def test_search_without_a_score_above_no_skill_says_so(inputs: ReportInputs) -> None:
    search = inputs.search
    assert search is not None
    none = replace(search, trials=search.trials.assign(score=-0.01))

    assert "No trial has skill: the best score is not above 0." in words(replace(inputs, search=none))
    assert "No trial has skill" not in words(inputs)


def test_trades_without_any_say_so(inputs: ReportInputs) -> None:
    trades = inputs.trades.iloc[:0]  # type: ignore[union-attr]

    assert "The model never traded in the vault" in words(replace(inputs, trades=trades))


def test_page_draws_fewer_than_four_thousand_points(inputs: ReportInputs, equity: pd.DataFrame) -> None:
    page = render_report(inputs)
    traces = json.loads(re.findall(r'Plotly\.newPlot\("equity-chart",(\[.*?\]),\{"height"', page)[0])

    assert [trace["name"] for trace in traces][:3] == [
        "This model, after costs",
        "Buy and hold, without costs",
        "Stay flat",
    ]
    assert 2_000 < sum(len(trace["x"]) for trace in traces) <= 4_000
    assert max(traces[0]["y"]) == pytest.approx((equity["equity"].max() / 100_000 - 1) * 100, abs=1e-4)


def test_equity_that_cannot_be_drawn_is_refused(inputs: ReportInputs, equity: pd.DataFrame) -> None:
    with pytest.raises(SchemaError, match="close"):
        render_report(replace(inputs, equity=equity.drop(columns="close")))
    with pytest.raises(MissingDataError, match="no row"):
        render_report(replace(inputs, equity=equity.iloc[:0]))
    with pytest.raises(MissingDataError, match="NaN"):
        render_report(replace(inputs, equity=equity.assign(equity=float("nan"))))
    with pytest.raises(CorruptDataError):
        render_report(replace(inputs, equity=equity.iloc[::-1]))
