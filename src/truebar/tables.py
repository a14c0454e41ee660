"""Every table of the warehouse: its columns, time column, unique key, and the rules its rows must keep.

A table is named `schema.table`, the same words as the asset `schema/table` and the dbt model. The rules are
SQL conditions over one row; a row for which a condition is not true is never published. In a rule
`{bar_us}` stands for the length of the partition's timeframe in microseconds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from truebar.classes import PROBABILITIES, SHAP_NAMES
from truebar.errors import UnknownTableError
from truebar.kinds import KINDS

NAME_PATTERN: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
RESERVED_COLUMNS: Final = frozenset({"symbol", "timeframe"})
"""A reader adds these to every table; no table may hold them."""

ANY_TYPE: Final = "ANY"
"""As `open_columns`: undeclared columns are allowed, each of the type that the frame gives it."""

MATRIX: Final = "features.matrix"


@dataclass(frozen=True)
class TableSchema:
    """What a table of one partition must look like.

    Attributes:
        name: `schema.table`.
        time_column: the column that orders the rows and sets the watermark; None: no time order.
        key: columns whose values together are unique and never NULL; empty: rows are only ever replaced
            as a whole.
        columns: declared column → DuckDB type, in the order in which they are stored.
        open_columns: DuckDB type of columns beyond the declared ones; None: there are none.
        required: declared columns that a frame must bring; the others are NULL when it does not.
        rules: meaning → SQL condition that every row meets.
        is_view: computed from other tables of the schema; cannot be written.
    """

    name: str
    time_column: str | None
    key: tuple[str, ...]
    columns: dict[str, str]
    open_columns: str | None = None
    required: tuple[str, ...] = ()
    rules: dict[str, str] = field(default_factory=dict)
    is_view: bool = False

    @property
    def schema(self) -> str:
        """The part before the dot: one file for each partition."""
        return self.name.partition(".")[0]

    @property
    def table(self) -> str:
        """The part after the dot: a table in the file's `main`."""
        return self.name.partition(".")[2]

    @property
    def order(self) -> tuple[str, ...]:
        """The columns that put the rows in their one order: time first, then the rest of the key."""
        first = () if self.time_column is None else (self.time_column,)
        return first + tuple(column for column in self.key if column not in first)


def _at_least_zero(column: str) -> str:
    return f"{column} is null or (isfinite({column}) and {column} >= 0)"


def _probabilities(prefix: str = "") -> str:
    down, flat, up = (f"{prefix}{name}" for name in PROBABILITIES)
    return (
        f"({down} is null and {flat} is null and {up} is null) or "
        f"({down} >= 0 and {flat} >= 0 and {up} >= 0 and abs({down} + {flat} + {up} - 1) <= 1e-5)"
    )


def _one_of(column: str, *values: str | int) -> str:
    return f"{column} in ({', '.join(repr(value) for value in values)})"


_ON_GRID: Final = {"open_time lies on the timeframe's grid": "epoch_us(open_time) % {bar_us} = 0"}

_KLINES: Final = TableSchema(
    name="market.klines",
    time_column="open_time",
    key=("open_time",),
    columns={
        "open_time": "TIMESTAMPTZ",
        "close_time": "TIMESTAMPTZ",
        "open": "DOUBLE",
        "high": "DOUBLE",
        "low": "DOUBLE",
        "close": "DOUBLE",
        "volume": "DOUBLE",
        "quote_volume": "DOUBLE",
        "trades": "BIGINT",
        "taker_buy_volume": "DOUBLE",
        "taker_buy_quote_volume": "DOUBLE",
        "source": "VARCHAR",
        "ingested_at": "TIMESTAMPTZ",
    },
    required=("open_time", "close_time", "open", "high", "low", "close", "volume"),
    rules=_ON_GRID
    | {
        "close_time is open_time plus the timeframe": "epoch_us(close_time) - epoch_us(open_time) = {bar_us}",
        "prices are finite and above 0": " and ".join(
            f"isfinite({price}) and {price} > 0" for price in ("open", "high", "low", "close")
        ),
        "high is the highest price": "high >= greatest(open, close, low)",
        "low is the lowest price": "low <= least(open, close, high)",
        "volume is not negative": _at_least_zero("volume"),
        "quote_volume is not negative": _at_least_zero("quote_volume"),
        "trades is not negative": "trades is null or trades >= 0",
        "taker_buy_volume is not negative": _at_least_zero("taker_buy_volume"),
        "taker_buy_quote_volume is not negative": _at_least_zero("taker_buy_quote_volume"),
    },
)

_QUARANTINE: Final = TableSchema(
    name="market.quarantine",
    time_column=None,
    key=("source", "row", "reason"),
    columns={
        "open_time": "TIMESTAMPTZ",
        "row": "VARCHAR",
        "reason": "VARCHAR",
        "source": "VARCHAR",
        "seen_at": "TIMESTAMPTZ",
    },
    required=("row", "reason", "source"),
)

_GAPS: Final = TableSchema(
    name="market.gaps",
    # Gaps are replaced as a whole: split by year, that would copy every year's bars for a few rows.
    time_column=None,
    key=("start", "reason"),
    columns={"start": "TIMESTAMPTZ", "end": "TIMESTAMPTZ", "bars": "BIGINT", "reason": "VARCHAR"},
    required=("start", "end", "bars", "reason"),
    rules={
        "a gap ends after it starts": '"end" > start',
        "a gap has bars": "bars > 0",
        "reason is a known one": _one_of("reason", "missing", "halted", "delisted_tail"),
    },
)

_IMPORTS: Final = TableSchema(
    name="market.imports",
    time_column=None,
    key=("sha256",),
    columns={
        "file": "VARCHAR",
        "sha256": "VARCHAR",
        "rows_read": "BIGINT",
        "rows_written": "BIGINT",
        "rows_revised": "BIGINT",
        "rows_quarantined": "BIGINT",
        "duplicates": "BIGINT",
        "out_of_order": "BIGINT",
        "stamp_units": "VARCHAR",
        "checksum_verified": "BOOLEAN",
        "ingested_at": "TIMESTAMPTZ",
    },
    required=("file", "sha256", "rows_read", "rows_written", "rows_revised", "rows_quarantined"),
)

_SIGMAS: Final = ("yang_zhang", "garman_klass", "parkinson", "atr", "realized")

_VOLATILITY: Final = TableSchema(
    name="labels.volatility",
    time_column="open_time",
    key=("open_time",),
    columns={"open_time": "TIMESTAMPTZ"} | dict.fromkeys(_SIGMAS, "DOUBLE"),
    required=("open_time", *_SIGMAS),
    rules=_ON_GRID | {f"{name} is not negative": _at_least_zero(name) for name in _SIGMAS},
)

_VOL_SCALED: Final = TableSchema(
    name="labels.vol_scaled",
    time_column="open_time",
    key=("open_time", "horizon_bars", "estimator", "k"),
    columns={
        "open_time": "TIMESTAMPTZ",
        "horizon_bars": "INTEGER",
        "estimator": "VARCHAR",
        "k": "DOUBLE",
        "sigma": "DOUBLE",
        "tau": "DOUBLE",
        "future_return": "DOUBLE",
        "label": "TINYINT",
        "label_end": "TIMESTAMPTZ",
    },
    required=(
        "open_time", "horizon_bars", "estimator", "k", "sigma", "tau", "future_return", "label", "label_end",
    ),
    rules=_ON_GRID
    | {
        "horizon_bars is above 0": "horizon_bars > 0",
        "k is above 0": "k > 0",
        "sigma is not negative": _at_least_zero("sigma"),
        "tau is not negative": _at_least_zero("tau"),
        "label is -1, 0 or 1": "label is null or " + _one_of("label", -1, 0, 1),
        "label_end is after open_time": "label_end is null or label_end > open_time",
    },
)  # fmt: skip

_VAULTS: Final = TableSchema(
    name="registry.vaults",
    time_column=None,
    key=("start",),
    columns={
        "start": "TIMESTAMPTZ",
        "end": "TIMESTAMPTZ",
        "data_digest": "VARCHAR",
        "registered_at": "TIMESTAMPTZ",
    },
    required=("start", "end", "data_digest", "registered_at"),
    rules={"a vault ends after it starts": '"end" > start'},
)

_LOOKS: Final = TableSchema(
    name="registry.looks",
    time_column=None,
    key=("start", "data_digest", "recipe"),
    columns={
        "start": "TIMESTAMPTZ",
        "data_digest": "VARCHAR",
        "recipe": "VARCHAR",
        "looked_at": "TIMESTAMPTZ",
    },
    required=("start", "data_digest", "recipe", "looked_at"),
)

_TRIALS: Final = TableSchema(
    name="registry.trials",
    time_column=None,
    key=("study", "number"),
    columns={
        "study": "VARCHAR",
        "number": "INTEGER",
        "state": "VARCHAR",
        "score": "DOUBLE",
        "params": "VARCHAR",
    },
    required=("study", "number", "state", "score", "params"),
    rules={"state is a known one": _one_of("state", "running", "complete", "pruned", "fail")},
)

_MATRIX: Final = TableSchema(
    name=MATRIX,
    time_column="open_time",
    key=("open_time",),
    columns={"open_time": "TIMESTAMPTZ", "available_at": "TIMESTAMPTZ"},
    open_columns="FLOAT",
    is_view=True,
)


def _family(name: str) -> TableSchema:
    return TableSchema(
        name=name,
        time_column="open_time",
        key=("open_time",),
        columns={"open_time": "TIMESTAMPTZ"},
        open_columns="FLOAT",
        required=("open_time",),
        rules=_ON_GRID,
    )


_DROPS: Final = ("auc_drop", "auc_drop_error", "score_drop", "score_drop_error")


def _of_kind(kind: str) -> tuple[TableSchema, ...]:
    """Return the tables that every model kind has."""
    probabilities = dict.fromkeys(PROBABILITIES, "DOUBLE")
    raw = {f"raw_{column}": type_ for column, type_ in probabilities.items()}
    return (
        TableSchema(
            f"{kind}.out_of_fold",
            "open_time",
            ("open_time",),
            {"open_time": "TIMESTAMPTZ", "fold": "INTEGER"} | probabilities | {"label": "TINYINT"},
            required=("open_time", "fold", *probabilities, "label"),
            rules=_ON_GRID
            | {
                "probabilities lie in [0, 1] and sum to 1": _probabilities(),
                "label is -1, 0 or 1": "label is null or " + _one_of("label", -1, 0, 1),
            },
        ),
        TableSchema(
            f"{kind}.predictions",
            "open_time",
            ("open_time",),
            {"open_time": "TIMESTAMPTZ", "segment": "VARCHAR", "fold": "INTEGER"} | raw | probabilities,
            required=("open_time", "segment", *raw, *probabilities),
            rules=_ON_GRID
            | {
                "segment is a known one": _one_of("segment", "dev", "vault", "live"),
                "raw probabilities lie in [0, 1] and sum to 1": _probabilities("raw_"),
                "probabilities lie in [0, 1] and sum to 1": _probabilities(),
            },
        ),
        TableSchema(
            f"{kind}.trades",
            "entry_time",
            (),
            {"entry_time": "TIMESTAMPTZ", "exit_time": "TIMESTAMPTZ"},
            open_columns=ANY_TYPE,
            required=("entry_time", "exit_time"),
            rules={"a trade does not end before it starts": "exit_time is null or exit_time >= entry_time"},
        ),
        TableSchema(
            f"{kind}.equity",
            "open_time",
            ("open_time",),
            {"open_time": "TIMESTAMPTZ", "equity": "DOUBLE", "position": "DOUBLE"},
            open_columns=ANY_TYPE,
            required=("open_time", "equity", "position"),
            rules=_ON_GRID,
        ),
        TableSchema(
            f"{kind}.metrics",
            None,
            ("name",),
            {
                "name": "VARCHAR",
                "value": "DOUBLE",
                "no_skill": "DOUBLE",
                "low": "DOUBLE",
                "high": "DOUBLE",
                "n": "BIGINT",
                "reason": "VARCHAR",
            },
            required=("name", "value", "no_skill", "low", "high", "n", "reason"),
        ),
        TableSchema(
            f"{kind}.ev_curve",
            None,
            (),
            dict.fromkeys(("long", "short", "score", "low", "high"), "DOUBLE") | {"n_trades": "BIGINT"},
            required=("long", "short", "score", "low", "high", "n_trades"),
            rules={"thresholds are not negative": _at_least_zero("long") + " and " + _at_least_zero("short")},
        ),
        TableSchema(
            f"{kind}.importance",
            None,
            ("level", "feature"),
            dict.fromkeys(("feature", "level", "family"), "VARCHAR")
            | dict.fromkeys(SHAP_NAMES + _DROPS, "DOUBLE"),
            required=("feature", "level", "family", *SHAP_NAMES, *_DROPS),
            rules={"level is a known one": _one_of("level", "column", "family")}
            | {f"{name} is not negative": _at_least_zero(name) for name in SHAP_NAMES},
        ),
    )


SCHEMAS: Final[dict[str, TableSchema]] = {
    schema.name: schema
    for schema in (
        _KLINES,
        _QUARANTINE,
        _GAPS,
        _IMPORTS,
        _MATRIX,
        _VOLATILITY,
        _VOL_SCALED,
        _VAULTS,
        _LOOKS,
        _TRIALS,
        *(table for kind in KINDS for table in _of_kind(kind)),
    )
}
"""Tables with a fixed name. Feature families, `features.<family>`, share one form: see `schema_of`."""


def schema_of(name: str) -> TableSchema:
    """Return what the table `name` must look like.

    Any `features.<family>` of lower-case letters, digits and underscores is a feature family: open_time and
    FLOAT columns.

    Raises:
        UnknownTableError: for any other name; the message lists the known ones.

    >>> schema_of("features.price").open_columns
    'FLOAT'
    >>> schema_of("market.klines").key
    ('open_time',)
    """
    known = SCHEMAS.get(name) if isinstance(name, str) else None
    if known is not None:
        return known
    if isinstance(name, str) and name.startswith("features."):
        family = name.removeprefix("features.")
        if NAME_PATTERN.fullmatch(family):
            return _family(name)
    raise UnknownTableError(
        f"table {name!r} is unknown; expected features.<family> or one of {', '.join(sorted(SCHEMAS))}."
    )
