"""The warehouse as a Dagster resource: where it lies, and one run at a time on each partition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
from pydantic import PrivateAttr

from resources.checkout import HomeResource

if TYPE_CHECKING:
    from truebar.partitions import Partition
    from truebar_io.lease import Lease
    from truebar_io.warehouse import Warehouse


class WarehouseResource(HomeResource):
    """Opens the warehouse under one TRUEBAR_HOME and holds the leases of the run that uses it."""

    _leases: dict[Partition, Lease] = PrivateAttr(default_factory=dict)

    def open(self) -> Warehouse:
        """Return the warehouse; it holds no connection and no file."""
        from truebar_io.warehouse import Warehouse  # noqa: PLC0415 (DuckDB and pandas load in the body)

        return Warehouse(self.home)

    def hold(self, partition: Partition, run_id: str) -> None:
        """Take the partition for this run, until the run ends; taking it again changes nothing.

        Raises:
            PartitionBusyError: when another run holds it.
        """
        from truebar_io.lease import Lease  # noqa: PLC0415

        if partition not in self._leases:
            self._leases[partition] = Lease.acquire(self.home, partition, run_id)

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002
        """Give back every partition that this run took."""
        while self._leases:
            self._leases.popitem()[1].release()
