"""Scores of probabilities against labels, each beside its no-skill value and an interval (METHOD §6)."""
