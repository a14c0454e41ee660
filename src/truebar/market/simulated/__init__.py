"""Synthetic markets whose best possible forecast is known: states, bars and oracle (METHOD §8)."""
