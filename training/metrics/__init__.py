"""Measures of grasps and contact maps, one a file, computed from the exact mesh and never from the model's terms."""
