"""Calibrators: make the probabilities of out-of-fold rows agree with what happened (METHOD §5.2)."""

from truebar.calibration.calibrator import Calibrator
from truebar.calibration.choice import choose
from truebar.calibration.cross_fitting import cross_fit
from truebar.calibration.methods import fit, from_json

__all__ = ["Calibrator", "choose", "cross_fit", "fit", "from_json"]
