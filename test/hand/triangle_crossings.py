"""Counts where a mesh passes through itself, by trying every edge against every triangle."""

import numpy as np


def count_self_crossings(vertices: np.ndarray, faces: np.ndarray) -> int:
    """How many (edge, triangle) pairs without a common vertex cross."""
    edges = np.unique(np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1), axis=0)
    corner = vertices[faces[:, 0]]
    first_side = vertices[faces[:, 1]] - corner
    second_side = vertices[faces[:, 2]] - corner
    num_crossings = 0
    for edge in edges:
        start, direction = vertices[edge[0]], vertices[edge[1]] - vertices[edge[0]]
        # Moeller and Trumbore's test of a line against every triangle.
        across = np.cross(direction, second_side)
        determinant = (first_side * across).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            offset = start - corner
            first = (offset * across).sum(axis=1) / determinant
            turned = np.cross(offset, first_side)
            second = (turned @ direction) / determinant
            along = (second_side * turned).sum(axis=1) / determinant
            inside = (first >= 0) & (second >= 0) & (first + second <= 1) & (along >= 0) & (along <= 1)
        shares_vertex = np.isin(faces, edge).any(axis=1)
        num_crossings += int((inside & ~shares_vertex).sum())
    return num_crossings
