"""Fingerprints of JSON values."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truebar.fingerprint import fingerprint

values = st.dictionaries(
    st.text(), st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)


@given(values)
def test_fingerprint_order_of_keys_does_not_matter(value):
    assert fingerprint(value) == fingerprint(dict(reversed(list(value.items()))))


@given(values, values)
def test_fingerprint_differs_exactly_when_the_values_do(first, second):
    assert (fingerprint(first) == fingerprint(second)) == (
        json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)
    )


def test_fingerprint_of_a_known_value_never_changes():
    assert fingerprint({"a": 1}) == "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"


def test_fingerprint_of_nan_is_refused():
    with pytest.raises(ValueError, match="JSON"):
        fingerprint({"a": float("nan")})
