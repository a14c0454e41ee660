"""Where the result comes from: search, timeline, data, lineage, and what is not there yet."""

from __future__ import annotations

from typing import Final

import pandas as pd

from truebar.market.gaps import DELISTED_TAIL, HALTED, MISSING
from truebar.reports.catalogue import EXPECTED, entry_of
from truebar.reports.charts.plot import chart
from truebar.reports.charts.study import trials_figure
from truebar.reports.charts.timeline import timeline_figure
from truebar.reports.conditions import Condition
from truebar.reports.inputs import DataQuality, Lineage, ReportInputs, Search, Slices
from truebar.reports.judgement import Judgement
from truebar.reports.markup import (
    Column,
    Content,
    Html,
    definition,
    element,
    facts,
    muted,
    paragraph,
    section,
    table,
    undefined,
)
from truebar.reports.metrics import metrics_table
from truebar.reports.wording import days_text

GAP_WORDS: Final = {
    MISSING: ("Missing bars", "absent from the grid; nothing is filled in"),
    HALTED: ("Halted bars", "no volume and no movement; nothing fills there"),
    DELISTED_TAIL: ("Bars after the last trade", "frozen to the end: the market looks delisted"),
}


GIVEN_UP: Final = (
    "A trial that was given up shows the score it had by then, from fewer folds or rounds. It was compared "
    "with what others had at the same point, and does not compare with those that ran to their end."
)


def moment(time: pd.Timestamp) -> str:
    """Return a time to the minute, UTC.

    >>> moment(pd.Timestamp("2019-10-01 04:00", tz="UTC"))
    '2019-10-01 04:00 UTC'
    """
    utc = time.tz_localize("UTC") if time.tzinfo is None else time.tz_convert("UTC")
    return utc.strftime("%Y-%m-%d %H:%M UTC")


def search_section(judgement: Judgement, search: Search | None) -> Content:
    """Return the trials of the study and what was frozen; nothing where that is not recorded."""
    if search is None:
        return ""
    lead = (
        "One configuration was tried on dev; there was no search."
        if len(search.trials) <= 1
        else f"{len(search.trials):,} trials of this study on dev, "
        f"{int((search.trials['state'] == 'pruned').sum()):,} of them given up early. No trial saw the vault."
    )
    best = search.trials.loc[search.trials["state"] == "complete", "score"].max()
    skill = " No trial has skill: the best score is not above 0." if best <= 0 else ""
    ever = f"Trials ever run on this partition: {judgement.n_trials:,}.{skill}"
    contents: list[Content] = [paragraph(f"{lead} {ever}")]
    if len(search.trials) > 1 and search.trials["score"].notna().any():
        text = "Score of each trial of the search, the best so far, and the line of no skill."
        contents.append(chart("trials-chart", trials_figure(search.trials), text))
        if (search.trials["state"] == "pruned").any():
            contents.append(paragraph(GIVEN_UP, class_="text muted"))
    if search.dev_metrics:
        luck = (
            "How much of the best trial is luck, from the out-of-fold accounts of all finished trials on "
            "dev. Never part of the verdict."
        )
        contents += [paragraph(luck), metrics_table(search.dev_metrics)]
    contents.append(section("Frozen recipe", facts(list(search.recipe.items())), level=3))
    return section("Search", *contents)


def timeline_section(judgement: Judgement, slices: Slices) -> Html:
    """Return how history was cut, and how often the vault was looked at."""
    columns = [Column("Slice"), Column("From"), Column("To"), Column("Rows", True)]
    none = muted("–")
    rows: list[list[Content]] = [
        [
            definition("dev", "search, calibration and thresholds"),
            moment(slices.dev_start),
            moment(slices.dev_end),
            f"{slices.dev_rows:,}",
        ],
        [definition("purged", "labels that reach into the vault"), none, none, f"{slices.purged_rows:,}"],
        [
            definition("vault", "the only rows that the verdict looks at"),
            moment(slices.vault_start),
            moment(slices.vault_end),
            f"{slices.vault_rows:,}",
        ],
    ]
    looks = (
        f"The vault spans {days_text(slices.vault_days)}. Distinct recipes that looked at it: "
        f"{judgement.vault_looks:,}."
    )
    drawn: list[Content] = []
    if slices.spans:
        text = "Which bars each fold and each bundle was fitted on, left out or judged on, over time."
        folds = (
            f"{slices.folds} contiguous folds of dev. What is white between two bars of a row is purged "
            f"(labels that overlap) or embargoed ({slices.embargo_bars:,} bars after a block left out)."
        )
        drawn = [chart("timeline-chart", timeline_figure(slices.spans), text), paragraph(folds)]
    return section("Timeline", *drawn, table(columns, rows), paragraph(looks))


def quality_section(quality: DataQuality) -> Html:
    """Return what is known about the bars, the gaps one by one, and the checks with their reasons."""
    klines = quality.klines
    rows: list[list[Content]] = [[definition("Bars", "in the whole history"), f"{klines.bars:,}"]]
    rows += [
        [definition(*words), f"{klines.gap(reason).bars:,}"]
        for reason, words in GAP_WORDS.items()
        if reason != DELISTED_TAIL or klines.gap(reason).bars
    ]
    rows += [
        [
            definition("Bars without a trade", "zero volume, whatever the price does"),
            f"{klines.zero_volume_bars:,}",
        ],
        [
            definition("Rows rejected", "kept apart, each with its reason"),
            f"{sum(klines.rejected.values()):,}",
        ],
    ]
    rows += [
        [definition("", f"of these: {reason}"), f"{count:,}"]
        for reason, count in sorted(klines.rejected.items())
    ]
    told = element("ul", *(element("li", sentence) for sentence in klines.sentences()))
    counts = table([Column("What"), Column("Count", True)], rows)
    return section("Data", told, counts, _checks(quality))


def _checks(quality: DataQuality) -> Content:
    """Return each check of the data with its reasons; nothing where none ran."""
    if not quality.judgements:
        return ""
    rows: list[list[Content]] = [
        [
            name,
            _result(found.passed, warns=name in quality.warnings),
            "; ".join(found.reasons) or muted("–"),
        ]
        for name, found in quality.judgements.items()
    ]
    return table([Column("Check"), Column("Result"), Column("Why")], rows)


def _result(passed: bool, *, warns: bool) -> Html:
    """Return the result of a check; one that only warns stops nothing."""
    if passed:
        return element("span", "passed", class_="held")
    return element("span", "warning", class_="open") if warns else element("span", "failed", class_="failed")


def lineage_section(lineage: Lineage) -> Html:
    """Return the digests that name what this page was made from."""
    named = [
        ("Data", lineage.data),
        ("Code", lineage.code),
        ("Configuration", lineage.configuration),
        ("Recipe", lineage.recipe),
        ("Evaluation bundle", lineage.bundle),
        ("MLflow run", lineage.mlflow_run_id),
    ]
    pairs: list[tuple[str, Content]] = [
        (name, element("code", value) if value else undefined("not recorded")) for name, value in named
    ]
    why = lineage.deploy_reason or "not decided yet"
    deployed: Content = undefined(why)
    if lineage.deploy_bundle is not None:
        deployed = definition("", why)
        deployed = Html(element("code", lineage.deploy_bundle).text + deployed.text)
    pairs.insert(5, ("Deploy bundle", deployed))
    told = "The same data, code and configuration give the same bundle and the same verdict."
    return section("Lineage", paragraph(told), facts(pairs))


def missing_section(inputs: ReportInputs, judgement: Judgement, conditions: list[Condition]) -> Content:
    """Return the list of what does not exist yet; nothing where all is there."""
    absent = [condition.title for condition in conditions if condition.state == "open"]
    absent += [entry_of(name).label for name in EXPECTED if name not in judgement.metrics]
    parts = {
        "Equity curve of the vault": inputs.equity,
        "Break-even correlation": inputs.break_even_correlation,
        "Scores before and after calibration": inputs.calibration,
        "Thresholds": inputs.thresholds,
        "Trials of the search": inputs.search,
    }
    absent += [text for text, part in parts.items() if part is None]
    if not absent:
        return ""
    lead = (
        "Named here so that nothing is taken for granted. "
        "A condition that is missing counts against an edge, never for it."
    )
    unique = dict.fromkeys(absent)
    return section("Not there yet", paragraph(lead), element("ul", *(element("li", text) for text in unique)))
