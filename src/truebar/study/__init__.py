"""The study: which k, estimator and parameters a recipe gets, by trials over dev's folds (METHOD §4)."""

from truebar.study.account import TrialAccount, account_of
from truebar.study.candidate import Candidate, candidate_of, first_candidate
from truebar.study.dev import Dev, LabelChoice, dev_of
from truebar.study.luck import luck_of
from truebar.study.trial import Outcome, TrialRun

__all__ = [
    "Candidate",
    "Dev",
    "LabelChoice",
    "Outcome",
    "TrialAccount",
    "TrialRun",
    "account_of",
    "candidate_of",
    "dev_of",
    "first_candidate",
    "luck_of",
]
