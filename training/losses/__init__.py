"""Losses, unreduced, and the objective that weighs them."""
