"""Tables and their columns as the UI shows them."""

from collections.abc import Mapping
from typing import Any, Final

import dagster as dg

from assets.origins import Origins, in_words, index_origins
from truebar.tables import TableSchema, schema_of

LINEAGE: Final = "dagster/column_lineage"
TIME: Final = dg.TableColumn("open_time", "timestamptz", description="When the bar opens.")

MEANINGS: Final = {
    "open_time": "When the bar opens.",
    "close_time": "When the bar closes, exclusive; nothing of it is known before.",
    "open": "First price, quote currency.",
    "high": "Highest price, quote currency.",
    "low": "Lowest price, quote currency.",
    "close": "Last price, quote currency.",
    "volume": "Traded, base currency.",
    "quote_volume": "Traded, quote currency; null where the source does not give it.",
    "trades": "Number of trades.",
    "taker_buy_volume": "Bought by takers, base currency.",
    "taker_buy_quote_volume": "Bought by takers, quote currency.",
    "source": "Where the row came from.",
    "ingested_at": "When it was brought in.",
    "horizon_bars": "Bars from the decision to the end of the label.",
    "estimator": "Of volatility.",
    "k": "Threshold in volatilities of the horizon.",
    "sigma": "Volatility per bar, log return.",
    "tau": "Threshold k · sigma · √horizon, log return.",
    "future_return": "Log return over the horizon.",
    "label": "-1 down, 0 flat, 1 up; null where the future is not known.",
    "label_end": "When the label is known.",
    "fold": "In which the row was left out.",
    "segment": "dev, vault or live.",
    **{f"p_{name}": f"Probability of {name}." for name in ("down", "flat", "up")},
    **{f"raw_p_{name}": f"Probability of {name}, not calibrated." for name in ("down", "flat", "up")},
    **{f"shap_{name}": f"Mean |SHAP| for {name}, log-odds." for name in ("down", "flat", "up")},
    "shap_direction": "Mean |SHAP| of ln p_up - ln p_down.",
    "auc_drop": "Direction AUC lost when permuted; null: not permuted.",
    "auc_drop_error": "Standard error of it, over folds.",
    "score_drop": "Score of a trial (R² of the edge) lost when permuted.",
    "score_drop_error": "Standard error of it, over folds.",
    "feature": "Name of the column or of the family.",
    "family": "Family of the column.",
    "level": "column or family.",
    **{
        name: f"Volatility per bar by {name}, log return."
        for name in ("yang_zhang", "garman_klass", "parkinson", "atr", "realized")
    },
    "name": "Of the metric.",
    "value": "Null where undefined.",
    "no_skill": "What it is without skill.",
    "long": "Threshold of the long side, log return.",
    "short": "Threshold of the short side, log return.",
    "score": "What the method maximises; null where it is undefined.",
    "n_trades": "Completed round trips.",
    "n": "Rows, bars or round trips behind it.",
    "reason": "Why it is undefined; null where it is defined.",
    "equity": "At the close of the bar, quote currency, after costs.",
    "position": "Share of equity held at the close of the bar, signed.",
}
"""Columns by name, in every table that has them."""

SPAN: Final = {
    "low": "Lower end of the 95 % interval; null where there is none.",
    "high": "Upper end of the 95 % interval; null where there is none.",
}
OF_TABLE: Final = {
    "metrics": SPAN,
    "ev_curve": SPAN,
    "quarantine": {
        "open_time": "Of the rejected row; null where it could not be read.",
        "row": "The rejected row as it was received.",
        "reason": "The rule that it breaks.",
        "seen_at": "When it was rejected.",
    },
    "gaps": {
        "start": "When the first bar of the gap opens.",
        "end": "When the last one closes.",
        "bars": "How many.",
        "reason": "missing, halted or delisted_tail.",
    },
    "imports": {
        "file": "Name of the file, or what was generated.",
        "sha256": "Of its content.",
        "rows_read": "Rows in it.",
        "rows_written": "New or changed bars.",
        "rows_revised": "Of these, bars that were there before with other values.",
        "rows_quarantined": "Rows that break a rule.",
        "duplicates": "Rows that repeat another one exactly.",
        "out_of_order": "Rows after one with a later open_time.",
        "stamp_units": "Units of its times, with counts where they are mixed.",
        "checksum_verified": "Whether a CHECKSUM lay beside it and is right.",
    },
    "trades": {
        "entry_time": "When the bar opens at whose open the position was entered.",
        "exit_time": "The same of its exit; of an open position the last bar.",
    },
}
"""What a column means in one table, where its name does not tell."""

UNDECLARED: Final = {
    "equity": {"drawdown": ("double", "Share below the highest equity so far, 0 or above.")},
    "trades": {
        "side": ("varchar", "long or short."),
        "units": ("double", "At entry, signed, base currency."),
        "entry_price": ("double", "Paid, slippage included, quote currency."),
        "exit_price": ("double", "Got, slippage included; of an open position the last close."),
        "bars": ("bigint", "From entry to exit."),
        "notional": ("double", "Traded at fill prices, quote currency."),
        "gross_pnl": ("double", "Before fees, slippage and funding, quote currency."),
        "fees": ("double", "Paid, quote currency."),
        "slippage": ("double", "Paid, quote currency."),
        "funding": ("double", "Paid, quote currency."),
        "net_pnl": ("double", "After all of these, quote currency."),
        "reason": ("varchar", "Why it was left."),
    },
}
"""Columns beyond the declared ones: type and meaning."""

INDEX: Final = {
    "market": ("varchar", "Symbol and timeframe, with a link to the report; the kind of model; the vault."),
    "verdict": ("varchar", "edge or no edge proven, with the conditions that do not hold."),
    "direction_auc": (
        "double",
        "How well ups rank above downs, with its 95 % interval; no skill 0.5.",
    ),
    "sharpe": ("double", "A year, after costs, with its 95 % interval; no skill 0."),
    "net_return": ("double", "Over the vault, after costs, with its 95 % interval; no skill 0."),
    "round_trips": ("bigint", "Completed on the vault."),
}
"""Columns of the reports' index: type and meaning."""

ASSETS: Final = {
    "out_of_fold": "study",
    "ev_curve": "thresholds",
    "importance": "explanation",
    "metrics": "backtest",
}
"""Assets that are not called what their table is; a table's columns are those of the asset."""


def asset_of(table: str) -> dg.AssetKey:
    """Return the key of the asset whose columns are those of a table."""
    schema, _, name = table.partition(".")
    return dg.AssetKey([schema, ASSETS.get(name, name)])


def described(meaning: str, name: str, origins: Origins) -> str | None:
    """Return what a column means and where it comes from; None where nothing is known."""
    return " ".join(filter(None, (meaning, in_words(origins.get(name, {}))))) or None


def schema_columns(table: TableSchema, origins: Origins) -> dg.TableSchema:
    """Return the columns of a table, and as its constraints the rules that every row meets."""
    unique, own = len(table.key) == 1, OF_TABLE.get(table.table, {})
    columns = [
        dg.TableColumn(
            name,
            kind.lower(),
            description=described(own.get(name, MEANINGS.get(name, "")), name, origins),
            constraints=dg.TableColumnConstraints(
                nullable=name not in table.key, unique=unique and name in table.key
            ),
        )
        for name, kind in table.columns.items()
    ]
    columns += [
        dg.TableColumn(name, kind, description=described(meaning, name, origins))
        for name, (kind, meaning) in UNDECLARED.get(table.table, {}).items()
    ]
    return dg.TableSchema(columns, dg.TableConstraints(list(table.rules)))


def table_metadata(*tables: str, origins: Mapping[str, Origins]) -> dict[str, Any]:
    """Return the metadata of an asset that publishes these tables, the first of which bears its name.

    Each further table is named with its columns, since an asset has one column schema and one lineage.

    Args:
        tables: that it publishes; none: it has no metadata.
        origins: of each table's columns, by table.
    """
    if not tables:
        return {}
    first, *others = (schema_of(table) for table in tables)
    return {
        "dagster/table_name": first.name,
        "dagster/column_schema": schema_columns(first, origins.get(first.name, {})),
        **lineage_metadata(origins.get(first.name, {})),
        **{
            other.name: dg.MetadataValue.table_schema(schema_columns(other, origins.get(other.name, {})))
            for other in others
            if other.columns
        },
    }


def index_metadata(kind: str) -> dict[str, Any]:
    """Return the columns of the reports' index, which is a page and no table, and where they come from."""
    origins = index_origins(kind)
    columns = [
        dg.TableColumn(name, unit, description=described(meaning, name, origins))
        for name, (unit, meaning) in INDEX.items()
    ]
    return {"dagster/column_schema": dg.TableSchema(columns), **lineage_metadata(origins)}


def lineage_metadata(origins: Origins) -> dict[str, Any]:
    """Return the column lineage of an asset as metadata; none where no column has an origin."""
    lineage = {
        name: [
            dg.TableColumnDep(asset_of(table), source) for table, names in origin.items() for source in names
        ]
        for name, origin in origins.items()
    }
    return {LINEAGE: dg.TableColumnLineage(lineage)} if lineage else {}
