"""Tables and their columns as the UI shows them."""

from typing import Any, Final

import dagster as dg

from truebar.tables import TableSchema, schema_of

TIME: Final = dg.TableColumn("open_time", "timestamptz", description="When the bar opens.")

MEANINGS: Final = {
    "open_time": "When the bar opens.",
    "close_time": "When the bar closes, exclusive; nothing of it is known before.",
    "open": "First price, quote currency.",
    "high": "Highest price, quote currency; of a metric or score, upper end of its 95 % interval.",
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
    "low": "Lowest price, quote currency; of a metric or score, lower end of its 95 % interval.",
    "long": "Threshold of the long side, log return.",
    "short": "Threshold of the short side, log return.",
    "score": "What the method maximises; null where it is undefined.",
    "n_trades": "Completed round trips.",
    "n": "Rows, bars or round trips behind it.",
    "reason": "Why it is undefined; of a rejected row or a gap, why.",
}
"""Columns by name, in every table that has them."""


def schema_columns(table: TableSchema) -> dg.TableSchema:
    """Return the declared columns of a table, and as its constraints the rules that every row meets."""
    unique = len(table.key) == 1
    columns = [
        dg.TableColumn(
            name,
            kind.lower(),
            description=MEANINGS.get(name),
            constraints=dg.TableColumnConstraints(
                nullable=name not in table.key, unique=unique and name in table.key
            ),
        )
        for name, kind in table.columns.items()
    ]
    return dg.TableSchema(columns, dg.TableConstraints(list(table.rules)))


def table_metadata(*tables: str) -> dict[str, Any]:
    """Return the metadata of an asset that publishes these tables, the first of which bears its name.

    Each further table is named with its columns, since an asset has one column schema.
    """
    if not tables:
        return {}
    first, *others = (schema_of(table) for table in tables)
    return {
        "dagster/table_name": first.name,
        "dagster/column_schema": schema_columns(first),
        **{
            other.name: dg.MetadataValue.table_schema(schema_columns(other))
            for other in others
            if other.columns
        },
    }


def column_lineage(columns: dict[str, tuple[dg.AssetKey, tuple[str, ...]]]) -> dg.TableColumnLineage:
    """Return from which columns of one upstream asset each column comes."""
    return dg.TableColumnLineage(
        {
            name: [dg.TableColumnDep(asset, source) for source in sources]
            for name, (asset, sources) in columns.items()
        }
    )
