"""Explanations: what a recipe's models rest on, from rows that they were not fitted on."""

from truebar.explanations.importance import Explanation, explain

__all__ = ["Explanation", "explain"]
