"""Tags that sensors put on the runs they ask for, and read from runs that failed."""

from typing import Final

CAUSE: Final = "truebar/cause"
"""Why a sensor asked for the run; a run without it was started by a person."""

ATTEMPT: Final = "truebar/attempt"
"""How often this work was asked for because a passing condition stopped it; absent the first time."""

ASK_AGAIN: Final = "truebar/ask_again"
"""On a failed run that is to be asked for again: `waiting`, then `asked`."""
