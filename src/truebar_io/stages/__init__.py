"""One function for each step from klines to a report: read, compute, publish. Dagster's assets call them."""
