"""Rows to read a model's figures against: ground truth, perturbed, random and nearest neighbour."""
