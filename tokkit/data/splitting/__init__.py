"""Rows divided over splits and folds, copies and groups kept together."""
