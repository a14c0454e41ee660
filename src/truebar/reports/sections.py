"""The parts of a report below the verdict: money, slices, data, costs, lineage, and what is missing."""

from __future__ import annotations

import pandas as pd

from truebar.reports.catalogue import EXPECTED, entry_of, signed
from truebar.reports.charts import chart, equity_figure, reliability_figure
from truebar.reports.conditions import Condition
from truebar.reports.curve import Curve
from truebar.reports.inputs import Calibration, DataQuality, Judgement, Lineage, ReportInputs, Slices
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
from truebar.reports.metrics import found_share, metrics_table
from truebar.reports.wording import compact, days_text


def moment(time: pd.Timestamp) -> str:
    """Return a time to the minute, UTC.

    >>> moment(pd.Timestamp("2019-10-01 04:00", tz="UTC"))
    '2019-10-01 04:00 UTC'
    """
    utc = time.tz_localize("UTC") if time.tzinfo is None else time.tz_convert("UTC")
    return utc.strftime("%Y-%m-%d %H:%M UTC")


def direction_section(judgement: Judgement) -> Html:
    """Return the scores of direction, and on synthetic markets how much of what is there was found."""
    lead = (
        "Does the model know where the price goes? "
        "Each score stands beside what no skill gives on the same rows."
    )
    contents: list[Content] = [paragraph(lead), metrics_table(judgement, "direction")]
    best = judgement.oracle.get("roc_auc")
    if best is not None:
        share = found_share(judgement)
        found = (
            "there is no planted signal to find"
            if share is None
            else f"found share of it: {signed(share * 100, 0)} %"
        )
        contents.append(
            paragraph(f"The best that any model can reach on these rows is an AUC of {best:.4f}; {found}.")
        )
    return section("Direction", *contents)


def activity_section(judgement: Judgement) -> Html:
    """Return the scores of activity, apart, with the sentence that they prove nothing about direction."""
    lead = (
        "These scores prove nothing about direction. They measure whether the model knows when "
        "the market moves; volatility is predictable, so they beat no skill "
        "on markets without any direction too."
    )
    return section("Activity", paragraph(lead), metrics_table(judgement, "activity"))


def _compared(curve: Curve) -> Html:
    """Return the end and the deepest drawdown of the account, of buying and holding, and of staying flat."""
    percent, fell = entry_of("net_return").write, float(-curve.drawdown.min())
    held: list[Content] = [undefined("no price"), undefined("no price")]
    if curve.hold_return is not None:
        held = [percent(curve.hold_return), percent(curve.hold_drawdown)]
    rows: list[list[Content]] = [
        ["This model, after costs", percent(float(curve.strategy[-1])), percent(fell)],
        ["Buy and hold, without costs", *held],
        ["Stay flat", percent(0.0), percent(0.0)],
    ]
    return table([Column(""), Column("Return over the vault", True), Column("Deepest drawdown", True)], rows)


def money_section(judgement: Judgement, curve: Curve | None) -> Html:
    """Return the account: curve beside staying flat and buying, then its numbers."""
    contents: list[Content] = [
        paragraph("A simulated account on the vault, after fees and slippage. No skill is staying flat.")
    ]
    if curve is None:
        contents.append(paragraph("The equity of this account is not computed yet.", class_="text muted"))
    else:
        description = (
            "Return of the model, of buying and holding, and of staying flat over the vault; drawdown below."
        )
        contents += [chart("equity-chart", equity_figure(curve), description), _compared(curve)]
    dash = "– stands where there is no such value. Where a number is undefined, the reason stands under it."
    contents += [metrics_table(judgement, "money"), paragraph(muted(dash))]
    return section("Money", *contents)


def other_section(judgement: Judgement) -> Content:
    """Return what else the verdict has; nothing where there is nothing."""
    lead = "Shown for completeness; no part of the verdict rests on these."
    others = [name for name in judgement.metrics if entry_of(name).group == "other"]
    return section("Other numbers", paragraph(lead), metrics_table(judgement, "other")) if others else ""


def calibration_section(calibration: Calibration | None) -> Content:
    """Return the scores before and after calibration, and the reliability where there are bins."""
    if calibration is None:
        return ""
    columns = [Column("Score"), Column("Before", True), Column("After", True)]
    rows: list[list[Content]] = [
        [
            definition(entry_of(name).label, entry_of(name).note),
            *(entry_of(name).write(value) for value in pair),
        ]
        for name, pair in calibration.scores.items()
    ]
    contents: list[Content] = [
        paragraph(f"Calibrator: {calibration.method}. Scored {calibration.rows_text}."),
        table(columns, rows),
    ]
    if calibration.reliability:
        description = (
            "Observed share of up bars against the predicted probability, before and after calibration."
        )
        contents.append(chart("reliability-chart", reliability_figure(calibration), description))
    return section("Calibration", *contents)


def _bar(slices: Slices) -> Html:
    """Return the slices as one bar, each as wide as its rows are many."""
    parts = [
        ("dev", slices.dev_rows, "dev"),
        ("purged", slices.purged_rows, ""),
        ("vault", slices.vault_rows, "vault"),
    ]
    shown = [
        element("div", text, class_=name, style=f"flex:{rows} 1 0", title=f"{name}: {rows:,} rows")
        for name, rows, text in parts
        if rows > 0
    ]
    return element("div", *shown, class_="slices", role="img", aria_label="dev, purged rows, vault")


def slices_section(judgement: Judgement, slices: Slices) -> Html:
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
    search = (
        "There was no search: one configuration was tried on dev."
        if judgement.n_trials <= 1
        else f"Trials of the search on dev: {judgement.n_trials:,}."
    )
    looks = (
        f"The vault spans {days_text(slices.vault_days)}. Distinct recipes that looked at it: "
        f"{judgement.vault_looks:,}. {search}"
    )
    return section("Timeline", _bar(slices), table(columns, rows), paragraph(looks))


def quality_section(quality: DataQuality) -> Html:
    """Return what is known about the bars."""
    reasons = sorted(quality.quarantined.items())
    rows: list[list[Content]] = [
        [definition("Bars", "in the whole history"), f"{quality.bars:,}"],
        [definition("Missing bars", "absent from the grid; nothing is filled in"), f"{quality.missing:,}"],
        [definition("Halted bars", "no volume and no movement; no fill there"), f"{quality.halted:,}"],
        [definition("Rows in quarantine", "refused, kept apart"), f"{sum(quality.quarantined.values()):,}"],
    ]
    rows += [[definition("", f"of these: {reason}"), f"{count:,}"] for reason, count in reasons]
    return section("Data", table([Column("What"), Column("Count", True)], rows))


def costs_section(inputs: ReportInputs) -> Html:
    """Return what a trade costs, and what a forecast must be worth to pay for it."""
    needed = inputs.break_even_correlation
    text: Content = undefined("not computed yet")
    if needed is not None:
        text = (
            f"{signed(needed, 3)} (a forecast has to correlate this much with the return to pay these costs)"
        )
    return section(
        "Costs",
        facts(
            [
                ("Fee", f"{compact(inputs.costs.fee_bps)} bps per side"),
                ("Slippage", f"{compact(inputs.costs.slippage_bps)} bps per side"),
                ("Round trip", f"{compact(inputs.costs.round_trip_bps)} bps"),
                ("Break-even correlation", text),
                ("Horizon of the forecast", inputs.horizon_text),
                ("Starting capital", f"{inputs.initial_capital:,.0f} in quote currency"),
            ]
        ),
    )


def lineage_section(lineage: Lineage) -> Html:
    """Return the digests that name what this page was made from."""
    named = [
        ("Data", lineage.data),
        ("Code", lineage.code),
        ("Configuration", lineage.configuration),
        ("Recipe", lineage.recipe),
        ("Bundle", lineage.bundle),
        ("MLflow run", lineage.mlflow_run_id),
    ]
    pairs = [(name, element("code", value) if value else undefined("not recorded")) for name, value in named]
    return section(
        "Lineage", paragraph("The same data, code and configuration give the same page."), facts(pairs)
    )


def missing_section(inputs: ReportInputs, judgement: Judgement, conditions: list[Condition]) -> Content:
    """Return the list of what does not exist yet; nothing where all is there."""
    absent = [condition.title for condition in conditions if condition.state == "open"]
    absent += [entry_of(name).label for name in EXPECTED if name not in judgement.metrics]
    parts = {
        "Equity curve of the vault": inputs.equity,
        "Break-even correlation": inputs.break_even_correlation,
        "Scores before and after calibration": inputs.calibration,
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
