"""Fingerprints: short texts that change when what they stand for changes."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any


def fingerprint(value: Any) -> str:
    """Return the SHA-256 of a JSON value in canonical form, as 64 hexadecimal digits.

    Keys are sorted and there are no spaces, so equal values have equal fingerprints on every machine.

    Raises:
        TypeError: when the value has something that JSON cannot hold.
        ValueError: for NaN or infinity, which JSON cannot hold either.

    >>> fingerprint({"b": 1, "a": [2]}) == fingerprint({"a": [2], "b": 1})
    True
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return sha256(text.encode()).hexdigest()
