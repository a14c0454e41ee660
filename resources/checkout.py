"""Where resources look: the checkout that they are in, and its home or the environment's."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from truebar_io.home import Home

CHECKOUT = Path(__file__).resolve().parent.parent


class HomeResource(dg.ConfigurableResource):  # type: ignore[type-arg]  # no value type of its own
    """What lies under one TRUEBAR_HOME."""

    home_folder: str = ""
    """TRUEBAR_HOME; empty means the environment's, else `.truebar` in the checkout."""

    @property
    def home(self) -> Home:
        """The folders of this home."""
        if self.home_folder:
            return Home(Path(self.home_folder).expanduser().resolve())
        return Home.from_environment(CHECKOUT)
