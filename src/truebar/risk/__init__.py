"""Risk: how large a position is."""
