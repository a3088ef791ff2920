"""Rotations, point sampling, surface distances and the contact field between a hand and an object."""

from funcgrasp_core.geometry.contact_field import (
    contact_labels_from_probabilities,
    distances_from_probabilities,
    hard_contact_labels,
    per_part_distances,
    soft_contact_targets,
)
from funcgrasp_core.geometry.hand_object_terms import contact_distances, penetration_depths
from funcgrasp_core.geometry.point_sampling import (
    ball_query,
    bipartite_edge_index,
    farthest_point_sampling,
    gather_points,
    interpolate_features,
    k_nearest,
)
from funcgrasp_core.geometry.surface_distance import nearest_distances, pairwise_distances, vertex_normals

__all__ = [
    "ball_query",
    "bipartite_edge_index",
    "contact_distances",
    "contact_labels_from_probabilities",
    "distances_from_probabilities",
    "farthest_point_sampling",
    "gather_points",
    "hard_contact_labels",
    "interpolate_features",
    "k_nearest",
    "nearest_distances",
    "pairwise_distances",
    "penetration_depths",
    "per_part_distances",
    "soft_contact_targets",
    "vertex_normals",
]
