"""Which vaults there are, and who has looked at them: nothing is ever taken back (METHOD §5.7)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pandas as pd
from pydantic import Field, ValidationError, field_validator

from truebar.config import Settings
from truebar.errors import BundleError, ConfigurationError
from truebar.validation import Vault


class RegisteredVault(Settings):
    """A vault as it was written down before the first look at it."""

    start: datetime = Field(description="open_time of its first row, UTC")
    end: datetime = Field(description="label_end of its last row, UTC, exclusive")
    data_digest: str = Field(min_length=1, description="of all that a verdict on it reads")
    registered_at: datetime = Field(description="when it was written down, UTC")

    @field_validator("start", "end", "registered_at")
    @classmethod
    def _zoned(cls, time: datetime) -> datetime:
        return _in_utc(time)

    @property
    def vault(self) -> Vault:
        """The interval alone."""
        return Vault(pd.Timestamp(self.start), pd.Timestamp(self.end))


class Look(Settings):
    """One look of one recipe at one vault."""

    start: datetime = Field(description="start of the vault, UTC")
    data_digest: str = Field(min_length=1, description="of what was looked at")
    recipe: str = Field(min_length=1, description="digest of the recipe that looked")
    looked_at: datetime = Field(description="when, UTC")

    @field_validator("start", "looked_at")
    @classmethod
    def _zoned(cls, time: datetime) -> datetime:
        return _in_utc(time)


class _Content(Settings):
    """The JSON form."""

    vaults: tuple[RegisteredVault, ...] = ()
    looks: tuple[Look, ...] = ()


@dataclass(frozen=True)
class VaultRegistry:
    """Every vault and look of one partition; adding to it gives a new registry.

    Attributes:
        vaults: in order of registration.
        looks: in order of looking.

    >>> start, end = pd.Timestamp("2025-01-01", tz="UTC"), pd.Timestamp("2025-03-01", tz="UTC")
    >>> registry = VaultRegistry().register(Vault(start, end), "digest", at=end)
    >>> registry.look(Vault(start, end), "digest", "recipe", at=end).looks_at(Vault(start, end))
    1
    """

    vaults: tuple[RegisteredVault, ...] = ()
    looks: tuple[Look, ...] = ()

    def register(self, vault: Vault, data_digest: str, *, at: datetime) -> VaultRegistry:
        """Return the registry with `vault` written down; one that is there stays as it was.

        Raises:
            ConfigurationError: when it overlaps a vault of other bounds: bars that were looked at never
                serve as vault again.
        """
        if any(known.vault == vault for known in self.vaults):
            return self
        for known in self.vaults:
            if known.vault.start < vault.end and vault.start < known.vault.end:
                raise ConfigurationError(
                    f"the vault from {vault.start} to {vault.end} overlaps the one registered from "
                    f"{known.vault.start} to {known.vault.end}; a vault begins where the last one ends."
                )
        entry = RegisteredVault(
            start=vault.start, end=vault.end, data_digest=data_digest, registered_at=_in_utc(at)
        )
        return replace(self, vaults=(*self.vaults, entry))

    def look(self, vault: Vault, data_digest: str, recipe: str, *, at: datetime) -> VaultRegistry:
        """Return the registry with one look written down, before anything is computed from the vault.

        The same recipe on the same data is one look, however often it runs.

        Raises:
            ConfigurationError: when the vault was never registered.
        """
        if not any(known.vault == vault for known in self.vaults):
            raise ConfigurationError(
                f"the vault from {vault.start} to {vault.end} is not registered; register it before a look."
            )
        same = (vault.start, data_digest, recipe)
        if any((pd.Timestamp(one.start), one.data_digest, one.recipe) == same for one in self.looks):
            return self
        entry = Look(start=vault.start, data_digest=data_digest, recipe=recipe, looked_at=_in_utc(at))
        return replace(self, looks=(*self.looks, entry))

    def looks_at(self, vault: Vault) -> int:
        """Return how many distinct recipes have looked at `vault`: N of its deflated Sharpe ratio."""
        return len({one.recipe for one in self.looks if pd.Timestamp(one.start) == vault.start})

    def to_json(self) -> str:
        """Return vaults and looks as JSON; equal registries give equal text."""
        return _Content(vaults=self.vaults, looks=self.looks).model_dump_json(indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> VaultRegistry:
        """Return the registry that `to_json` wrote.

        Raises:
            BundleError: when the text is no registry.
        """
        try:
            content = _Content.model_validate_json(text)
        except ValidationError as error:
            raise BundleError(f"the vault registry cannot be read: {error}") from error
        return cls(content.vaults, content.looks)


def _in_utc(time: datetime) -> datetime:
    """Return a time in UTC.

    Raises:
        ValueError: for a time without a zone, which pydantic turns into its own error.
    """
    if time.tzinfo is None:
        raise ValueError(f"{time} has no time zone; give UTC.")
    return (
        time.astimezone(UTC) if not isinstance(time, pd.Timestamp) else time.to_pydatetime().astimezone(UTC)
    )
