"""Dagster resources: the only place where paths and settings come from the environment."""
