"""The configuration as a Dagster resource: package defaults, the checkout's files, the environment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from resources.checkout import CHECKOUT

if TYPE_CHECKING:
    from truebar_io.configuration import Configuration


class ConfigurationResource(dg.ConfigurableResource):  # type: ignore[type-arg]  # no value type of its own
    """Reads `configs/` of one checkout."""

    checkout_folder: str = str(CHECKOUT)
    """Folder that holds `configs/`."""

    def load(self) -> Configuration:
        """Return the validated configuration.

        Raises:
            ConfigurationError: naming the file and the key that is wrong.
        """
        from truebar_io.configuration import load_configuration  # noqa: PLC0415 (loads in the body)

        return load_configuration(Path(self.checkout_folder))
