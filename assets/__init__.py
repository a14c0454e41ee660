"""Dagster assets: each is a sentence over truebar and truebar_io."""
