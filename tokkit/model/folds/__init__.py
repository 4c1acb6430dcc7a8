"""Cross-validation: a model a fold, predictions for rows their model never saw, the folds as an ensemble."""

from tokkit.model.folds.ensemble import ensemble_probabilities, members

__all__ = ["ensemble_probabilities", "members"]
