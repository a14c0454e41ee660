"""The three classes of a label, their order, and the names of what there is one of for each."""

from typing import Final

CLASS_LABELS: Final = (-1, 0, 1)
"""Label of each class: class c of a model is column c of its probabilities."""

CLASS_NAMES: Final = ("down", "flat", "up")

PROBABILITIES: Final = ("p_down", "p_flat", "p_up")
"""Columns of probabilities, in the order of the classes, everywhere."""

SHAP_NAMES: Final = ("shap_down", "shap_flat", "shap_up", "shap_direction")
"""Columns of mean |SHAP|: of the margin of each class, and of up less down."""
