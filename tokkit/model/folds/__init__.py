"""Cross-validation: one model per fold, out-of-fold predictions, and comparison of settings."""
