"""Looks must count by distinct recipes, and no bar may serve in two vaults."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest

from truebar.errors import BundleError, ConfigurationError
from truebar.protocol import VaultRegistry
from truebar.validation import Vault

NOW = datetime(2025, 6, 1, tzinfo=UTC)


def vault(start: str, end: str) -> Vault:
    return Vault(pd.Timestamp(start, tz="UTC"), pd.Timestamp(end, tz="UTC"))


FIRST = vault("2025-01-01", "2025-03-01")
REGISTRY = VaultRegistry().register(FIRST, "data", at=NOW)


def test_register_again_changes_nothing_and_keeps_the_first_digest() -> None:
    assert REGISTRY.register(FIRST, "other data", at=NOW) is REGISTRY


@pytest.mark.parametrize(
    "other",
    [vault("2025-02-01", "2025-04-01"), vault("2024-01-01", "2026-01-01"), vault("2025-01-01", "2025-02-01")],
)
def test_register_a_vault_that_overlaps_raises(other: Vault) -> None:
    with pytest.raises(ConfigurationError, match="overlaps"):
        REGISTRY.register(other, "data", at=NOW)


def test_register_the_vault_that_begins_where_the_last_ends() -> None:
    grown = REGISTRY.register(vault("2025-03-01", "2025-05-01"), "data", at=NOW)
    assert len(grown.vaults) == 2
    assert len(REGISTRY.vaults) == 1


def test_looks_count_distinct_recipes_and_a_rerun_counts_once() -> None:
    looked = REGISTRY.look(FIRST, "data", "one", at=NOW)
    assert looked.look(FIRST, "data", "one", at=NOW) is looked
    assert looked.look(FIRST, "revised data", "one", at=NOW).looks_at(FIRST) == 1
    assert looked.look(FIRST, "data", "two", at=NOW).looks_at(FIRST) == 2
    assert REGISTRY.looks_at(FIRST) == 0


def test_look_at_another_vault_does_not_count_for_this_one() -> None:
    second = vault("2025-03-01", "2025-05-01")
    grown = REGISTRY.register(second, "data", at=NOW).look(second, "data", "one", at=NOW)
    assert (grown.looks_at(FIRST), grown.looks_at(second)) == (0, 1)


def test_look_at_a_vault_that_is_not_registered_raises() -> None:
    with pytest.raises(ConfigurationError, match="not registered"):
        REGISTRY.look(vault("2025-03-01", "2025-05-01"), "data", "one", at=NOW)


def test_registry_survives_a_round_trip_through_json_and_refuses_other_text() -> None:
    looked = REGISTRY.look(FIRST, "data", "one", at=NOW)
    assert VaultRegistry.from_json(looked.to_json()) == looked
    assert VaultRegistry.from_json(looked.to_json()).to_json() == looked.to_json()
    with pytest.raises(BundleError, match="registry"):
        VaultRegistry.from_json('{"vaults": 3}')
    with pytest.raises(ConfigurationError):
        Vault(pd.Timestamp("2025-01-01"), pd.Timestamp("2025-02-01"))
