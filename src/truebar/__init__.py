"""Compute features, labels, models, calibration, thresholds and backtests of klines.

Pure: no I/O, no clock, no orchestration. Every name is imported from the module that defines it.
"""
