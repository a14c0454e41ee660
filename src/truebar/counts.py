"""Counts that callers give: whole numbers within bounds, whatever type of number they come as."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from truebar.errors import ConfigurationError

LARGEST: Final = 2**63 - 1
"""What 64 bits hold."""


def whole_number(name: str, value: Any, least: int, most: int = LARGEST) -> int:
    """Return `value` as an int after checking that it is a whole number from `least` to `most`.

    Args:
        name: what the number is called in the message.
        value: an int, or a float without a fraction, of Python or numpy; True and False are no numbers.
        least: smallest that is allowed.
        most: largest that is allowed.

    Raises:
        ConfigurationError: for anything else; NaN and infinity are no whole numbers.

    >>> whole_number("window", 96.0, 2)
    96
    """
    number = value.item() if isinstance(value, np.generic) else value
    if type(number) in {int, float} and least <= number <= most and number == int(number):
        return int(number)
    bounds = f"of at least {least:,}" if most == LARGEST else f"from {least:,} to {most:,}"
    raise ConfigurationError(f"{name} is {value}; expected a whole number {bounds}.")
