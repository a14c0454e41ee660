"""Every error that truebar raises, grouped by what happens next.

TruebarError
├── ConfigurationError          fix the configuration or the call, then run again
│   ├── UnknownTimeframeError
│   ├── InvalidSymbolError
│   ├── UnknownTableError
│   └── QueryError
├── PartitionError              this partition stops; the others go on
│   ├── DataError               the partition's data are not what they must be
│   │   ├── UnreadableFileError
│   │   ├── SchemaError
│   │   ├── WrongTimeframeError
│   │   ├── CorruptDataError
│   │   ├── FutureBarError
│   │   ├── SnapshotError
│   │   └── MissingDataError
│   ├── TooFewRowsError
│   ├── ModelError
│   │   ├── BundleError
│   │   └── InvalidProbabilityError
│   ├── TransformError          dbt refused to build
│   └── RunFailedError          a run of the graph ended in failure
├── RetryError                  the same call may succeed later
│   ├── PartitionBusyError
│   ├── RunDelayedError         a run of the graph was stopped by nothing else
│   └── StorageFullError
└── StopError                   nothing may go on until a person has looked
    └── WarehouseDamagedError
"""

from __future__ import annotations

from collections.abc import Sequence


class TruebarError(Exception):
    """Base of every error that truebar raises on purpose."""


class ConfigurationError(TruebarError, ValueError):
    """A setting or an argument is wrong; fix it and run again."""


class UnknownTimeframeError(ConfigurationError):
    """A timeframe outside the fixed list was named."""


class InvalidSymbolError(ConfigurationError):
    """A symbol does not have the form that files, tables and partitions rely on."""


class UnknownTableError(ConfigurationError):
    """A table that truebar does not declare was named."""


class QueryError(ConfigurationError):
    """A SQL text is not one read statement that the warehouse can run."""


class PartitionError(TruebarError):
    """One partition cannot go on; the others can."""


class DataError(PartitionError, ValueError):
    """The data of a partition are not what they must be."""


class UnreadableFileError(DataError):
    """A file is empty, truncated, or not of the kind its name says."""


class SchemaError(DataError):
    """Columns are missing, of another type, or not declared."""


class WrongTimeframeError(DataError):
    """The bars are not of the timeframe that they are given as."""


class CorruptDataError(DataError):
    """Rows break a rule that published data must keep (order, uniqueness, prices)."""


class FutureBarError(DataError):
    """A bar closes after the time at which it is said to be known."""


class SnapshotError(DataError):
    """A saved stream is damaged, or of another feature set, kernel or version; fold the history again."""


class MissingDataError(DataError):
    """A table or rows that a computation needs are not there yet."""


class TooFewRowsError(PartitionError, ValueError):
    """A side of a split, or the data as a whole, is too small to compute what was asked for."""


class ModelError(PartitionError):
    """A model, calibrator or threshold cannot be made or used."""


class BundleError(ModelError):
    """A bundle is missing, incomplete, or its content does not match its name."""


class InvalidProbabilityError(ModelError, ValueError):
    """Probabilities are NaN, infinite, outside [0, 1], or do not sum to one."""


class TransformError(PartitionError):
    """A dbt model or test failed; nothing of it was published."""


class RunFailedError(PartitionError):
    """A run of the graph ended in failure; its events stay in Dagster."""


class RetryError(TruebarError):
    """The same call may succeed later."""


class PartitionBusyError(RetryError):
    """Another run is at work on the partition."""


class RunDelayedError(RetryError):
    """A run of the graph ended in failure, and nothing but passing conditions stood in its way."""


class StorageFullError(RetryError):
    """The disk is full; what was published before is untouched."""


class StopError(TruebarError):
    """Something is wrong that no retry cures; a person has to look."""


class WarehouseDamagedError(StopError):
    """A published file cannot be opened or is not what its sidecar says."""


def joined(errors: Sequence[TruebarError], message: str) -> TruebarError:
    """Return one error in place of several, of the class that says what happens next for them all.

    What a person must look at outweighs what is to be fixed, and that what passes by itself.

    Args:
        errors: at least one.
        message: what the new error says.
    """
    for base in (StopError, (PartitionError, ConfigurationError), RetryError, TruebarError):
        kinds = {type(error) for error in errors if isinstance(error, base)}
        if len(kinds) == 1:
            return kinds.pop()(message)
        if kinds:
            shared = (DataError, ConfigurationError, PartitionError, RetryError, StopError, TruebarError)
            common = (kind for kind in shared if all(issubclass(k, kind) for k in kinds))
            return next(common, PartitionError)(message)
    raise ValueError("expected at least one error.")
