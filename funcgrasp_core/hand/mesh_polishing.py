"""Improves a triangle mesh without changing its counts: edge flips towards even valence, tangential smoothing."""

from collections.abc import Callable

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix, diags

from funcgrasp_core.hand.surface_remeshing import unique_edges

MIN_NORMAL_AGREEMENT = 0.6


def flip_edges(vertices: np.ndarray, faces: np.ndarray, max_rounds: int = 4) -> np.ndarray:
    """Replace the shared edge of two triangles by their other diagonal where that evens out the valences.

    A flip must keep both normals within 53 degrees of the old surface, so that no crease is cut.
    """
    triangles = [list(map(int, face)) for face in faces]
    for _ in range(max_rounds):
        if _flip_round(vertices, triangles) == 0:
            break
    return np.array(triangles)


def _flip_round(vertices: np.ndarray, triangles: list[list[int]]) -> int:
    faces_of_edge: dict[tuple[int, int], list[int]] = {}
    for index, triangle in enumerate(triangles):
        for k in range(3):
            faces_of_edge.setdefault(_edge(triangle[k], triangle[(k + 1) % 3]), []).append(index)
    valence = np.bincount(np.array(list(faces_of_edge)).ravel(), minlength=len(vertices))
    present, touched, num_flips = set(faces_of_edge), set(), 0
    for edge, shared in faces_of_edge.items():
        if len(shared) != 2 or shared[0] in touched or shared[1] in touched:
            continue
        first, second = triangles[shared[0]], triangles[shared[1]]
        start, end = edge if first[(first.index(edge[0]) + 1) % 3] == edge[1] else edge[::-1]
        left = next(vertex for vertex in first if vertex not in edge)
        right = next(vertex for vertex in second if vertex not in edge)
        if _edge(left, right) in present or not _evens_out(valence, start, end, left, right):
            continue
        if not _keeps_surface(vertices, start, end, left, right):
            continue
        triangles[shared[0]], triangles[shared[1]] = [start, right, left], [right, end, left]
        touched.update(shared)
        present.remove(edge)
        present.add(_edge(left, right))
        valence[[start, end]] -= 1
        valence[[left, right]] += 1
        num_flips += 1
    return num_flips


def _edge(first: int, second: int) -> tuple[int, int]:
    return (first, second) if first < second else (second, first)


def _evens_out(valence: np.ndarray, start: int, end: int, left: int, right: int) -> bool:
    before = sum((int(valence[vertex]) - 6) ** 2 for vertex in (start, end, left, right))
    after = sum((int(valence[vertex]) - 7) ** 2 for vertex in (start, end))
    after += sum((int(valence[vertex]) - 5) ** 2 for vertex in (left, right))
    return after < before


def _keeps_surface(vertices: np.ndarray, start: int, end: int, left: int, right: int) -> bool:
    def normal(a: int, b: int, c: int) -> np.ndarray:
        return np.cross(vertices[b] - vertices[a], vertices[c] - vertices[a])

    old = normal(start, end, left) + normal(end, start, right)
    for new in (normal(start, right, left), normal(right, end, left)):
        if new @ old < MIN_NORMAL_AGREEMENT * np.linalg.norm(new) * np.linalg.norm(old):
            return False
    return True


def neighbour_average(faces: np.ndarray, num_vertices: int) -> csr_matrix:
    """The sparse matrix [V, V] that replaces each vertex's value by the mean of its neighbours'."""
    edges = unique_edges(faces)[0]
    rows, columns = np.concatenate([edges, edges[:, ::-1]]).T
    adjacency = coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(num_vertices, num_vertices)).tocsr()
    return csr_matrix(diags(1 / np.asarray(adjacency.sum(axis=1)).ravel()) @ adjacency)


def relax_tangentially(
    vertices: np.ndarray,
    faces: np.ndarray,
    movable: np.ndarray,
    surface_gradient: Callable[[np.ndarray], np.ndarray],
    project: Callable[[np.ndarray], np.ndarray],
    iterations: int,
) -> np.ndarray:
    """Move vertices half way to their neighbours' mean within the surface.

    Args:
        vertices: [V, 3].
        faces: [F, 3].
        movable: [V] bool; the others stay where they are.
        surface_gradient: points [N, 3] -> outward direction [N, 3], of any length.
        project: puts points back onto the surface.
        iterations: more than a few pull vertices off sharply curved places such as fingertips.
    """
    average = neighbour_average(faces, len(vertices))
    for _ in range(iterations):
        normals = surface_gradient(vertices)
        normals = normals / (np.linalg.norm(normals, axis=1, keepdims=True) + 1e-9)
        step = average @ vertices - vertices
        step -= (step * normals).sum(axis=1, keepdims=True) * normals
        vertices = np.where(movable[:, None], project(vertices + 0.5 * step), vertices)
    return vertices
