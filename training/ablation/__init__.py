"""Ablations: variants of one small training run, compared seed by seed."""
